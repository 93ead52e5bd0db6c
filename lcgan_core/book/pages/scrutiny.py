"""Tables that the paper does not have: controls, lesion areas, other rules, claims."""

from __future__ import annotations

import pandas as pd

from lcgan_core.book.figures.forest import difference
from lcgan_core.book.pages.tables import ABSENT, cell, linked, number, times
from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.metrics.claims import LEAST_PATIENTS
from lcgan_core.metrics.subgroups import SIZES
from lcgan_core.protocol.arms import ARMS, PAPER
from lcgan_core.protocol.paper import percent, signed

INTERVAL = "{} ({} to {})"


def controls(results: pd.DataFrame, differences: pd.DataFrame) -> pd.DataFrame:
    """Dice per image of every arm, and its difference to original, by share of the data."""
    rows: dict[str, dict] = {}
    image = differences[(differences.metric == "dice_image") & (differences.hemorrhage == "all")]
    for arm in [arm for arm in ARMS if arm in set(results.arm)]:
        row = rows.setdefault(ARMS[arm].title, {})
        for share in sorted(results.fraction.unique()):
            where = {"fraction": share, "arm": arm, "metric": "dice_image", "hemorrhage": "all"}
            here = image[image.fraction == share]
            heading = percent(share) + times(int(here.draws.max()))
            row[heading, "DSC"] = cell(results, **where)
            own = difference(here, arm, "original")
            row[heading, "to Original"] = _signed(own.iloc[0]) if len(own) else ABSENT
    return pd.DataFrame(rows).T


def draws(of_draws: pd.DataFrame) -> pd.DataFrame:
    """Dice per image of every arm in each draw, and their standard deviation, where there are
    several; without rows and columns where there is none."""
    image = of_draws[(of_draws.metric == "dice_image") & (of_draws.hemorrhage == "all")]
    rows: dict[str, dict] = {}
    for arm in [arm for arm in ARMS if arm in set(image.arm)]:
        for share in sorted(image.fraction[image.draw > 1].unique()):
            row = rows.setdefault(ARMS[arm].title, {})
            cells = image[(image.fraction == share) & (image.arm == arm)]
            for _, one in cells.iterrows():
                row[percent(share), f"draw {one.draw}"] = linked(number(one.value), one)
            row[percent(share), "SD"] = linked(number(cells.sd.iloc[0]), cells.iloc[0])
    return pd.DataFrame(rows).T


def sizes(by_size: pd.DataFrame, share: float) -> pd.DataFrame:
    """Dice per lesion by type and area at one share: the paper's arms, and the cases."""
    chosen = by_size[(by_size.fraction == share) & (by_size.metric == "dice_instance")]
    rows = {}
    for name in ("all", *HEMORRHAGES):
        for size in SIZES:
            cells = chosen[(chosen.hemorrhage == name) & (chosen["size"] == size)]
            row = {ARMS[arm].title: cell(cells, arm=arm) for arm in PAPER}
            rows[name, size] = {"n": linked(str(cells.n.max()), cells.iloc[0]), **row}
    return pd.DataFrame(rows).T


def rules(sensitivity: pd.DataFrame, share: float) -> pd.DataFrame:
    """Precision and recall of the paper's arms at one share under each detection rule."""
    chosen = sensitivity[(sensitivity.fraction == share) & (sensitivity.hemorrhage == "all")]
    rows: dict[str, dict] = {}
    for rule, cells in chosen.groupby("rule", sort=False):
        rows[str(rule)] = {
            (heading, ARMS[arm].title): cell(cells, arm=arm, metric=heading.lower())
            for heading in ("Precision", "Recall")
            for arm in PAPER
        }
    return pd.DataFrame(rows).T


def claims_table(claims: pd.DataFrame) -> pd.DataFrame:
    """A row a claim and share: ours with interval, n, the paper's number, the verdict."""
    return pd.DataFrame(
        {
            "claim": claims.claim,
            "share": claims["share"],
            "here": [_signed(row) for _, row in claims.iterrows()],
            "n": [linked(str(row.n), row) for _, row in claims.iterrows()],
            "draws": [linked(str(row.draws), row) for _, row in claims.iterrows()],
            "paper": [ABSENT if pd.isna(v) else signed(v) for v in claims.paper],
            "verdict": claims.verdict,
        }
    )


