"""The arms: what a segmenter is trained on in addition to the N slices of the subset."""

from __future__ import annotations

from typing import Any, NamedTuple


class Arm(NamedTuple):
    """One line of the comparison."""

    title: str
    copies: tuple[str, ...] = ()
    """Kinds of copy in addition to the N slices, N slices each; "original" repeats the slices."""
    redrawn: bool = False
    """Whether new copies are made at every step."""
    steps: float = 1.0
    """Optimiser steps, as a multiple of the profile's."""
    pretrained: bool = False
    """Whether the first half of the steps sees only the copies, and the second only the slices."""
    other_seed: bool = False
    """Whether all random numbers of the training differ from those of the other arms."""

    def settings(self) -> dict[str, Any]:
        """What determines its network: every field but the title, without those at their default.

        >>> Arm("+ both", ("gan", "traditional")).settings()
        {'copies': ('gan', 'traditional')}
        """
        given = self._asdict()
        given.pop("title")
        return {name: v for name, v in given.items() if v != self._field_defaults[name]}


ARMS = {
    # the paper's
    "original": Arm("Selected (Original)"),
    "gan": Arm("+ GAN generated", ("gan",)),
    "traditional": Arm("+ traditional aug.", ("traditional",)),
    "both": Arm("+ both", ("gan", "traditional")),
    # controls that a reviewer would ask for
    "duplicate2": Arm("+ repeated once (2N)", ("original",)),
    "duplicate3": Arm("+ repeated twice (3N)", ("original", "original")),
    "traditional3": Arm("+ two traditional copies (3N)", ("traditional", "traditional2")),
    "both_equal_epochs": Arm(
        "+ both, as many epochs as Original", ("gan", "traditional"), steps=3.0
    ),
    "pretrained": Arm("GAN generated, then Original", ("gan",), pretrained=True),
    "original_again": Arm("Selected (Original), other seed", other_seed=True),
    "copy_paste": Arm("+ copies with pasted lesions", ("copy_paste",)),
    "copy_paste_equal": Arm("+ lesions pasted into slices without any", ("copy_paste_equal",)),
    "geometry": Arm("+ traditional aug. without blur and contrast", ("geometry",)),
    "permuted": Arm("+ slices with another slice's mask", ("permuted",)),
    "oracle": Arm("+ new in-silico patients around the masks", ("oracle",)),
    "l1_only": Arm("+ generated without discriminator", ("l1_only",)),
    "online": Arm("+ traditional aug., new at every step", ("original",), redrawn=True),
    # the paper's second contribution: do its criteria choose a good snapshot?
    "gan_first": Arm("+ GAN generated, first snapshot", ("gan_first",)),
    "gan_last": Arm("+ GAN generated, last snapshot", ("gan_last",)),
    "gan_random": Arm("+ GAN generated, random snapshot", ("gan_random",)),
    "gan_worst": Arm("+ GAN generated, worst snapshot", ("gan_worst",)),
    # other uses of the GAN
    **{
        f"gan{copies}": Arm(
            f"+ {copies} GAN generated of each",
            ("gan", *(f"gan_copy{number}" for number in range(2, copies + 1))),
        )
        for copies in (2, 4, 8)
    },
    "gan_noise": Arm("+ GAN generated, with a scanner's noise", ("gan_noise",)),
    "gan_augmented": Arm("+ GAN trained on traditional aug. too", ("gan_augmented",)),
    # today's generators; as many slices as duplicate2, and both_ as duplicate3
    "inpaint": Arm("+ lesions inpainted into other patients' slices", ("inpaint",)),
    "both_inpaint": Arm("+ inpainted and traditional aug.", ("inpaint", "traditional")),
}
PAPER = ("original", "gan", "traditional", "both")
