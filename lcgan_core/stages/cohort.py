"""Stage 1: head CTs to a slice store, split by patient, with nested subsets (paper 4 and 4.2)."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core import runs
from lcgan_core.cohort import SliceStore, build_store, read_cohort, split_patients, subset
from lcgan_core.cohort.insilico import write_patient
from lcgan_core.errors import UserError
from lcgan_core.labels import HEMORRHAGES, LABELS
from lcgan_core.loops.engine import progress, seed_of
from lcgan_core.plan import Job
from lcgan_core.profiles import IN_SILICO, Config
from lcgan_core.transforms.windows import to_window

AREAS = [f"area_{name}" for name in HEMORRHAGES]


@dataclass(frozen=True)
class Slices:
    """Slices with haemorrhage as the networks take them.

    images: (N, H, W) uint8, windowed; labels: (N, H, W) uint8; table: their rows of slices.csv.
    """

    images: Tensor
    labels: Tensor
    table: pd.DataFrame


def training_slices(config: Config, fraction: float) -> Slices:
    """All slices with haemorrhage of the patients of the N% subset."""
    store = run(config)
    patients = store.slices.loc[store.slices.split == "train", "patient"].unique()
    chosen = subset(list(patients), fraction, seed_of(config.seed, "subset"))
    return _lesion_slices(config, store, store.slices.patient.isin(chosen), f"{fraction:.4g}")


def test_slices(config: Config) -> Slices:
    """All slices with haemorrhage of the test patients."""
    store = run(config)
    return _lesion_slices(config, store, store.slices.split == "test", "the test patients")


def _lesion_slices(config: Config, store: SliceStore, chosen: pd.Series, of: str) -> Slices:
    rows = np.flatnonzero(chosen & (store.slices[AREAS].sum(axis=1) > 0))
    if not len(rows):
        raise UserError(
            f"No slice with haemorrhage among {of} of {store.folder}; "
            "add patients or take a larger fraction."
        )
    hu = torch.from_numpy(np.array(store.hu[rows]))
    return Slices(
        to_window(hu, config.window.level, config.window.width),
        torch.from_numpy(np.array(store.labels[rows])),
        store.slices.iloc[rows].reset_index(drop=True),
    )


def counts(config: Config) -> pd.DataFrame:
    """Patients, slices, slices with haemorrhage and slices of each type, by split."""
    slices = run(config).slices
    lesions = slices[AREAS] > 0
    table = pd.DataFrame(
        {
            "patients": slices.groupby("split").patient.nunique(),
            "slices": slices.groupby("split").size(),
            "with haemorrhage": lesions.any(axis=1).groupby(slices.split).sum(),
        }
    )
    by_type = lesions.groupby(slices.split).sum()
    by_type.columns = list(HEMORRHAGES)
    return table.join(by_type).loc[["train", "test"]]


def subset_counts(config: Config) -> pd.DataFrame:
    """Patients and slices of every subset, and whether the next larger one contains it."""
    rows, smaller = [], set[str]()
    for fraction in config.fractions:
        table = training_slices(config, fraction).table
        patients = set(table.patient)
        rows.append(
            {
                "fraction": fraction,
                "patients": len(patients),
                "slices with haemorrhage": len(table),
                "contains the smaller": smaller <= patients,
            }
        )
        smaller = patients
    return pd.DataFrame(rows).set_index("fraction")


def lesion_statistics(config: Config) -> pd.DataFrame:
    """Slices, median area (cm2) and median HU of each haemorrhage type in the whole store."""
    store = run(config)
    rows = {}
    for name, value in LABELS.items():
        areas = store.slices[f"area_{name}"]
        found = np.flatnonzero(areas > 0)
        inside = [store.hu[k][store.labels[k] == value] for k in found]
        rows[name] = {
            "slices": len(found),
            "median area, cm2": round(areas[areas > 0].median() / 100, 1),
            "median HU": int(np.median(np.concatenate(inside))) if len(found) else None,
        }
    return pd.DataFrame(rows).T
