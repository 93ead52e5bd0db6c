"""What the book's viewers show: pictures collected from a run, and the HTML around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from lcgan_core.book.figures import charts, views
from lcgan_core.book.pages import origins
from lcgan_core.cohort.store import AREAS
from lcgan_core.criteria.cases import cases
from lcgan_core.lesions import COLORS, HEMORRHAGES
from lcgan_core.protocol.profiles import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job

FOLDER = "viewers"
"""Where the pictures and their tables lie in a bundle, and below the book's _static."""
CASES = 3  # of each type and share
COPIES = 6  # beside their originals
Save = Callable[[str, np.ndarray], str]


def collect(config: Config, out: Path) -> None:
    """Write pictures, and a CSV a viewer, into `out`/viewers, from a finished run."""
    from PIL import Image

    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)

    def save(name: str, picture: np.ndarray) -> str:
        """The name of the file that holds a slice (H, W) or a coloured mask, without loss."""
        Image.fromarray(picture).save(folder / f"{name}.webp", lossless=True, method=6)
        return f"{name}.webp"

    tables = {
        "fig3": _snapshots(config, save),
        "fig5": _transformed(config, save),
        "fig6": _synthetic(config, save),
        "real_slices": _real_slices(config),
    }
    for name, rows in tables.items():
        rows.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")


def texts(bundle: Path) -> dict[str, str]:
    """Name -> HTML of each viewer, chart and table, of `collect`'s files and the bundle's CSVs."""
    from PIL import Image

    folder = bundle / FOLDER
    fig3, fig5, fig6, real = (
        pd.read_csv(folder / f"{name}.csv") for name in ("fig3", "fig5", "fig6", "real_slices")
    )
    results, differences, candidates = (
        origins.linked(name, pd.read_csv(bundle / f"{name}.csv"))
        for name in ("results", "differences", "candidates")
    )
    with Image.open(folder / fig5.original[0]) as first:
        pixels = first.width
    return {
        "viewer_fig3": views.snapshots(fig3, pixels),
        "viewer_fig5": views.transformed(fig5, pixels),
        "viewer_fig6": views.synthetic(fig6, pixels),
        "charts_fig7": charts.curves(results),
        "charts_forest": charts.forests(differences),
        "candidates": views.candidates(candidates, real),
    }


def _colored(labels: np.ndarray) -> np.ndarray:
    return np.array(COLORS, np.uint8)[labels]


def _synthetic(config: Config, save: Save) -> pd.DataFrame:
    """Fig. 6: mask, real and synthetic slice, for each share and type."""
    from lcgan_core.stages import augmentation, cohort  # torch is slow to import

    rows = []
    for fraction in config.fractions:
        subset = cohort.training_slices(config, fraction)
        painted, _ = augmentation.run(config, fraction).pairs("gan")
        areas = subset.table[AREAS].to_numpy()
        chosen = cases(areas, subset.table.patient.to_numpy(), CASES)
        for (case, kind), k in np.ndenumerate(chosen):
            if k < 0:
                continue
            name = f"fig6-{fraction:g}-{HEMORRHAGES[kind]}-{case + 1}"
            rows.append(
                {
                    "fraction": fraction,
                    "hemorrhage": HEMORRHAGES[kind],
                    "case": case + 1,
                    "area_cm2": areas[k, kind] / 100,
                    "mask": save(f"{name}-mask", _colored(subset.labels[k].numpy())),
                    "real": save(f"{name}-real", subset.images[k].numpy()),
                    "synthetic": save(f"{name}-synthetic", painted[k]),
                }
            )
    return pd.DataFrame(rows)


def _transformed(config: Config, save: Save) -> pd.DataFrame:
    """Fig. 5: slices of the paper's second share beside their copies, and what was done to them."""
    import torch

    from lcgan_core.copies import traditional
    from lcgan_core.seeds import seed_of, seed_of_draw
    from lcgan_core.stages import augmentation, cohort

    fraction = config.fractions[1]
    subset = cohort.training_slices(config, fraction)
    images, labels = augmentation.run(config, fraction).pairs("traditional")
    seed = seed_of(seed_of_draw(config.seed, 1), "traditional", fraction)  # as stage 4 has it
    drawn = asdict(traditional.sample(len(images), torch.Generator().manual_seed(seed)))
    pool = cases(subset.table[AREAS].to_numpy(), subset.table.patient.to_numpy(), COPIES).ravel()
    few = list(dict.fromkeys(k for k in pool if k >= 0))[:COPIES]
    return pd.DataFrame(
        {
            "case": case,
            **{field: values[k].item() for field, values in drawn.items()},
            "original": save(f"fig5-{case}-original", subset.images[k].numpy()),
            "original_mask": save(f"fig5-{case}-mask", _colored(subset.labels[k].numpy())),
            "copy": save(f"fig5-{case}-copy", images[k]),
            "copy_mask": save(f"fig5-{case}-copy-mask", _colored(labels[k])),
        }
        for case, k in enumerate(few, start=1)
    )


def _snapshots(config: Config, save: Save) -> pd.DataFrame:
    """Fig. 3: one mask of each type, painted by every snapshot, with that picture's scores."""
    from lcgan_core.seeds import seed_of_draw
    from lcgan_core.stages import cohort, selection, training

    rows = []
    for fraction in config.fractions[:-1]:
        subset = cohort.training_slices(config, fraction)
        areas, patients = subset.table[AREAS].to_numpy(), subset.table.patient.to_numpy()
        done = selection.run(config, fraction)
        scores = done.images.set_index(["epoch", "slice"])
        # the judged pictures themselves: the same networks, masks and seeds
        painted = selection.synthetic_candidates(
            config,
            fraction,
            training.run(config, fraction),
            subset.labels,
            seed_of_draw(config.seed, 1),
        )
        for kind, k in enumerate(cases(areas, patients, 1)[0]):
            if k < 0:
                continue
            name = f"fig3-{fraction:g}-{HEMORRHAGES[kind]}"
            mask = save(f"{name}-mask", _colored(subset.labels[k].numpy()))
            real = save(f"{name}-real", subset.images[k].numpy())
            for epoch, images in painted.items():
                of_image = scores.loc[(epoch, subset.table["slice"][k])]
                rows.append(
                    {
                        "fraction": fraction,
                        "hemorrhage": HEMORRHAGES[kind],
                        "epoch": epoch,
                        "chosen": epoch == done.epoch,
                        "judge": of_image[f"fcn_score_{config.judge}"],
                        "sharpness": of_image.sharpness_laplacian,
                        "probability_real": of_image.probability_real,
                        "mask": mask,
                        "real": real,
                        "synthetic": save(f"{name}-{epoch}", images[k].numpy()),
                    }
                )
    return pd.DataFrame(rows)


def _real_slices(config: Config) -> pd.DataFrame:
    """What the measures of candidates.csv make of the real slices, a row each share and draw."""
    rows = []
    for fraction in config.fractions:
        for draw in config.draws_at(fraction):
            folder = artefacts.folder(config, Job("selection", fraction, draw=draw))
            real = pd.read_csv(folder / "real_images.csv", index_col=0)["real slices"]
            rows.append({"fraction": fraction, "draw": draw, **real})
    return pd.DataFrame(rows)
