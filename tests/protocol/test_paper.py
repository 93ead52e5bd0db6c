"""Which of our fractions stand beside the paper's, and numbers in its notation."""

import pytest

from lcgan_core.lesions import FIVE
from lcgan_core.protocol import paper

THEIRS = [0.025, 0.1, 0.25, 1.0]


def test_the_paper_s_numbers_are_of_its_four_fractions_and_five_classes():
    table = paper.paper_results()
    assert sorted(set(table.fraction)) == THEIRS
    assert set(table.lesion) - {"all"} <= set(FIVE.names)


@pytest.mark.parametrize(
    ("ours", "pairs"),
    [
        (THEIRS, dict(zip(THEIRS, THEIRS, strict=True))),
        # as many as the paper has: by position
        ([0.125, 0.25, 0.5, 1.0], {0.125: 0.025, 0.25: 0.1, 0.5: 0.25, 1.0: 1.0}),
        # of another number: equal ones
        ([1.0], {1.0: 1.0}),
        ([0.5, 1.0], {1.0: 1.0}),
        ([0.1, 0.3, 1.0], {0.1: 0.1, 1.0: 1.0}),
        ([0.025, 0.1, 0.25, 0.5, 1.0], {f: f for f in THEIRS}),
    ],
    ids=str,
)
def test_which_fractions_stand_beside_the_paper_s(ours, pairs):
    assert paper.beside(ours) == pairs
    assert paper.beside([*reversed(ours), *ours]) == pairs, "in any order, and several times"


def test_notation():
    assert [paper.percent(f) for f in (0.025, 0.125, 1 / 3, 1.0)] == [
        "2.5%", "12.5%", "33.3333%", "100%",
    ]  # fmt: skip
    assert [paper.signed(v) for v in (0.1274, -0.05, 0.0, 1.0)] == [
        "+.127",
        "-.050",
        "+.000",
        "+1.000",
    ]


def test_only_the_paper_s_five_classes_stand_beside_it():
    assert paper.comparable(FIVE.names) and paper.comparable(reversed(FIVE.names))
    assert not paper.comparable([*FIVE.names, "PHE"])
    assert not paper.comparable(FIVE.names[:4])
