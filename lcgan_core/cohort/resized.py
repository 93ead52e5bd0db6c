"""A copy of a slice store at the image size that a profile asks for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from lcgan_core.cohort.agreement import FILES
from lcgan_core.cohort.resampling import to_slices
from lcgan_core.cohort.series import Series
from lcgan_core.cohort.store import SliceStore, StoreWriter
from lcgan_core.errors import UserError
from lcgan_core.run.progress import progress


def resized(store: SliceStore, folder: Path, size: int) -> SliceStore:
    """`store` at size x size pixels in `folder`; at its own size the arrays are shared.

    Raises UserError where the store's slices are smaller: detail cannot be made up.
    """
    if store.image_size < size:
        raise UserError(
            f"{store.folder} has slices of {store.image_size} pixels, the profile wants {size}; "
            f"ingest with --size {size}."
        )
    if store.image_size == size:
        return _shared(store, folder)
    with StoreWriter(folder, size, str(store.folder), store.classes) as writer:
        groups = list(store.slices.groupby(["patient", "series"], sort=False))[writer.entries :]
        for (patient, uid), rows in progress(groups, "slice store", "series"):
            index = rows.index.to_numpy()
            series = Series(
                patient=str(patient),
                uid=str(uid),
                hu=np.array(store.hu[index]),
                labels=np.array(store.labels[index]),
                positions=rows.position_mm.to_numpy(),
                pixel_spacing=(float(rows.pixel_spacing_mm.iloc[0]),) * 2,
                gantry_tilt=float(rows.gantry_tilt_deg.iloc[0]),
            )
            writer.append({}, to_slices(series, size, store.classes))
        kept = {
            key: store.manifest[key]
            for key in ("source", "salt_check", "hu_exact", "publish", "citation")
            if key in store.manifest
        }
        return writer.finish(kept, also=lambda made: None)


def _shared(store: SliceStore, folder: Path) -> SliceStore:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("slices.csv", "manifest.json"):  # small, and copies may be opened and edited
        shutil.copyfile(store.folder / name, folder / name)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
        try:
            os.link(store.folder / name, folder / name)
        except OSError:  # another disk
            shutil.copyfile(store.folder / name, folder / name)
    return SliceStore.open(folder)
