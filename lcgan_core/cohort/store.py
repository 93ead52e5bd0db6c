"""The slice store: every slice's HU and labels at one image size, memory-mapped, a row a slice."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from lcgan_core.cohort.series import Series
from lcgan_core.errors import UserError
from lcgan_core.labels import HEMORRHAGES

AIR = -1024
AREAS = [f"area_{name}" for name in HEMORRHAGES]
VERSION = 1


@dataclass(frozen=True)
class SliceStore:
    """An opened store: `slices` a row a slice, `hu` (N, H, W) int16, `labels` (N, H, W) uint8."""

    folder: Path
    slices: pd.DataFrame
    hu: np.ndarray
    labels: np.ndarray

    @classmethod
    def open(cls, folder: Path) -> SliceStore:
        """Memory-map a store; UserError where the folder is none or its files do not match."""
        folder = Path(folder)
        missing = [
            name
            for name in ("manifest.json", "slices.csv", "hu.npy", "labels.npy")
            if not (folder / name).is_file()
        ]
        if missing:
            raise UserError(f"{folder} is not a slice store: {', '.join(missing)} is missing.")
        try:
            slices = pd.read_csv(folder / "slices.csv", dtype={"patient": str, "series": str})
            hu = np.load(folder / "hu.npy", mmap_mode="r")
            labels = np.load(folder / "labels.npy", mmap_mode="r")
        except (ValueError, EOFError) as error:
            raise UserError(f"{folder} is damaged ({error}); build it anew.") from None
        if hu.shape != labels.shape or len(slices) != len(hu):
            raise UserError(
                f"{folder} is damaged: slices.csv has {len(slices)} rows, hu.npy the shape "
                f"{hu.shape} and labels.npy {labels.shape}; build it anew."
            )
        return cls(folder, slices, hu, labels)

    def series(self) -> Iterable[Series]:
        """Each series again, as a reader gives it, for building a store of another image size."""
        for (patient, series), rows in self.slices.groupby(["patient", "series"], sort=False):
            index = rows.index.to_numpy()
            yield Series(
                patient=str(patient),
                uid=str(series),
                hu=np.array(self.hu[index]),
                labels=np.array(self.labels[index]),
                positions=rows.position_mm.to_numpy(),
                pixel_spacing=(float(rows.pixel_spacing_mm.iloc[0]),) * 2,
                gantry_tilt=float(rows.gantry_tilt_deg.iloc[0]),
            )


def build_store(
    cohort: Iterable[Series],
    folder: Path,
    image_size: int,
    source: str,
    salt: bytes,
) -> SliceStore:
    """Write the slices of `cohort`, resampled to image_size x image_size, and open the store.

    Series are taken one at a time, so memory does not grow with the cohort. The folder appears
    when all is written. Patient ids and series uids become hashes salted with `salt`, which is
    not stored.
    """
    work = folder.with_name(f".{folder.name}.writing")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        rows: list[dict] = []
        with (work / "hu.raw").open("wb") as hu, (work / "labels.raw").open("wb") as labels:
            for series in cohort:
                for row, slice_hu, slice_labels in _slices(series, image_size, salt):
                    rows.append({"slice": len(rows), **row})
                    hu.write(slice_hu.tobytes())
                    labels.write(slice_labels.tobytes())
        if not rows:
            raise UserError(f"{source} holds no slice; point the cohort at a folder of head CTs.")
        shape = (len(rows), image_size, image_size)
        _add_header(work / "hu.raw", work / "hu.npy", shape, np.dtype(np.int16))
        _add_header(work / "labels.raw", work / "labels.npy", shape, np.dtype(np.uint8))
        table = pd.DataFrame(rows)
        table.to_csv(work / "slices.csv", index=False)
        manifest = {
            "version": VERSION,
            "source": source,
            "image_size": image_size,
            "patients": int(table.patient.nunique()),
            "series": int(table.series.nunique()),
            "slices": len(table),
            "labels": {name: value for value, name in enumerate(HEMORRHAGES, start=1)},
        }
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise UserError(
            f"The disk that holds {folder} is full; free space there or choose another folder."
        ) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return SliceStore.open(folder)


def _slices(
    series: Series, size: int, salt: bytes
) -> Iterable[tuple[dict, np.ndarray, np.ndarray]]:
    patient, uid = (_hash(salt, name) for name in (series.patient, series.uid))
    for k, position in enumerate(series.positions):
        hu, labels, spacing = resample(series.hu[k], series.labels[k], series.pixel_spacing, size)
        areas = np.bincount(labels.ravel(), minlength=len(HEMORRHAGES) + 1)[1:] * spacing**2
        row = {
            "patient": patient,
            "series": uid,
            "position_mm": round(float(position), 3),
            "pixel_spacing_mm": round(spacing, 6),
            "gantry_tilt_deg": round(series.gantry_tilt, 2),
            **dict(zip(AREAS, areas.round(2), strict=True)),
        }
        yield row, hu, labels


def resample(
    hu: np.ndarray, labels: np.ndarray, spacing: tuple[float, float], size: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """A slice at size x size pixels, padded to a square of air first, and its pixel size in mm.

    HU by pixel area when shrinking and linearly when enlarging, labels by the nearest pixel.
    """
    height, width = (n * step for n, step in zip(hu.shape, spacing, strict=True))
    side = max(height, width)
    rows, columns = (round(side / step) for step in spacing)
    square_hu = np.full((rows, columns), AIR, np.int16)
    square_labels = np.zeros((rows, columns), np.uint8)
    top, left = (rows - hu.shape[0]) // 2, (columns - hu.shape[1]) // 2
    inside = np.s_[top : top + hu.shape[0], left : left + hu.shape[1]]
    square_hu[inside], square_labels[inside] = hu, labels
    if (rows, columns) != (size, size):
        how = cv2.INTER_AREA if rows > size else cv2.INTER_LINEAR
        resized = cv2.resize(square_hu.astype(np.float32), (size, size), interpolation=how)
        square_hu = resized.round().astype(np.int16)
        square_labels = cv2.resize(
            square_labels, (size, size), interpolation=cv2.INTER_NEAREST_EXACT
        )
    return square_hu, square_labels, side / size


def _hash(salt: bytes, name: str) -> str:
    return hashlib.blake2b(name.encode(), key=salt, digest_size=8).hexdigest()


def _add_header(raw: Path, target: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Turn streamed values into a .npy file: its header needs the number of slices, known last."""
    with target.open("wb") as out, raw.open("rb") as values:
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(out, header)
        shutil.copyfileobj(values, out)
    raw.unlink()
