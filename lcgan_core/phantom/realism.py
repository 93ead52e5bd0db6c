"""How realistic a cohort is: the numbers by which any head CT cohort is judged."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import ndimage
from skimage import measure

from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.phantom.patient import Scan
from lcgan_core.phantom.tissues import Array, Tissue

PERCENTILES = (5, 25, 50, 75, 95)
PATCH = 16
"""Pixels along the side of the patches that noise is measured on."""
SMALLEST_MM3 = 15.0
"""Smaller components are specks; BHSD's table leaves out those of at most 15 voxels."""


def noise(volume: Array, px: float) -> tuple[float, pd.DataFrame]:
    """SD (HU) and noise power spectrum of flat parts of the brain, quadratic trends removed.

    volume: (S, H, W) HU; px: mm. The spectrum is a radial mean over 1/mm, scaled to a maximum of 1.
    """
    rows, columns = np.mgrid[:PATCH, :PATCH] / PATCH - 0.5
    powers = (1 + 0 * rows, rows, columns, rows**2, columns**2, rows * columns)
    trend = np.stack([p.ravel() for p in powers], axis=1)
    away = np.eye(PATCH**2) - trend @ np.linalg.pinv(trend)
    flat = []
    for image in volume.astype(np.float32):
        smooth = ndimage.gaussian_filter(image, 2.9 / px)
        for i in range(0, image.shape[0] - PATCH, PATCH // 2):
            for j in range(0, image.shape[1] - PATCH, PATCH // 2):
                here = (slice(i, i + PATCH), slice(j, j + PATCH))
                patch, level = image[here], smooth[here]
                even = level.min() > 15 and level.max() < 50 and np.ptp(level) < 5
                if even and patch.min() > -15 and patch.max() < 80:
                    flat.append(away @ patch.ravel())
    left = np.stack(flat)
    power = (np.abs(np.fft.fft2(left.reshape(-1, PATCH, PATCH))) ** 2).mean(axis=0)
    f = np.hypot(*np.meshgrid(*[np.fft.fftfreq(PATCH, px)] * 2))
    edges = np.arange(0.06, 0.5 / px, 0.06)
    mean = [power[(f >= low) & (f < low + 0.06)].mean() for low in edges[:-1]]
    curve = pd.DataFrame({"per_mm": edges[:-1] + 0.03, "power": np.array(mean) / max(mean)})
    return float(np.median(left.std(axis=1))), curve.round(4)


def edge_response(volume: Array, px: float) -> pd.DataFrame:
    """Median HU across the skin's outer border, over mm outward from its -500 HU contour."""
    distances = np.arange(-1.0, 3.01, 0.25)
    profiles = []
    for image in volume.astype(np.float32):
        parts, _ = ndimage.label(ndimage.binary_fill_holes(image > -500))
        largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1
        head = ndimage.binary_dilation(largest, iterations=3)
        contour = max(measure.find_contours(np.where(head, image, -1000), -500), key=len)
        along = np.gradient(ndimage.gaussian_filter1d(contour, 3, axis=0, mode="wrap"), axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        inside = ndimage.map_coordinates(image, (contour + 2 * normal).T, order=1)
        outside = ndimage.map_coordinates(image, (contour - 2 * normal).T, order=1)
        if np.median(outside) > np.median(inside):
            normal = -normal
        profiles.append(
            [
                np.median(ndimage.map_coordinates(image, (contour - d / px * normal).T, order=1))
                for d in distances
            ]
        )
    return pd.DataFrame({"mm": distances, "hu": np.median(profiles, axis=0).round(0)})


def tissue_hu(scans: list[Scan]) -> pd.Series:
    """Median HU of each tissue, at least a pixel away from any other."""
    found: dict[str, list[Array]] = {tissue.name: [] for tissue in Tissue}
    for scan in scans:
        same = np.ones(scan.tissue.shape, bool)
        for shift in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            same &= scan.tissue == np.roll(scan.tissue, shift, axis=(1, 2))
        for tissue in Tissue:
            found[tissue.name].append(scan.hu[same & (scan.tissue == tissue)])
    values = {name: np.concatenate(parts) for name, parts in found.items()}
    return pd.Series({name: float(np.median(v)) for name, v in values.items() if len(v) > 50})


def components(scan: Scan) -> pd.DataFrame:
    """One row per connected haemorrhage: name, ml, hu (mean), slices, cm2 (mean section)."""
    area = scan.pixel_spacing**2
    rows = []
    for label, name in enumerate(HEMORRHAGES, start=1):
        parts, n = ndimage.label(scan.labels == label, np.ones((3, 3, 3)))
        for k, box in enumerate(ndimage.find_objects(parts), start=1):
            here = parts[box] == k
            if here.sum() * area * scan.slice_spacing <= SMALLEST_MM3:
                continue
            slices = int(here.any(axis=(1, 2)).sum())
            cm2 = here.sum() * area / 100 / slices
            ml = here.sum() * area * scan.slice_spacing / 1000
            rows.append((name, ml, float(scan.hu[box][here].mean()), slices, cm2))
    return pd.DataFrame(rows, columns=["name", "ml", "hu", "slices", "cm2"])


def positive_slices(scan: Scan) -> pd.Series:
    """Proportion of a scan's slices that show each type, and any type."""
    seen = [(scan.labels == label).any(axis=(1, 2)).mean() for label in range(1, 6)]
    return pd.Series([*seen, (scan.labels > 0).any(axis=(1, 2)).mean()], [*HEMORRHAGES, "any"])


def lesion_table(every: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """As data/bhsd_lesions.csv: scans and components, and percentiles over scans or components.

    every: the rows of `components` with the column scan; shares: `positive_slices` of each scan.
    """
    rows: list[dict[str, object]] = []
    for name in HEMORRHAGES:
        of = every[every.name == name]
        measured = {
            "ml_per_scan": of.groupby("scan").ml.sum(),
            "hu_per_component": of.hu,
            "section_cm2": of[of.ml >= 0.5].cm2,
            "slices_per_component": of.slices,
            "share_of_slices": shares[name][shares[name] > 0],
        }
        row: dict[str, object] = {"scans": of.scan.nunique(), "components": len(of)}
        for what, values in measured.items():
            row |= {f"{what}_p{p}": float(np.percentile(values, p)) for p in PERCENTILES}
        rows += [{"name": name, "what": key, "value": value} for key, value in row.items()]
    types = every.groupby("scan").name.nunique().value_counts()
    rows += [{"name": "all", "what": f"types_{n}", "value": types.get(n, 0)} for n in range(1, 6)]
    share = float(shares["any"].median())
    rows.append({"name": "all", "what": "share_of_slices_p50", "value": share})
    return pd.DataFrame(rows)
