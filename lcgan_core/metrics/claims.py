"""The paper's claims and a reviewer's questions, as weighted sums of cells.

`verdicts` tests them on a run. Statements of the paper that compare no numbers of its tables, such
as that training took longer, are not here.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from lcgan_core.lesions import FIVE
from lcgan_core.metrics.same_types import SAME
from lcgan_core.protocol.paper import comparable, percent

MAIN, WITH_ALL = "both_raises_dice_image", "both_keeps_dice_image_with_all_data"
"""Ids of the paper's main claim, which is about scarce data, and of its counterpart."""
PRIMARY, EXPLORATORY, QUESTION = "primary", "exploratory", "question"
"""Roles: the one declared outcome, the paper's other claims, and a reviewer's questions."""
ALL = "all"
"""In place of a lesion class: all of them together."""


class Measure(NamedTuple):
    """A cell in words, and the metric and lesion class that name it."""

    says: str
    metric: str
    lesion: str = ALL


MEASURES = {
    "dice_image": Measure("the Dice per image", "dice_image"),
    "precision": Measure("precision", "precision"),
    "recall": Measure("recall", "recall"),
}
_OF_TYPES = {SAME: Measure("the mean Dice of the types", SAME)}
COMPARISONS = (
    ("both_raises", "both kinds of copy raise {}", "both", "original"),
    ("gan_raises", "GAN copies alone raise {}", "gan", "original"),
    ("traditional_raises", "traditional copies alone raise {}", "traditional", "original"),
    ("traditional_beats_gan_in", "traditional copies alone raise {} more than GAN copies alone",
     "traditional", "gan"),
    ("both_beats_traditional_in", "both kinds together raise {} more than traditional copies alone",
     "both", "traditional"),
    ("both_beats_gan_in", "both kinds together raise {} more than GAN copies alone",
     "both", "gan"),
)  # fmt: skip
"""What the paper claims of every subset and measure, the main one first: id, text, arms."""
QUESTIONS = {
    ("gan", "duplicate2"): "GAN copies add more than the same slices once more",
    ("gan", "copy_paste"): "GAN copies add more than copies with pasted lesions",
    ("copy_paste_equal", "gan"): "lesions pasted at equal foreground add more than GAN copies",
    ("gan", "l1_only"): "the discriminator adds to a generator trained on L1 alone",
    ("gan", "permuted"): "GAN copies add more than slices with another slice's mask, the floor",
    ("oracle", "gan"): "new patients around the same masks, the ceiling, add more than GAN copies",
    ("gan", "gan_first"): "the chosen snapshot does better than the first",
    ("gan", "gan_last"): "the chosen snapshot does better than the last",
    ("gan", "gan_random"): "the chosen snapshot does better than one taken at random",
    ("gan", "gan_worst"): "the chosen snapshot does better than the one with the worst scores",
    ("gan_noise", "gan"): "scanner noise improves GAN copies",
    ("gan2", "gan"): "two GAN copies of each slice do better than one",
    ("gan4", "gan"): "four GAN copies of each slice do better than one",
    ("gan8", "gan"): "eight GAN copies of each slice do better than one",
    ("geometry", "original"): "traditional copies without changes of intensity help",
    ("geometry", "traditional"): "traditional copies do better without changes of intensity",
    ("both", "duplicate3"): "both kinds of copy add more than the same slices twice more",
    ("both", "traditional3"): "GAN copies add more than a second traditional copy",
    ("both", "online"): "both kinds of copy add more than transforming anew at every step",
    ("both_equal_epochs", "both"): "both kinds of copy do better with equal epochs",
    ("pretrained", "original"): "training on synthetic slices before the real ones helps",
    ("pretrained", "gan"): "synthetic slices help more before the real ones than among them",
    ("inpaint", "duplicate2"): "inpainted copies add more than the same slices once more",
    ("both_inpaint", "duplicate3"): "inpainted and traditional copies add more than repetition",
    ("flow", "duplicate2"): "a flow's copies add more than the same slices once more",
    ("both_flow", "duplicate3"): "a flow's and traditional copies add more than repetition",
    ("original_again", "original"): "another seed alone changes the result",
}
"""(arm, baseline) -> the statement that is tested; the last one is a check of the method."""

