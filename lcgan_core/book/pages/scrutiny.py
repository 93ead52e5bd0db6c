"""Tables that the paper does not have: controls, draws, lesion areas, other rules."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lcgan_core.book.beside import lesions
from lcgan_core.book.figures.forest import difference
from lcgan_core.book.pages.tables import cell
from lcgan_core.book.words import ABSENT, linked, number, times
from lcgan_core.metrics.inference import ALPHA
from lcgan_core.metrics.subgroups import SIZES
from lcgan_core.protocol.arms import ARMS, PAPER
from lcgan_core.protocol.paper import percent, signed

INTERVAL = "{} ({} to {})"
AGAIN = "original_again"
"""The arm `original` with another seed."""
SETS = {"synthetic": "synthetic", "real": "originals to each other"}
"""What is compared with the original slices, which in silico are no more real than the others."""


def controls(results: pd.DataFrame, differences: pd.DataFrame) -> pd.DataFrame:
    """Dice per image of every arm, and its difference to original, by fraction of the data."""
    rows: dict[str, dict] = {}
    image = differences[(differences.metric == "dice_image") & (differences.lesion == "all")]
    for arm in _arms(results):
        row = rows.setdefault(ARMS[arm].title, {})
        for fraction in sorted(results.fraction.unique()):
            here = image[image.fraction == fraction]
            heading = percent(fraction) + times(int(here.draws.max()))
            row[heading, "DSC"] = _dice_image(results, fraction=fraction, arm=arm)
            own = difference(here, arm, "original")
            row[heading, "difference from Original"] = (
                with_interval(own.iloc[0]) if len(own) else ABSENT
            )
    return pd.DataFrame(rows).T


def segmenters(results: pd.DataFrame) -> pd.DataFrame:
    """Dice per image of every arm with each segmenter, by fraction of the data."""
    rows = {
        ARMS[arm].title: {
            (percent(fraction), name): _dice_image(
                results, fraction=fraction, arm=arm, segmenter=name
            )
            for fraction in sorted(results.fraction.unique())
            for name in results.segmenter.unique()
        }
        for arm in _arms(results)
    }
    return pd.DataFrame(rows).T


def draws(of_draws: pd.DataFrame) -> pd.DataFrame:
    """Dice per image of every arm in each draw, and their standard deviation, at the fractions with
    several draws; without rows and columns if there is none."""
    image = of_draws[(of_draws.metric == "dice_image") & (of_draws.lesion == "all")]
    rows: dict[str, dict] = {}
    for arm in _arms(image):
        for fraction in sorted(image.fraction[image.draw > 1].unique()):
            row = rows.setdefault(ARMS[arm].title, {})
            cells = image[(image.fraction == fraction) & (image.arm == arm)]
            for _, one in cells.iterrows():
                row[percent(fraction), f"draw {one.draw}"] = linked(number(one.value), one)
            if len(cells):
                row[percent(fraction), "SD"] = linked(number(cells.sd.iloc[0]), cells.iloc[0])
    return pd.DataFrame(rows).T.fillna(ABSENT)


def sizes(by_size: pd.DataFrame, fraction: float) -> pd.DataFrame:
    """Dice per lesion by class and area at one fraction: the paper's arms, and the cases."""
    chosen = by_size[(by_size.fraction == fraction) & (by_size.metric == "dice_instance")]
    rows = {}
    for name in ("all", *lesions(chosen)):
        for size in SIZES:
            cells = chosen[(chosen.lesion == name) & (chosen["size"] == size)]
            row = {ARMS[arm].title: cell(cells, arm=arm) for arm in PAPER}
            rows[name, size] = {"n": linked(str(cells.n.max()), cells.iloc[0]), **row}
    return pd.DataFrame(rows).T


def rules(sensitivity: pd.DataFrame, fraction: float) -> pd.DataFrame:
    """Precision and recall of the paper's arms at one fraction under each detection rule."""
    chosen = sensitivity[(sensitivity.fraction == fraction) & (sensitivity.lesion == "all")]
    rows: dict[str, dict] = {}
    for rule, cells in chosen.groupby("rule", sort=False):
        rows[str(rule)] = {
            (heading, ARMS[arm].title): cell(cells, arm=arm, metric=heading.lower())
            for heading in ("Precision", "Recall")
            for arm in PAPER
        }
    return pd.DataFrame(rows).T


