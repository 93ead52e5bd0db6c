"""Tables of stage 1's artefact: numbers of patients, slices and lesions, and lesion densities."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from lcgan_core.protocol.config import Config
from lcgan_core.stages.cohort import (
    store_of,
    subset_patients,
    test_patients,
    test_rows,
    training_rows,
    validation_rows,
)


def counts(config: Config, cohort: Path) -> pd.DataFrame:
    """Patients, slices, slices with a lesion and of each class, by split of the first draw."""
    store = store_of(cohort)
    slices, classes = store.slices, store.classes
    tests = slices.patient.isin(test_patients(config, store))
    split = pd.Series(np.where(tests, "test", "train"), name="split")
    lesions = slices[classes.areas] > 0
    table = pd.DataFrame(
        {
            "patients": slices.groupby(split).patient.nunique(),
            "slices": slices.groupby(split).size(),
            "with a lesion": lesions.any(axis=1).groupby(split).sum(),
        }
    )
    by_class = lesions.groupby(split).sum()
    by_class.columns = list(classes.names)
    return table.join(by_class).loc[["train", "test"]]


def subset_counts(config: Config, cohort: Path) -> pd.DataFrame:
    """Each subset of the first draw: its patients, how many of them validate or show each class.

    Also the slices to train on, and whether the subset contains the next smaller one.
    """
    store = store_of(cohort)
    found, smaller = [], set[str]()
    for fraction in config.fractions:
        fitted, validating = subset_patients(config, store, fraction)
        patients = fitted | validating
        rows = store.slices[store.slices.patient.isin(patients)]
        shown = (rows.groupby("patient")[store.classes.areas].max() > 0).sum()
        found.append(
            {
                "fraction": fraction,
                "patients": len(patients),
                "to validate": len(validating),
                **dict(zip(store.classes.names, shown, strict=True)),
                "slices to train on": len(training_rows(config, cohort, fraction)),
                "contains the smaller": smaller <= patients,
            }
        )
        smaller = patients
    return pd.DataFrame(found).set_index("fraction")


def remarks(config: Config, cohort: Path) -> list[str]:
    """What the patients of a subset, or those that test, are too few for: a sentence each."""
    table, names = store_of(cohort).slices, store_of(cohort).classes.names
    parts, said = used(config, cohort), list[str]()
    everybody = {patient for rows in parts.values() for patient in rows.patient}
    for fraction in config.fractions:
        of, draws = f"{100 * fraction:.4g}% of the patients", config.draws_at(fraction)
        for draw in draws:
            rows = table.iloc[training_rows(config, cohort, fraction, draw)]
            if lacking := _lacking(rows, names):
                which = f", draw {draw}" if draw > 1 else ""
                said.append(
                    f"At {of}, those to train on ({rows.patient.nunique()}{which}) show no "
                    f"{lacking}: no arm can learn it there."
                )
        held = [table.patient[validation_rows(config, cohort, fraction, draw)] for draw in draws]
        if any(patients.nunique() == 1 for patients in held):
            said.append(f"At {of}, a single validation patient picks the weights.")
        missed = len(everybody - set(_tests(config, cohort, draws).patient))
        if missed and config.cohort.folds:
            said.append(
                f"At {of}, {missed} patients are never tested, because there are {len(draws)} "
                f"draws of {config.cohort.folds} folds."
            )
    rows = parts["test"]
    if lacking := _lacking(rows, names):
        said.append(f"The test patients show no {lacking}: its cells have n = 0 and no value.")
    if rows.patient.nunique() < 2:
        said.append("There is one test patient with a lesion: no interval can be given.")
    return said


def _tests(config: Config, cohort: Path, draws: Iterable[int]) -> pd.DataFrame:
    """Rows of slices.csv that any of the draws tests on."""
    rows = {row for draw in draws for row in test_rows(config, cohort, draw)}
    return store_of(cohort).slices.iloc[sorted(rows)]


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


def used(config: Config, cohort: Path) -> dict[str, pd.DataFrame]:
    """Rows of slices.csv by what they are used for in a run: "train" and "test".

    "train" has everything that trains or validates in the first draw; "test", what any draw tests
    on, which with folds is much of the same.
    """
    rows = [take(config, cohort, config.fractions[-1]) for take in (training_rows, validation_rows)]
    return {
        "train": store_of(cohort).slices.iloc[np.union1d(*rows)],
        "test": _tests(config, cohort, range(1, 1 + max(config.draws))),
    }
