"""Stage 6: every arm's pixel counts to results.csv, with patient-level intervals (paper 5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lcgan_core import runs
from lcgan_core.errors import UserError
from lcgan_core.labels import HEMORRHAGES
from lcgan_core.loops.engine import seed_of
from lcgan_core.metrics import Overlap, overlap
from lcgan_core.plan import Job, segmentations
from lcgan_core.profiles import Config
from lcgan_core.progress import progress
from lcgan_core.stages import cohort, segmentation

COLUMNS = [
    "profile", "seed", "fraction", "arm", "metric", "hemorrhage", "value", "ci_low", "ci_high", "n",
]  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """results.csv as a table, and its folder."""

    folder: Path
    results: pd.DataFrame


def run(config: Config) -> Evaluation:
    """Evaluate all arms at all fractions, training what is missing; writes results.csv."""
    folder = runs.ensure(config, Job("evaluation"), lambda work: _evaluate(config, work))
    path = folder / "results.csv"
    return Evaluation(folder, read_results(path, config.name))


def read_results(path: Path, profile: str) -> pd.DataFrame:
    """A results.csv of the given profile; UserError if it is none or is of another profile."""
    try:
        results = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as results ({error}); run stage 6 anew.") from None
    if list(results.columns) != COLUMNS:
        raise UserError(
            f"{path} is not a results file: its columns are {', '.join(results.columns)}; "
            "run stage 6 anew."
        )
    others = set(results.profile) - {profile}
    if others or results.empty:
        found = f"of profile '{others.pop()}'" if others else "empty"
        raise UserError(
            f"{path} is {found}, not of '{profile}'; delete it or name the right profile."
        )
    return results


def _evaluate(config: Config, work: Path) -> None:
    test = cohort.test_slices(config)
    min_area = scaled_min_area(config.image_size)
    resamples = patient_resamples(
        test.table.patient.to_numpy(), config.evaluation.resamples, config.seed
    )
    rows = []
    for job in progress(segmentations(config), "evaluating", "arm"):
        done = segmentation.run(config, job.fraction, job.what)
        for row in with_intervals(done.overlap, min_area, resamples):
            rows.append(
                {
                    "profile": config.name,
                    "seed": config.seed,
                    "fraction": job.fraction,
                    "arm": job.what,
                    **row,
                }
            )
    results = pd.DataFrame(rows, columns=COLUMNS)
    with runs.atomic(work / "results.csv") as temporary:
        results.to_csv(temporary, index=False, float_format="%.6f")
    runs.write_text(work / "run.json", json.dumps(_facts(config), indent=1) + "\n")


def scaled_min_area(image_size: int) -> int:
    """The paper's 200 pixels, taken as an area on the 256-pixel grid.

    >>> [scaled_min_area(size) for size in (64, 128, 256, 512)]
    [12, 50, 200, 800]
    """
    return 200 * image_size**2 // 256**2


def summaries(counts: Overlap, min_area: int) -> Iterator[tuple[str, str, float, int]]:
    """(metric, hemorrhage, value, n) of every metric; NaN with n = 0 where nothing is defined.

    `all` of a per-type metric is the mean over the types, as the column "Mean" of Table 3.
    """
    image, instance = counts.dice_image(), counts.dice_instance()
    yield "dice_image", "all", _mean(image), int(np.isfinite(image).sum())
    yield "dice_instance", "all", _mean(instance), int(np.isfinite(instance).sum())
    found = (counts.intersection > 0).sum(0)
    present = (counts.truth > 0).sum(0)
    by_type = {
        "dice_instance": (np.array([_mean(column) for column in instance.T]), present),
        "dice_class_detected": (counts.dice_class_detected(), found),
        "dice_class_pooled": (counts.dice_class_pooled(), present),
    }
    for metric, (values, numbers) in by_type.items():
        for name, value, n in zip(HEMORRHAGES, values, numbers, strict=True):
            yield metric, name, float(value), int(n)
        if metric != "dice_instance":
            yield metric, "all", _mean(values), int(numbers.sum())
    for name in ("all", *HEMORRHAGES):
        part = counts if name == "all" else counts[:, [HEMORRHAGES.index(name)]]
        found_pairs = part.detection(min_area=min_area)
        hits = found_pairs.true_positives
        yield "precision", name, found_pairs.precision, hits + found_pairs.false_positives
        yield "recall", name, found_pairs.recall, hits + found_pairs.false_negatives


def with_intervals(
    counts: Overlap, min_area: int, resamples: list[np.ndarray]
) -> Iterator[dict[str, object]]:
    """Each summary with the 2.5th and 97.5th percentile over patient resamples."""
    spread: dict[tuple[str, str], list[float]] = {}
    for index in resamples:
        for metric, name, value, _ in summaries(counts[index], min_area):
            spread.setdefault((metric, name), []).append(value)
    percentile: Callable = np.nanpercentile
    for metric, name, value, n in summaries(counts, min_area):
        drawn = np.array(spread[metric, name])
        low, high = percentile(drawn, (2.5, 97.5)) if np.isfinite(drawn).any() else (np.nan,) * 2
        yield {
            "metric": metric,
            "hemorrhage": name,
            "value": value,
            "ci_low": low,
            "ci_high": high,
            "n": n,
        }


def patient_resamples(patients: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    """Slice indices of `count` bootstrap samples that draw whole patients with replacement."""
    rng = np.random.default_rng(seed_of(seed, "bootstrap"))
    by_patient = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    return [
        np.concatenate([by_patient[i] for i in rng.integers(len(by_patient), size=len(by_patient))])
        for _ in range(count)
    ]


def stored_label_maps() -> pd.DataFrame:
    """Every metric on the label maps stored in data/label_maps.npz: the same on every machine."""
    with np.load(runs.REPOSITORY / "data" / "label_maps.npz") as maps:
        counts = overlap(maps["prediction"], maps["truth"])
        size = maps["truth"].shape[-1]
    rows = summaries(counts, scaled_min_area(size))
    table = pd.DataFrame(rows, columns=["metric", "hemorrhage", "value", "n"])
    return table.round(6).pivot(index="hemorrhage", columns="metric", values="value")


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _facts(config: Config) -> dict:
    """What a reader must know of the run beside its numbers."""
    jobs = segmentations(config)
    records = [runs.provenance(runs.folder(config, job)) for job in jobs]
    store = cohort.run(config)
    return {
        "profile": config.name,
        "overrides": config.nameless()["overrides"],
        "cohort": config.cohort_name,
        "patients": cohort.patient_counts(config),
        "slices": len(store.slices),
        "lesion_slices": {
            "train": len(cohort.training_slices(config, max(config.fractions)).table),
            "test": len(cohort.test_slices(config).table),
        },
        "image_size": config.image_size,
        "initialisation": segmentation.run(config, config.fractions[0], "original").initialisation,
        "code": records[0]["code"],
        "versions": records[0]["versions"],
        "device": sorted({record["device"] for record in records}),
        "training_seconds": round(sum(record["seconds"] for record in records)),
    }
