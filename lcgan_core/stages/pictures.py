"""The pictures of slices that the book shows, written while their networks are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from lcgan_core.cohort.slices import Slices
from lcgan_core.copies.traditional import Transformations
from lcgan_core.criteria.cases import cases

FOLDER = "viewer"
"""Below an artefact: lossless pictures and a CSV that lists them, for a viewer of the book."""
CASES = 3  # of each class, of synthetic slices
COPIES = 6  # with their originals
CLOSEST = 10  # pairs of synthetic and training slice
EXAMPLES = 4  # best-scored slices of each candidate and class, for Fig. 3


class _Viewer:
    """The folder of a viewer: pictures first, then the list of them."""

    def __init__(self, work: Path, name: str, subset: Slices):
        self.folder, self.name, self.subset = work / FOLDER, name, subset
        self.folder.mkdir(exist_ok=True)
        self.palette = np.array(subset.classes.shown, np.uint8)

    def picture(self, name: str, image: np.ndarray) -> str:
        """Save a slice (H, W) uint8 without loss; returns the name of the file."""
        from PIL import Image

        file = f"{self.name}-{name}.webp"
        Image.fromarray(np.ascontiguousarray(image)).save(
            self.folder / file, lossless=True, method=6
        )
        return file

    def mask(self, name: str, labels: np.ndarray) -> str:
        """Save a mask (H, W) in the colours of its classes; returns the name of the file."""
        return self.picture(name, self.palette[labels])

    def finish(self, rows: list[dict]) -> None:
        table = pd.DataFrame(rows)
        table.to_csv(self.folder / f"{self.name}.csv", index=False, float_format="%.6g")


def snapshots(
    scores: pd.DataFrame, score: str, chosen: int, painted: Mapping[int, Tensor],
    subset: Slices, fraction: float, work: Path,
) -> None:  # fmt: skip
    """Fig. 3: one mask of each class as every candidate paints it, with that picture's scores."""
    viewer, of_image = _Viewer(work, "fig3", subset), scores.set_index(["epoch", "slice"])
    rows = []
    for lesion, k in zip(subset.classes.names, cases(subset.areas, subset.patients, 1)[0],
                         strict=True):  # fmt: skip
        if k < 0:
            continue
        name = f"{fraction:g}-{lesion}"
        mask = viewer.mask(f"{name}-mask", subset.labels[k].numpy())
        real = viewer.picture(f"{name}-real", subset.images[k].numpy())
        for candidate, images in painted.items():
            row = of_image.loc[(candidate, subset.table["slice"][k])]
            rows.append(
                {
                    "fraction": fraction,
                    "lesion": lesion,
                    "epoch": candidate,
                    "chosen": candidate == chosen,
                    "judge": row[score],
                    "sharpness": row.sharpness_laplacian,
                    "probability_real": row.probability_real,
                    "mask": mask,
                    "real": real,
                    "synthetic": viewer.picture(f"{name}-{candidate}", images[k].numpy()),
                }
            )
    viewer.finish(rows)


def synthetic(painted: Tensor, subset: Slices, fraction: float, work: Path) -> None:
    """Fig. 6: mask, real and synthetic slice of each class, as a viewer and as arrays."""
    viewer, rows = _Viewer(work, "fig6", subset), []
    chosen = cases(subset.areas, subset.patients, CASES)
    for (case, number), k in np.ndenumerate(chosen):
        if k < 0:
            continue
        lesion = subset.classes.names[number]
        name = f"{fraction:g}-{lesion}-{case + 1}"
        rows.append(
            {
                "fraction": fraction,
                "lesion": lesion,
                "case": case + 1,
                "area_cm2": subset.areas[k, number] / 100,
                "mask": viewer.mask(f"{name}-mask", subset.labels[k].numpy()),
                "real": viewer.picture(f"{name}-real", subset.images[k].numpy()),
                "synthetic": viewer.picture(f"{name}-synthetic", painted[k].numpy()),
            }
        )
    viewer.finish(rows)
    first = chosen[0][chosen[0] >= 0]
    np.savez_compressed(
        work / "fig6.npz",
        labels=subset.labels[first].numpy(),
        targets=subset.images[first].numpy(),
        outputs=painted[first].numpy(),
    )


def transformed(
    images: Tensor, labels: Tensor, drawn: Transformations, subset: Slices, work: Path
) -> None:
    """Fig. 5: slices beside their traditional copies, and what was done to them."""
    viewer, values = _Viewer(work, "fig5", subset), asdict(drawn)
    pool = cases(subset.areas, subset.patients, COPIES).ravel()
    few = list(dict.fromkeys(int(k) for k in pool if k >= 0))[:COPIES]
    viewer.finish(
        [
            {
                "case": case,
                **{field: column[k].item() for field, column in values.items()},
                "original": viewer.picture(f"{case}-original", subset.images[k].numpy()),
                "original_mask": viewer.mask(f"{case}-mask", subset.labels[k].numpy()),
                "copy": viewer.picture(f"{case}-copy", images[k].numpy()),
                "copy_mask": viewer.mask(f"{case}-copy-mask", labels[k].numpy()),
            }
            for case, k in enumerate(few, start=1)
        ]
    )
    some = spread(len(images), COPIES)
    np.savez_compressed(
        work / "fig5.npz",
        originals=subset.images[some].numpy(),
        copies=images[some].numpy(),
        labels=np.stack([subset.labels[some].numpy(), labels[some].numpy()]),
    )


def keep_closest(neighbours: pd.DataFrame, painted: Tensor, subset: Slices, work: Path) -> None:
    """The painted slices that are nearest to a training slice, with that slice."""
    known = neighbours.dropna(subset="pixels_synthetic")
    closest = known.sort_values("pixels_synthetic", kind="stable").head(CLOSEST)
    few, theirs = closest.index.to_list(), closest.pixels_nearest.to_list()
    np.savez_compressed(
        work / "closest.npz",
        synthetic=painted[few].numpy(),
        labels=subset.labels[few].numpy(),
        training=subset.images[theirs].numpy(),
        training_labels=subset.labels[theirs].numpy(),
        rmse=closest.pixels_synthetic.to_numpy(),
    )


def keep_examples(
    scores: pd.DataFrame, by: str, painted: Mapping[int, Tensor], subset: Slices, work: Path
) -> None:
    """Slices for Fig. 3: the best-scored ones of each candidate, separately for each class."""
    for number, name in enumerate(subset.classes.names):
        own = np.flatnonzero(subset.areas[:, number] >= 0.5 * subset.areas.sum(1))
        for candidate, images in painted.items() if len(own) else ():
            score = scores.loc[scores.epoch == candidate, by].to_numpy()[own]
            order = np.argsort(-score, kind="stable")[:EXAMPLES]
            best = own[order]
            np.savez_compressed(
                work / f"examples-{candidate}-{name}.npz",
                images=images[best].numpy(),
                targets=subset.images[best].numpy(),
                labels=subset.labels[best].numpy(),
                fcn_score=score[order],
            )


def spread(total: int, count: int) -> np.ndarray:
    """Up to `count` indices spread evenly over `total`.

    >>> spread(10, 3).tolist()
    [0, 4, 9]
    """
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(int))
