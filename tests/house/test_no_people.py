"""No committed picture shows a slice of PHE-SICH-CT-IDS, whole or as a panel of a figure.

LCGAN_PHE_SICH names the folder of the set. Pictures are compared as thumbnails, which are the same
in any window and at any size: another window leaves a correlation of .98, while the simulated heads
of this repository stay below .85.
"""

import base64
import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from PIL import Image

from lcgan_core.book.figures.figures import show_slice
from lcgan_core.lesions import FIVE
from tests.house.test_house import ROOT, is_text, tracked

SIDE, ALIKE = 32, 0.93
WHITE, SMALL, DEEP = 250, 24, 6
RASTER = (".png", ".webp", ".jpg", ".jpeg", ".gif")
INSIDE = re.compile(r'(?:image/(?:png|jpeg|webp)(?:;base64,|": "))((?:[A-Za-z0-9+/=]|\\n|\s){80,})')
"""A picture within an SVG, a page or a notebook."""


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """(SIDE * SIDE,) of a picture (H, W), with mean 0 and length 1; 0 where it is of one grey."""
    small = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX)
    values = np.asarray(small, np.float32).ravel()
    values = values - values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-6)


def panels(picture: np.ndarray, deep: int = DEEP) -> Iterator[np.ndarray]:
    """A picture (H, W), and the parts of it that white lines separate."""
    if min(picture.shape) < SMALL:
        return
    yield picture
    for axis in (1, 0):
        used = np.flatnonzero((picture < WHITE).any(axis))
        parts = np.split(used, np.flatnonzero(np.diff(used) > 1) + 1)
        if deep and len(used) and (len(parts) > 1 or len(used) < picture.shape[1 - axis]):
            for part in parts:
                cut = slice(part[0], part[-1] + 1)
                yield from panels(picture[cut] if axis else picture[:, cut], deep - 1)
            return


def pictures(path: Path) -> Iterator[np.ndarray]:
    """The pictures (H, W) uint8 in a file."""
    if path.suffix in RASTER:
        yield np.asarray(Image.open(path).convert("L"))
    elif is_text(path):
        for text in INSIDE.findall(path.read_text(errors="replace")):
            content = base64.b64decode(re.sub(r"\\n|\s", "", text))
            yield np.asarray(Image.open(BytesIO(content)).convert("L"))


def shown(paths: list[Path], theirs: np.ndarray) -> list[str]:
    """Which files show one of the slices, as thumbnails (N, SIDE * SIDE)."""
    return [
        path.name
        for path in paths
        if any(
            (theirs @ thumbnail(turned)).max() > ALIKE
            for picture in pictures(path)
            for panel in panels(picture)
            for turned in (panel, panel[::-1], panel[:, ::-1])  # Matplotlib turns those of an SVG
        )
    ]


VIEWERS = ROOT / "results" / "quick" / "viewers"


def head(name: str) -> np.ndarray:
    """A simulated slice (H, W) uint8, which stands for a person's."""
    return np.asarray(Image.open(VIEWERS / f"fig6-{name}-real.webp").convert("L"))


def in_another_window(picture: np.ndarray, path: Path) -> None:
    larger = Image.fromarray(np.clip(picture * 1.25 - 20, 0, 255).astype(np.uint8)).resize(
        (300,) * 2
    )
    larger.save(path, lossless=True)


def as_a_panel(picture: np.ndarray, path: Path) -> None:
    figure, axes = plt.subplots(1, 2)
    show_slice(axes[0], np.zeros_like(picture), FIVE)
    show_slice(axes[1], picture, FIVE, (picture > 200).astype(np.uint8))
    figure.savefig(path)
    plt.close(figure)


def in_a_notebook(picture: np.ndarray, path: Path) -> None:
    as_a_panel(picture, path.with_suffix(".png"))
    content = base64.encodebytes(path.with_suffix(".png").read_bytes()).decode()
    output = nbformat.v4.new_output("display_data", {"image/png": content})
    cell = nbformat.v4.new_code_cell(outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    path.with_suffix(".png").unlink()


PLANTED = {
    "slice.webp": in_another_window,
    "figure.png": as_a_panel,
    "figure.svg": as_a_panel,
    "notebook.ipynb": in_a_notebook,
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_slice_is_seen_and_another_head_is_not(name, tmp_path):
    theirs = np.stack([thumbnail(head("0.25-IPH-1"))])
    for planted, seen in (("0.25-IPH-1", [name]), ("0.25-SDH-1", [])):
        PLANTED[name](head(planted), tmp_path / name)
        assert shown([tmp_path / name], theirs) == seen, planted


@pytest.mark.slow
def test_no_committed_picture_is_of_the_set():
    if not (folder := os.environ.get("LCGAN_PHE_SICH")):
        pytest.skip("LCGAN_PHE_SICH does not name the folder of PHE-SICH-CT-IDS")
    slices = [path for path in sorted(Path(folder).rglob("*.png")) if "/set/" in path.as_posix()]
    assert slices, f"{folder} has no slices in a folder called set"
    theirs = np.stack([thumbnail(np.asarray(Image.open(path).convert("L"))) for path in slices])
    assert shown(tracked(), theirs) == []
