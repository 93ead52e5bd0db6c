"""Settings: everything that a run depends on, by group, with limits and defaults."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from lcgan_core.protocol import methods
from lcgan_core.protocol.arms import ARMS, PAPER

IN_SILICO, OWN = "in-silico", "own head CTs"
"""What a result calls its cohort: a user's path might name a person."""
GIVEN = "given"
"""As the source of a profile's cohort: every run has to name its folder."""

Precision = Literal["auto", "float32"]
"""auto: bfloat16 autocast where the hardware has it."""


ImageSize = Literal[64, 128, 256, 512]
"""Rows and columns of every slice of a run, in pixels."""


MOST = 10**9
"""More than any count in a profile can mean."""
Width = Annotated[int, Field(ge=1, le=4096)]
"""Channels."""
Batch = Annotated[int, Field(ge=1, le=2**16)]
Count = Annotated[int, Field(ge=1, le=MOST)]
Rate = Annotated[float, Field(gt=0, le=1000)]


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Cohort(Group):
    # or a folder: head CTs as in the data guide, or a slice store; GIVEN: a run has to name one
    source: str = IN_SILICO
    patients: int = Field(36, ge=2, le=100_000)  # in-silico cohort only, as are matrix and slices
    matrix: int = Field(512, ge=64, le=1024)
    slices: int = Field(32, ge=4, le=1024)
    annotator_mm: float = Field(0.0, ge=0, le=10)  # SD of the hand that draws its masks
    test_share: float = Field(0.2, gt=0, lt=1)  # of the patients, if the same test in every draw
    folds: int = Field(0, ge=0, le=1000)  # 0: they are; else each draw tests another fold
    validation_share: float = Field(0.2, gt=0, lt=1)  # of a subset's patients, at least one
    lesion_only: bool = True  # only slices with haemorrhage go to the networks (paper 4.2)

    @field_validator("folds")
    @classmethod
    def _more_than_one(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError("a single fold leaves nobody to train on; give 0 or at least 2")
        return folds


class Window(Group):
    level: float = Field(50.0, ge=-1024, le=3071)  # HU
    width: float = Field(100.0, gt=0, le=4096)  # HU


class Lcgan(Group):
    width: Width
    snapshots: tuple[Count, ...] = Field(min_length=1)  # epochs; the last one ends the training
    batch: Batch = 1
    mask_encoding: Literal["rgb", "onehot"] = "rgb"
    bottleneck_norm: bool = True
    learning_rate: Rate = 2e-4
    l1_weight: float = Field(100.0, ge=0, le=1e6)
    synthesis_noise: bool = True  # dropout at synthesis too: the z of Eq. 1
    synthesis_batch: Batch = 1  # masks that share the batch statistics at synthesis
    synthesis_scale: Literal["matched", "port"] = "matched"  # port: heads 286/256 too large
    precision: Precision = "auto"


class Flow(Group):
    width: int = Field(32, ge=8, le=4096, multiple_of=8)  # channels of the first level
    patch: Literal[1, 2, 4] = 2  # pixels whose square is one place of the network
    # after how many steps of the optimiser a candidate is kept, in whole epochs; the last ends it
    steps: tuple[Count, ...] = Field((2000, 4000), min_length=1)
    batch: Batch = 8
    learning_rate: Rate = 5e-4
    guidance: float = Field(2.0, ge=1, le=1000)  # 1: the velocity of the mask as it is
    synthesis_steps: int = Field(20, ge=10, le=50)
    precision: Precision = "auto"


Transformation = Literal["rotation", "scale", "shear", "blur", "contrast"]


class Traditional(Group):
    transformations: tuple[Transformation, ...] = get_args(Transformation)  # in this order
    # of "each pixel intensity was increased randomly by up to 50%" (paper 4.3)
    contrast: Literal["gain", "about_mean", "hu_offset", "per_pixel"] = "gain"


class Segmentation(Group):
    width: Width
    border: Literal[100, 1] = 100
    scale: Literal[1, 2] = 1  # how many times its input is enlarged
    # of the optimiser, for every arm: one number for all fractions, or one for each
    steps: tuple[Count, ...] = Field(min_length=1)
    batch: Batch
    weights: str = "none"  # none, imagenet, hed, or a file
    batch_norm: bool
    optimizer: Literal["adam", "sgd"]  # Adam's rate falls linearly to zero
    learning_rate: Rate
    precision: Precision = "auto"

    @field_validator("steps", mode="before")
    @classmethod
    def _one_or_several(cls, steps: Any) -> Any:
        return steps if isinstance(steps, (list, tuple)) else (steps,)


class Unet(Group):
    width: Width = 16  # channels of the first level; nnU-Net has 32
    batch: Batch = 4
    learning_rate: Rate = 2e-3
    augmented: bool = True  # slices turned, scaled, sheared and mirrored anew at every step
    mirrored: bool = False  # segmented as they are and mirrored, and averaged
    precision: Precision = "auto"


class Realism(Group):
    steps: Count  # of the optimiser, for each of the two classifiers
    batch: int = Field(ge=2, le=2**16)
    learning_rate: Rate
    threshold: float = Field(0.10, ge=0, le=1)
    precision: Precision = "auto"


class Evaluation(Group):
    resamples: int = Field(1000, ge=10, le=1_000_000)
    primary: str = "all"  # the class whose Dice per image is the primary outcome; or all together


class Config(Group):
    """A profile with its overrides: everything that a run depends on."""

    profile: str
    file: str = ""  # the path of a profile that is not shipped
    seed: int = Field(ge=0, lt=2**63)
    image_size: ImageSize
    fractions: tuple[float, ...] = Field(min_length=1)
    # of patients and seeds: one number for all fractions, or one for each
    draws: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(1, validate_default=True)
    cohort: Cohort
    window: Window = Window()
    lcgan: Lcgan
    flow: Flow = Flow()
    traditional: Traditional = Traditional()
    segmentation: Segmentation
    unet: Unet = Unet()
    realism: Realism
    arms: tuple[str, ...] = PAPER
    segmenters: tuple[str, ...] = Field((methods.default_segmenter(),), min_length=1)
    arms_of_others: tuple[str, ...] = ()  # of segmenters after the first; empty: the same
    # the largest fraction and draw with more than the paper's arms by the first segmenter
    controls_up_to: float = Field(1.0, gt=0, le=1)
    control_draws: int = Field(1000, ge=1)
    equal_steps: bool = True  # False: equal epochs, so an arm of 3N slices takes 3 times the steps
    judge: Literal["full", "subset"] = "full"  # whose FCN score decides: see stage 3
    judge_segmenter: str = methods.default_segmenter()
    evaluation: Evaluation = Evaluation()
    overrides: dict[str, Any] = {}

    @field_validator("fractions")
    @classmethod
    def _ascending_to_all(cls, fractions: tuple[float, ...]) -> tuple[float, ...]:
        ascend = all(one < other for one, other in itertools.pairwise((0.0, *fractions)))
        if not ascend or fractions[-1] != 1:
            raise ValueError("fractions must ascend from above 0 to 1.0")
        if len({f"{fraction:g}" for fraction in fractions}) < len(fractions):
            raise ValueError("fractions must differ within six digits")
        return fractions

    @field_validator("draws", mode="before")
    @classmethod
    def _one_a_fraction(cls, draws: Any, info: ValidationInfo) -> Any:
        fractions = info.data.get("fractions", ())
        if not isinstance(draws, (list, tuple)):
            return (draws,) * len(fractions)
        if len(draws) != len(fractions):
            raise ValueError(
                f"give one whole number, or {len(fractions)} of them, one for each fraction"
            )
        return draws

    @field_validator("segmentation")
    @classmethod
    def _steps_of_fractions(cls, group: Segmentation, info: ValidationInfo) -> Segmentation:
        fractions = info.data.get("fractions", ())
        if len(group.steps) not in (1, len(fractions)):
            raise ValueError(
                f"give one number of steps, or {len(fractions)} of them, one for each fraction"
            )
        return group

    @field_validator("arms", "arms_of_others")
    @classmethod
    def _known_arms(cls, arms: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        allowed = info.data.get("arms", ARMS)
        if unknown := [arm for arm in arms if arm not in allowed]:
            raise ValueError(f"'{unknown[0]}' is not an arm; allowed: {', '.join(allowed)}")
        needed = set(PAPER if arms or info.field_name == "arms" else ())
        if len(set(arms)) < len(arms) or not needed <= set(arms):
            raise ValueError(f"the arms must be {', '.join(PAPER)} and any others, each once")
        return arms

    @field_validator("arms")
    @classmethod
    def _simulated(cls, arms: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        cohort = info.data.get("cohort")
        drawn = [arm for arm in arms if "oracle" in ARMS[arm].copies]
        if drawn and cohort and cohort.source != IN_SILICO:
            raise ValueError(
                f"the arm {drawn[0]} needs the in-silico cohort, because a real scan has no "
                "simulator; leave it out"
            )
        return arms

    @field_validator("segmenters", "judge_segmenter")
    @classmethod
    def _known_segmenters(cls, named: Any) -> Any:
        listed = [named] if isinstance(named, str) else named
        unknown = [name for name in listed if name not in methods.SEGMENTERS]
        if unknown:
            allowed = ", ".join(methods.SEGMENTERS)
            raise ValueError(f"'{unknown[0]}' is not a segmenter; allowed: {allowed}")
        if len(set(listed)) < len(listed):
            raise ValueError("each segmenter may be named only once")
        return named

    @property
    def subsets(self) -> tuple[float, ...]:
        """The fractions below 1, ascending; only 1 if there is no other."""
        return self.fractions[:-1] or self.fractions

    @property
    def shown_fraction(self) -> float:
        """The fraction of pages that show only one: the largest subset, which has most to show."""
        return self.subsets[-1]

    @property
    def middle_fraction(self) -> float:
        """The second of the subsets, for which the paper shows its Figs. 3 and 5."""
        return self.subsets[:2][-1]

    @property
    def page_fraction(self) -> float:
        """The fraction of the stages' pages: the notebooks' default if the profile has it."""
        return 0.25 if 0.25 in self.fractions else self.shown_fraction

    def arms_at(self, fraction: float, draw: int = 1, segmenter: str = "") -> tuple[str, ...]:
        """The arms of a draw of a fraction, by a segmenter, which is the first if not given."""
        first = segmenter in ("", self.segmenters[0])
        if fraction <= self.controls_up_to and draw <= self.control_draws:
            return self.arms if first else self.arms_of_others or self.arms
        return PAPER if first else ()

    def draws_at(self, fraction: float) -> range:
        """The draws of a fraction, counted from 1."""
        return range(1, 1 + self.draws[self.fractions.index(fraction)])

    def steps_at(self, fraction: float) -> int:
        """The optimiser steps of a segmenter that trains on a fraction of the patients."""
        steps = self.segmentation.steps
        return steps[self.fractions.index(fraction)] if len(steps) > 1 else steps[0]

    def times(self, arm: str) -> float:
        """The optimiser steps of an arm, as a multiple of those of `original`."""
        return ARMS[arm].steps if self.equal_steps else 1 + len(ARMS[arm].copies)

    @property
    def cohort_name(self) -> str:
        """What results and provenance call the cohort."""
        return IN_SILICO if self.cohort.source == IN_SILICO else OWN

    def nameless(self) -> dict[str, Any]:
        """All settings as JSON, without the paths of the cohort and of the weights."""
        dumped = self.model_dump(mode="json", exclude={"file"})
        weights = Path(self.segmentation.weights).name
        dumped["cohort"]["source"], dumped["segmentation"]["weights"] = self.cohort_name, weights
        known = {"cohort": self.cohort_name, "segmentation_weights": weights}
        dumped["overrides"] |= {k: v for k, v in known.items() if k in dumped["overrides"]}
        return dumped

    @property
    def name(self) -> str:
        """Name of the folder under runs/: the profile, and a hash if settings were overridden."""
        if not self.overrides:
            return self.profile
        text = json.dumps(self.overrides, sort_keys=True, default=str)
        return f"{self.profile}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
