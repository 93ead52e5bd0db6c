"""The first page: the answer in a line, slices at once, three findings, a chart and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from lcgan_core.book import numbers_only
from lcgan_core.book.contents import VIEWER_FOLDER, Bundle
from lcgan_core.book.pages.answer import interval, of_main_outcome
from lcgan_core.book.pages.origins import of_first_segmenter
from lcgan_core.book.pages.viewers import PLACE
from lcgan_core.book.words import linked, listed, number
from lcgan_core.metrics.claims import MAIN, PRIMARY, QUESTION, Measure, outcome
from lcgan_core.metrics.verdicts import LEAST_DRAWS
from lcgan_core.protocol.config import IN_SILICO
from lcgan_core.protocol.paper import percent, signed
from lcgan_core.run.status import duration

OURS, THEIRS = "#00798c", "#d1495b"
STEPS = ("Cohort", "Training", "Selection", "Augmentation", "Segmentation", "Evaluation")
ROWS = {
    "mask": ("mask", "The mask"),
    "synthetic": ("synthetic", "The synthetic slice"),
    "real": ("original", "The original slice"),
}
"""Column of the viewer's CSV -> what the first page calls it, in short and in full."""


def texts(bundle: Bundle, linked_tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Name -> Markdown or HTML of each part of the first page."""
    claims, draws = (
        of_first_segmenter(linked_tables[name], bundle) for name in ("claims", "draws")
    )
    measure = outcome(bundle.primary)[1]
    runs = bundle.table("runs")
    return {
        "front_answer": answered(claims, bundle.facts, measure),
        "front_slices": slices(bundle),
        "front_findings": findings(claims, draws, measure),
        "front_steps": steps(bundle),
        "front_limits": limits(bundle.facts),
        "front_verdict": box(claims, bundle.facts, runs),
    }


def main(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows of the declared outcome, from the smallest fraction on."""
    return claims[(claims.role == PRIMARY) | (claims.id == MAIN)]


def answered(claims: pd.DataFrame, facts: Mapping, measure: Measure) -> str:
    """The answer in a sentence or two: what both kinds of copy added at each fraction."""
    where = "simulated heads" if facts["cohort"] == IN_SILICO else "scans of people"
    rows = [row for _, row in main(claims).iterrows()]
    if not rows:
        return f"This run, on {where}, has no subset of the patients to answer it on."
    gains = listed(f"{_found(row)} at {row['share']}" for row in rows)
    said = (
        f"On {where}, adding a GAN copy and a transformed copy of every slice changed "
        f"{measure.says} by {gains} of the training patients."
    )
    papers = [row for row in rows if pd.notna(row.paper)]
    if not papers:
        return said
    theirs = listed(f"{signed(row.paper)} at {row.paper_share}" for row in papers)
    return f"{said} The paper reports {theirs}."


def findings(claims: pd.DataFrame, draws: pd.DataFrame, measure: Measure) -> str:
    """Three findings as a list: the gain, the strongest answer on something cheaper, the luck."""
    rows = main(claims)
    asked = claims[(claims.role == QUESTION) & claims.ci_low.notna()]
    clear = asked[(asked.ci_low > 0) | (asked.ci_high < 0)]
    said = []
    if len(rows):
        outside = list(rows[rows.magnitude == "outside"]["share"])
        size = f" The paper's gain is outside our interval at {listed(outside)}."
        said.append(
            f"**The gain.** Its sign is {_verdicts(rows)}.{size if outside else ''} "
            "[What we found](#do-the-copies-help)"
        )
    if len(clear):
        row = clear.sort_values("value", key=abs).iloc[-1]
        cut = row.claim[0].upper() + row.claim[1:]
        said.append(
            f"**Something cheaper.** “{cut}”: {'no, the opposite' if row.value < 0 else 'yes'}, "
            f"{_found(row)} at {row['share']}; {_formally(row)}. "
            "[Is it the GAN?](#a-reviewers-questions)"
        )
    elif len(asked):
        said.append(
            "**Something cheaper.** No comparison with a cheaper means has an interval without 0. "
            "[Is it the GAN?](#a-reviewers-questions)"
        )
    if luck := _luck(draws, measure):
        said.append(f"{luck} [Draws](#draws-of-patients-and-seeds)")
    return "\n".join(f"{k}. {one}" for k, one in enumerate(said, start=1))


def limits(facts: Mapping) -> str:
    """What the run cannot show, as a short list; the page of limits says more."""
    said = ["**No patients.** The heads are simulated; results may not carry over to people."]
    if facts["cohort"] != IN_SILICO:
        said = ["**One collection.** The scans of another hospital may differ."]
    if facts["profile"] == "quick":
        said.insert(0, "**A smoke test.** The numbers of `quick` show only that every step works.")
    draws = listed(f"{n} at {percent(k)}" for k, n in dict(facts["draws"]).items())
    said.append(f"**Repetitions.** Draws: {draws}. A verdict needs {LEAST_DRAWS}.")
    said.append("**Nothing for the clinic.** [All limits](limits.md)")
    return "\n".join(f"- {one}" for one in said)


def _verdicts(rows: pd.DataFrame) -> str:
    """ "undecided at 2.5% and 10%, confirmed at 25%"."""
    return ", ".join(
        f"{each} at {listed(of['share'])}" for each, of in rows.groupby("verdict", sort=False)
    )


def _formally(row: pd.Series) -> str:
    return f"formally {row.verdict}" + (f", {row.reason}" if pd.notna(row.reason) else "")


def _luck(draws: pd.DataFrame, measure: Measure) -> str:
    """How far *original* differs between draws at the smallest fraction that has several."""
    own = draws[
        (draws.arm == "original")
        & (draws.metric == measure.metric)
        & (draws.lesion == measure.lesion)
    ]
    for fraction, of in own.groupby("fraction"):
        if len(of) > 1:
            values = listed(number(value) for value in of.sort_values("draw").value)
            return (
                f"**Luck.** With other patients and seeds, *original* reached {values} at "
                f"{percent(float(str(fraction)))}."
            )
    return ""


def _found(row: pd.Series) -> str:
    return f"{linked(signed(row.value), row)} ({interval(row)})"


def verdict(claims: pd.DataFrame) -> str:
    """Whether the paper's main claim was replicated, in words, from its rows.

    >>> row = {"id": MAIN, "role": PRIMARY, "verdict": "confirmed", "magnitude": "inside"}
    >>> row |= {"paper": 0.127, "ci_high": 0.2, "share": "10%"}
    >>> verdict(pd.DataFrame([row]))
    'replicated'
    >>> smaller = row | {"magnitude": "outside", "ci_high": 0.1, "share": "2.5%"}
    >>> verdict(pd.DataFrame([smaller, row]))
    "partly: confirmed at 2.5% and 10%, but smaller than the paper's at 2.5%"
    """
    rows = main(claims)
    if rows.empty:
        return "not tested: this run has no subset of the patients"
    found, outside = set(rows.verdict), rows[rows.magnitude == "outside"]
    if found == {"contradicted"}:
        return "not replicated"
    if found == {"confirmed"} and outside.empty:
        return "replicated"
    size = ""
    if len(outside):
        way = "smaller than" if (outside.paper > outside.ci_high).all() else "different from"
        size = f", but {way} the paper's at {listed(outside['share'])}"
    begin = "partly: " if "confirmed" in found else ""
    return f"{begin}{_verdicts(rows)}{size}"


def box(claims: pd.DataFrame, facts: Mapping, runs: pd.DataFrame) -> str:
    """The box for those who ask whether the paper can be reproduced, as Markdown."""
    rows = {
        "the main claim": verdict(claims),
        "scope": f"{facts['patients']['train']} training and {facts['patients']['test']} test "
        f"patients, {facts['image_size']} pixels",
        "easy": "the networks and the arithmetic: the paper and the code that it names state them",
        "hard": "lengths of training, the test set, two scores under one name "
        "([how it works](decisions.md))",
        "time": f"{duration(runs.seconds.sum())} on {listed(facts['device'])} "
        "([every job](all_runs.md))",
        "yours": "`make book` ([run it](run_it_yourself.md)); licence Apache-2.0; `CITATION.cff` "
        "says how to cite",
    }
    return "\n\n".join(f"{name}\n: {says}" for name, says in rows.items())


def slices(bundle: Bundle) -> str:
    """Mask, synthetic slice and original of one lesion of each class, as HTML.

    Of the viewer's cases at the largest subset, each class shows the one with the largest area, so
    that it can be seen.
    """
    if not bundle.pictures:
        return numbers_only.said(bundle.facts)
    table = pd.read_csv(bundle.folder / VIEWER_FOLDER / "fig6.csv")
    below = table[table.fraction < 1]
    table = (below if len(below) else table).pipe(lambda t: t[t.fraction == t.fraction.max()])
    table = table.loc[table.groupby("lesion").area_cm2.idxmax()].set_index("lesion")
    names = [name for name in bundle.classes.names if name in table.index]
    titles = bundle.classes.title_of
    cells = ["<span></span>", *(f'<abbr title="{escape(titles[n])}">{n}</abbr>' for n in names)]
    for column, (short, full) in ROWS.items():
        cells.append(f"<b>{short}</b>")
        cells += [
            f'<img class="dark-light" src="{PLACE}{table.loc[name, column]}" '
            f'alt="{full} of one lesion, {escape(titles[name])}" '
            'width="128" height="128">'
            for name in names
        ]
    badge = "Simulated heads" if bundle.facts["cohort"] == IN_SILICO else "Scans of people"
    share = percent(table.fraction.iloc[0])
    caption = (
        f"<b>{badge}.</b> The generator, trained on {share} of the patients, saw the mask alone. "
        "Shown is the largest lesion of each type among those of the "
        '<a href="results.html#fig-6">viewer</a>.'
    )
    return (
        f'<figure class="front-slices fits" style="--columns: {len(names)}">'
        f"<div>{''.join(cells)}</div><figcaption><p>{caption}</p></figcaption></figure>"
    )


def gains(claims: pd.DataFrame, measure: Measure) -> Figure:
    """What both kinds of copy add at each fraction: ours with 95 % interval, the paper's a dot."""
    rows = of_main_outcome(claims)
    figure, axes = plt.subplots(figsize=(5.2, 2.6))
    axes.axhline(0, color="#999999", linewidth=0.8)
    at = range(len(rows))
    span = [(rows.value - rows.ci_low).clip(lower=0), (rows.ci_high - rows.value).clip(lower=0)]
    axes.errorbar(at, rows.value, yerr=span, fmt="o", color=OURS, label="ours, 95 % interval")
    if rows.paper.notna().any():
        axes.plot([k + 0.12 for k in at], rows.paper, "D", color=THEIRS, label="the paper's")
    axes.set_xticks(at, rows["share"])
    axes.set_xlim(-0.5, max(1, len(rows)) - 0.5)  # a run may have no claim
    axes.set_xlabel("fraction of the training patients")
    axes.set_ylabel(f"change of\n{measure.says.removeprefix('the ')}")
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    return figure


def steps(bundle: Bundle) -> str:
    """The six stages as links, with a picture of each where pictures may be shown."""
    pictures = dict.fromkeys(STEPS, "")
    if bundle.pictures:
        pictures |= _thumbnails(bundle.folder / VIEWER_FOLDER)
    items = []
    for number_, name in enumerate(STEPS, start=1):
        source = pictures[name]
        size = 'width="128" height="128"'
        alt = f"A slice, {name.lower()}"
        image = f'<img class="dark-light" src="{PLACE}{source}" alt="{alt}" {size}>'
        if not source:
            image = ""
        place = f"../notebooks/{number_:02d}_{name.lower()}.html"
        items.append(f'<li><a href="{place}">{image}{number_} {name}</a></li>')
    return f'<ol class="front-steps">{"".join(items)}</ol>'


def _thumbnails(folder: Path) -> dict[str, str]:
    """A slice, an early and the chosen snapshot's picture of a mask, a copy, and a mask."""
    snapshots, copies, cases = (
        pd.read_csv(folder / f"{name}.csv") for name in ("fig3", "fig5", "fig6")
    )
    best = snapshots[snapshots.fraction == snapshots.fraction.max()]
    best = best[best.lesion == best.lesion.iloc[0]]
    return {
        "Cohort": cases.real.iloc[-1],
        "Training": best.synthetic.iloc[0],
        "Selection": best[best.chosen].synthetic.iloc[0],
        "Augmentation": copies["copy"].iloc[0],
        "Segmentation": cases["mask"].iloc[-1],
    }
