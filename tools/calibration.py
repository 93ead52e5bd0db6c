"""How often the intervals contain the truth, and how often the rule errs: book/calibration.csv.

Run with `.venv/bin/python -m tools.calibration`. Differences without any effect are simulated with
the components of variance that were measured on a run of `compact`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import t

from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import Cells
from lcgan_core.metrics.estimates import Estimate, estimate
from lcgan_core.metrics.inference import means
from lcgan_core.metrics.verdicts import verdict
from lcgan_core.run.artefacts import REPOSITORY

OUT = REPOSITORY / "book" / "calibration.csv"
OF_DRAW = {"2.5%": 0.025, "10%": 0.016, "25%": 0.012, "100%": 0.010}
"""Fraction -> standard deviation of a difference in Dice between draws."""
OF_PATIENT, OF_BOTH, PATIENTS = 0.04, 0.06, 70
"""Between patients, and of a patient in a draw; how many test patients there are."""
DRAWS = (1, 3, 6, 10)


def coverage(
    of_draw: float, draws: int, repetitions: int, resamples: int = 500
) -> dict[str, float]:
    """Proportions of simulated studies: true difference in either interval, and wrong verdicts."""
    rng = np.random.default_rng(draws)
    weights = patient_weights(PATIENTS, resamples, 0), draw_weights(draws, resamples, 1)
    studies = [_study(_differences(rng, of_draw, draws), *weights) for _ in range(repetitions)]
    return {name: float(np.mean([one[name] for one in studies])) for name in studies[0]}


def _differences(rng: np.random.Generator, of_draw: float, draws: int) -> np.ndarray:
    """(draws, PATIENTS) differences between two arms that do not differ."""
    return (
        rng.normal(0, of_draw, (draws, 1))
        + rng.normal(0, OF_PATIENT, PATIENTS)
        + rng.normal(0, OF_BOTH, (draws, PATIENTS))
    )


def _study(values: np.ndarray, patients: np.ndarray, draws: np.ndarray) -> dict[str, bool]:
    made = _estimate(values, patients, draws)
    low, high = made.interval[:, 0]
    (value,), (se,), (df,), _ = tested = means([made])
    wrong = verdict(low, high, float(tested.p[0]))[0] != "undecided"
    return {
        "bootstrap": bool(low <= 0 <= high),
        "t": bool(abs(value) <= t.ppf(0.975, df) * se),
        "wrong": wrong,
    }


def _estimate(values: np.ndarray, patients: np.ndarray, draws: np.ndarray) -> Estimate:
    ones = np.ones((PATIENTS, 1))
    tables = [Cells((("dice_image", "all"),), row[:, None], ones, ones) for row in values]
    return estimate(tables, patients, draws)


def rows(repetitions: int) -> Iterator[dict]:
    """One row per fraction and number of draws, as in the CSV."""
    for share, of_draw in OF_DRAW.items():
        for draws in DRAWS:
            found = coverage(of_draw, draws, repetitions)
            yield {"fraction": share, "draws": draws, **found}


def table(repetitions: int = 1000) -> pd.DataFrame:
    """The table of the book, as percentages; t needs two draws, and a verdict needs six."""
    made = pd.DataFrame(rows(repetitions))
    percent = (100 * made[["bootstrap", "t", "wrong"]]).round(1)
    percent.loc[made.draws < 2, ["t", "wrong"]] = np.nan
    return pd.concat([made[["fraction", "draws"]], percent], axis=1)


if __name__ == "__main__":
    table().to_csv(OUT, index=False)
