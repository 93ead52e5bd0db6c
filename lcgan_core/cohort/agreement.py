"""Whether what a slice store says about itself is true: a store may come from anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from lcgan_core.lesions import Classes

FILES: dict[str, np.dtype] = {"hu.npy": np.dtype(np.int16), "labels.npy": np.dtype(np.uint8)}
SAMPLED = 64
"""Slices whose labels are counted when a store is opened: as many, however large it is."""
MOST_MM = 20.0
"""The largest side of a pixel: a head then has a dozen of them."""
NUMBERS = ("position_mm", "pixel_spacing_mm", "gantry_tilt_deg")
COLUMNS = ("slice", "patient", "series", *NUMBERS)


def of_arrays(hu: np.ndarray, labels: np.ndarray, rows: int) -> str | None:
    """What is wrong with the types and shapes of a store's arrays, for a table of `rows`."""
    for (name, dtype), array in zip(FILES.items(), (hu, labels), strict=True):
        if array.dtype != dtype or array.ndim != 3 or array.shape[1] != array.shape[2]:
            return (
                f"{name} has the shape {array.shape} of {array.dtype}, not (slices, size, size) "
                f"of {dtype}"
            )
    if hu.shape != labels.shape or rows != len(hu):
        return (
            f"slices.csv has {rows} rows, hu.npy the shape {hu.shape} and labels.npy {labels.shape}"
        )
    return None


def of_table(slices: pd.DataFrame, size: int, classes: Classes) -> str | None:
    """What is wrong with slices.csv, whose slices have `size` x `size` pixels."""
    needed = [*COLUMNS, *classes.areas]
    if missing := [name for name in needed if name not in slices]:
        return f"slices.csv has no column {', '.join(missing)}"
    numbers = ["slice", *NUMBERS, *classes.areas]
    if wrong := [name for name in numbers if not _all_finite(slices[name])]:
        return f"slices.csv has something else than numbers in {', '.join(wrong)}"
    if (slices.slice != np.arange(len(slices))).any():
        return "slices.csv does not number its slices 0, 1, 2 ..."
    if slices[["patient", "series"]].isna().any(axis=None):
        return "slices.csv has slices without a patient or a series"
    if (slices.groupby("series").patient.nunique() > 1).any():
        return "slices.csv has a series of two patients"
    spacing = slices.pixel_spacing_mm
    if not ((spacing > 0) & (spacing <= MOST_MM)).all():
        return f"slices.csv has a pixel_spacing_mm outside of 0 to {MOST_MM:g}"
    areas = slices[classes.areas].to_numpy()
    whole = (size * spacing.to_numpy()) ** 2
    if (areas < 0).any() or (areas.sum(1) > whole * 1.002).any():
        return "slices.csv has an area that is negative or larger than its slice"
    return None


def of_labels(
    slices: pd.DataFrame, labels: np.ndarray, classes: Classes, rows: Iterable[int]
) -> str | None:
    """What is wrong with the labels of some `rows`: values above the classes, other areas."""
    spacing, areas = slices.pixel_spacing_mm.to_numpy(), slices[classes.areas].to_numpy()
    for row in rows:
        counts = np.bincount(labels[row].ravel(), minlength=len(classes) + 1)
        if len(counts) > len(classes) + 1:
            return (
                f"slice {row} has the label {len(counts) - 1}, but there are {len(classes)} classes"
            )
        found = counts[1:] * spacing[row] ** 2
        # spacing and areas are rounded in the table
        if not np.allclose(found, areas[row], rtol=2e-3, atol=0.02):
            return (
                f"the labels of slice {row} have areas of {_listed(found)} mm2, but slices.csv "
                f"says {_listed(areas[row])}"
            )
    return None


def sampled(count: int) -> Iterator[int]:
    """At most SAMPLED of `count` rows, from the first to the last at equal distances.

    >>> list(sampled(3)), len(list(sampled(10_000)))
    ([0, 1, 2], 64)
    """
    yield from np.linspace(0, count - 1, min(count, SAMPLED)).round().astype(int).tolist()


def _all_finite(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and bool(np.isfinite(column).all())


def _listed(areas: np.ndarray) -> str:
    return ", ".join(f"{area:.1f}" for area in areas)
