"""What an ingest did with everything it found, one row each, without any name, file or date."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lcgan_core.cohort.salt import hashed
from lcgan_core.cohort.series import Found, Refused, Series
from lcgan_core.cohort.store import StoredSeries
from lcgan_core.lesions import Classes

TAKEN, REFUSED, LEFT_OUT = "taken", "refused", "left out"


def columns(classes: Classes) -> list[str]:
    """The columns of report.csv.

    `item` is a salted hash of the path; cm2 is the mean area of a class on the slices that show it;
    `outside` is the share of a class's voxels that lie outside the head, `hu` their median HU;
    `fit` and `fit_turned` say how well the mask fits as it lies and at best otherwise, see
    plausible.fit_of;
    `reason` is why a series was refused or left out, or what was done to a taken one; `doubts` are
    the numbers of slices whose masks may be wrong, and why.
    """
    slices, areas, outside, hu = (
        [f"{of}_{name}" for name in classes.names] for of in ("slices", "cm2", "outside", "hu")
    )
    return [
        "status", "item", "patient", "series", "files", "slices", "with_lesion", *slices, *areas,
        *outside, *hu, "pixel_spacing_mm", "slice_spacing_mm", "gantry_tilt_deg", "fit",
        "fit_turned", "reason", "doubts",
    ]  # fmt: skip


def taken(series: Series, stored: StoredSeries, classes: Classes, under: dict[str, float]) -> dict:
    """The row of a series that is in the store; under: what plausible.check found."""
    areas = np.array([[row[name] for name in classes.areas] for row in stored.rows])
    shown = areas > 0
    record = {
        "status": TAKEN,
        "patient": stored.rows[0]["patient"],
        "series": stored.rows[0]["series"],
        "slices": len(stored.rows),
        "with_lesion": int(shown.any(axis=1).sum()),
        "hu_exact": series.hu_exact,  # no column: for the store's manifest
        "pixel_spacing_mm": round(float(series.pixel_spacing[0]), 4),
        "slice_spacing_mm": _step(series.positions),
        "gantry_tilt_deg": round(series.gantry_tilt, 1),
        "reason": "; ".join(series.notes),
        "doubts": "; ".join(f"{number}: {why}" for number, why in series.doubts),
        **under,
    }
    for k, name in enumerate(classes.names):
        count = int(shown[:, k].sum())
        record[f"slices_{name}"] = count
        if count:
            record[f"cm2_{name}"] = round(float(areas[shown[:, k], k].mean()) / 100, 2)
    return record


def refused(patient: str, series: str, refusal: Refused) -> dict:
    """The row of a series that could not be loaded."""
    return {"status": REFUSED, "patient": patient, "series": series, "reason": refusal.reason}


def table(records: Iterable[dict], found: Found, salt: bytes) -> pd.DataFrame:
    """The whole report: the loaded cases, then what was refused or left out before loading."""
    rows = list(records)
    for refusal in found.refused:
        item = hashed(salt, str(refusal.path))
        rows.append({"status": REFUSED, "item": item, "files": 1, "reason": refusal.reason})
    for path, reason, files in found.left_out:
        item = hashed(salt, str(path))
        rows.append({"status": LEFT_OUT, "item": item, "files": files, "reason": reason})
    return pd.DataFrame(rows, columns=columns(found.classes))


def summary(report: pd.DataFrame, classes: Classes) -> pd.DataFrame:
    """Patients, series, slices, spacings and areas of what was taken, in two columns."""
    rows = report[report.status == TAKEN]
    lines = {
        "patients": rows.patient.nunique(),
        "series": len(rows),
        "slices": int(rows.slices.sum()),
        "slices with a lesion": int(rows.with_lesion.sum()),
        "pixel spacing, mm": _range(rows.pixel_spacing_mm),
        "slice spacing, mm": _range(rows.slice_spacing_mm),
        "gantry tilt, degrees": _range(rows.gantry_tilt_deg),
    }
    for name in classes.names:
        shown = rows[f"slices_{name}"]
        mean = (rows[f"cm2_{name}"] * shown).sum() / max(shown.sum(), 1)
        lines[name] = f"{int((shown > 0).sum())} series, {int(shown.sum())} slices" + (
            f", {mean:.1f} cm2 per slice" if shown.sum() else ""
        )
    return pd.DataFrame({"taken": lines.keys(), "": map(str, lines.values())})


def text(report: pd.DataFrame, classes: Classes) -> str:
    """`summary`, and how often each reason for refusing, leaving out, repairing or doubt occurs."""
    lines = [summary(report, classes).to_string(index=False, header=False)]
    counted = report[report.reason.fillna("") != ""].groupby(["status", "reason"], sort=False)
    for row in counted.size().rename("times").reset_index().itertuples():
        lines.append(f"{row.times:6d} {row.status}: {row.reason}")
    doubts = report.doubts[report.doubts.fillna("") != ""].str.split("; ").explode()
    reasons = doubts.str.replace(r"^\d+: ", "", regex=True)
    for why, times in reasons.value_counts().items():
        lines.append(f"{times:6d} slices in doubt: {why}")
    return "\n".join(lines)


def _step(positions: np.ndarray) -> float | None:
    return round(float(np.median(np.diff(positions))), 3) if len(positions) > 1 else None


def _range(values: pd.Series) -> str:
    low, middle, high = values.min(), values.median(), values.max()
    return f"{low:g}" if low == high else f"{low:g} to {high:g}, median {middle:g}"
