"""How in-silico heads differ from real ones: their numbers, and a network that tells them apart.

`python -m tools.tell_apart --real FOLDER` takes the folder SubdatasetC_PNG/set of PHE-SICH-CT-IDS
(book/phantom.md) and writes quantiles of lcgan_core.phantom.heads.head_numbers over the real heads
to data/real_heads.csv, those of both side by side to book/phantom/heads.csv, and the network's AUC
and what it looks at to book/phantom/tell_apart.csv, tell_apart_map.csv and tell_apart.png.
`--store STORE`, the slice store that `lcgan ingest --format phe-sich` makes of the same people,
writes quantiles of their oedema to data/real_oedema.csv. No picture of a real head is written.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from lcgan_core.phantom.heads import cavity, head_numbers, oedema_numbers
from lcgan_core.phantom.patient import scan_patient
from lcgan_core.phantom.tissues import Array

SEED, PATIENTS, MATRIX, SLICES = 2020, 110, 256, 28
REAL_PX, REAL_GAP = 0.5078125, 5.0
"""mm between pixels and between slices of the real heads, which their pictures do not carry."""
SIZE, MM = 128, 1.9
"""Pixels of the slices that the network sees, and their size."""
BELOW_MM = (12, 27, 42, 57, 72)
"""Heights of these slices below the highest one with 10 cm2 of cavity."""
HEADS = 45
"""Heads of each kind whose slices the network sees."""
FOLDS, STEPS, BATCH = 5, 200, 32
CELLS = 16
"""Along a side of the map of what the network looks at: too coarse to show anybody."""
LEAST_MM2, LARGEST = 100.0, 3
"""Blood whose oedema is measured, and slices of a patient on which it is, the largest ones."""
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
PLACES = ("outside the skull", "skull", "within 15 mm of the skull", "deeper")


def real_head(folder: Path) -> Array:
    """(S, H, W) float32 HU, the front up: grey is HU between -20 and 100, or 0 and 80."""
    grey = np.stack([cv2.imread(str(p), 0) for p in sorted(folder.glob("*.png"))])
    # a window of 80 HU has 81 grey levels, and in two people a few more; one of 120 HU has 121
    low, width = (0, 80) if len(np.unique(grey)) < 100 else (-20, 120)
    return np.rot90(grey.astype(np.float32) / 255 * width + low, -1, axes=(1, 2))


def _heads(source: Path | int) -> tuple[dict[str, float], Array] | None:
    """The numbers of one head, and the slices of it that the network sees; None if it has none."""
    if isinstance(source, Path):
        volume, px, gap = real_head(source), REAL_PX, REAL_GAP
        if volume.max() < 90:  # a window in which blood cannot be told from bone
            return None
    else:
        scan = scan_patient(SEED, source, MATRIX, SLICES)
        volume, px, gap = scan.hu, scan.pixel_spacing, scan.slice_spacing
    try:
        numbers = head_numbers(volume, px, gap)
    except ValueError:
        return None
    return numbers, _shown(np.clip(volume, -20, 100).astype(np.float32), px, gap)


def _shown(volume: Array, px: float, gap: float) -> Array:
    """(5, SIZE, SIZE): slices at equal heights and of equal scale, the cavity in the middle."""
    area = np.array([cavity(hu).sum() for hu in volume]) * px**2
    top = int(np.flatnonzero(area > 1000)[-1])
    images = []
    for below in BELOW_MM:
        hu = volume[max(top - round(below / gap), 0)]
        row, column = np.nonzero(cavity(volume[max(top - round(57 / gap), 0)]))
        scale = px / MM
        move = np.array(
            [
                [scale, 0, SIZE / 2 - scale * column.mean()],
                [0, scale, SIZE / 2 - scale * row.mean()],
            ]
        )
        soft = cv2.GaussianBlur(hu, (0, 0), 0.4 * MM / px)
        images.append(cv2.warpAffine(soft, move, (SIZE, SIZE), borderValue=-20))
    return np.stack(images)


def quantiles(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per number: its quantiles over heads."""
    table = rows.quantile(list(QUANTILES)).T
    table.columns = [f"p{100 * q:.0f}" for q in QUANTILES]
    return table.round(3).rename_axis("number").reset_index()


def side_by_side(ours: pd.DataFrame, real: pd.DataFrame) -> pd.DataFrame:
    """Percentiles 10 / 50 / 90 of both, and which medians lie outside the real ones' 10 to 90."""
    both = ours.merge(real, on="number", suffixes=("", "_real"))
    words = {"in silico": "", "real heads": "_real"}
    table = pd.DataFrame({"number": both.number})
    for name, of in words.items():
        cells = zip(*(both[f"p{p}{of}"] for p in (10, 50, 90)), strict=True)
        table[name] = [" / ".join(f"{v:.3g}" for v in three) for three in cells]
    within = both.p50.between(both.p10_real, both.p90_real)
    return table.assign(median=np.where(within, "within", "off"))


def network() -> nn.Module:
    """Four convolutions, a mean and a weight for each of 64 features: a picture's logit."""
    widths = (1, 12, 24, 48, 64)
    layers: list[nn.Module] = []
    for inner, outer in zip(widths, widths[1:], strict=False):
        layers += [nn.Conv2d(inner, outer, 3, 2, 1), nn.BatchNorm2d(outer), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1))


