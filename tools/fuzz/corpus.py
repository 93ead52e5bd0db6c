"""What cases begin from: right folders, made as the tests make them, and files of the libraries."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Literal

import nibabel
import numpy as np
import pydicom.data
import skimage
import torch
from pydicom.sr.codedict import codes
from torch import nn

from lcgan_core.book import bundle, places
from lcgan_core.export import png
from lcgan_core.generators import lcgan
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.models.fcn8s import FCN8s
from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.config import Config
from lcgan_core.segmenters.base import WEIGHTS
from lcgan_core.synthesis import description
from lcgan_core.synthesis.description import Trained
from lcgan_core.takeaway import export
from lcgan_core.takeaway.predict import AS
from lcgan_core.training import checkpoint
from tests.cohort import (
    cases,
    test_dicom_rtstruct,
    test_dicom_seg,
    test_phe_sich,
    test_pictures,
    test_public_sets,
    volumes,
)
from tests.cohort.dicom_files import Scan, make_scan
from tests.stages.heads import TWO, bleeds, write_store

NIBABEL, PYDICOM = Path(nibabel.__file__).parent, Path(pydicom.data.__file__).parent
FOLDERS = (
    NIBABEL / "tests" / "data", NIBABEL / "nicom" / "tests" / "data", PYDICOM / "test_files",
    PYDICOM / "charset_files", PYDICOM / "palettes", Path(skimage.__file__).parent / "data",
)  # fmt: skip
LARGEST = 1_000_000
SIZE = 64
PUBLIC = [name for name, method in methods.FORMATS.items() if ".public." in method.place]
BINARY = ("instance22", "seg-cq500", "hemseg")
"""Public sets whose masks do not say which class they show."""
MASKS, STORES = ("store", "nifti", "dicom", "png"), ("store", "painted")
"""What `lcgan paint` and `lcgan export` begin from."""


def installed() -> list[Path]:
    """Test files that come with the installed libraries."""
    files = (path for folder in FOLDERS for path in sorted(folder.rglob("*")))
    return [path for path in files if path.is_file() and path.stat().st_size < LARGEST]


def make(folder: Path) -> None:
    """A right folder for each kind of case, in `folder`; each of them is taken as it is."""
    for kind, write in WRITERS.items():
        write(folder / kind)


def _scan(folder: Path) -> tuple[Scan, np.ndarray]:
    hu = np.random.default_rng(0).normal(35, 5, (4, 20, 24)).round().astype(int)
    hu[:, :4] = hu[:, -4:] = -1000
    mask = np.zeros(hu.shape, np.uint8)
    mask[1:3, 8:12, 6:12] = 1
    hu[mask > 0] = 70
    heights = [5.0 * k for k in range(4)]
    return make_scan(folder / "p1", heights, hu=hu, PixelRepresentation=1, RescaleIntercept=0), mask


def _ct(folder: Path) -> None:
    scan, mask = _scan(folder)
    scan.write_mask(mask)
    (folder / "labels.json").write_text(json.dumps({"1": "IPH"}))


def _seg(folder: Path) -> None:
    scan, mask = _scan(folder)
    code = codes.SCT.Hemorrhage
    test_dicom_seg.write_seg(scan, mask, ["IPH"], code, omit_empty_frames=True)


def _rtstruct(folder: Path) -> None:
    scan, _ = _scan(folder)
    square = [(8.0, 6.0), (8.0, 12.0), (12.0, 12.0), (12.0, 6.0)]
    test_dicom_rtstruct.write_rtstruct(scan, {"IPH": [(1, square), (2, square)]})


def _nifti(folder: Path) -> None:
    hu, mask = volumes.head(), volumes.lesion()
    hu[mask > 0] = 75
    volumes.write(folder / "p1_ct.nii", hu)
    volumes.write(folder / "p1_seg.nii.gz", mask)


def _png(folder: Path) -> None:
    grey = np.rint(test_pictures.head().clip(0, 80) / 80 * 255).astype(np.uint8)[:4]
    mask = np.zeros(grey.shape, np.uint8)
    mask[1:3, 26:34, 20:27] = 1
    grey[mask > 0] = 220
    test_pictures.write(folder, grey, mask)


def _tables(folder: Path) -> None:
    folder.mkdir()
    (folder / "labels.json").write_text('{"1": "EDH", "2": "PHE:oedema", "brain": ""}')
    (folder / "classes.csv").write_text("scan,class\n1,EDH\n2,SDH\n003,IPH\n")


def _yaml(folder: Path) -> None:
    folder.mkdir()
    shutil.copy(profiles.FILES / "paper.yaml", folder / "mine.yaml")


def _store(folder: Path) -> None:
    folder.mkdir()
    made = [cases.Made(k, folder, slices=2, shape=(8, 8)) for k in (1, 2)]
    cases.store_of(made, folder / "store", size=8)
    (folder / "log").unlink()


def _bundle(folder: Path) -> None:
    shutil.copytree(places.RESULTS / "quick", folder, ignore=shutil.ignore_patterns("*.webp"))
    (folder / "notebooks").mkdir()
    shutil.copy(places.ROOT / "notebooks" / "01_cohort.ipynb", folder / "notebooks")
    bundle.seal(folder)


def _weights(folder: Path) -> None:
    config = profiles.load("quick", image_size=SIZE, segmentation_width=1)
    _model(folder / "model", config, ("segmenter", "fcn8s"), FIVE, _segmenter(config, FIVE))
    torch.save(_as_vgg16(FCN8s(1 + len(FIVE), 1, 100, False)), folder / "vgg16.pth")


def _as_vgg16(fcn: FCN8s) -> dict[str, torch.Tensor]:
    """A trunk under torchvision's names, which count every layer."""
    layers = [layer for stage in fcn.trunk for layer in stage.children()]
    return {
        f"features.{k}.{name}": value.detach()
        for k, layer in enumerate(layers)
        for name, value in layer.named_parameters()
    }


