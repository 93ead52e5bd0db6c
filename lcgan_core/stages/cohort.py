"""Stage 1: head CTs to a slice store; who trains, validates and tests in it (paper 4 and 4.2)."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from lcgan_core.cohort import slices
from lcgan_core.cohort.resized import resized
from lcgan_core.cohort.slices import Slices
from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.protocol import split
from lcgan_core.protocol.config import IN_SILICO, OWN, Config
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw

STORE = "store"


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
            annotator_mm=cohort.annotator_mm,
        )
    # there is nobody to protect, and everything follows from the seed
    _read(config, work / "dicom", "dicom", work / STORE, IN_SILICO, b"in-silico")


def given(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Take the user's slice store, or read the user's head CTs."""
    source = Path(config.cohort.source)
    if (source / "manifest.json").is_file():
        resized(SliceStore.open(source), work / STORE, config.image_size)
    else:
        from lcgan_core.cohort.formats import detect

        _read(config, source, detect(source), work / STORE, OWN)


def _read(
    config: Config, source: Path, form: str, store: Path, name: str, salt: bytes | None = None
) -> None:
    from lcgan_core.cohort.ingest import ingest_folder
    from lcgan_core.cohort.report import REFUSED

    # the masks of the phantom lie right by construction, even those of a few pixels
    drawn = name == IN_SILICO
    done = ingest_folder(source, form, store, config.image_size, {}, salt, name, as_given=drawn)
    refused = int((done.report.status == REFUSED).sum())
    if refused:
        shutil.rmtree(store)
        raise UserError(
            f"{refused} series or files of {source} were refused: "
            f"`lcgan ingest {shlex.quote(str(source))} "
            "--out STORE --allow-refused` says which and why; then use STORE as the cohort."
        )


def store_of(cohort: Path) -> SliceStore:
    """The slice store of stage 1's artefact."""
    return SliceStore.open(cohort / STORE)


def test_patients(config: Config, store: SliceStore, draw: int = 1) -> set[str]:
    """Who tests in a draw: always the same patients, or with folds the draw's fold.

    After as many draws as there are folds everybody has been tested once, and the patients are
    split anew. Nothing is stored: the settings and the store decide.
    """
    cohort, shown = config.cohort, _shown(store)
    if not cohort.folds:
        return split.set_aside(shown, cohort.test_share, seed_of(config.seed, "split"))
    partition, number = divmod(draw - 1, cohort.folds)
    seed = seed_of(config.seed, "folds", partition)
    return split.fold(shown, cohort.folds, number, seed)


def subset_patients(
    config: Config, store: SliceStore, fraction: float, draw: int = 1
) -> tuple[set[str], set[str]]:
    """Who is in a subset: those that networks are fitted to, and those that validate.

    Patients without a lesion are in no subset unless the profile takes slices without one. Subsets
    of a draw are nested; who validates in one may train in a larger one. Raises UserError for a
    subset of one patient.
    """
    tests, root = test_patients(config, store, draw), seed_of_draw(config.seed, draw)
    wanted = {
        patient: classes
        for patient, classes in _shown(store).items()
        if patient not in tests and (classes or not config.cohort.lesion_only)
    }
    drawn = split.subset(wanted, fraction, seed_of(root, "subset"))
    shown = {patient: wanted[patient] for patient in drawn}
    if sum(map(bool, shown.values())) < 2:
        raise UserError(
            f"{name_of(fraction, draw)} is one patient with a lesion, who cannot both train and "
            "validate; take a larger fraction or add patients."
        )
    held = split.validating(shown, config.cohort.validation_share, seed_of(root, "validation"))
    return set(drawn) - held, held


def training_slices(config: Config, cohort: Path, fraction: float, draw: int = 1) -> Slices:
    """The slices of a subset that networks are fitted to: without its validation patients.

    Those with lesions, as in the paper, unless the profile says otherwise, here as in the other
    functions. Each draw orders the patients differently and so has its own subsets.
    """
    return _slices(config, cohort, training_rows(config, cohort, fraction, draw))


def validation_slices(config: Config, cohort: Path, fraction: float, draw: int = 1) -> Slices:
    """The slices of a subset's validation patients, who pick the weights of its segmenters."""
    return _slices(config, cohort, validation_rows(config, cohort, fraction, draw))


def test_slices(config: Config, cohort: Path, draw: int = 1) -> Slices:
    """The slices of the test patients of a draw."""
    return _slices(config, cohort, test_rows(config, cohort, draw))


def training_rows(config: Config, cohort: Path, fraction: float, draw: int = 1) -> np.ndarray:
    """(N,) rows of the store that `training_slices` reads."""
    store = store_of(cohort)
    return _rows(config, store, subset_patients(config, store, fraction, draw)[0])


def validation_rows(config: Config, cohort: Path, fraction: float, draw: int = 1) -> np.ndarray:
    """(N,) rows of the store that `validation_slices` reads."""
    store = store_of(cohort)
    return _rows(config, store, subset_patients(config, store, fraction, draw)[1])


def test_rows(config: Config, cohort: Path, draw: int = 1) -> np.ndarray:
    """(N,) rows of the store that `test_slices` reads."""
    store = store_of(cohort)
    return _rows(config, store, test_patients(config, store, draw))


def name_of(fraction: float, draw: int) -> str:
    """A subset in words, for progress and errors.

    >>> name_of(0.25, 1), name_of(0.25, 2)
    ('0.25 of the patients', '0.25 of the patients (draw 2)')
    """
    return f"{fraction:.4g} of the patients" + (f" (draw {draw})" if draw > 1 else "")


def _shown(store: SliceStore) -> dict[str, set[str]]:
    """Patient -> the lesion classes on the patient's slices."""
    classes = store.classes
    found = store.slices.groupby("patient")[classes.areas].max() > 0
    rows = zip(found.index, found.to_numpy(), strict=True)
    return {str(patient): set(np.array(classes.names)[row]) for patient, row in rows}


def _rows(config: Config, store: SliceStore, patients: set[str]) -> np.ndarray:
    table = store.slices
    chosen = table.patient.isin(patients)
    if config.cohort.lesion_only:
        chosen &= (table[store.classes.areas] > 0).any(axis=1)
    return np.flatnonzero(chosen)


def _slices(config: Config, cohort: Path, rows: np.ndarray) -> Slices:
    return slices.read(store_of(cohort), rows, config.window.level, config.window.width)


def without_lesion(config: Config, cohort: Path, patients: Iterable[str]) -> Slices:
    """The slices of some patients that show no lesion, none if there are none."""
    store = store_of(cohort)
    lesion = store.slices[store.classes.areas].sum(axis=1) > 0
    rows = np.flatnonzero(store.slices.patient.isin(set(patients)) & ~lesion)
    return _slices(config, cohort, rows)
