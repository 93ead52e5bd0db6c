"""`lcgan export`: what an arm trains on and is tested on, or a whole store, for other programs."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lcgan_core.cohort.slices import Slices
from lcgan_core.cohort.store import SliceStore
from lcgan_core.cohort.windows import to_hu
from lcgan_core.errors import UserError
from lcgan_core.export.case import TEST, TRAIN, Common, ExportedCase
from lcgan_core.export.place import Place
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts, plan
from lcgan_core.run.plan import Job
from lcgan_core.run.progress import progress
from lcgan_core.stages import augmentation, cohort
from lcgan_core.takeaway.folder import Making, format_of, stamp_of

TABLE = "cases.csv"
ALL_HU = (float("-inf"), float("inf"))


class Lot(NamedTuple):
    """Cases that share a purpose, loaded together when their turn comes."""

    cases: int
    load: Callable[[], Iterator[ExportedCase]]


def arm(config: Config, job: Job, form: str, out: Path) -> int:
    """Write the slices of an arm, its validation patients and its test patients; returns how many.

    Real and synthetic slices share the profile's window. A synthetic case has the patient of its
    mask. Raises UserError for an arm whose copies are made anew at every step.
    """
    if ARMS[job.what].redrawn or ARMS[job.what].online:
        raise UserError(f"The arm {job.what} makes new copies at every step; export another one.")
    if format_of(form).whole:
        raise UserError(
            f"An arm consists of single slices, which --as {form} cannot hold; take nifti, nnunet "
            "or png, or export the store."
        )
    needed = plan.inputs(config, job)
    artefacts.make(config, *needed.values())
    folders = {role: artefacts.folder(config, one) for role, one in needed.items()}
    heads, fraction = folders["cohort"], job.fraction or 1.0
    store, window = cohort.store_of(heads), config.window
    low, high = window.level - window.width / 2, window.level + window.width / 2
    stamp = stamp_of(
        *(plan.fingerprint(config, one) for one in needed.values()), job.key, form, low, high
    )
    common = Common(store.classes, (low, high), stamp, f"LcGAN, arm {job.what} at {fraction:g}")
    making = Making(out, format_of(form), common)
    if making.finished:
        return 0
    train = cohort.training_slices(config, heads, fraction, job.draw)
    held = cohort.validation_slices(config, heads, fraction, job.draw)
    test = cohort.test_slices(config, heads, job.draw)

    def real(slices: Slices, role: str, what: str, **facts: Any) -> Lot:
        return Lot(
            len(slices.images),
            lambda: _cases(config, slices, slices.images.numpy(), what, role, False, facts),
        )

    lots = [real(train, TRAIN, "real", validates=False)]
    for number, kind in enumerate(ARMS[job.what].copies, start=1):
        if kind != "original":
            lots.append(_copies(config, train, kind, folders[kind], number))
    lots += [real(held, TRAIN, "held", validates=True), real(test, TEST, "test", validates=False)]
    _write(making, lots)
    making.finish(TABLE, _about(store, common, arm=job.what, fraction=fraction, draw=job.draw), {})
    return making.done


def whole(folder: Path, form: str, out: Path) -> int:
    """Write every series of a slice store, all its slices and HU; returns how many."""
    store = SliceStore.open(folder)
    stamp = stamp_of(folder, (folder / "manifest.json").read_text(), form)
    exact = store.manifest.get("hu_exact")
    low, high = (0.0, 100.0) if form == "png" else (exact or ALL_HU)
    common = Common(store.classes, (low, high), stamp, str(store.manifest.get("source", "")))
    making = Making(out, format_of(form), common)
    if making.finished:
        return 0
    groups = [rows.index.to_numpy() for _, rows in store.slices.groupby("series", sort=False)]
    lots = [_series(store, rows, k, form) for k, rows in enumerate(groups, start=1)]
    _write(making, lots)
    making.finish(TABLE, _about(store, common), {})
    return making.done


def _write(making: Making, lots: list[Lot]) -> None:
    """Write the cases of all lots after those that are done."""
    total = sum(lot.cases for lot in lots)

    def waiting() -> Iterator[ExportedCase]:
        passed = 0
        for lot in lots:
            if passed + lot.cases > making_done:
                for number, case in enumerate(lot.load(), start=passed):
                    if number >= making_done:
                        yield case
            passed += lot.cases

    making_done = making.done
    making.add(progress(waiting(), "writing", "case", total - making_done))


def _copies(config: Config, train: Slices, kind: str, folder: Path, number: int) -> Lot:
    images, labels = augmentation.pairs(folder)
    moved = Slices(train.images, train.labels, train.table, train.classes)

    def load() -> Iterator[ExportedCase]:
        return _cases(config, moved, images, f"copy{number}", TRAIN, True, {"kind": kind}, labels)

    return Lot(len(images), load)


def _cases(
    config: Config,
    slices: Slices,
    images: np.ndarray,
    what: str,
    role: str,
    synthetic: bool,
    facts: dict[str, Any],
    labels: np.ndarray | None = None,
) -> Iterator[ExportedCase]:
    window = config.window
    shown = slices.labels.numpy() if labels is None else labels
    for k, row in enumerate(slices.table.to_dict("records")):
        place = Place.of_store(
            np.array([row["position_mm"]]), row["pixel_spacing_mm"], 0.0, slices.size
        )
        yield ExportedCase(
            name=f"{what}_{k + 1:05d}",
            patient=str(row["patient"]),
            hu=to_hu(np.asarray(images[k]), window.level, window.width)[None],
            labels=np.asarray(shown[k])[None],
            place=place,
            synthetic=synthetic,
            role=role,
            facts={"store_slice": row["slice"], "validates": False, "kind": "original", **facts},
        )


def _series(store: SliceStore, rows: np.ndarray, number: int, form: str) -> Lot:
    table = store.slices.iloc[rows]
    place = Place.of_store(
        table.position_mm.to_numpy(float),
        float(table.pixel_spacing_mm.iloc[0]),
        float(table.gantry_tilt_deg.iloc[0]),
        store.image_size,
    )
    one_each = form == "png"

    def case(part: slice, name: str) -> ExportedCase:
        return ExportedCase(
            name=name,
            patient=str(table.patient.iloc[0]),
            hu=np.asarray(store.hu[rows[part]]),
            labels=np.asarray(store.labels[rows[part]]),
            place=place[part],
            facts={"store_slice": int(rows[part][0]), "slices": len(rows[part])},
        )

    def load() -> Iterator[ExportedCase]:
        if not one_each:
            yield case(slice(None), f"series_{number:04d}")
            return
        for k in range(len(rows)):
            yield case(slice(k, k + 1), f"series_{number:04d}_{k + 1:04d}")

    return Lot(len(rows) if one_each else 1, load)


def _about(store: SliceStore, common: Common, **more: Any) -> dict[str, Any]:
    told = {"lcgan_core": importlib.metadata.version("lcgan-core"), **more}
    if common.saturated:
        told["window_hu"] = list(common.window)
    manifest = store.manifest
    return told | {k: manifest[k] for k in ("source", "publish", "citation") if k in manifest}