Terms = tuple[tuple[float, float, str], ...]


class Claim(NamedTuple):
    """A weighted sum of cells, and what is claimed of it: above 0, or within a point of 0.

    The same statement about another fraction is another claim with the same id: `id` and `share`
    together identify a claim, and with the segmenter a row of claims.csv.
    """

    id: str
    says: str
    terms: Terms
    """(weight, fraction, arm)"""
    metric: str = "dice_image"
    lesion: str = ALL
    within_a_point: bool = False
    role: str = EXPLORATORY
    of_paper: bool = True
    """Whether the paper states it."""

    @property
    def fractions(self) -> list[float]:
        """The fractions of the training patients that it is about, ascending."""
        return sorted({fraction for _, fraction, _ in self.terms})

    @property
    def share(self) -> str:
        """The same in words, as in claims.csv: "2.5% and 25%"."""
        return " and ".join(map(percent, self.fractions))


def outcome(primary: str = ALL) -> tuple[str, Measure]:
    """The primary outcome, its name in ids and its measure: the Dice per image, of all classes
    together or of one.

    >>> outcome()[0], outcome("PHE")[0]
    ('dice_image', 'dice_image_of_phe')
    """
    if primary == ALL:
        return "dice_image", MEASURES["dice_image"]
    says = f"the Dice of {primary} per image"
    return f"dice_image_of_{primary.lower()}", Measure(says, "dice_instance", primary)


def claims(fractions: Iterable[float], names: Collection[str], primary: str = ALL) -> list[Claim]:
    """The paper's claims if `names` are its classes, the same of the primary outcome, questions.

    `fractions` of the training patients: all below 1 are scarce data, 1 is all the data. Of other
    classes, or of one class (`primary`), the paper claims nothing: what it says of the Dice per
    image is asked of them. The questions are about the primary outcome too.
    """
    subsets = sorted(fraction for fraction in set(fractions) if fraction < 1)
    name, measure = outcome(primary)
    cell = measure.metric, measure.lesion
    asked = [
        Claim(f"{arm}_over_{baseline}", says, _minus(fraction, arm, baseline), *cell,
              role=QUESTION, of_paper=False)
        for (arm, baseline), says in QUESTIONS.items()
        for fraction in subsets
    ]  # fmt: skip
    if comparable(names) and primary == ALL:
        return [*_of_paper(subsets), *asked]
    others = [claim._replace(role=EXPLORATORY) for claim in _of_paper(subsets)]
    own = [claim._replace(of_paper=False) for claim in _of_outcome(subsets, {name: measure})]
    return [*(others if comparable(names) else ()), *own, *asked]


def _of_paper(subsets: Sequence[float]) -> list[Claim]:
    main, *others = _of_subsets(subsets, MEASURES)
    others += _of_subsets_alone(subsets)
    of_several = [*_gaps(subsets), *_by_type(subsets)] if subsets else []
    return [
        *main,
        *_with_all_data(MEASURES | _OF_TYPES),
        *itertools.chain(*others),
        *_trends(subsets, MEASURES),
        *of_several,
    ]


def _of_outcome(subsets: Sequence[float], of: Mapping[str, Measure]) -> list[Claim]:
    """What the paper says of its outcome, asked of one measure."""
    main, *others = _of_subsets(subsets, of)
    return [*main, *_with_all_data(of), *itertools.chain(*others), *_trends(subsets, of)]


def _of_subsets(subsets: Sequence[float], of: Mapping[str, Measure]) -> list[list[Claim]]:
    """Each comparison in each measure as one claim of each subset; the first is primary."""
    made = [
        [
            Claim(f"{stem}_{name}", says.format(measure.says), _minus(fraction, arm, baseline),
                  measure.metric, measure.lesion)
            for fraction in subsets
        ]
        for stem, says, arm, baseline in COMPARISONS
        for name, measure in of.items()
    ]  # fmt: skip
    made[0] = [claim._replace(role=PRIMARY) for claim in made[0]]
    return made


