"""How hard the in-silico cohort is: FCN-8s of `compact` on more and more patients, for the book.

COMMAND: python -m tools.difficulty  (ten minutes on 2 CPU cores; it reuses finished arms)
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lcgan_core.lesions import FIVE, HEMORRHAGES
from lcgan_core.metrics import bootstrap, cells, estimates, overlap
from lcgan_core.protocol import profiles
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import COHORT, Job

FOLDER = artefacts.REPOSITORY / "book" / "phantom"
SHOWN = ("dice_image", "dice_instance", "dice_class_detected")
RISE = "rise"


def main() -> None:
    """Train what is missing; write learning_curve.csv and learning_curve.png into book/phantom."""
    import matplotlib

    matplotlib.use("Agg")
    config = profiles.load("compact")
    table = curve(config)
    write(table, FOLDER)
    print(table[table.metric == "dice_image"].round(3).to_string(index=False))


def curve(config: Config) -> pd.DataFrame:
    """Rows fraction, patients, slices, metric, lesion, value, ci_low, ci_high, n.

    The arm `original` in the first draw of each of the profile's fractions, then as RISE the
    largest minus the smallest, paired by test patient. 95 % intervals by resampling test patients.
    """
    from lcgan_core.stages import cohort, segmentation  # torch is slow to import

    names, segmenter = FIVE.names, config.segmenters[0]
    jobs = [
        Job("segmentation", "original", fraction, segmenter=segmenter)
        for fraction in config.fractions
    ]
    artefacts.make(config, *jobs)
    heads = artefacts.folder(config, COHORT)
    test = cohort.test_slices(config, heads)
    weights = bootstrap.patient_weights(
        len(set(test.table.patient)), config.evaluation.resamples, config.seed
    )
    one = bootstrap.draw_weights(1, config.evaluation.resamples, config.seed)
    parts, made = [], []
    for job in jobs:
        fraction = job.fraction or 1.0
        subset = cohort.training_slices(config, heads, fraction)
        predictions = segmentation.predictions(artefacts.folder(config, job))
        counts = overlap(predictions, test.labels.numpy(), classes=len(names))
        by_patient = cells.cells(counts, names).by_patient(test.patients)
        made.append(estimates.estimate([by_patient], weights, one))
        size = {"patients": len(set(subset.table.patient)), "slices": len(subset.images)}
        parts.append(pd.DataFrame(made[-1].rows()).assign(fraction=f"{fraction:g}", **size))
    parts.append(pd.DataFrame((made[-1] - made[0]).rows()).assign(fraction=RISE))
    table = pd.concat(parts, ignore_index=True).drop(columns="draws")
    first = ["fraction", "patients", "slices"]
    return table[table.metric.isin(SHOWN)][[*first, *table.columns.drop(first)]]


def write(table: pd.DataFrame, folder: Path) -> None:
    """Write learning_curve.csv and learning_curve.png."""
    rounded = table.astype({"patients": "Int64", "slices": "Int64"}).round(4)
    rounded.to_csv(folder / "learning_curve.csv", index=False)
    metadata = {"Software": None}
    figure = draw(table)
    figure.savefig(folder / "learning_curve.png", dpi=110, metadata=metadata)


def draw(table: pd.DataFrame) -> Figure:
    """Dice over the number of training patients: mean per image, and per type with misses as 0."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
    points = table[table.fraction != RISE]
    mean = points[points.metric == "dice_image"]
    x = mean.patients.astype(int)
    axes[0].plot(x, mean.value, marker="o", color="black")
    axes[0].fill_between(x, mean.ci_low, mean.ci_high, color="black", alpha=0.15, linewidth=0)
    for name in HEMORRHAGES:
        line = points[(points.metric == "dice_instance") & (points.lesion == name)]
        axes[1].plot(x, line.value, marker="o", markersize=4, label=name)
    axes[0].set(title="mean of images", ylabel="Dice on the test patients", ylim=(0, 1))
    axes[1].set(title="by type, a miss counting 0")
    axes[1].legend(frameon=False, fontsize=8)
    for axis in axes:
        axis.set(xscale="log", xlabel="training patients")
        axis.set_xticks(x, [str(patients) for patients in x])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main()
