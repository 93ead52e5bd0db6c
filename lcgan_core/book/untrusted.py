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

OUTPUTS = {"text/plain", "text/html", "image/png"}
"""What the cells of the book's own notebooks produce."""
TAGS = {"div", "p", "style", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"scoped", "border", "class", "style", "colspan", "rowspan", "halign", "valign"}
"""Those of a pandas table."""
PROSE = re.compile(r"<|javascript:|\{(?!cite\})[\w:.-]+\}", re.IGNORECASE)
"""Markup that the notebooks' own Markdown has not: HTML, directives, roles other than cite."""


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
        except (ValueError, KeyError, TypeError, AttributeError, ElementTree.ParseError) as error:
            return name, " ".join(str(error).split())[:80]
    return None


def _checks(
    folder: Path, names: Mapping[str, Any], record: Any
) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "provenance.json", lambda: _words(record)
    for name in names:
        kind = KINDS.get(Path(name).suffix, _unknown)
        yield name, lambda name=name, kind=kind: kind(folder / name)  # type: ignore[misc]


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
            elsewhere = short == "href" and not value.startswith(("#", "data:image/png;base64,"))
            if elsewhere or short.startswith("on"):
                raise Markup(f"{short}={value}")


def _picture(path: Path) -> None:
    """Pixels hold no markup, and a file's ending says how a browser takes it."""


def _generator(path: Path) -> None:
    """Tensors of the network that the notes describe, and nothing else."""
    try:
        weights.read(path)
    except UserError:
        raise Markup("no weights of the generator that they describe") from None
    _words(weights.about(path).model_dump(mode="json"))


def _unknown(path: Path) -> None:
    raise Markup(f"a file of type {path.suffix or 'none'}")


KINDS: dict[str, Callable[[Path], None]] = {
    ".csv": _table,
    ".ipynb": _notebook,
    ".safetensors": _generator,
    ".svg": _drawing,
    ".png": _picture,
    ".webp": _picture,
}


def _joined(source: str | list[str]) -> str:
    return "".join(source)


class _Page(HTMLParser):
    """HTML with nothing but the tags of a pandas table: no comments, which parsers end at
    different places, and no "<" that is neither a tag nor written as an entity."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS or {name for name, _ in attrs} - ATTRIBUTES:
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