def _public(folder: Path) -> None:
    for form in PUBLIC:
        method = methods.FORMATS[form]
        module = importlib.import_module(method.place.partition(":")[0])
        if form == "phe-sich":
            test_phe_sich.make(folder / form, patients=((1, (40, 120)),))
        else:
            test_public_sets.MAKERS[module](folder / form)


def _heads(folder: Path) -> Path:
    labels, hu = bleeds(1, slices=3, size=SIZE)
    return write_store(folder, 1, classes=TWO, slices=3, size=SIZE, labels=labels, hu=hu)


def _paint(folder: Path) -> None:
    """A generator, and the same masks as every kind of file, without the images."""
    config = profiles.load("quick", image_size=SIZE, lcgan_width=1)
    torch.manual_seed(1)
    network = lcgan.generator(config.lcgan, SIZE, len(TWO))
    weights = "generator-1.safetensors", {"generator": network}
    _model(folder / "model", config, ("generator", "lcgan"), TWO, weights, 1)
    store = _heads(folder / "store")
    for form in ("nifti", "dicom"):
        export.whole(store, form, folder / form)
    for images in (folder / "nifti" / "images", *folder.glob("dicom/*/ct")):
        shutil.rmtree(images)
    for k, mask in enumerate(np.load(store / "labels.npy")):
        png.save(folder / "png" / "labels" / f"{k}.png", mask)
    shutil.copy(folder / "nifti" / "labels.json", folder / "png")


def _export(folder: Path) -> None:
    """A store, and one that was written by `lcgan paint` or `export`."""
    store = _heads(folder / "store")
    export.whole(store, "store", folder / "written")
    (folder / "written" / "store").rename(folder / "painted")
    shutil.rmtree(folder / "written")


def _predict(folder: Path) -> None:
    """A segmenter, and a scan as DICOM and as NIfTI."""
    config = profiles.load("quick", image_size=SIZE, segmentation_width=1)
    _model(folder / "model", config, ("segmenter", "fcn8s"), TWO, _segmenter(config, TWO))
    store = _heads(folder / "store")
    for form in AS:
        export.whole(store, form, folder / "whole" / form)
    shutil.copytree(folder / "whole" / "nifti" / "images", folder / "nifti")
    [images] = folder.glob("whole/dicom/*/ct")
    shutil.copytree(images, folder / "dicom")
    shutil.rmtree(folder / "whole")
    shutil.rmtree(store)


def _segmenter(config: Config, classes: Classes) -> tuple[str, dict[str, nn.Module]]:
    group = config.segmentation
    torch.manual_seed(1)
    return WEIGHTS, {"fcn": FCN8s(1 + len(classes), group.width, group.border, group.batch_norm)}


def _model(
    folder: Path,
    config: Config,
    what: tuple[Literal["generator", "segmenter"], str],
    classes: Classes,
    weights: tuple[str, dict[str, nn.Module]],
    candidate: int | None = None,
) -> None:
    """A network that has learnt nothing, as `lcgan model` would write it; what: role and method."""
    source = folder.with_name("source")
    source.mkdir(parents=True)
    checkpoint.save(source / weights[0], weights[1], {}, {})
    facts = Trained(
        cohort="made up", people=False, fraction=1.0, draw=1, patients=4, slices=12,
        pixel_mm=(0.5, 0.5), fingerprint="0",
    )  # fmt: skip
    told = description.described(config, *what, classes, facts, candidate)
    description.write(folder, told, source)
    shutil.rmtree(source)


def _nothing(folder: Path) -> None:
    folder.mkdir()


WRITERS = {
    "ct": _ct, "seg": _seg, "rtstruct": _rtstruct, "nifti": _nifti, "png": _png, "tables": _tables,
    "yaml": _yaml, "parameters": _nothing, "public": _public, "store": _store, "bundle": _bundle,
    "weights": _weights, "paint": _paint, "export": _export, "predict": _predict,
}  # fmt: skip
