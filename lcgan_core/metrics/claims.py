"""The paper's claims and a reviewer's questions, as weighted sums of cells.

`verdicts` tests them on a run. Statements of the paper that compare no numbers of its tables, such
as that training took longer, are not here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from lcgan_core.lesions import FIVE
from lcgan_core.metrics.same_types import SAME
from lcgan_core.protocol.paper import comparable, percent

MAIN, WITH_ALL = "both_raises_dice_image", "both_keeps_dice_image_with_all_data"
"""Ids of the paper's main claim, which is about scarce data, and of its counterpart."""
PRIMARY, EXPLORATORY, QUESTION = "primary", "exploratory", "question"
"""Roles: the one declared outcome, the paper's other claims, and a reviewer's questions."""
MEASURES = {"dice_image": "the Dice per image", "precision": "precision", "recall": "recall"}
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
    lesion: str = "all"
    within_a_point: bool = False
    role: str = EXPLORATORY

    @property
    def of_paper(self) -> bool:
        """Whether the paper states it."""
        return self.role != QUESTION

    @property
    def fractions(self) -> list[float]:
        """The fractions of the training patients that it is about, ascending."""
        return sorted({fraction for _, fraction, _ in self.terms})

    @property
    def share(self) -> str:
        """The same in words, as in claims.csv: "2.5% and 25%"."""
        return " and ".join(map(percent, self.fractions))


def claims(fractions: Iterable[float], names: Collection[str]) -> list[Claim]:
    """The paper's claims if `names` are its classes, then the questions.

    `fractions` of the training patients: all below 1 are scarce data, 1 is all the data.
    """
    subsets = sorted(fraction for fraction in set(fractions) if fraction < 1)
    asked = [
        Claim(f"{arm}_over_{baseline}", says, _minus(fraction, arm, baseline), role=QUESTION)
        for (arm, baseline), says in QUESTIONS.items()
        for fraction in subsets
    ]
    return [*(_of_paper(subsets) if comparable(names) else ()), *asked]


def _of_paper(subsets: Sequence[float]) -> list[Claim]:
    main, *others = _of_subsets(subsets)
    of_several = [*_trends(subsets), *_gaps(subsets), *_by_type(subsets)] if subsets else []
    return [*main, *_with_all_data(), *(claim for group in others for claim in group), *of_several]


def _of_subsets(subsets: Sequence[float]) -> list[list[Claim]]:
    """Each statement about scarce data as one claim of each subset; the main one first."""
    made = [
        [
            Claim(
                f"{stem}_{metric}", says.format(measure), _minus(fraction, arm, baseline), metric,
                role=PRIMARY if f"{stem}_{metric}" == MAIN else EXPLORATORY,
            )
            for fraction in subsets
        ]
        for stem, says, arm, baseline in COMPARISONS
        for metric, measure in MEASURES.items()
    ]  # fmt: skip
    mean = "both kinds of copy raise the mean Dice of the types"
    made.append([Claim("both_raises_mean_of_types", mean, _gain(f), SAME) for f in subsets])
    augmented = (
        "traditional copies in the GAN's training change the Dice per image by under a point"
    )
    made.append(
        [
            Claim(
                "gan_augmented_keeps_dice_image", augmented, _minus(f, "gan_augmented", "gan"),
                within_a_point=True,
            )
            for f in subsets
        ]
    )  # fmt: skip
    return made


def _with_all_data() -> list[Claim]:
    kinds = {"both": "both kinds of copy change", "gan": "GAN copies change"}
    kinds["traditional"] = "traditional copies change"
    measures = MEASURES | {SAME: "the mean Dice of the types"}
    asked = [("both", metric) for metric in measures]
    asked += [(arm, "dice_image") for arm in ("gan", "traditional")]
    return [
        Claim(
            f"{arm}_keeps_{metric}_with_all_data",
            f"with all the data {kinds[arm]} {measures[metric]} by less than a point",
            _minus(1.0, arm, "original"),
            metric,
            within_a_point=True,
        )
        for arm, metric in asked
    ]


def _trends(subsets: Sequence[float]) -> list[Claim]:
    """That copies add less as data grow; it takes two subsets."""
    return [
        Claim(
            f"gain_in_{metric}_is_larger_with_smallest_subset",
            f"the gain in {measure} is larger with the smallest subset than with the largest",
            (*_gain(subsets[0]), *_minus(subsets[-1], "original", "both")),
            metric,
        )
        for metric, measure in MEASURES.items()
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
