"""What may be chosen by name: generators, segmenters, kinds of copy and formats, one line each.

A method is named, not imported, so that reading the graph loads no network library, and so that a
new line here makes only those jobs stale that use it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from lcgan_core.errors import UserError


class Method(NamedTuple):
    """Where a method is defined ("package.module:name"), and the settings that it reads."""

    place: str
    settings: tuple[str, ...] = ()
    """Names of the profile's fields and groups, as in ("lcgan", "window.width")."""


GENERATORS = {
    "lcgan": Method("lcgan_core.generators.lcgan:LcGan", ("lcgan",)),
    "l1_only": Method("lcgan_core.generators.l1_only:L1Only", ("lcgan",)),
    "lcgan_augmented": Method(
        "lcgan_core.generators.augmented:LcGanAugmented", ("lcgan", "traditional")
    ),
    "inpaint": Method("lcgan_core.generators.inpaint:Inpaint", ("lcgan",)),
    "flow": Method("lcgan_core.generators.flow:RectifiedFlow", ("flow",)),
}
"""Methods that paint a slice around a mask: `generators.base.Generator`."""

INTO_PATIENTS = ("inpaint",)
"""Generators that need slices of their training patients to paint into."""

SEGMENTERS = {
    "fcn8s": Method("lcgan_core.segmenters.fcn8s:Fcn8s", ("segmentation",)),
    "unet": Method("lcgan_core.segmenters.unet:Unet2d", ("segmentation.steps", "unet")),
    "unet_efficientnet": Method(
        "lcgan_core.segmenters.unet_efficientnet:UnetEfficientNet", ("segmentation.steps", "unet")
    ),
}
"""Methods that outline lesions: `segmenters.base.Segmenter`; the first is the default."""

COPIES = {
    "traditional": Method("lcgan_core.copies.traditional:copies", ("traditional",)),
    "traditional2": Method("lcgan_core.copies.traditional:copies", ("traditional",)),
    "geometry": Method("lcgan_core.copies.traditional:geometry", ("traditional.transformations",)),
    "copy_paste": Method("lcgan_core.copies.copy_paste:copies"),
    "copy_paste_equal": Method("lcgan_core.copies.copy_paste:equal"),
    "permuted": Method("lcgan_core.copies.permuted:copies"),
    "oracle": Method(
        "lcgan_core.phantom.oracle:copies", ("cohort.source", "cohort.matrix", "cohort.slices")
    ),
}
"""Copies that no network paints: `copies.base.Copies`.

Two names of one function use different random numbers."""


class Painted(NamedTuple):
    """How the copies of a kind are painted."""

    generator: str
    candidate: str = "chosen"
    """Which of the generator's candidates: chosen or worst by the criteria, first, last, random."""
    number: int = 1
    """The copies of another number have other noise."""
    noise: bool = False
    """Whether the noise of a scanner is added to them."""

    def settings(self) -> dict[str, Any]:
        """What determines the copies, without the fields that have their default.

        >>> Painted("lcgan", "worst").settings()
        {'generator': 'lcgan', 'candidate': 'worst'}
        """
        return {k: v for k, v in self._asdict().items() if v != self._field_defaults.get(k)}


PAINTED = {
    "gan": Painted("lcgan"),
    "gan_first": Painted("lcgan", "first"),
    "gan_last": Painted("lcgan", "last"),
    "gan_random": Painted("lcgan", "random"),
    "gan_worst": Painted("lcgan", "worst"),
    **{f"gan_copy{number}": Painted("lcgan", number=number) for number in range(2, 9)},
    "gan_noise": Painted("lcgan", noise=True),
    "gan_augmented": Painted("lcgan_augmented"),
}
"""Kind of copy -> how it is painted; a generator without a line paints the kind of its own name."""
BY_CRITERIA = ("chosen", "worst")
"""Candidates that follow from a selection; the others only from the training."""

FORMATS = {
    "dicom": Method("lcgan_core.cohort.dicom:find"),
    "nifti": Method("lcgan_core.cohort.nifti:find"),
    "png": Method("lcgan_core.cohort.pictures:find"),
    "ct-ich": Method("lcgan_core.cohort.public.ct_ich:find"),
    "bhsd": Method("lcgan_core.cohort.public.bhsd:find"),
    "instance22": Method("lcgan_core.cohort.public.instance22:find"),
    "seg-cq500": Method("lcgan_core.cohort.public.seg_cq500:find"),
    "hemseg": Method("lcgan_core.cohort.public.hemseg:find"),
    "mbh-seg25": Method("lcgan_core.cohort.public.mbh_seg25:find"),
    "phe-sich": Method("lcgan_core.cohort.public.phe_sich:find"),
}
"""Layouts that head CTs come in; a public set's module also has `is_here(folder)`."""


def default_segmenter() -> str:
    """The segmenter of the paper."""
    return next(iter(SEGMENTERS))


def painted(kind: str) -> Painted | None:
    """How a kind of copy is painted; None for a copy that no network paints.

    >>> painted("gan_worst").candidate, painted("l1_only").generator, painted("traditional")
    ('worst', 'l1_only', None)
    """
    return PAINTED.get(kind) or (Painted(kind) if kind in GENERATORS else None)


def generator_of(kind: str) -> str | None:
    """The generator that paints a kind of copy; None for a copy that no network paints.

    >>> generator_of("gan"), generator_of("l1_only"), generator_of("traditional")
    ('lcgan', 'l1_only', None)
    """
    how = painted(kind)
    return how.generator if how else None


def kind_of(generator: str) -> str:
    """The kind of copy that a generator paints with its chosen candidate.

    >>> kind_of("lcgan"), kind_of("l1_only")
    ('gan', 'l1_only')
    """
    return next((kind for kind, how in PAINTED.items() if how == Painted(generator)), generator)


def kinds() -> list[str]:
    """Every kind of copy that an arm may take, the slices themselves included."""
    return list(dict.fromkeys(["original", *PAINTED, *map(kind_of, GENERATORS), *COPIES]))


def load(method: Method, functions: Iterable[str] = (), attributes: Iterable[str] = ()) -> Any:
    """The class or function of a method, which has all of `functions` and `attributes`.

    Raises UserError naming what is missing.
    """
    module, _, name = method.place.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, SyntaxError, AttributeError) as error:
        raise UserError(f"{method.place} cannot be loaded ({error}); correct its line.") from None
    missing = [f"the function {f}" for f in functions if not callable(getattr(found, f, None))]
    missing += [f"the attribute {each}" for each in attributes if not hasattr(found, each)]
    if missing:
        file = getattr(sys.modules[module], "__file__", module)
        raise UserError(f"{name} in {file} lacks {missing[0]}; see the protocol's base.py.")
    return found
