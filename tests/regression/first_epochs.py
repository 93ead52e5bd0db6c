"""First losses of the networks of `quick` that see no painted slice, in first_epochs.csv.

`LCGAN_RUNS=folder python -m tests.regression.first_epochs` takes them from a finished run.
"""

from pathlib import Path

import pandas as pd

from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.run import artefacts, plan

CONFIG = profiles.load("quick")
STORED = Path(__file__).with_suffix(".csv")
KEY = ["job", "loss"]
LOSSES = ["cross-entropy", "discriminator", "generator", "L1"]


def sees_no_painted_slice(job: plan.Job) -> bool:
    """Whether a job trains a network on slices that are the same on every processor."""
    if job.stage == "segmentation":
        return not any(methods.generator_of(kind) for kind in ARMS[job.what].copies)
    return job.stage == "training"


def fresh() -> pd.Series:
    """The losses of the present run, by job and loss."""
    parts = [
        pd.read_csv(artefacts.folder(CONFIG, job) / "history.csv", nrows=1)
        .filter(LOSSES)
        .melt(var_name="loss")
        .assign(job=job.place)
        for job in plan.jobs(CONFIG)
        if sees_no_painted_slice(job)
    ]
    return pd.concat(parts).set_index(KEY).value.sort_index()


def stored() -> pd.Series:
    """The losses that were kept."""
    return pd.read_csv(STORED).set_index(KEY).value.sort_index()


def apart(losses: pd.Series) -> list[tuple[str, str]]:
    """The (job, loss) that differ from the kept ones: by more than 2 % + 7 % x fraction, or 1.5 %
    for a segmenter, whose first row is of as many steps at each fraction."""
    kept = stored()
    assert losses.index.equals(kept.index)
    far = {
        job.place: 0.015 if job.segmenter else 0.02 + 0.07 * (job.fraction or 0)
        for job in plan.jobs(CONFIG)
    }
    allowed = kept.index.get_level_values("job").map(far)
    return [*kept.index[~((losses / kept - 1).abs() <= allowed)]]


if __name__ == "__main__":
    fresh().to_csv(STORED, float_format="%.6g")
    print(f"Wrote {STORED.name}; read its diff before you commit it.")
