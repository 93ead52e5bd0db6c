"""What the book's prose includes: tables, figures and sentences, written from a run's results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lcgan_core import controls_page, runs, viewers_page
from lcgan_core.errors import UserError
from lcgan_core.labels import HEMORRHAGES
from lcgan_core.plan import Job
from lcgan_core.profiles import IN_SILICO, Config
from lcgan_core.report import figures, performance, tables
from lcgan_core.report.cases import cases


def write(config: Config, out: Path | str) -> None:
    """Write run, headline, table1-3, performance.md and fig3, 5, 6, 7.png for a finished run, and
    what `controls_page` adds.

    Raises UserError where the run has no results yet.
    """
    from lcgan_core.stages.evaluation import read_results

    folder = runs.folder(config, Job("evaluation"))
    if lack := runs.damage(folder):
        raise UserError(
            f"The run '{config.name}' is not finished, in {folder} {lack}; "
            f"run `make book PROFILE={config.profile}`."
        )
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    results = read_results(folder / "results.csv", config.name)
    facts = json.loads((folder / "run.json").read_text())
    draws = means(dict(facts["draws"]))
    texts = {
        "run": run_note(facts),
        "headline": headline(results),
        "table1": tables.html(tables.table1(results)) + draws,
        "table2": tables.html(tables.table2(results)) + draws,
        "table3": tables.html(tables.table3(results)) + draws,
        "performance": performance.page(),
    }
    for name, text in texts.items():
        runs.write_text(out / f"{name}.md", text + "\n")
    # the paper shows its Fig. 3 for 10 %, the second of its three subsets
    _, middle, largest, _ = config.fractions
    pictures: dict[str, Callable[[], Figure]] = {
        "fig3": lambda: snapshot_examples(config, middle),
        "fig5": lambda: traditional_examples(config, middle),
        "fig6": lambda: synthetic_examples(config, largest),
        "fig7": lambda: figures.figure7(results),
    }
    added = controls_page.texts(config, folder)
    static = out.parent / "_static"  # the bundle takes the place of this folder
    static.mkdir(exist_ok=True)
    for name in ("results.csv", "differences.csv"):
        shutil.copy(folder / name, static)
    candidates = controls_page._of_selection(config, "candidates")
    pd.concat(candidates, names=["fraction"]).assign(draw=1).reset_index().to_csv(
        static / "candidates.csv", index=False
    )
    viewers_page.collect(config, static)
    added |= viewers_page.texts(static)
    pictures |= controls_page.pictures(config, folder)
    for name, text in added.items():
        runs.write_text(out / f"{name}.md", text + "\n")
    for name, draw in pictures.items():
        figure = draw()
        figure.savefig(out / f"{name}.png", dpi=150, bbox_inches="tight")
        plt.close(figure)


def run_note(facts: dict) -> str:
    """The admonition on every result page: which profile and cohort its numbers come from."""
    patients, slices = facts["patients"], facts["lesion_slices"]
    where = (
        "the in-silico cohort (generated heads, no patients)"
        if facts["cohort"] == IN_SILICO
        else "the user's own cohort"
    )
    remarks = " ".join(facts["remarks"])
    draws = tables.several(dict(facts["draws"]))
    covered = (
        f"test patients and draws of training patients and seeds ({draws}); with one draw"
        if draws
        else "test patients;"
    )
    changed = ", ".join(f"`{k} = {v}`" for k, v in facts["overrides"].items() if k != "cohort")
    return f"""```{{admonition}} Where these numbers come from
:class: note
Profile **{facts["profile"]}** on **{where}**: {patients["train"]} training and {patients["test"]}
test patients, {slices["train"]} and {slices["test"]} slices with haemorrhage, {facts["image_size"]}
pixels. {facts["initialisation"]} {"Overridden: " + changed + "." if changed else ""}
Code {facts["code"]}, torch {facts["versions"]["torch"]}, {", ".join(facts["device"])}.
{remarks}
Intervals: 95 %, over resampled {covered} they do not cover the luck of training.
```"""


def means(draws: dict[float, int]) -> str:
    """A line below a table (share -> draws): which of our values are means of several.

    >>> means({0.025: 3, 1.0: 1}).strip()
    'Ours: means over 3 draws at 2.5%, which the intervals cover.'
    """
    said = tables.several(draws)
    return f"\n\nOurs: means over {said}, which the intervals cover." if said else ""


def headline(results: pd.DataFrame) -> str:
    """One paragraph: what adding both augmentations did at each share of the data."""
    image = results[(results.metric == "dice_image") & (results.hemorrhage == "all")]
    value = image.set_index(["fraction", "arm"]).value
    parts = []
    for fraction in sorted(results.fraction.unique()):
        before, after = value[fraction, "original"], value[fraction, "both"]
        parts.append(
            f"{tables.number(before)} to {tables.number(after)} with {tables.percent(fraction)}"
        )
    return (
        "In this run, adding one GAN copy and one traditional copy of every slice moved the mean "
        f"Dice per image from {', '.join(parts)} of the training patients. The paper reports .244 "
        "to .371 with 2.5%, .478 to .538 with 10%, .565 to .581 with 25%, and less than one point "
        "with all patients."
    )


def snapshot_examples(config: Config, fraction: float, draw: int = 1) -> Figure:
    """Fig. 3: the best-scored slice of one type from each snapshot."""
    folder = runs.folder(config, Job("selection", fraction, draw=draw))
    by_type = {
        name: {
            epoch: dict(np.load(path))
            for epoch in config.lcgan.snapshots
            if (path := folder / f"examples-{epoch}-{name}.npz").exists()
        }
        for name in HEMORRHAGES
    }
    shown = [name for name in by_type if by_type[name]]
    if not shown:
        raise UserError(f"{folder} holds no example images; delete it and run stage 3 anew.")
    # the type that the judge finds best, so that the looks differ and the scores do not
    best = max(shown, key=lambda name: sum(kept["fcn_score"][0] for kept in by_type[name].values()))
    return figures.figure3(by_type[best])


def traditional_examples(config: Config, fraction: float, draw: int = 1, count: int = 6) -> Figure:
    """Fig. 5: slices of a subset and their traditional copies."""
    from lcgan_core.stages import augmentation, cohort

    subset = cohort.training_slices(config, fraction, draw)
    images, labels = augmentation.run(config, fraction, draw).pairs("traditional")
    few = spread(len(images), count)
    both = np.stack([subset.labels.numpy()[few], labels[few]])
    return figures.figure5(subset.images.numpy()[few], images[few], both)


def synthetic_examples(config: Config, fraction: float, draw: int = 1) -> Figure:
    """Fig. 6: for each type a slice of a subset with much of it: mask, real, synthetic."""
    from lcgan_core.cohort.store import AREAS
    from lcgan_core.stages import augmentation, cohort

    subset = cohort.training_slices(config, fraction, draw)
    images, labels = augmentation.run(config, fraction, draw).pairs("gan")
    chosen = cases(subset.table[AREAS].to_numpy(), subset.table.patient.to_numpy(), 1)[0]
    best = chosen[chosen >= 0]
    return figures.figure6(np.array(labels)[best], subset.images.numpy()[best], images[best])


def spread(total: int, count: int) -> np.ndarray:
    """Up to `count` indices spread evenly over `total`.

    >>> spread(10, 3).tolist()
    [0, 4, 9]
    """
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(int))
