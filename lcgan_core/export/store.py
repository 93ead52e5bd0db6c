"""A slice store of written cases, which `make book COHORT=` and `lcgan paint` take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lcgan_core.cohort.orientation import tilt_of
from lcgan_core.cohort.store import StoredSeries, StoreWriter
from lcgan_core.errors import UserError
from lcgan_core.export.case import Common, ExportedCase

FOLDER = "store"


class Store:
    """store/, whose manifest says which HU are exact."""

    whole = True

    def __init__(self, folder: Path, common: Common) -> None:
        self.folder, self.common = folder, common
        self.writer: StoreWriter | None = None

    def write(self, number: int, case: ExportedCase) -> dict[str, str]:
        """Append a series; one that an interrupted attempt appended is passed over."""
        if case.hu is None:
            raise UserError("A slice store needs images beside the masks; write these as nifti.")
        classes = self.common.classes
        if self.writer is None:
            self.writer = StoreWriter(
                self.folder / FOLDER, case.hu.shape[-1], self.common.stamp, classes
            )
        if number >= self.writer.entries:
            pixel, normal = case.place.pixel[0], case.place.normal
            tilt = tilt_of(case.place.affine()) if case.place.is_even() else 0.0
            rows = []
            for start, labels in zip(case.place.starts, case.labels, strict=True):
                areas = np.bincount(labels.ravel(), minlength=len(classes) + 1)[1:] * pixel**2
                rows.append(
                    {
                        "patient": case.patient,
                        "series": case.name,
                        "position_mm": round(float(normal @ start), 3),
                        "pixel_spacing_mm": round(pixel, 6),
                        "gantry_tilt_deg": tilt,
                        **{
                            name: round(float(area), 2)
                            for name, area in zip(classes.areas, areas, strict=True)
                        },
                    }
                )
            self.writer.append({}, StoredSeries(rows, case.hu, case.labels))
        return {"image": FOLDER, "label": FOLDER}

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Complete the store."""
        if self.writer is None:
            return
        manifest: dict[str, Any] = {"source": self.common.source}
        if self.common.saturated:
            manifest["hu_exact"] = list(self.common.window)
        self.writer.finish(manifest, also=lambda made: None)
