"""The rule for how wide LcGAN is and how long it trains, on cases decided by hand."""

import pandas as pd
import pytest

from tools.lengths import chosen

STILL = (0.10, 0.10, 0.10, 0.10)


@pytest.mark.parametrize(
    ("narrow", "wide", "expected"),
    [
        # nothing changes after 20 epochs, and the wide one is no better
        (((0.3, 0.3, 0.3, 0.3), STILL), ((0.3, 0.3, 0.3, 0.3), STILL), (8, 20)),
        # 80 instead of 40 epochs bring .005, 40 instead of 20 brought .05
        (((0.2, 0.25, 0.255, 0.3), STILL), ((0.2, 0.2, 0.2, 0.2), STILL), (8, 40)),
        # the Dice rests, but L1 falls by a tenth until 160 epochs
        (((0.3,) * 4, (0.10, 0.09, 0.081, 0.07)), ((0.3,) * 4, STILL), (8, 160)),
        # the wide one is better by .03 where each has enough
        (((0.3,) * 4, STILL), ((0.2, 0.33, 0.33, 0.33), STILL), (16, 40)),
        # by .015 only, which its size is not worth
        (((0.3,) * 4, STILL), ((0.2, 0.315, 0.315, 0.315), STILL), (8, 20)),
    ],
)
def test_the_rule(narrow, wide, expected):
    rows = [
        {"draw": draw, "width": width, "epochs": epochs, "dice": dice + off, "l1": l1}
        for width, scores in ((8, narrow), (16, wide))
        for epochs, dice, l1 in zip((20, 40, 80, 160), *scores, strict=True)
        for draw, off in ((1, 0.1), (2, -0.1))  # draws differ, their mean decides
    ]
    assert chosen(pd.DataFrame(rows)) == expected
