"""Profiles: every setting of a run, in one YAML file; single settings may be overridden."""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from lcgan_core.errors import UserError
from lcgan_core.protocol import methods
from lcgan_core.protocol.arms import ARMS, PAPER

FILES = Path(__file__).parent / "files"
IN_SILICO, OWN = "in-silico", "own head CTs"
"""What a result calls its cohort: a user's path might name a person."""

STAGE_PARAMETERS = {
    "cohort": (),
    "training": ("fraction", "generator", "draw"),
    "selection": ("fraction", "generator", "draw"),
    "augmentation": ("fraction", "generator", "draw"),
    "segmentation": ("fraction", "arm", "segmenter", "draw"),
    "evaluation": (),
}
"""What distinguishes one run of a stage from another, apart from the profile and the cohort."""


Precision = Literal["auto", "float32"]
"""auto: bfloat16 autocast where the hardware has it."""


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cohort(Group):
    source: str = IN_SILICO  # or a folder: head CTs as in the data guide, or a slice store
    patients: int = Field(ge=2)  # in-silico cohort only, as are matrix and slices
    matrix: int = Field(ge=64)
    slices: int = Field(ge=4)
    test_share: float = Field(gt=0, lt=1)
    lesion_only: bool = True  # only slices with haemorrhage go to the networks (paper 4.2)


class Window(Group):
    level: float = 50.0  # HU
    width: float = Field(100.0, gt=0)  # HU


class Lcgan(Group):
    width: int = Field(ge=1)
    snapshots: tuple[int, ...] = Field(min_length=1)  # epochs; the last one ends the training
    batch: int = Field(1, ge=1)
    mask_encoding: Literal["rgb", "onehot"] = "rgb"
    bottleneck_norm: bool = True
    learning_rate: float = Field(2e-4, gt=0)
    l1_weight: float = Field(100.0, ge=0)
    synthesis_noise: bool = True  # dropout at synthesis too: the z of Eq. 1
    synthesis_batch: int = Field(1, ge=1)  # masks that share the batch statistics at synthesis
    precision: Precision = "auto"


class Segmentation(Group):
    width: int = Field(ge=1)
    border: Literal[100, 1] = 100
    epochs: int = Field(ge=1)
    batch: int = Field(ge=1)
    weights: str = "none"  # none, imagenet, or a file
    batch_norm: bool
    optimizer: Literal["adam", "sgd"]  # Adam's rate falls linearly to zero
    learning_rate: float = Field(gt=0)
    precision: Precision = "auto"


class Realism(Group):
    epochs: int = Field(ge=1)
    batch: int = Field(ge=2)
    learning_rate: float = Field(gt=0)
    threshold: float = Field(0.10, ge=0, le=1)
    precision: Precision = "auto"


class Evaluation(Group):
    resamples: int = Field(1000, ge=10)


