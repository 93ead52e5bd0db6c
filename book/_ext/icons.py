"""The theme's icons as a font of those that the pages use: all of them weigh more than a page."""

from __future__ import annotations

import re
from pathlib import Path

import pydata_sphinx_theme
from fontTools import subset
from fontTools.ttLib import TTFont

WHOLE = Path("vendor/fontawesome/webfonts/fa-solid-900.ttf")
SCRIPT = re.compile(r'<script defer src="[^"]*/fontawesome\.js[^"]*"></script>')
NAME = re.compile(r"\bfa-[a-z-]+")
DRAWN = re.compile(r'(?:--pst-icon-[a-z-]+|content):\s*"(?:\\(f[0-9a-f]{3})|([\uf000-\uf8ff]))"')
"""An icon that a style sheet puts before a heading or behind a link: escaped, or itself."""


def without_script(head: str) -> str:
    """The head of a page without the script that would draw icons again, 1.5 MB."""
    return SCRIPT.sub("", head)


def used(static: Path, pages: list[Path]) -> set[int]:
    """The code points of the icons that pages, scripts and the theme's own styles name."""
    rules = (static / "styles" / "pydata-sphinx-theme.css").read_text()
    names = {name for path in pages for name in NAME.findall(path.read_text())}
    found = {
        point
        for name in names
        for point in re.findall(rf'\.{name}:before[^{{}}]*{{content:"\\(f[0-9a-f]+)"', rules)
    }
    own = (static / "styles" / "sphinx-book-theme.css").read_text()
    of_style = re.sub(r"\.fa-[^{}]*{[^}]*}", "", rules + own)
    found |= {escaped or f"{ord(itself):x}" for escaped, itself in DRAWN.findall(of_style)}
    return {int(point, 16) for point in found}


def write(app, failed) -> None:
    """Once all pages are written: icons.woff, which style.css names."""
    if failed or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    scripts = static.glob("scripts/*theme.js")
    pages = [*Path(app.outdir).glob("**/*.html"), *scripts]
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    font = TTFont(theme / WHOLE, recalcTimestamp=False)  # the same bytes each time
    kept = subset.Subsetter(subset.Options(layout_features=[]))
    kept.populate(unicodes=used(static, pages))
    kept.subset(font)
    font.flavor = "woff"
    font.save(static / "icons.woff")


def setup(app):
    app.connect("builder-inited", _offer)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _offer(app) -> None:
    if app.builder.format == "html":
        app.builder.templates.environment.filters["without_script"] = without_script