def sentences(claims: pd.DataFrame) -> str:
    """The claims of the paper, then the questions, as a list in Markdown."""
    return "\n".join(f"- {sentence(row)}" for _, row in claims.iterrows())


def judges(candidates: dict[float, pd.DataFrame]) -> pd.DataFrame:
    """Which snapshot each judge would choose, by share of the data (share -> candidates)."""
    rows = {}
    for share, table in candidates.items():
        full, subset, taken = (
            linked(str(row.epoch), row)
            for name in ("chosen_by_full", "chosen_by_subset", "chosen")
            for _, row in table[table[name]].iterrows()
        )
        rows[percent(share)] = {
            "epoch by the judge of all labels": full,
            "epoch by the judge of the subset": subset,
            "same choice": "yes" if full == subset else "no",
            "taken": taken,
        }
    return pd.DataFrame(rows).T


def densities(of_types: pd.DataFrame) -> pd.DataFrame:
    """Median HU in each type's lesions, of real and synthetic slices, and the slices counted."""
    return pd.DataFrame(
        {
            row.hemorrhage: {
                "slices": linked(str(row.slices), row),
                "real": linked(_short(row.real), row),
                "synthetic": linked(_short(row.synthetic), row),
            }
            for _, row in of_types.iterrows()
        }
    ).T


def memorisation(
    shares: dict[float, pd.DataFrame], kernel: dict[float, pd.DataFrame]
) -> pd.DataFrame:
    """How often synthetic slices come closer to a training slice than patients do to each other,
    and the kernel distance beside its floor, by share of the data."""
    rows = {}
    for share, table in shares.items():
        row: dict[str, object] = {}
        for _, space in table.iterrows():
            ends = (number(space.closer), number(space.ci_low), number(space.ci_high))
            said = INTERVAL.format(*ends) if space.n else ABSENT
            row[f"closer, {space.space}"] = linked(said, space)
        row["n"] = linked(str(table.n.max()), table.iloc[0])
        for _, line in kernel[share].iterrows():
            values = (f"{value:.3g}" for value in (line.distance, line.low, line.high))
            said = INTERVAL.format(*values) if line.n else ABSENT
            row[f"kernel distance, {line.set}"] = linked(said, line)
        rows[percent(share)] = row
    return pd.DataFrame(rows).T


def _short(hu: float) -> str:
    return ABSENT if pd.isna(hu) else f"{hu:.4g}"


def _signed(row: pd.Series) -> str:
    """A difference with its interval, in the number format of the paper's tables."""
    if pd.isna(row.value):
        return linked(ABSENT, row)
    ends = (signed(v) for v in (row.value, row.ci_low, row.ci_high))
    return linked(INTERVAL.format(*ends) if pd.notna(row.ci_low) else signed(row.value), row)


def sentence(row: pd.Series) -> str:
    """One plain sentence of a row of `put_to`."""
    said = "The paper's claim" if row.source == "paper" else "The question whether"
    joint = " that " if row.source == "paper" else " "
    paper = f"; the paper has {signed(row.paper)} at {row.paper_share}"
    paper = paper if pd.notna(row.paper) else ""
    counted = f"n = {row.n} test patients{_draws(row.draws)}"
    if row.n < LEAST_PATIENTS:
        counted += ", too few to decide"
    if pd.isna(row.ci_low):
        number = f"{row.n} test patients have a case, too few for an interval"
    elif not row.ci_high > row.ci_low:
        number = f"no resample differs: the arms do the same, {counted}"
    else:
        number = (
            f"{signed(row.value)}, 95 % interval {signed(row.ci_low)} to {signed(row.ci_high)}, "
            f"{counted}"
        )
    return (
        f"{said}{joint}{row.claim} is **{row.verdict}** here at {row.share} "
        f"({linked(number, row)}{paper})."
    )


def _draws(draws: int | str) -> str:
    """How many draws at each share, where one of them has several."""
    return "" if set(str(draws).split(" and ")) == {"1"} else f", {draws} draws"
