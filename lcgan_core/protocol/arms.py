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
    passes: float = 1.0
    """Passes over its slices, as a multiple of the profile's."""

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
    "both_equal_steps": Arm(
        "+ both, as many steps as Original", ("gan", "traditional"), passes=1 / 3
    ),
    "copy_paste": Arm("+ copies with pasted lesions", ("copy_paste",)),
    "copy_paste_equal": Arm("+ lesions pasted into slices without any", ("copy_paste_equal",)),
    "geometry": Arm("+ traditional aug. without blur and contrast", ("geometry",)),
    "permuted": Arm("+ slices with another slice's mask", ("permuted",)),
    "l1_only": Arm("+ generated without discriminator", ("l1_only",)),
    "online": Arm("+ traditional aug., new at every step", ("original",), redrawn=True),
}
PAPER = ("original", "gan", "traditional", "both")
LARGEST = 3
"""The paper's largest arm trains on 3N slices; with `equal_steps` every arm takes as many steps."""