def _of_subsets_alone(subsets: Sequence[float]) -> list[list[Claim]]:
    """What the paper states of every subset and of one measure only."""
    mean = "both kinds of copy raise the mean Dice of the types"
    augmented = (
        "traditional copies in the GAN's training change the Dice per image by under a point"
    )
    return [
        [Claim("both_raises_mean_of_types", mean, _gain(f), SAME) for f in subsets],
        [
            Claim(
                "gan_augmented_keeps_dice_image", augmented, _minus(f, "gan_augmented", "gan"),
                within_a_point=True,
            )
            for f in subsets
        ],
    ]  # fmt: skip


def with_all_data(main: str) -> str:
    """Id of the counterpart, with all the data, of a primary claim about scarce data.

    >>> with_all_data(MAIN) == WITH_ALL
    True
    """
    return f"{main.replace('_raises_', '_keeps_')}_with_all_data"


def _with_all_data(of: Mapping[str, Measure]) -> list[Claim]:
    kinds = {"both": "both kinds of copy change", "gan": "GAN copies change"}
    kinds["traditional"] = "traditional copies change"
    first = next(iter(of))
    asked = [("both", name) for name in of]
    asked += [(arm, first) for arm in ("gan", "traditional")]
    return [
        Claim(
            f"{arm}_keeps_{name}_with_all_data",
            f"with all the data {kinds[arm]} {of[name].says} by less than a point",
            _minus(1.0, arm, "original"),
            of[name].metric,
            of[name].lesion,
            within_a_point=True,
        )
        for arm, name in asked
    ]


def _trends(subsets: Sequence[float], of: Mapping[str, Measure]) -> list[Claim]:
    """That copies add less as data grow; it takes two subsets."""
    return [
        Claim(
            f"gain_in_{name}_is_larger_with_smallest_subset",
            f"the gain in {measure.says} is larger with the smallest subset than with the largest",
            (*_gain(subsets[0]), *_minus(subsets[-1], "original", "both")),
            measure.metric,
            measure.lesion,
        )
        for name, measure in of.items()
        if len(subsets) > 1
    ]


def _gaps(subsets: Sequence[float]) -> list[Claim]:
    """How far a subset stays behind all the data, without and with copies."""
    largest, loss = subsets[-1], _minus(1.0, "original", "both")
    behind = "all the data do better than the largest subset"
    return [
        Claim("all_data_beat_largest_subset", behind, _behind(largest, "original")),
        Claim(
            "all_data_beat_both_at_largest_subset",
            f"{behind} with both kinds of copy",
            _behind(largest, "both"),
        ),
        *(
            Claim(
                "gap_to_all_data_shrinks",
                "both kinds of copy bring the subset nearer to all the data, if both have them",
                (*_gain(fraction), *loss),
            )
            for fraction in subsets
        ),
    ]


def _by_type(subsets: Sequence[float]) -> list[Claim]:
    """The Dice of each type, as a mean over the subsets: where found, and with misses as 0.

    The first is the paper's, and needs patients in whom both arms find the type; the second can be
    decided wherever there are patients with the type.
    """
    mean = tuple((w / len(subsets), at, arm) for f in subsets for w, at, arm in _gain(f))
    readings = {
        "dice_class_detected": ("", "where found"),
        "dice_instance": ("_or_0", "misses as 0"),
    }
    return [
        Claim(
            f"both_raises_dice_of_{name.lower()}{ending}",
            f"both kinds of copy raise the Dice of {name}, {how}",
            mean,
            metric,
            name,
        )
        for metric, (ending, how) in readings.items()
        for name in FIVE.names
    ]


def _minus(fraction: float, arm: str, baseline: str) -> Terms:
    return (1.0, fraction, arm), (-1.0, fraction, baseline)


def _gain(fraction: float) -> Terms:
    return _minus(fraction, "both", "original")


def _behind(fraction: float, arm: str) -> Terms:
    return (1.0, 1.0, "original"), (-1.0, fraction, arm)
