"""Small slice stores, written file by file as the data guide describes them, and their cohorts."""

import json

import numpy as np
import pandas as pd

from lcgan_core.lesions import FIVE, Classes
from lcgan_core.run import plan
from lcgan_core.stages import cohort

TWO = Classes(("PHE", "IPH"), ("perihaematomal oedema", "intraparenchymal"))
MM = 0.5
"""Side of a pixel."""


def write_store(folder, patients, *, classes=FIVE, slices=3, size=64, labels=None, hu=None, seed=0):
    """A store of `patients`, each with so many slices; noise unless `labels` or `hu` are given.

    patients: a number, or names; labels, hu: (N, size, size), N = patients x slices.
    """
    names = [f"p{k:02}" for k in range(patients)] if isinstance(patients, int) else patients
    rng, shape = np.random.default_rng(seed), (len(names) * slices, size, size)
    if labels is None:
        labels = rng.integers(0, len(classes) + 1, shape)
    if hu is None:
        hu = rng.integers(-1024, 3071, shape)
    table = pd.DataFrame(
        {
            "slice": range(len(labels)),
            "patient": np.repeat(names, slices),
            "series": np.repeat([f"s-{name}" for name in names], slices),
            "position_mm": np.tile(5.0 * np.arange(slices), len(names)),
            "pixel_spacing_mm": MM,
            "gantry_tilt_deg": 0.0,
        }
    )
    for name, value in classes.labels.items():
        table[f"area_{name}"] = (labels == value).sum((1, 2)) * MM**2
    folder.mkdir(parents=True)
    table.to_csv(folder / "slices.csv", index=False)
    np.save(folder / "hu.npy", hu.astype(np.int16))
    np.save(folder / "labels.npy", labels.astype(np.uint8))
    manifest = {"version": 3, "image_size": size, "classes": classes.to_json(), "source": "made up"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def cohort_of(config, folder):
    """The artefact of stage 1 in `folder`, made by its stage alone."""
    folder.mkdir(parents=True)
    cohort.given(config, plan.COHORT, {}, folder)
    return folder


def bleeds(patients, slices=4, size=64, seed=0):
    """Labels and HU (N, size, size) of heads with a bleed of 70 HU (label 2) in a ring of oedema of
    20 HU (label 1), in a brain of 35 HU; another place and size on every slice, the first has none.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    labels = np.zeros((patients * slices, size, size), np.uint8)
    hu = np.where(np.hypot(rows - size / 2, columns - size / 2) < 0.45 * size, 35, -1000)
    hu = np.repeat(hu[None], len(labels), 0)
    for k in range(len(labels)):
        if k % slices:
            row, column = rng.uniform(0.35 * size, 0.65 * size, 2)
            away = np.hypot(rows - row, columns - column)
            labels[k][away < rng.uniform(9, 14)] = 1
            labels[k][away < rng.uniform(4, 8)] = 2
    hu[labels == 1], hu[labels == 2] = 20, 70
    return labels, hu + rng.integers(-2, 3, hu.shape)