class Config(Group):
    """A profile with its overrides: everything that a run depends on."""

    profile: str
    file: str = ""  # the path of a profile that is not shipped
    seed: int = Field(ge=0)
    image_size: Literal[64, 128, 256, 512]
    fractions: tuple[float, ...] = Field(min_length=1)
    # of patients and seeds: one number for all fractions, or one for each
    draws: tuple[Annotated[int, Field(ge=1)], ...] = Field(1, validate_default=True)
    cohort: Cohort
    window: Window = Window()
    lcgan: Lcgan
    segmentation: Segmentation
    realism: Realism
    arms: tuple[str, ...] = PAPER
    segmenters: tuple[str, ...] = Field((methods.default_segmenter(),), min_length=1)
    controls_up_to: float = Field(1.0, gt=0, le=1)  # the largest fraction with more than PAPER
    equal_steps: bool = False  # every arm takes as many optimiser steps as one with 3N slices
    judge: Literal["full", "subset"] = "full"  # whose FCN score decides: see stage 3
    judge_segmenter: str = methods.default_segmenter()
    evaluation: Evaluation = Evaluation()
    overrides: dict[str, Any] = {}

    @field_validator("fractions")
    @classmethod
    def _ascending_to_all(cls, fractions: tuple[float, ...]) -> tuple[float, ...]:
        if list(fractions) != sorted(set(fractions)) or not fractions[0] > 0 or fractions[-1] != 1:
            raise ValueError("fractions must ascend from above 0 to 1.0")
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

    @field_validator("arms")
    @classmethod
    def _known_arms(cls, arms: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [arm for arm in arms if arm not in ARMS]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is not an arm; allowed: {', '.join(ARMS)}")
        if len(set(arms)) < len(arms) or not set(PAPER) <= set(arms):
            raise ValueError(f"the arms must be {', '.join(PAPER)} and any others, each once")
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
        """The fraction of the stages' pages: the notebooks' default where the profile has it."""
        return 0.25 if 0.25 in self.fractions else self.shown_fraction

    def arms_at(self, fraction: float) -> tuple[str, ...]:
        """The arms of a fraction: beyond `controls_up_to` only the paper's."""
        most = fraction <= self.controls_up_to
        return tuple(arm for arm in self.arms if most or arm in PAPER)

    def draws_at(self, fraction: float) -> range:
        """The draws of a fraction, counted from 1."""
        return range(1, 1 + self.draws[self.fractions.index(fraction)])

    @property
    def cohort_name(self) -> str:
        """What results and provenance call the cohort."""
        return IN_SILICO if self.cohort.source == IN_SILICO else OWN

    def nameless(self) -> dict[str, Any]:
        """All settings as JSON, without the path of the user's cohort."""
        dumped = self.model_dump(mode="json", exclude={"file"})
        dumped["cohort"]["source"] = self.cohort_name
        if "cohort" in dumped["overrides"]:
            dumped["overrides"]["cohort"] = self.cohort_name
        return dumped

    @property
    def name(self) -> str:
        """Name of the folder under runs/: the profile, and a hash if settings were overridden."""
        if not self.overrides:
            return self.profile
        text = json.dumps(self.overrides, sort_keys=True, default=str)
        return f"{self.profile}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def names() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(path.stem for path in FILES.glob("*.yaml"))


def flat_fields() -> dict[str, tuple[str, ...]]:
    """Parameter name -> place in the profile: `lcgan_width` is `lcgan: width:`."""
    fields: dict[str, tuple[str, ...]] = {"cohort": ("cohort", "source")}
    for name, field in Config.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, Group):
            fields |= {f"{name}_{inner}": (name, inner) for inner in group.model_fields}
        elif name not in ("profile", "file", "overrides"):
            fields[name] = (name,)
    del fields["cohort_source"]
    return fields


def allowed_parameters(stage: str) -> list[str]:
    """Every papermill parameter that the notebook of `stage` takes."""
    return ["profile", *STAGE_PARAMETERS[stage], *flat_fields()]


def load(profile: str = "quick", **overrides: Any) -> Config:
    """The named profile, with single settings overridden by their flat names.

    Raises UserError, listing what is allowed, for an unknown profile, parameter or value.

    >>> load("quick").name
    'quick'
    >>> load("quick", lcgan_width=4).lcgan.width
    4
    """
    path = _profile_file(profile)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read as a profile ({reason}); correct it.") from None
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise UserError(f"{path} is not a profile; write one 'name: value' per line.")
    if path.parent != FILES:
        values["file"] = str(path)
    profile = path.stem
    shipped = _validated(profile, values)
    places = {}
    for name, value in overrides.items():
        place = flat_fields().get(name)
        if place is None:
            raise UserError(unknown_parameter(name, list(flat_fields())))
        if name == "cohort":
            value = _cohort_source(value)
        *groups, last = places[name] = place
        target = values
        for step in groups:
            target = target.setdefault(step, {})
        target[last] = _listed(value) if isinstance(at(shipped, place), tuple) else value
    config = _validated(profile, values)
    # as validated, so that the same settings name the same run, whichever program passes them
    changed = {
        name: at(config, place)
        for name, place in places.items()
        if at(config, place) != at(shipped, place)
    }
    return config.model_copy(update={"overrides": changed})


