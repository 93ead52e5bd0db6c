"""Ways to spoil bytes, text, tables, JSON and DICOM by chance."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.datadict import dictionary_VR

Rng = np.random.Generator

WORDS = (
    "", "0", "-1", "1e999", "nan", "9" * 400, "x" * 3000, "a\nb", "\x1b[2J", "../../x", "\ud800",
    "None", "*a", "[", "!!python/object/apply:os.system [x]", "{}", "\u2028", "\x00", "=1+1",
    "<script>",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**63, 10**40, 0.5, 1e308, float("nan"), float("inf"), [], {},
    [[]], *WORDS,
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 255, 32767, 65535, 2**31 - 1, 1e9, -1e9, 1e300, 0.001)


def one_of(rng: Rng, of: Sequence[Any]) -> Any:
    """One of several things, as it is."""
    return of[int(rng.integers(len(of)))]


def file(rng: Rng, path: Path) -> None:
    """A file spoiled in a way of its kind, which its ending tells; or its bytes."""
    match path.suffix:
        case ".npy":
            array(rng, path)
        case ".dcm":
            dicom(rng, path)
        case ".json" | ".ipynb":
            path.write_text(tree(rng, path.read_text()), errors="replace")
        case ".csv":
            path.write_text(table(rng, path.read_text()), errors="replace")
        case ".xml":
            path.write_text(text(rng, path.read_text()), errors="replace")
        case ".gz" if rng.random() < 0.7:  # a sum of what is packed finds most of the others out
            path.write_bytes(gzip.compress(raw(rng, gzip.decompress(path.read_bytes())), 1))
        case _:
            path.write_bytes(raw(rng, path.read_bytes()))


def place(rng: Rng, path: Path, files: Sequence[Path]) -> None:
    """A file lost, under another name, or with what another of `files` holds."""
    names = (path.name.upper(), f"._{path.name}", f"0{path.name}", f"{path.name}.part", "a\nb")
    match int(rng.integers(3)):
        case 0:
            path.unlink()
        case 1:
            path.rename(path.with_name(one_of(rng, names)))
        case _:
            path.write_bytes(one_of(rng, files).read_bytes())


def raw(rng: Rng, content: bytes) -> bytes:
    """Bytes changed, cut off, doubled, moved, or more of them."""
    if not content:
        return rng.bytes(20)
    spoiled = bytearray(content)
    at, to = sorted(int(n) for n in rng.integers(0, len(content) + 1, 2))
    head = int(rng.integers(0, min(len(content), 600)))
    match int(rng.integers(6)):
        case 0:
            for place in rng.integers(0, len(spoiled), int(rng.integers(1, 9))):
                spoiled[place] = int(rng.integers(256))
        case 1:
            spoiled[head : head + 4] = one_of(rng, (b"\xff" * 4, b"\0" * 4, b"\0\0\0\x80"))
        case 2:
            return content[:at]
        case 3:
            return content[:to] + content[at:]
        case 4:
            return content[:at] + content[to:]
        case _:
            return content + rng.bytes(int(rng.integers(1, 5000)))
    return bytes(spoiled)


def text(rng: Rng, content: str) -> str:
    """A piece of text replaced by a hostile word, or its bytes spoiled."""
    pieces = content.split()
    if not pieces or rng.random() < 0.3:
        return raw(rng, content.encode()).decode(errors="replace")
    piece, word = one_of(rng, pieces), one_of(rng, WORDS)
    return content.replace(piece, word.encode(errors="replace").decode(), int(rng.integers(1, 3)))


def table(rng: Rng, content: str) -> str:
    """A cell, column or row of a CSV replaced, left out or doubled."""
    rows = [line.split(",") for line in content.splitlines()]
    row, column = int(rng.integers(len(rows))), int(rng.integers(len(rows[0])))
    match int(rng.integers(5)):
        case 0:
            rows[row][min(column, len(rows[row]) - 1)] = one_of(rng, WORDS)
        case 1:
            rows = [cells[:column] + cells[column + 1 :] for cells in rows]
        case 2:
            rows = [*rows[:row], *rows[row + 1 :]]
        case 3:
            rows = [*rows, rows[row]]
        case _:
            return text(rng, content)
    joined = "\n".join(",".join(cells) for cells in rows)
    return joined.encode(errors="replace").decode() + "\n"


def tree(rng: Rng, content: str) -> str:
    """A value somewhere in JSON replaced, left out or wrapped; or its text spoiled."""
    if rng.random() < 0.2:
        return one_of(rng, (text(rng, content), "[" * 100_000, "", "null", '{"a":' * 50_000))
    root = [json.loads(content)]
    holder, key = root, 0
    while isinstance(inner := holder[key], (dict, list)) and inner and rng.random() < 0.8:
        holder, key = (
            inner,
            one_of(rng, list(inner) if isinstance(inner, dict) else range(len(inner))),
        )
    if rng.random() < 0.2 and holder is not root:
        del holder[key]
    else:
        holder[key] = one_of(rng, VALUES) if rng.random() < 0.8 else [holder[key]]
    return json.dumps(root[0])


def array(rng: Rng, path: Path) -> None:
    """A .npy of another type, shape or content; or its bytes spoiled."""
    values = np.load(path)
    changes: tuple[Callable[[], np.ndarray], ...] = (
        lambda: values.astype(one_of(rng, (bool, "<u2", ">i2", float, complex, "S2", "M8[s]"))),
        lambda: values[: int(rng.integers(len(values)))],
        lambda: values[:, 1:],
        lambda: values.ravel(),
        lambda: np.where(rng.random(values.shape) < 0.01, one_of(rng, (1, 9, 255)), values).astype(
            values.dtype
        ),
        lambda: np.array([{}], object),
    )
    if rng.random() < 0.3:
        path.write_bytes(raw(rng, path.read_bytes()))
    else:
        np.save(path, one_of(rng, changes)())


def dicom(rng: Rng, path: Path) -> None:
    """One to three tags of a DICOM file changed, left out or in a wrong place; or its bytes."""
    if rng.random() < 0.3:
        path.write_bytes(raw(rng, path.read_bytes()))
        return
    item = pydicom.dcmread(path, force=True)
    for _ in range(int(rng.integers(1, 4))):
        inner = item
        while sequences := [each for each in inner if each.VR == "SQ" and len(each.value)]:
            if rng.random() < 0.4:
                break
            inner = one_of(rng, one_of(rng, sequences).value)
        _tag(rng, inner)
    try:
        item.save_as(path)
    except Exception:  # what pydicom cannot write nobody can hand over
        path.write_bytes(raw(rng, path.read_bytes()))


def _tag(rng: Rng, item: pydicom.Dataset) -> None:
    tags = [element.tag for element in item if element.keyword]
    if not tags:
        return
    tag = one_of(rng, tags)
    if rng.random() < 0.25:
        del item[tag]
        return
    kind = dictionary_VR(tag).split()[0]
    many = item[tag].VM
    value: Any = one_of(rng, WORDS).encode(errors="replace").decode()
    if kind in ("US", "SS", "UL", "SL"):
        value = int(one_of(rng, (0, 1, 2, 3, 255, 65535)))
    elif kind in ("DS", "IS", "FD", "FL"):
        numbers = [one_of(rng, NUMBERS) for _ in range(max(many + int(rng.integers(-1, 2)), 1))]
        value = [int(np.clip(n, -(2**31), 2**31 - 1)) if kind == "IS" else n for n in numbers]
    elif kind in ("OB", "OW", "UN", "SQ"):
        value = [] if kind == "SQ" else rng.bytes(2 * int(rng.integers(300)))
    with pydicom.config.disable_value_validation(), suppress(ValueError, TypeError, OverflowError):
        item[tag].value = value  # unless it is none of that type at all
