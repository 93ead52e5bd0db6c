"""Table of stage 4: what each traditional transformation does to densities of brain and blood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from lcgan_core.cohort.slices import Slices
from lcgan_core.cohort.windows import to_hu
from lcgan_core.copies import traditional
from lcgan_core.copies.contrast import READINGS
from lcgan_core.copies.copy_paste import takes
from lcgan_core.copies.traditional import Transformations
from lcgan_core.protocol.config import Config
from lcgan_core.seeds import seed_of
from lcgan_core.stages.pictures import spread

MOST = 200
"""Slices that are transformed, spread evenly over the subset."""
CHANGES = (1.25, 1.5)
"""The middle and the greatest change of contrast of the paper's range."""
BRAIN, BLOOD = 1, 2
QUARTILES = (25, 50, 75)


def densities_after(config: Config, subset: Slices) -> pd.DataFrame:
    """HU of brain and blood in the slices of a subset, as they are and after each transformation.

    Every transformation is applied alone, to every slice. Brain is what lies inside the skull and
    outside the lesions, blood is every lesion. Columns: their quartiles, and the proportion of
    brain above the first quartile that blood has in the slices as they are. NaN where nothing lies
    inside a skull.
    """
    some = spread(len(subset.images), MOST)
    images, lesion = subset.images[some], subset.labels[some] > 0
    tissue = BRAIN * (takes(images) & ~lesion).byte() + BLOOD * lesion.byte()
    rows: dict[str, dict[str, float]] = {}
    for name, (chosen, contrast) in _alone(len(images), seed_of(config.seed, "densities")).items():
        moved, moved_tissue = traditional.transformed(images, tissue, chosen, contrast)
        brain, blood = (
            to_hu(moved[moved_tissue == kind].numpy(), config.window.level, config.window.width)
            for kind in (BRAIN, BLOOD)
        )
        if not rows:
            dense = np.percentile(blood, QUARTILES[0])
        rows[name] = {
            f"{what}, {share} %": np.percentile(hu, share) if len(hu) else np.nan
            for what, hu in (("brain", brain), ("blood", blood))
            for share in QUARTILES
        }
        above = (brain > dense).mean() if len(brain) else np.nan
        rows[name]["brain as dense as blood"] = float(above)
    return pd.DataFrame.from_dict(rows, orient="index")


def _alone(n: int, seed: int) -> dict[str, tuple[Transformations, str]]:
    """Each transformation of n slices by what it is called, with its reading of contrast."""
    noise = torch.Generator().manual_seed(seed)
    none = traditional.sample(n, noise, ())
    moved = traditional.sample(n, noise, traditional.GEOMETRY)
    found = {
        "as it is": (none, "gain"),
        ", ".join(traditional.GEOMETRY): (moved, "gain"),
        "blur": (replace(none, blur=torch.ones(n, dtype=torch.bool)), "gain"),
    }
    for reading in READINGS:
        # the range of pixels that draw for themselves does not depend on the image's change
        for change in CHANGES if reading != "per_pixel" else CHANGES[:1]:
            said = f"contrast, {reading}" + (f", {change}" if reading != "per_pixel" else "")
            found[said] = (replace(none, gain=torch.full((n,), change)), reading)
    return found