def tell_apart(
    images: Array, place: Array, real: Array, patient: Array
) -> tuple[float, dict[str, float], Array]:
    """AUC of held-out slices, by how many logits they change as a place is blurred, and, to first
    order, as a cell of a map (CELLS, CELLS) is; place: (N, SIZE, SIZE) which of PLACES."""
    x = torch.from_numpy((images[:, None] + 20) / 60 - 1).float()
    y = torch.from_numpy(real[:, None]).float()
    logits, moved = np.zeros(len(real)), np.zeros((len(real), len(PLACES)))
    cells = np.zeros((len(real), CELLS, CELLS))
    blurred = torch.from_numpy(
        np.stack([cv2.GaussianBlur(i, (0, 0), 6 / MM) for i in images])[:, None] / 60 - 2 / 3
    ).float()
    for fold in range(FOLDS):
        torch.manual_seed(fold)
        test = patient % FOLDS == fold
        some = np.flatnonzero(~test)
        net, rng = network(), np.random.default_rng(fold)
        optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-3)
        plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=STEPS)
        for _ in range(STEPS):
            k = rng.choice(some, BATCH, replace=False)
            batch = torch.flip(x[k], (-1,)) if rng.random() < 0.5 else x[k]
            loss = nn.functional.binary_cross_entropy_with_logits(net(batch), y[k])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
        net.eval()
        with torch.no_grad():
            logits[test] = net(x[test])[:, 0]
            for n in range(len(PLACES)):
                here = torch.from_numpy(place[test][:, None] == n)
                seen = net(torch.where(here, blurred[test], x[test]))[:, 0]
                moved[test, n] = np.abs(seen.numpy() - logits[test])
        sharp = x[test].requires_grad_()
        (slope,) = torch.autograd.grad(net(sharp).sum(), sharp)
        change = (slope * (blurred[test] - x[test])).numpy()[:, 0]
        side = SIZE // CELLS
        cells[test] = np.abs(change.reshape(-1, CELLS, side, CELLS, side).sum(axis=(2, 4)))
    auc = float(roc_auc_score(real, logits))
    places = dict(zip(PLACES, moved.mean(axis=0).round(2).tolist(), strict=True))
    return auc, places, cells.mean(axis=0)


def _places(image: Array) -> Array:
    """(SIZE, SIZE) which of PLACES each pixel is in."""
    inside = cavity(image)
    deep = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5) * MM
    near = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3)), iterations=5) > 0
    skull = near & (image > 88) & ~inside
    return np.where(inside, np.where(deep > 15, 3, 2), np.where(skull, 1, 0))


def real_oedema(store: Path) -> pd.DataFrame:
    """Quantiles over patients of the oedema around IPH: classes 2 and 1 of a slice store."""
    hu, labels = (np.load(store / f"{name}.npy", mmap_mode="r") for name in ("hu", "labels"))
    table = pd.read_csv(store / "slices.csv").sort_values("area_IPH")
    seen = table[(table.area_IPH >= LEAST_MM2) & (table.area_PHE > 0)]
    rows = []
    for patient, some in seen.groupby("patient").tail(LARGEST).groupby("patient"):
        for k, px in zip(some.slice, some.pixel_spacing_mm, strict=True):
            rows.append(
                {"patient": patient} | oedema_numbers(hu[k], labels[k] == 1, labels[k] == 2, px)
            )
    each = pd.DataFrame(rows).groupby("patient").median()
    return quantiles(each).assign(patients=len(each))


def draw_map(mean: Array, cells: Array, path: Path) -> None:
    """The map over the mean of in-silico slices."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(4.2, 3.4), layout="constrained")
    axis.imshow(mean, cmap="gray", extent=(0, CELLS, CELLS, 0))
    shown = axis.imshow(cells, cmap="inferno", alpha=0.65, extent=(0, CELLS, CELLS, 0))
    axis.set_axis_off()
    figure.colorbar(shown, label="change of the answer (logits)")
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Measure and write, as described at the top of the file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--real", type=Path, required=True)
    options.add_argument("--store", type=Path)
    options.add_argument("--out", type=Path, default=Path("book/phantom"))
    options.add_argument("--data", type=Path, default=Path("data"))
    chosen = options.parse_args()
    sources: list[Path | int] = [*sorted(chosen.real.iterdir()), *range(1, PATIENTS + 1)]
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(_heads, sources))
    kept = [(s, f) for s, f in zip(sources, found, strict=True) if f is not None]
    is_real = np.array([isinstance(s, Path) for s, _ in kept])
    numbers = pd.DataFrame([f[0] for _, f in kept])
    real, ours = quantiles(numbers[is_real]), quantiles(numbers[~is_real])
    real.assign(heads=int(is_real.sum())).to_csv(chosen.data / "real_heads.csv", index=False)
    side_by_side(ours, real).to_csv(chosen.out / "heads.csv", index=False)
    few = np.flatnonzero(is_real)[:HEADS], np.flatnonzero(~is_real)[:HEADS]
    images = np.concatenate([kept[k][1][1] for k in np.concatenate(few)])
    each = np.repeat(np.arange(len(images) // len(BELOW_MM)), len(BELOW_MM))
    of_people = each < len(few[0])
    place = np.stack([_places(i) for i in images])
    brain = np.where(place > 1, images, -20)
    rows = []
    for what, seen in (("brain only", brain), ("whole slice", images)):
        auc, places, cells = tell_apart(
            seen.astype(np.float32), place, of_people.astype(float), each
        )
        rows.append({"seen": what, "auc": round(auc, 3), "slices": len(each), **places})
    pd.DataFrame(rows).to_csv(chosen.out / "tell_apart.csv", index=False)
    pd.DataFrame(cells.round(3)).to_csv(chosen.out / "tell_apart_map.csv", index=False)
    draw_map(images[~of_people].mean(axis=0), cells, chosen.out / "tell_apart.png")
    if chosen.store:
        real_oedema(chosen.store).to_csv(chosen.data / "real_oedema.csv", index=False)
    print(pd.DataFrame(rows).to_string(), ours.merge(real, on="number").to_string(), sep="\n")


if __name__ == "__main__":
    main()
