"""PNG: grey levels of the window and label values, 8 bits each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lcgan_core.cohort.windows import to_window
from lcgan_core.errors import UserError
from lcgan_core.export.case import Common, ExportedCase
from lcgan_core.export.labels import write_label_map
from lcgan_core.run import artefacts


class Png:
    """images/NAME.png, 0 to 255 from the window's lowest to its highest HU, and labels/NAME.png."""

    whole = False

    def __init__(self, folder: Path, common: Common) -> None:
        self.folder, self.common = folder, common
        if not common.saturated:
            raise UserError("Pictures show a window; say which with --window 50/100.")

    def write(self, number: int, case: ExportedCase) -> dict[str, str]:
        """Write image and labels of a slice; see `Format.write`."""
        low, high = self.common.window
        written = {}
        parts = {"label": case.labels}
        if case.hu is not None:
            parts["image"] = to_window(case.hu, (low + high) / 2, high - low)
        for what, slices in parts.items():
            written[what] = f"{what}s/{case.name}.png"
            save(self.folder / written[what], slices[0])
        return written

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Write labels.json."""
        write_label_map(self.folder, self.common.classes)


def save(path: Path, picture: np.ndarray) -> None:
    """Write (H, W) or (H, W, 3) RGB uint8, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = picture[..., ::-1] if picture.ndim == 3 else picture
    with artefacts.atomic(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", ordered)[1].tobytes())
