"""Stage 1: head CTs to a slice store, split by patient, with nested subsets (paper 4 and 4.2)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core.cohort.resized import resized
from lcgan_core.cohort.store import AREAS, SliceStore
from lcgan_core.cohort.windows import to_window
from lcgan_core.cohort.workers import cores, workers
from lcgan_core.errors import UserError
from lcgan_core.lesions import HEMORRHAGES, LABELS
from lcgan_core.protocol.profiles import IN_SILICO, OWN, Config
from lcgan_core.protocol.split import split_patients, subset
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.training.placing import room

READ_AT_ONCE = 512
"""Slices: reading thousands of HU at once would take several times the memory of the images."""


def run(config: Config) -> SliceStore:
    """Read or generate the cohort, write its slice store, split it, unless that is done already."""
    folder = artefacts.ensure(config, Job("cohort"), lambda work: _build(config, work))
    return SliceStore.open(folder / "store")


def _build(config: Config, work: Path) -> None:
    source, made = Path(config.cohort.source), work / "store"
    if config.cohort.source == IN_SILICO:
        _generate(config, work / "dicom")
        # nobody to protect, and everything follows from the seed
        store = _read(config, work / "dicom", made, IN_SILICO, b"in-silico")
    elif (source / "manifest.json").is_file():
        store = resized(SliceStore.open(source), made, config.image_size)
    else:
        store = _read(config, source, made, OWN)
    split = split_patients(
        store.slices.patient, config.cohort.test_share, seed_of(config.seed, "split")
    )
    table = store.slices.assign(split=store.slices.patient.map(split))
    with artefacts.atomic(made / "slices.csv") as temporary:
        table.to_csv(temporary, index=False)


def _generate(config: Config, folder: Path) -> None:
    """Write the in-silico patients as DICOM with NIfTI masks: a cohort like any user's."""
    # later stages only open the store: they must not wait for the DICOM and NIfTI libraries
    from lcgan_core.phantom import write_cohort

    cohort = config.cohort
    with workers(cores()) as parallel:
        write_cohort(
            folder,
            cohort.patients,
            seed_of(config.seed, "cohort"),
            cohort.matrix,
            cohort.slices,
            parallel,
        )


def _read(
    config: Config, source: Path, store: Path, name: str, salt: bytes | None = None
) -> SliceStore:
    from lcgan_core.cohort.formats import detect
    from lcgan_core.cohort.ingest import ingest_folder
    from lcgan_core.cohort.report import REFUSED

    done = ingest_folder(source, detect(source), store, config.image_size, {}, salt, name)
    refused = int((done.report.status == REFUSED).sum())
    if refused:
        shutil.rmtree(store)
        raise UserError(
            f"{refused} series or files of {source} were refused: `lcgan ingest {source} "
            "--out STORE --allow-refused` tells which and why; then give the STORE as cohort."
        )
    return done.store


@dataclass(frozen=True)
class Slices:
    """Slices as the networks take them.

    images: (N, H, W) uint8, windowed; labels: (N, H, W) uint8; table: their rows of slices.csv.
    """

    images: Tensor
    labels: Tensor
    table: pd.DataFrame


def training_slices(config: Config, fraction: float, draw: int = 1) -> Slices:
    """The slices of the patients of the N% subset; those with haemorrhage, as in the paper, unless
    the profile says otherwise. Each draw has an order of the patients and subsets of its own."""
    store = run(config)
    patients = store.slices.loc[store.slices.split == "train", "patient"].unique()
    seed = seed_of(seed_of_draw(config.seed, draw), "subset")
    chosen = subset(list(patients), fraction, seed)
    return _slices(config, store, store.slices.patient.isin(chosen), name_of(fraction, draw))


def name_of(fraction: float, draw: int) -> str:
    """A subset in words, for progress and errors.

    >>> name_of(0.25, 1), name_of(0.25, 2)
    ('0.25 of the patients', '0.25 of the patients (draw 2)')
    """
    return f"{fraction:.4g} of the patients" + (f" (draw {draw})" if draw > 1 else "")


def test_slices(config: Config) -> Slices:
    """The slices of the test patients, with haemorrhage unless the profile says otherwise."""
    store = run(config)
    return _slices(config, store, store.slices.split == "test", "the test patients")


def _slices(config: Config, store: SliceStore, chosen: pd.Series, of: str) -> Slices:
    lesion = store.slices[AREAS].sum(axis=1) > 0
    if not (chosen & lesion).any():
        raise UserError(
            f"No slice with haemorrhage among {of} of {store.folder}; "
            "add patients or take a larger fraction."
        )
    rows = np.flatnonzero(chosen & (lesion if config.cohort.lesion_only else True))
    shape = (len(rows), *store.hu.shape[1:])
    images, labels = room(shape), room(shape)
    for part in torch.arange(len(rows)).split(READ_AT_ONCE):
        chosen_rows = rows[part.numpy()]
        hu = torch.from_numpy(store.hu[chosen_rows])
        images[part] = to_window(hu, config.window.level, config.window.width)
        labels[part] = torch.from_numpy(store.labels[chosen_rows])
    return Slices(images, labels, store.slices.iloc[rows].reset_index(drop=True))


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


def remarks(config: Config) -> list[str]:
    """A sentence for each subset, and for the test patients, that lacks a haemorrhage type."""
    said = []
    for fraction in config.fractions:
        for draw in config.draws_at(fraction):
            table = training_slices(config, fraction, draw).table
            lacking = _lacking(table)
            if lacking:
                which = f", draw {draw}" if draw > 1 else ""
                said.append(
                    f"{100 * fraction:.4g}% of the patients ({table.patient.nunique()}{which}) "
                    f"show no {lacking}: no arm can learn it there."
                )
    table = test_slices(config).table
    lacking = _lacking(table)
    if lacking:
        said.append(f"The test patients show no {lacking}: its cells have n = 0 and no value.")
    if table.patient.nunique() < 2:
        said.append("There is one test patient with haemorrhage: no interval can be given.")
    return said


def _lacking(table: pd.DataFrame) -> str:
    areas = zip(HEMORRHAGES, table[AREAS].sum(), strict=True)
    return ", ".join(name for name, area in areas if area == 0)


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
    return pd.DataFrame.from_dict(rows, orient="index")


def patient_counts(config: Config) -> dict[str, int]:
    """Patients in training and test."""
    slices = run(config).slices
    return {str(k): int(v) for k, v in slices.groupby("split").patient.nunique().items()}
