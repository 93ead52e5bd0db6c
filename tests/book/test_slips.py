"""The paper's slips, beside what was worked out by hand from the printed tables."""

import pytest

from lcgan_core.book.pages.slips import slips

BY_HAND = {
    "12.8%": (".127, .060, .016", "52.0%, 12.6%, 2.8%"),
    "3% worse": ("Table 1: .063, .047; mean of Table 3: .029, .018", "Table 3 alone"),
    "column Mean": ("12 of 13", "2.5% original: the five values average .437, printed .427"),
    "each investigated": ("14 of 15", "25% SAH"),
    "almost all": ("best in 8 of 15, tied in 2", "2.5% IPH, 2.5% IVH, 10% SAH, 25% SAH, 25% SDH"),
    "each class": ("13 of 15", "25% SAH, 25% SDH"),
    "traditional augmentation": ("3 of 15", "2.5% EDH, 25% IPH, 25% IVH"),
}


@pytest.mark.parametrize("claim", BY_HAND)
def test_recomputed(claim):
    table = slips()
    row = table[table.claim.str.contains(claim)]
    assert len(row) == 1
    recomputed, verdict = BY_HAND[claim]
    assert recomputed in row.recomputed.item()
    assert verdict in row.verdict.item()


def test_nothing_else_is_claimed():
    assert len(slips()) == len(BY_HAND)
