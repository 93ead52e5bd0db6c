"""The book: executed notebooks, generated tables and figures and the prose, built as one site."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path

import nbformat

from lcgan_core.book import bundle, collect, jupyter, places, weights
from lcgan_core.book.contents import VIEWER_FOLDER, Bundle
from lcgan_core.book.pages import notebooks, playground, write
from lcgan_core.errors import UserError
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts, locks
from lcgan_core.run.disk import disk_errors

COLOURS = re.compile(r"\x1b\[[\d;]*m")
"""Sphinx colours its warnings, whatever NO_COLOR says."""


def build(config: Config, commands: str) -> Path:
    """Collect a finished run and build its book; returns the folder of the pages.

    `commands`: the text of the page of commands (`pages.commands.text`). Raises UserError for a run
    that is not finished, and with the log if a page is wrong.
    """
    collected = collect.collect(config, places.collected(config))
    return _make(collected, places.staging(config.name), commands)


def render(published: str, commands: str) -> Path:
    """Build the book of a published run from what is committed; returns the folder of the pages.

    Without a name the run of `compact`, else the one that finished last. Raises UserError for a run
    that is not published and for a broken bundle, before anything is changed.
    """
    collected = bundle.published(published)
    return _make(collected, places.staging(f"published-{collected.name}"), commands)


def _make(collected: Path, place: Path, commands: str) -> Path:
    """Put the book's sources together in `place` and build them, in one process at a time."""

    def refuse(who: locks.Holder) -> None:
        raise UserError(f"{place} is being made by {who}; wait until it has ended.")

    with disk_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        with locks.take(place / "book.lock", refuse):
            return _write(collected, place, commands)


def _write(collected: Path, place: Path, commands: str) -> Path:
    opened = bundle.opened(collected)
    for path in places.prose():
        target = place / path.relative_to(places.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    generated = place / "book" / "generated"
    shutil.rmtree(generated, ignore_errors=True)
    write.write(opened, generated)
    artefacts.write_text(generated / "commands.md", commands + "\n")
    _static(opened, place / "book" / "_static")
    if not weights.folders(opened):
        _without(place, f"book/{playground.PAGE}")
    (place / "notebooks").mkdir(exist_ok=True)
    for path in bundle.notebooks(collected):
        made = notebooks.page(nbformat.read(path, as_version=4), path.stem[3:], opened)
        nbformat.write(made, place / "notebooks" / path.name)
    return _built(place)


def _without(place: Path, page: str) -> None:
    """Take a page out of the book's sources and its table of contents."""
    (place / page).with_suffix(".md").unlink()
    contents = place / "_toc.yml"
    lines = contents.read_text().splitlines(keepends=True)
    contents.write_text("".join(line for line in lines if line.strip() != f"- file: {page}"))


def _static(opened: Bundle, static: Path) -> None:
    """The viewers' pictures and the playground's weights; and the charts' library, 5 MB, which is
    in the built book only."""
    shutil.rmtree(static / weights.FOLDER, ignore_errors=True)
    (static / weights.FOLDER).mkdir()
    for folder in weights.folders(opened):
        artefacts.write_text(static / weights.FOLDER / f"{folder.name}.js", weights.script(folder))
    shutil.rmtree(static / VIEWER_FOLDER, ignore_errors=True)
    if opened.pictures:
        shutil.copytree(opened.folder / VIEWER_FOLDER, static / VIEWER_FOLDER)
    with as_file(files("plotly") / "package_data" / "plotly.min.js") as library:
        shutil.copy(library, static)


def _built(place: Path) -> Path:
    log, pages = place / "book.log", places.html(place)
    arguments = ["build", "-W", "-n", "--keep-going", str(place)]
    with (
        log.open("w") as lines,
        subprocess.Popen(
            [sys.executable, "-m", jupyter.__name__, *arguments],
            stdin=subprocess.PIPE,  # by which it sees that this process has ended
            stdout=lines,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1"},
        ) as process,
    ):
        process.wait()
    if process.returncode:
        shutil.rmtree(pages, ignore_errors=True)
        said = COLOURS.sub("", log.read_text())
        warnings = [line for line in said.splitlines() if "WARNING" in line]
        if not warnings:
            last = said.strip().rpartition("\n")[2] or "nothing was said"
            raise UserError(f"The book could not be built ({last}); see {log}.")
        first = warnings[0]
        raise UserError(f"The book has {len(warnings)} warnings, the first: {first}; see {log}.")
    # Jupyter Book's own has no title, no language and no icon, which a browser then asks for
    shutil.copyfile(place / "book" / "first_page.html", pages / "index.html")
    return pages
