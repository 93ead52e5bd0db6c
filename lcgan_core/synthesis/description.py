"""What a folder with a trained network says of itself, so that nobody has to say it again.

`config.json` describes the network; the header of each weights file repeats the description, so
that a changed `config.json` is found out and the changed entry named.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from lcgan_core.errors import UserError
from lcgan_core.lesions import Classes
from lcgan_core.protocol.config import Config
from lcgan_core.run.disk import disk_errors
from lcgan_core.training import checkpoint

NAME, CARD = "config.json", "README.md"
FORMAT = 1
"""Rises when an older `lcgan_core` could not read a description or would misread it."""
KEY = "lcgan"
"""Of the description in the header of a weights file."""


class Trained(BaseModel):
    """On what a network was trained; `people`: whether on scans of people."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    cohort: str
    people: bool
    fraction: float
    draw: int
    patients: int
    slices: int
    pixel_mm: tuple[float, float]
    """The smallest and the largest side of a pixel."""
    fingerprint: str
    terms: dict[str, str] = {}
    """What the store says of its use: `publish`, `citation`."""


class Description(BaseModel):
    """A network and everything that has to be known to use it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: int = FORMAT
    lcgan_core: str = ""
    role: Literal["generator", "segmenter"]
    method: str
    """The name that it is registered by in `protocol/methods.py`."""
    candidate: int | None = None
    """Of a generator: after how many epochs its weights were kept."""
    classes: list[dict[str, str]]
    colors: list[tuple[int, int, int]]
    """RGB of labels 0..K, in pictures and in the masks that an "rgb" encoding shows a network."""
    hu: tuple[float, float]
    """The window: outside of it HU are cut off."""
    trained: Trained
    profile: dict[str, Any]
    """All settings of the run."""

    @property
    def config(self) -> Config:
        return Config.model_validate(self.profile)

    @property
    def size(self) -> int:
        """Rows and columns of a slice."""
        return int(self.profile["image_size"])

    @property
    def lesions(self) -> Classes:
        return Classes.from_json(self.classes)


def described(
    config: Config,
    role: Literal["generator", "segmenter"],
    method: str,
    classes: Classes,
    trained: Trained,
    candidate: int | None = None,
) -> Description:
    """The description of a network of a run."""
    window = config.window
    return Description(
        lcgan_core=importlib.metadata.version("lcgan-core"),
        role=role,
        method=method,
        candidate=candidate,
        classes=classes.to_json(),
        colors=list(classes.colors),
        hu=(window.level - window.width / 2, window.level + window.width / 2),
        trained=trained,
        profile=config.nameless(),
    )


def read(folder: Path) -> Description:
    """The description of a folder, compared with that in its weights.

    Raises UserError for a folder that is no model, one of a newer version, damaged weights, and a
    `config.json` that says other things than the weights, naming the first.
    """
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{folder} is no model: it has no {NAME}; `lcgan model` makes one.")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        _of_this_version(path, told)
        found = Description.model_validate(told)
        _ = found.config, found.lesions
    except (OSError, ValueError, ValidationError, TypeError, KeyError, RecursionError) as error:
        why = _first_line(error)
        raise UserError(f"{path} cannot be read ({why}); copy the model again.") from None
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise UserError(f"{folder} has no weights beside its {NAME}; copy the model again.")
    for file in weights:
        _compare(file, path, told)
    return found


def _of_this_version(path: Path, told: Any) -> None:
    if isinstance(told, dict) and isinstance(told.get("format"), int) and told["format"] > FORMAT:
        raise UserError(
            f"{path} was written by lcgan-core {told.get('lcgan_core', 'of a newer version')}, "
            f"this is {importlib.metadata.version('lcgan-core')}; install that version or a newer "
            "one."
        )


def _compare(file: Path, path: Path, told: dict) -> None:
    try:
        with safe_open(file, framework="pt") as opened:
            kept = json.loads((opened.metadata() or {}).get(KEY, "null"))
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} is damaged ({error}); copy the model again.") from None
    if kept is None:
        raise UserError(f"{file} does not describe itself; make the model again: `lcgan model`.")
    for name, ours, theirs in _differences(told, kept):
        raise UserError(
            f"{path} says {name} = {ours!r}, but the weights are of a network with {theirs!r}; "
            "correct it there."
        )


def _differences(told: Any, kept: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Place, value told and value kept of every difference.

    >>> list(_differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2}))
    [('a.b', 1, 3)]
    """
    if isinstance(told, dict) and isinstance(kept, dict):
        for name in dict.fromkeys([*told, *kept]):
            place = f"{where}.{name}" if where else str(name)
            yield from _differences(told.get(name), kept.get(name), place)
    elif told != kept:
        yield where, told, kept


def write(
    folder: Path,
    found: Description,
    source: Path,
    others: Mapping[str, bytes] = {},  # noqa: B006
    half: bool = False,
) -> None:
    """Write a model: the weights that lie in `source`, its description, and other files by name.

    half: in half precision, which is read like any other. The folder appears when it is complete.
    Raises UserError where it exists and is no model.
    """
    if folder.exists() and not (folder / NAME).is_file() and any(folder.iterdir()):
        raise UserError(f"{folder} exists and holds something else; give another folder.")
    work = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    with disk_errors(folder):
        work.mkdir(parents=True)
        try:
            told = found.model_dump_json(indent=1)
            (work / NAME).write_text(told + "\n", encoding="utf-8")
            for path in weights_of(source, found.candidate):
                _describe(path, work / path.name, json.dumps(json.loads(told)), half)
            for name, content in others.items():
                (work / name).write_bytes(content)
            shutil.rmtree(folder, ignore_errors=True)
            work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def weights_of(folder: Path, candidate: int | None) -> list[Path]:
    """The weights that a network needs: those of its own candidate, and those of no candidate.

    A generator's file that belongs to one candidate ends with its number, as `x-12.safetensors`.
    """
    files = sorted(folder.glob("*.safetensors"))
    return [path for path in files if candidate is None or _number(path) in (None, candidate)]


def _number(path: Path) -> int | None:
    """The candidate at the end of a file's name.

    >>> _number(Path("generator-12.safetensors")), _number(Path("grey.safetensors"))
    (12, None)
    """
    last = path.stem.rpartition("-")[2]
    return int(last) if "-" in path.stem and last.isdecimal() else None


def _describe(source: Path, target: Path, told: str, half: bool) -> None:
    with safe_open(source, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if half:
            tensors = {key: t.half() if t.is_floating_point() else t for key, t in tensors.items()}
        checkpoint.write(tensors, target, {**(file.metadata() or {}), KEY: told})
    target.chmod(0o644)  # safetensors lets only the owner read


def digest(folder: Path) -> str:
    """A hash of a model's description and weights, which says that a folder was painted by it."""
    found = hashlib.sha256((folder / NAME).read_bytes())
    for path in sorted(folder.glob("*.safetensors")):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0]
