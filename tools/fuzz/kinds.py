"""For each kind of case: how its folder is spoiled, and what is then done with it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lcgan_core.book import bundle
from lcgan_core.cohort import dicom, formats, nifti, plausible
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.public.scan_classes import scan_classes
from lcgan_core.cohort.resampling import to_slices
from lcgan_core.cohort.series import Found
from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.models.fcn8s import FCN8s
from lcgan_core.models.vgg16_weights import load_vgg16
from lcgan_core.protocol import profiles
from lcgan_core.run.asked import encoded, settings
from lcgan_core.run.overrides import overrides
from lcgan_core.synthesis.outliner import Outliner
from lcgan_core.takeaway import folder as takeaway
from lcgan_core.takeaway.export import whole
from lcgan_core.takeaway.paint import Asked, outside, paint
from lcgan_core.takeaway.predict import AS, predict
from tools.fuzz import corpus, spoil
from tools.fuzz.spoil import Rng, one_of


class Kind(NamedTuple):
    """spoil: changes a right folder, and may return what is to be given besides; do: what a command
    does with it."""

    spoil: Callable[[Rng, Path], Any]
    do: Callable[[Path, Any], None]


def _take(found: Found) -> None:
    """Load every series as an ingest does; raises the first refusal."""
    for refused in found.refused:
        raise refused
    for case in found.cases:
        series = case.load()
        plausible.check(series, found.classes, case.path)
        stored = to_slices(series, corpus.SIZE, found.classes)
        assert stored.hu.dtype == np.int16 and stored.labels.max() <= len(found.classes)
        assert np.isfinite([row["pixel_spacing_mm"] for row in stored.rows]).all()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _dicom_files(rng: Rng, folder: Path) -> None:
    """One or several files spoiled, or one of a library's instead of a right one or beside it."""
    files = [path for path in _files(folder) if path.suffix not in (".json", ".gz")]
    if rng.random() < 0.2:
        shutil.copy(one_of(rng, corpus.installed()), one_of(rng, files))
        return
    masks = [path for path in files if path.name in ("mask", "plan")]
    chosen = masks if masks and rng.random() < 0.8 else [one_of(rng, files)]
    for path in files if rng.random() < 0.2 else chosen:
        spoil.dicom(rng, path)


def _volumes(rng: Rng, folder: Path) -> None:
    path = one_of(rng, _files(folder))
    others = [each for each in corpus.installed() if ".nii" in each.name]
    if rng.random() < 0.1:
        shutil.copy(one_of(rng, others), path)
    else:  # the header of an image that is not compressed has 348 bytes
        path.write_bytes(spoil.raw(rng, path.read_bytes()))


def _pictures(rng: Rng, folder: Path) -> Mapping[str, Any]:
    path = one_of(rng, _files(folder))
    others = [each for each in corpus.installed() if each.suffix in (".png", ".jpg", ".gif")]
    if rng.random() < 0.3:
        shutil.copy(one_of(rng, others), path)
    else:
        path.write_bytes(spoil.raw(rng, path.read_bytes()))
    options = {"window": "40/80", "spacing": "0.5/5"}
    if rng.random() < 0.2:
        options[one_of(rng, list(options))] = one_of(rng, spoil.WORDS)
    return options


def _png(folder: Path, options: Mapping[str, Any]) -> None:
    patterns = {name: f"{name}/{{patient}}/{{slice}}.png" for name in ("images", "masks")}
    _take(formats.find("png", folder, {**patterns, "as_class": "SDH", **options}, _plainly))


def _plainly(function: Callable, items: Any, chunk: int = 1) -> Iterator:
    return map(function, items)


def _public(rng: Rng, folder: Path) -> str:
    form = one_of(rng, corpus.PUBLIC)
    files = _files(folder / form)
    if rng.random() < 0.3:
        spoil.place(rng, one_of(rng, files), files)
    else:
        spoil.file(rng, one_of(rng, files))
    return form


def _read_public(folder: Path, form: str) -> None:
    source = folder / form
    assert formats.detect(source) in formats.FORMATS
    given = {"as_class": "IPH"} if form in corpus.BINARY else {}
    _take(formats.find(form, source, given, _plainly))


def _tables(rng: Rng, folder: Path) -> str:
    path = one_of(rng, _files(folder))
    change = spoil.tree if path.suffix == ".json" else spoil.table
    path.write_text(change(rng, path.read_text()), errors="replace")
    return one_of(rng, ("1=EDH,2=SDH", *spoil.WORDS))


def _read_tables(folder: Path, labels: str) -> None:
    LabelMap.read(folder / "labels.json")
    scan_classes(folder, "a set", None, folder / "classes.csv")
    LabelMap.parse(labels)


def _yaml(rng: Rng, folder: Path) -> None:
    path = folder / "mine.yaml"
    path.write_text(spoil.text(rng, path.read_text()), errors="replace")