def _profile_file(profile: str) -> Path:
    """The YAML file of a shipped profile, or of a user's own, given by its path."""
    if profile in names():
        return FILES / f"{profile}.yaml"
    path = Path(profile).expanduser().resolve()
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(
            f"Unknown profile '{profile}'; allowed: {', '.join(names())}, or the path of a .yaml "
            "file of the same form."
        )
    if path.stem in names():
        raise UserError(f"{path} has the name of a shipped profile; give the file another name.")
    if not path.is_file():
        raise UserError(f"There is no profile {path}; check the path.")
    return path


def at(config: Config, place: tuple[str, ...]) -> Any:
    """The setting at a place of `flat_fields`."""
    return functools.reduce(getattr, place, config)


def _listed(value: Any) -> Any:
    """A list, even if papermill's -p passed it as text."""
    return yaml.safe_load(value) if isinstance(value, str) else value


def _cohort_source(value: str) -> str:
    return IN_SILICO if value in ("", IN_SILICO) else str(Path(value).expanduser().resolve())


def _validated(profile: str, values: dict) -> Config:
    try:
        return Config.model_validate({**values, "profile": profile})
    except ValidationError as error:
        first = error.errors()[0]
        where = "_".join(str(step) for step in first["loc"])
        raise UserError(
            f"Profile '{profile}': {where} = {first['input']!r} is refused: {first['msg']}."
        ) from None


def unknown_parameter(name: str, allowed: list[str]) -> str:
    """The sentence for a misspelt parameter, with the likeliest spelling first."""
    close = difflib.get_close_matches(name, allowed, 1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return f"Unknown parameter '{name}'{hint}; allowed: {', '.join(allowed)}."


def check_fraction(config: Config, fraction: float) -> float:
    """`fraction` as a float of the profile's list, else UserError."""
    if fraction not in config.fractions:
        allowed = ", ".join(f"{value:g}" for value in config.fractions)
        raise UserError(
            f"Unknown fraction {fraction!r} for profile '{config.profile}'; allowed: {allowed}."
        )
    return float(fraction)


def check_arm(arm: str) -> str:
    """`arm` if it is known, in the profile's list or not, else UserError."""
    if arm not in ARMS:
        raise UserError(f"Unknown arm '{arm}'; allowed: {', '.join(ARMS)}.")
    return arm


def check_method(name: str, known: Mapping[str, Any], what: str) -> str:
    """`name` if it is a known generator or segmenter, else UserError."""
    if name not in known:
        raise UserError(f"Unknown {what} {name!r}; allowed: {', '.join(known)}.")
    return name


def check_draw(draw: int) -> int:
    """`draw` if it is a count from 1, within the profile's number or not, else UserError."""
    if not isinstance(draw, int) or draw < 1:
        raise UserError(f"Unknown draw {draw!r}; draws are counted 1, 2, 3 and so on.")
    return draw


def from_namespace(stage: str, namespace: Mapping[str, Any]) -> tuple[Config, dict[str, Any]]:
    """Config and stage parameters from a notebook's variables; UserError names a misspelt one.

    Papermill only warns of a parameter that the notebook does not have, and then runs with the
    default: hours later the reader looks at the wrong result.
    """
    allowed = allowed_parameters(stage)
    for name in namespace:
        if name not in allowed:
            raise UserError(unknown_parameter(name, allowed))
    given = dict(namespace)
    profile = given.pop("profile", "quick")
    own = {name: given.pop(name) for name in STAGE_PARAMETERS[stage] if name in given}
    config = load(profile, **given)
    if "fraction" in own:
        own["fraction"] = check_fraction(config, own["fraction"])
    if "arm" in own:
        own["arm"] = check_arm(own["arm"])
    for what, known in (("generator", methods.GENERATORS), ("segmenter", methods.SEGMENTERS)):
        if what in STAGE_PARAMETERS[stage]:
            own[what] = check_method(own.get(what) or next(iter(known)), known, what)
    if "draw" in STAGE_PARAMETERS[stage]:
        own["draw"] = check_draw(own.get("draw", 1))
    return config, own