def again(differences: pd.DataFrame) -> pd.DataFrame:
    """How many verdicts there would be on an arm against itself with another seed, by fraction;
    without rows if the arm was not trained."""
    same = differences[(differences.arm == AGAIN) & (differences.baseline == "original")]
    rows = {}
    for fraction, cells in same[same.value.notna() & same.p.notna()].groupby("fraction"):
        apart = (cells.ci_low > 0) | (cells.ci_high < 0)
        rows[percent(float(str(fraction)))] = {
            "draws": int(cells.draws.max()),
            "comparisons": len(cells),
            "interval without 0": int(apart.sum()),
            "and p below .05": int((apart & (cells.p < ALPHA)).sum()),
        }
    return pd.DataFrame(rows).T


def training(facts: pd.DataFrame) -> pd.DataFrame:
    """Mean Dice of `original` on the slices that it has seen, on validation and on test patients,
    by fraction, and how many of its networks converged."""
    rows = {}
    for fraction, networks in facts[facts.arm == "original"].groupby("fraction"):
        seen = {
            heading: number(networks[column].mean())
            for heading, column in (
                ("training", "train_dice"), ("validation", "validation_dice"),
                ("test", "dice_image"),
            )
        }  # fmt: skip
        noted = networks.converged.dropna().astype(bool)
        converged = f"{noted.sum()} of {len(noted)}" if len(noted) else ABSENT
        rows[percent(float(str(fraction)))] = {**seen, "converged": converged}
    return pd.DataFrame(rows).T


def unconverged(facts: pd.DataFrame) -> str:
    """The networks that were still improving when their training ended; empty if none was."""
    still = facts[facts.converged.notna() & (facts.converged != True)]  # noqa: E712
    if still.empty:
        return ""
    named = [
        f"{row.arm} at {percent(row.fraction)}" + (f" (draw {row.draw})" if row.draw > 1 else "")
        for _, row in still.iterrows()
    ]
    return f"Their scores may rise with more steps: {', '.join(named)}."


def judges(candidates: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The snapshot that each judge would choose, one row per selection (name -> candidates)."""
    rows = {}
    for name, table in candidates.items():
        full, subset, taken = (
            linked(str(row.epoch), row)
            for column in ("chosen_by_full", "chosen_by_subset", "chosen")
            for _, row in table[table[column]].iterrows()
        )
        rows[name] = {
            "chosen by the judge of all labels": full,
            "chosen by the judge of the subset's labels": subset,
            "same choice": "yes" if full == subset else "no",
            "used": taken,
        }
    return pd.DataFrame(rows).T


def densities(of_classes: pd.DataFrame) -> pd.DataFrame:
    """Median HU in the lesions of each class, of original and synthetic slices; how many."""
    return pd.DataFrame(
        {
            row.lesion: {
                "slices": linked(str(row.slices), row),
                "original": linked(_short(row.real), row),
                "synthetic": linked(_short(row.synthetic), row),
            }
            for _, row in of_classes.iterrows()
        }
    ).T


def memorisation(
    shares: Mapping[str, pd.DataFrame], kernel: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """How often synthetic slices come closer to a training slice than patients do to each other,
    and the kernel distance with its floor, one row per selection (name -> its tables)."""
    rows = {}
    for name, table in shares.items():
        row: dict[str, object] = {}
        for _, space in table.iterrows():
            ends = (number(space.closer), number(space.ci_low), number(space.ci_high))
            said = INTERVAL.format(*ends) if space.n else ABSENT
            row[f"closer, {space.space}"] = linked(said, space)
        row["n"] = linked(str(table.n.max()), table.iloc[0])
        for _, line in kernel[name].iterrows():
            values = (f"{value:.3g}" for value in (line.distance, line.low, line.high))
            said = INTERVAL.format(*values) if line.n else ABSENT
            row[f"kernel distance, {SETS[line.set]}"] = linked(said, line)
        rows[name] = row
    return pd.DataFrame(rows).T


def _arms(table: pd.DataFrame) -> list[str]:
    return [arm for arm in ARMS if arm in set(table.arm)]


def _dice_image(results: pd.DataFrame, **where: object) -> str:
    return cell(results, **where, metric="dice_image", lesion="all")


def _short(hu: float) -> str:
    return ABSENT if pd.isna(hu) else f"{hu:.4g}"


def with_interval(row: pd.Series) -> str:
    """A difference with its interval, in the number format of the paper's tables."""
    if pd.isna(row.value):
        return linked(ABSENT, row)
    ends = (signed(v) for v in (row.value, row.ci_low, row.ci_high))
    return linked(INTERVAL.format(*ends) if pd.notna(row.ci_low) else signed(row.value), row)
