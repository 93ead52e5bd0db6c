"""The label map beside written masks: what their values mean, as `lcgan ingest` reads it."""

from __future__ import annotations

import json
from pathlib import Path

from lcgan_core.lesions import Classes
from lcgan_core.run import artefacts

LABELS = "labels.json"


def write_label_map(folder: Path, classes: Classes) -> None:
    """Write labels.json: value -> "NAME:title"."""
    meant = {
        str(value): f"{name}:{classes.title_of[name]}" for name, value in classes.labels.items()
    }
    artefacts.write_text(folder / LABELS, json.dumps(meant, indent=1) + "\n")
