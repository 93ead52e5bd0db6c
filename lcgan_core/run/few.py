"""A warning before a run whose cohort is too small to say anything."""

from __future__ import annotations

import json
from pathlib import Path

from lcgan_core.protocol.config import IN_SILICO, Config

FEW = 30
"""Patients below which a split leaves some lesion types without a test patient."""


def warning(config: Config) -> str:
    """A sentence for a cohort of few patients, as far as they can be counted; else empty."""
    patients = _patients(config)
    if patients is None or patients >= FEW:
        return ""
    return (
        f"{patients} patients are few: some lesion types may lack a test patient, so that Dice is "
        f"0 or missing (NaN); {FEW} or more are needed before numbers say anything."
    )


def _patients(config: Config) -> int | None:
    if config.cohort.source == IN_SILICO:
        return config.cohort.patients
    try:
        manifest = json.loads((Path(config.cohort.source) / "manifest.json").read_text())
        return int(manifest["patients"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
