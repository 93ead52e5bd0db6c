"""The measured realism of the in-silico cohort, as the book's page shows it.

`python -m tools.realism` measures as many patients as BHSD has scans and
writes the page's tables and pictures to book/phantom; with `--head scan.nii.gz --out data` it
measures the curves of a real head, with which they are compared.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pandas as pd

from lcgan_core.cohort.orientation import to_display
from lcgan_core.lesions import FIVE, HEMORRHAGES
from lcgan_core.phantom.patient import Scan, scan_patient
from lcgan_core.phantom.realism import (
    components,
    edge_response,
    lesion_table,
    noise,
    positive_slices,
    tissue_hu,
)
from lcgan_core.phantom.tissues import Array

SEED, PATIENTS, MATRIX, SLICES = 2020, 192, 256, 28


def _measure(number: int) -> tuple[pd.DataFrame, pd.Series, Scan | None]:
    scan = scan_patient(SEED, number, MATRIX, SLICES)
    return (
        components(scan).assign(scan=number),
        positive_slices(scan),
        scan if number < 46 else None,
    )


def contact_sheet(scans: list[Scan], side: int = 150) -> Array:
    """(H, W, 3) uint8 RGB: eight slices of each type, one row per type, L40 W80, some outlined."""
    rows = []
    for label, color in enumerate(FIVE.shown[1:], start=1):
        area = np.array([(s.labels == label).sum(axis=(1, 2)) * s.pixel_spacing**2 for s in scans])
        chosen = [k for k in np.argsort(area.max(axis=1))[::-1] if area[k].max() > 50][:8]
        row: list[Array] = []
        for k in chosen:
            at = int(area[k].argmax())
            grey = np.clip((scans[k].hu[at] / 80.0) * 31, 0, 31).astype(np.uint8) * 8
            grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA) // 8 * 8
            image = np.repeat(grey[..., None], 3, axis=2)
            mask = cv2.resize((scans[k].labels[at] == label).astype(np.uint8), (side, side))
            lines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(image, lines if len(row) % 2 else [], -1, color, 1)
            row.append(image)
        row += [np.zeros((side, side, 3), np.uint8)] * (8 - len(row))
        rows.append(np.hstack(row))
    return np.vstack(rows)


def main() -> None:
    """Measure and write, as described at the top of the file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--head", type=Path, help="a head CT (NIfTI) to measure instead")
    options.add_argument("--out", type=Path, default=Path("book/phantom"))
    chosen = options.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.head:
        image: nib.Nifti1Image = nib.load(chosen.head)  # type: ignore[assignment]
        voxels, affine = to_display(np.asarray(image.dataobj, np.float32), image.affine)
        px, gap = float(np.abs(affine[0, 0])), float(abs(affine[2, 2]))
        n = max(round(5 / gap), 1)  # slices averaged to about 5 mm
        middle = voxels[int(0.28 * len(voxels)) : int(0.88 * len(voxels))]
        slabs = middle[: len(middle) // n * n].reshape(-1, n, *middle.shape[1:]).mean(axis=1)
        _curves(slabs, px, chosen.out / "real_head")
        return
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(_measure, range(1, PATIENTS + 1)))
    every = pd.concat([rows for rows, _, _ in found])
    shares = pd.DataFrame([share for _, share, _ in found], index=range(1, PATIENTS + 1))
    scans = [scan for _, _, scan in found if scan is not None]
    every.round(3).to_csv(chosen.out / "components.csv", index=False)
    shares.round(4).to_csv(chosen.out / "positive_slices.csv", index_label="scan")
    table = lesion_table(every, shares).round(3)
    table.to_csv(chosen.out / "lesions.csv", index=False)
    beside(table, pd.read_csv("data/bhsd_lesions.csv")).to_csv(
        chosen.out / "beside.csv", index=False
    )
    tissue_hu(scans).to_csv(chosen.out / "tissue_hu.csv", header=["hu"], index_label="tissue")
    middle = np.concatenate([scan.hu[7:24] for scan in scans[:8]])
    _curves(middle, float(np.mean([s.pixel_spacing for s in scans[:8]])), chosen.out / "phantom")
    _draw_curves(chosen.out)
    sheet = contact_sheet(scans)[..., ::-1]
    cv2.imwrite(str(chosen.out / "contact_sheet.png"), sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _curves(volume: Array, px: float, stem: Path) -> None:
    sd, power = noise(volume, px)
    power.assign(sd_hu=round(sd, 2)).to_csv(f"{stem}_noise.csv", index=False)
    edge_response(volume[len(volume) // 3 : len(volume) * 2 // 3], px).to_csv(
        f"{stem}_edge.csv", index=False
    )


def beside(ours: pd.DataFrame, bhsd: pd.DataFrame) -> pd.DataFrame:
    """Ours and BHSD's 25th, 50th and 75th percentiles, one row per type and measure."""
    tables = [t.set_index(["name", "what"]).value.astype(float) for t in (ours, bhsd)]
    measures = {
        "ml_per_scan": "mL in a scan",
        "hu_per_component": "HU of a component",
        "section_cm2": "cm2 of a section",
        "slices_per_component": "slices of a component",
        "share_of_slices": "share of slices",
    }
    rows = []
    for name in HEMORRHAGES:
        for what, words in measures.items():
            cells = [
                " / ".join(
                    f"{t[name, key]:.3g}"
                    for key in (f"{what}_p{p}" for p in (25, 50, 75))
                    if (name, key) in tables[1].index
                )
                for t in tables
            ]
            rows.append((name, words, *cells))
        rows.append((name, "scans of 192", *(f"{t[name, 'scans']:.0f}" for t in tables)))
    for n in range(1, 6):
        counts = (f"{t['all', f'types_{n}']:.0f}" for t in tables)
        rows.append(("all", f"scans with {n} types", *counts))
    return pd.DataFrame(rows, columns=["type", "measure", "in silico", "BHSD"])


def _draw_curves(folder: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for stem, words in ((folder / "phantom", "in silico"), (Path("data/real_head"), "a real head")):
        noise_curve, edge = pd.read_csv(f"{stem}_noise.csv"), pd.read_csv(f"{stem}_edge.csv")
        axes[0].plot(noise_curve.per_mm, noise_curve.power, label=words)
        axes[1].plot(edge.mm, edge.hu, label=words)
    axes[0].set(xlabel="frequency (1/mm)", ylabel="noise power (largest = 1)", xlim=(0, 0.5))
    axes[1].set(xlabel="mm outward across the skin", ylabel="HU")
    axes[0].legend(frameon=False)
    figure.savefig(folder / "curves.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
