"""Tables of stage 1's artefact: numbers of patients, slices and lesions, and lesion densities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lcgan_core.protocol.config import Config
from lcgan_core.stages.cohort import store_of, table_of, test_rows, training_rows


def counts(cohort: Path) -> pd.DataFrame:
    """Patients, slices, slices with a lesion and slices of each class, by split."""
    slices, classes = table_of(cohort), store_of(cohort).classes
    lesions = slices[classes.areas] > 0
    table = pd.DataFrame(
        {
            "patients": slices.groupby("split").patient.nunique(),
            "slices": slices.groupby("split").size(),
            "with haemorrhage": lesions.any(axis=1).groupby(slices.split).sum(),
        }
    )
    by_class = lesions.groupby(slices.split).sum()
    by_class.columns = list(classes.names)
    return table.join(by_class).loc[["train", "test"]]


def subset_counts(config: Config, cohort: Path) -> pd.DataFrame:
    """Patients and slices of every subset, and whether the next larger one contains it."""
    table = table_of(cohort)
    found, smaller = [], set[str]()
    for fraction in config.fractions:
        rows = table.iloc[training_rows(config, cohort, fraction)]
        patients = set(rows.patient)
        found.append(
            {
                "fraction": fraction,
                "patients": len(patients),
                "slices with haemorrhage": len(rows),
                "contains the smaller": smaller <= patients,
            }
        )
        smaller = patients
    return pd.DataFrame(found).set_index("fraction")


def remarks(config: Config, cohort: Path) -> list[str]:
    """A sentence for each subset, and for the test patients, that lacks a lesion class."""
    table, names = table_of(cohort), store_of(cohort).classes.names
    said = []
    for fraction in config.fractions:
        for draw in config.draws_at(fraction):
            rows = table.iloc[training_rows(config, cohort, fraction, draw)]
            lacking = _lacking(rows, names)
            if lacking:
                which = f", draw {draw}" if draw > 1 else ""
                said.append(
                    f"{100 * fraction:.4g}% of the patients ({rows.patient.nunique()}{which}) "
                    f"show no {lacking}: no arm can learn it there."
                )
    rows = table.iloc[test_rows(config, cohort)]
    lacking = _lacking(rows, names)
    if lacking:
        said.append(f"The test patients show no {lacking}: its cells have n = 0 and no value.")
    if rows.patient.nunique() < 2:
        said.append("There is one test patient with haemorrhage: no interval can be given.")
    return said


def _lacking(rows: pd.DataFrame, names: tuple[str, ...]) -> str:
    return ", ".join(name for name in names if not (rows[f"area_{name}"] > 0).any())


def lesion_statistics(cohort: Path) -> pd.DataFrame:
    """Slices, median area (cm2) and median HU of each lesion class in the whole store."""
    store = store_of(cohort)
    rows = {}
    for name, value in store.classes.labels.items():
        areas = store.slices[f"area_{name}"]
        found = np.flatnonzero(areas > 0)
        inside = [store.hu[k][store.labels[k] == value] for k in found]
        rows[name] = {
            "slices": len(found),
            "median area, cm2": round(areas[areas > 0].median() / 100, 1),
            "median HU": int(np.median(np.concatenate(inside))) if len(found) else None,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def patient_counts(cohort: Path) -> dict[str, int]:
    """Patients in training and test."""
    slices = table_of(cohort)
    return {str(k): int(v) for k, v in slices.groupby("split").patient.nunique().items()}
