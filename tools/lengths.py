"""How wide LcGAN has to be and how long it has to train, on patients who decide nothing else.

COMMAND: python -m tools.lengths --fraction 0.1 --draws 1 --folder _build/lengths

Each candidate paints around the masks of `tools.settings`' spare patients, whom it has never seen.
The judge of the profile, which has seen all training patients, tells how much of the lesion is
where the mask has it (Dice); L1 is the mean distance to their own slices, on the scale of [-1, 1].
The test patients are not looked at. The folder keeps what has been computed; the same command goes
on where it stopped. Results: lengths.csv in that folder, which the book shows as book/lengths.csv.

The rule, written on 28 November 2026 before any of these networks was trained: LcGAN trains for the
fewest epochs after which twice as many raise the Dice by less than MORE_DICE and lower L1 by less
than LESS_L1 of it; and the narrower network is taken if its Dice is lower by less than WORSE, since
four of its weights fit into what may be published.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

import pandas as pd
import torch

from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts
from lcgan_core.run.plan import COHORT, Job, judge
from tools.settings import spare

WIDTHS, EPOCHS = (8, 16), (20, 40, 80, 160)
MORE_DICE, LESS_L1, WORSE = 0.01, 0.02, 0.02


def main() -> None:
    """Train what is missing, one width and draw after another, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=artefacts.REPOSITORY / "_build/lengths")
    asked = parser.parse_args()
    rows = [
        row
        for draw in range(1, asked.draws + 1)
        for width in WIDTHS
        for row in scored(width, asked.fraction, draw, asked.folder)
    ]
    table = pd.DataFrame(rows)
    table.to_csv(asked.folder / "lengths.csv", index=False, float_format="%.4f")
    print(table.to_string(index=False, float_format="%.3f"))
    print("By the rule: width {}, {} epochs".format(*chosen(table)))


def chosen(table: pd.DataFrame) -> tuple[int, int]:
    """Width and epochs by the rule, from the mean of each candidate over draws."""
    mean = table.groupby(["width", "epochs"])[["dice", "l1"]].mean()

    def enough(width: int) -> tuple[int, int]:
        of = mean.loc[width]
        for few, twice in itertools.pairwise(EPOCHS):
            better = of.dice[twice] - of.dice[few] >= MORE_DICE
            if not better and of.l1[twice] > of.l1[few] * (1 - LESS_L1):
                return width, few
        return width, EPOCHS[-1]

    narrow, wide = map(enough, WIDTHS)
    return narrow if mean.dice[wide] - mean.dice[narrow] < WORSE else wide


def scored(width: int, fraction: float, draw: int, folder: Path) -> list[dict]:
    """One row per candidate of a width: the judge's Dice, L1 and the training's minutes."""
    from lcgan_core import metrics
    from lcgan_core.generators.base import generator
    from lcgan_core.segmenters.base import trained
    from lcgan_core.stages import training

    work = folder / f"{fraction:g}-{draw}-{width}"
    known = work / "scores.csv"
    if known.is_file():
        return pd.read_csv(known).to_dict("records")
    work.mkdir(parents=True, exist_ok=True)
    config = profiles.load("compact", lcgan_width=width, lcgan_snapshots=list(EPOCHS))
    plain = profiles.load("compact")
    heads = artefacts.ensure(plain, COHORT)
    own = judge(plain, draw)
    judging = artefacts.ensure(plain, own)
    begun = time.monotonic()
    training.generator(config, Job("training", "lcgan", fraction, draw), {"cohort": heads}, work)
    minutes = (time.monotonic() - begun) / 60
    deciding = spare(config, heads, fraction, draw)
    classes = len(deciding.classes)
    method = generator("lcgan", config, config.image_size, classes)
    seen = trained(own.segmenter or "", plain, classes, judging)
    rows = []
    for epochs in EPOCHS:
        painted = method.paint(work, epochs, deciding.labels, seed=draw)
        dice = metrics.dice_image(seen.segment(painted), deciding.labels, classes)
        apart = (painted.to(torch.float32) - deciding.images.to(torch.float32)).abs().mean() / 127.5
        rows.append(
            {"draw": draw, "width": width, "epochs": epochs, "dice": float(dice.mean()),
             "l1": float(apart), "minutes": minutes * epochs / EPOCHS[-1]}
        )  # fmt: skip
    with artefacts.atomic(known) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)
    return rows


if __name__ == "__main__":
    main()