def _parameters(rng: Rng, folder: Path) -> tuple[str, list[str]]:
    names = [*profiles.flat_fields(), "profile", "x", ""]
    given = [
        f"{one_of(rng, names)}={one_of(rng, [*spoil.WORDS, *map(str, spoil.NUMBERS), '[0.5, 1]'])}"
        for _ in range(int(rng.integers(1, 4)))
    ]
    return one_of(rng, list(profiles.STAGE_PARAMETERS)), given


def _configure(folder: Path, given: tuple[str, list[str]]) -> None:
    stage, numbers = given
    own = {"fraction": 0.25, "arm": "gan"}
    wanted = {k: v for k, v in own.items() if k in profiles.STAGE_PARAMETERS[stage]}
    config, _ = profiles.from_namespace(stage, {**overrides(numbers), **wanted})
    assert config.name and json.dumps(config.nameless())
    read = settings({"asked": encoded({"SET": " ".join(numbers)})})
    assert isinstance(read, dict)


def _one_file(rng: Rng, folder: Path) -> None:
    spoil.file(rng, one_of(rng, _files(folder)))


def _open_store(folder: Path, _: None) -> None:
    store = SliceStore.open(folder / "store")
    store.check()
    assert store.slices.patient.nunique() >= 0 and isinstance(store.manifest, dict)


def _bundle(rng: Rng, folder: Path) -> None:
    path = one_of(rng, _files(folder))
    spoil.file(rng, path)
    if path.suffix != ".json":  # whoever changes a file can hash it too
        bundle.seal(folder)


def _open_bundle(folder: Path, _: None) -> None:
    opened = bundle.opened(folder)
    for path in folder.glob("*.csv"):
        opened.table(path.stem)


def _weights(rng: Rng, folder: Path) -> None:
    spoil.file(rng, one_of(rng, [folder / "vgg16.pth", *_files(folder / "model")]))


def _load_weights(folder: Path, _: None) -> None:
    network = Outliner.from_pretrained(folder / "model")
    outlined = network.outline(np.zeros((1, corpus.SIZE, corpus.SIZE), np.int16))
    assert outlined.max() <= 5
    load_vgg16(FCN8s(6, 1, 100, False), folder / "vgg16.pth")


def _paint(rng: Rng, folder: Path) -> dict[str, Any]:
    """A file of the model or of the masks; now and then an option instead."""
    kind = one_of(rng, corpus.MASKS)
    given = {"form": one_of(rng, list(takeaway.FORMATS)), "moved": rng.random() < 0.3}
    options = {"spacing": "0.5/5", "pattern": "", "labels": ""}
    if rng.random() < 0.1:
        options[one_of(rng, list(options))] = one_of(rng, spoil.WORDS)
    else:
        spoil.file(rng, one_of(rng, _files(folder / one_of(rng, ("model", kind, kind)))))
    return {"source": folder / kind, **given, **options}


def _painted(folder: Path, given: dict[str, Any]) -> None:
    out = folder / "Dataset501_X"
    asked = Asked(model=folder / "model", out=out, **given)
    made = paint(asked)
    assert made and outside(out) is not None and paint(asked) == made


def _export(rng: Rng, folder: Path) -> tuple[str, str]:
    kind = one_of(rng, corpus.STORES)
    spoil.file(rng, one_of(rng, _files(folder / kind)))
    return kind, one_of(rng, list(takeaway.FORMATS))


def _exported(folder: Path, given: tuple[str, str]) -> None:
    kind, form = given
    assert whole(folder / kind, form, folder / "Dataset501_X")


def _predict(rng: Rng, folder: Path) -> str:
    form = one_of(rng, AS)
    spoil.file(rng, one_of(rng, _files(folder / one_of(rng, ("model", form, form)))))
    return form


def _predicted(folder: Path, form: str) -> None:
    """The sentences about scans that are refused go to stderr."""
    said = io.StringIO()
    with redirect_stderr(said):
        made, refused = predict(
            folder / form, lambda: Outliner.from_pretrained(folder / "model"), folder / "out", form
        )
    if refused:
        raise UserError(said.getvalue().strip())
    assert made


KINDS = {
    "ct": Kind(_dicom_files, lambda folder, _: _take(dicom.find(folder))),
    "seg": Kind(_dicom_files, lambda folder, _: _take(dicom.find(folder))),
    "rtstruct": Kind(_dicom_files, lambda folder, _: _take(dicom.find(folder))),
    "nifti": Kind(
        _volumes,
        lambda folder, _: _take(
            nifti.find(folder, "{patient}_ct.nii", "{patient}_seg.nii.gz", LabelMap.parse("1=IPH"))
        ),
    ),
    "png": Kind(_pictures, _png),
    "tables": Kind(_tables, _read_tables),
    "yaml": Kind(_yaml, lambda folder, _: profiles.load(str(folder / "mine.yaml"), cohort="x")),
    "parameters": Kind(_parameters, _configure),
    "public": Kind(_public, _read_public),
    "store": Kind(_one_file, _open_store),
    "bundle": Kind(_bundle, _open_bundle),
    "weights": Kind(_weights, _load_weights),
    "paint": Kind(_paint, _painted),
    "export": Kind(_export, _exported),
    "predict": Kind(_predict, _predicted),
}
