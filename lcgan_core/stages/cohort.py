"""Stage 1: head CTs to a slice store, split by patient, with nested subsets (paper 4 and 4.2)."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lcgan_core.cohort import slices
from lcgan_core.cohort.resized import resized
from lcgan_core.cohort.slices import Slices
from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.protocol.config import IN_SILICO, OWN, Config
from lcgan_core.protocol.split import split_patients, subset
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw

STORE, SPLIT = "store", "split.csv"


def in_silico(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Generate the in-silico patients as DICOM with NIfTI masks, and read them like any user's."""
    # later stages only open the store: they must not wait for the DICOM and NIfTI libraries
    from lcgan_core.cohort.workers import cores, workers
    from lcgan_core.phantom import write_cohort

    cohort = config.cohort
    with workers(cores()) as parallel:
        write_cohort(
            work / "dicom",
            cohort.patients,
            seed_of(config.seed, "cohort"),
            cohort.matrix,
            cohort.slices,
            parallel,
        )
    # there is nobody to protect, and everything follows from the seed
    _read(config, work / "dicom", "dicom", work / STORE, IN_SILICO, b"in-silico")
    _split(config, work)


def given(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Take the user's slice store, or read the user's head CTs."""
    source = Path(config.cohort.source)
    if (source / "manifest.json").is_file():
        resized(SliceStore.open(source), work / STORE, config.image_size)
    else:
        from lcgan_core.cohort.formats import detect

        _read(config, source, detect(source), work / STORE, OWN)
    _split(config, work)


def _read(
    config: Config, source: Path, form: str, store: Path, name: str, salt: bytes | None = None
) -> None:
    from lcgan_core.cohort.ingest import ingest_folder
    from lcgan_core.cohort.report import REFUSED

    done = ingest_folder(source, form, store, config.image_size, {}, salt, name)
    refused = int((done.report.status == REFUSED).sum())
    if refused:
        shutil.rmtree(store)
        raise UserError(
            f"{refused} series or files of {source} were refused: "
            f"`lcgan ingest {shlex.quote(str(source))} "
            "--out STORE --allow-refused` says which and why; then use STORE as the cohort."
        )


def _split(config: Config, work: Path) -> None:
    """Write which patients train and which test; the store itself is never changed."""
    patients = SliceStore.open(work / STORE).slices.patient
    split = split_patients(patients, config.cohort.test_share, seed_of(config.seed, "split"))
    table = pd.DataFrame({"patient": list(split), "split": list(split.values())})
    with artefacts.atomic(work / SPLIT) as temporary:
        table.to_csv(temporary, index=False)


def store_of(cohort: Path) -> SliceStore:
    """The slice store of stage 1's artefact."""
    return SliceStore.open(cohort / STORE)


def table_of(cohort: Path) -> pd.DataFrame:
    """slices.csv of stage 1's artefact with the column `split`: "train" or "test"."""
    split = pd.read_csv(cohort / SPLIT, dtype=str, keep_default_na=False).set_index("patient").split
    rows = store_of(cohort).slices
    return rows.assign(split=rows.patient.map(split))


def training_slices(config: Config, cohort: Path, fraction: float, draw: int = 1) -> Slices:
    """The slices of a subset's patients; those with lesions, as in the paper, unless the profile
    says otherwise. Each draw orders the patients differently and so has its own subsets."""
    return _slices(config, cohort, training_rows(config, cohort, fraction, draw))


def test_slices(config: Config, cohort: Path) -> Slices:
    """The slices of the test patients, with lesions unless the profile says otherwise."""
    return _slices(config, cohort, test_rows(config, cohort))


def training_rows(config: Config, cohort: Path, fraction: float, draw: int = 1) -> np.ndarray:
    """(N,) rows of the store that `training_slices` reads."""
    table = table_of(cohort)
    patients = table.loc[table.split == "train", "patient"].unique()
    seed = seed_of(seed_of_draw(config.seed, draw), "subset")
    chosen = table.patient.isin(subset(list(patients), fraction, seed))
    return _rows(config, cohort, table, chosen, name_of(fraction, draw))


def test_rows(config: Config, cohort: Path, draw: int = 1) -> np.ndarray:
    """(N,) rows of the store that `test_slices` reads."""
    table = table_of(cohort)
    return _rows(config, cohort, table, table.split == "test", "the test patients")


def name_of(fraction: float, draw: int) -> str:
    """A subset in words, for progress and errors.

    >>> name_of(0.25, 1), name_of(0.25, 2)
    ('0.25 of the patients', '0.25 of the patients (draw 2)')
    """
    return f"{fraction:.4g} of the patients" + (f" (draw {draw})" if draw > 1 else "")


def _rows(
    config: Config, cohort: Path, table: pd.DataFrame, chosen: pd.Series, of: str
) -> np.ndarray:
    lesion = table[store_of(cohort).classes.areas].sum(axis=1) > 0
    if not (chosen & lesion).any():
        raise UserError(
            f"No slice with a lesion among {of} of {cohort / STORE}; "
            "add patients or take a larger fraction."
        )
    return np.flatnonzero(chosen & (lesion if config.cohort.lesion_only else True))


def _slices(config: Config, cohort: Path, rows: np.ndarray) -> Slices:
    return slices.read(store_of(cohort), rows, config.window.level, config.window.width)
