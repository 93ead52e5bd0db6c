"""Stage 1: head CTs to a slice store, split by patient, with nested subsets (paper 4 and 4.2)."""

from __future__ import annotations

import multiprocessing
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core import runs
from lcgan_core.cohort.series import Series
from lcgan_core.cohort.split import split_patients, subset
from lcgan_core.cohort.store import SliceStore, build_store
from lcgan_core.errors import UserError
from lcgan_core.labels import HEMORRHAGES, LABELS
from lcgan_core.loops.engine import progress, seed_of
from lcgan_core.plan import Job
from lcgan_core.profiles import IN_SILICO, Config
from lcgan_core.transforms.windows import to_window

AREAS = [f"area_{name}" for name in HEMORRHAGES]


def run(config: Config) -> SliceStore:
    """Read or generate the cohort, write its slice store, split it, unless that is done already."""
    folder = runs.ensure(config, Job("cohort"), lambda work: _build(config, work))
    return SliceStore.open(folder / "store")


def _build(config: Config, work: Path) -> None:
    source = config.cohort.source
    if source == IN_SILICO:
        series = _generated(config, work / "dicom")
        salt = b"in-silico"  # nobody to protect, and everything follows from the seed
    else:
        series = _users(Path(source))
        salt = _salt()
    label = IN_SILICO if source == IN_SILICO else "own head CTs"  # a path may name somebody
    store = build_store(series, work / "store", config.image_size, label, salt)
    split = split_patients(
        store.slices.patient, config.cohort.test_share, seed_of(config.seed, "split")
    )
    table = store.slices.assign(split=store.slices.patient.map(split))
    with runs.atomic(work / "store" / "slices.csv") as temporary:
        table.to_csv(temporary, index=False)


def _generated(config: Config, folder: Path) -> Iterator[Series]:
    """Write the in-silico patients as DICOM and NIfTI, and read each back as a user's would be."""
    # later stages only open the store: they must not wait for the DICOM and NIfTI libraries
    from lcgan_core.cohort.dicom import read_patient
    from lcgan_core.cohort.insilico import write_patient

    folder.mkdir(exist_ok=True)
    cohort = config.cohort
    numbers = range(1, cohort.patients + 1)
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    context = multiprocessing.get_context("spawn")  # a fork would copy torch's locked threads
    with ProcessPoolExecutor(min(workers, 8), mp_context=context) as pool:
        seed = seed_of(config.seed, "cohort")
        written = [
            pool.submit(write_patient, folder, k, seed, cohort.matrix, cohort.slices)
            for k in numbers
        ]
        for done in progress(written, "in-silico cohort", "patient"):
            yield read_patient(done.result())


def _users(folder: Path) -> Iterator[Series]:
    if (folder / "manifest.json").is_file():
        yield from progress(SliceStore.open(folder).series(), "slice store", "series")
    else:
        from lcgan_core.cohort.dicom import read_cohort

        yield from progress(read_cohort(folder), "reading head CTs", "patient")


def _salt() -> bytes:
    """The user's secret for patient hashes, made once and kept outside every store."""
    path = Path(os.environ.get("LCGAN_SALT", Path.home() / ".config" / "lcgan" / "salt"))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with runs.atomic(path) as temporary:
            temporary.write_bytes(secrets.token_bytes(32))
            temporary.chmod(0o600)
    return path.read_bytes()[:64]


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


def patient_counts(config: Config) -> dict[str, int]:
    """Patients in training and test."""
    slices = run(config).slices
    return {str(k): int(v) for k, v in slices.groupby("split").patient.nunique().items()}
