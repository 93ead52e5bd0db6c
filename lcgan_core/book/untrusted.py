"""What a bundle may hold that a page shows: a bundle may come from anybody.

The pages put words and numbers of a bundle between HTML and Markdown of their own. So nothing that
either language could take for markup gets in: words have few characters, tables of notebooks few
tags, and drawings no scripts.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from lcgan_core.book import weights
from lcgan_core.errors import UserError
from lcgan_core.lesions import PLAIN

OUTPUTS = {"text/plain", "text/html", "text/markdown", "image/png"}
"""What the cells of the book's own notebooks produce, with the sentence for pictures left out."""
TAGS = {"div", "p", "style", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"scoped", "border", "class", "style", "colspan", "rowspan", "halign", "valign"}
"""Those of a pandas table."""
PROSE = re.compile(r"<|javascript:|\{(?!cite\})[\w:.-]+\}", re.IGNORECASE)
"""Markup that the notebooks' own Markdown has not: HTML, directives, roles other than cite."""

PICTURE = "data:image/png;base64,"
NAME = re.compile(r"`\w+`")
UNREADABLE = (
    ValueError, KeyError, TypeError, AttributeError, RecursionError, ElementTree.ParseError,
)  # fmt: skip


class Markup(Exception):
    """What a page could take for markup; args: the text."""


def first(folder: Path, names: Mapping[str, Any], record: Any) -> tuple[str, str] | None:
    """The first file of a bundle with something that a page must not show, and that text.

    names: the bundle's files; record: its provenance. None where all is plain.
    """
    for name, check in _checks(folder, names, record):
        try:
            check()
        except Markup as found:
            return name, " ".join(str(found).split())[:80]
        except UNREADABLE as error:
            return name, " ".join(str(error).split())[:80]
    return None


def _checks(
    folder: Path, names: Mapping[str, Any], record: Any
) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "provenance.json", lambda: _record(record)
    for name in names:
        kind = KINDS.get(Path(name).suffix, _unknown)
        yield name, lambda name=name, kind=kind: kind(folder / name)  # type: ignore[misc]


def _record(record: Mapping[str, Any]) -> None:
    """Its `changes` are Markdown that names settings, as in `lcgan_width`."""
    _words({key: value for key, value in record.items() if key != "changes"})
    _words([NAME.sub("", said) for said in record.get("changes", [])])


def _words(value: Any) -> None:
    if isinstance(value, Mapping):
        for key, each in value.items():
            _words(key)
            _words(each)
    elif isinstance(value, list):
        for each in value:
            _words(each)
    elif isinstance(value, str) and not PLAIN.fullmatch(value):
        raise Markup(value)


def _table(path: Path) -> None:
    table = pd.read_csv(path, dtype=str, keep_default_na=False, header=None)
    for column in table:
        for value in table[column].unique():
            _words(value)


def _notebook(path: Path) -> None:
    for cell in json.loads(path.read_text())["cells"]:
        prose = "" if cell["cell_type"] == "code" else _joined(cell["source"])
        if found := PROSE.search(prose):
            raise Markup(found[0])
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                continue
            if other := set(output.get("data", {output["output_type"]: ""})) - OUTPUTS:
                raise Markup(f"output of type {other.pop()}")
            if found := PROSE.search(_joined(output["data"].get("text/markdown", ""))):
                raise Markup(found[0])
            page = _Page()
            page.feed(_joined(output["data"].get("text/html", "")))
            page.close()


def _drawing(path: Path) -> None:
    for element in ElementTree.parse(path).iter():
        tag = element.tag.rpartition("}")[2].lower()
        if tag in ("script", "foreignobject", "a", "iframe", "animate", "set", "handler"):
            raise Markup(f"<{tag}>")
        for name, value in element.attrib.items():
            short = name.rpartition("}")[2].lower()
            elsewhere = short == "href" and not value.startswith(("#", PICTURE))
            if elsewhere or short.startswith("on"):
                raise Markup(f"{short}={value}")


def _unshown(path: Path) -> None:
    """Pixels hold no markup, and a file's ending says how a browser takes it; the card of a model
    is on no page."""


def _model(path: Path) -> None:
    """A model: the tensors of the network that its description describes, and plain words."""
    try:
        told, _ = weights.read(path.parent)
    except UserError as error:
        raise Markup(str(error)) from None
    _words(told.model_dump(mode="json"))


def _unknown(path: Path) -> None:
    raise Markup(f"a file of type {path.suffix or 'none'}")


KINDS: dict[str, Callable[[Path], None]] = {
    ".csv": _table,
    ".ipynb": _notebook,
    ".json": _model,
    ".md": _unshown,
    ".safetensors": _model,
    ".svg": _drawing,
    ".png": _unshown,
    ".webp": _unshown,
}


def _joined(source: str | list[str]) -> str:
    return "".join(source)


class _Page(HTMLParser):
    """HTML with nothing but the tags of a pandas table: no comments, which parsers end at
    different places, and no "<" that is neither a tag nor written as an entity."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img" and set(given) <= {"src", "alt"}:
            if not (given.get("src") or "").startswith(PICTURE):
                raise Markup(self.get_starttag_text() or tag)
        elif tag not in TAGS or set(given) - ATTRIBUTES:
            raise Markup(self.get_starttag_text() or tag)

    def handle_data(self, data: str) -> None:
        if "<" in data:
            raise Markup(data)

    def handle_comment(self, data: str) -> None:
        raise Markup(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        raise Markup(f"<!{decl}")

    def handle_pi(self, data: str) -> None:
        raise Markup(f"<?{data}")

    def unknown_decl(self, data: str) -> None:
        raise Markup(f"<![{data}")
