"""Publishing a run on scans that may not be shown: its numbers, and no picture of anybody."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from lcgan_core.book.contents import VIEWER_FOLDER

KEPT = (".csv", ".ipynb", ".json")
WORDS = ("text/plain", "text/html", "text/markdown")
INSIDE = ("<img", "<svg", "<canvas", "data:image")
"""What makes a picture of HTML or Markdown."""
LEFT_OUT = "*A picture stood here; of these scans only numbers are published.*"


def asked(facts: Mapping[str, Any]) -> bool:
    """Whether the run's store (facts: run.json) forbids to publish pictures."""
    return bool(facts.get("publish"))


def said(facts: Mapping[str, Any]) -> str:
    """What a reader who misses the pictures has to know (facts: run.json), as Markdown."""
    return (
        "Of these scans only numbers are published: no slice, mask, network or synthetic slice. "
        f"With the scans on your own machine, `make book PROFILE={facts['profile']} COHORT=folder` "
        "makes this page with its pictures."
    )


def strip(bundle: Path) -> None:
    """Remove from an unsealed bundle every picture, and whatever else is no table or notebook."""
    shutil.rmtree(bundle / VIEWER_FOLDER)
    for path in [path for path in bundle.rglob("*") if path.is_file()]:
        if path.suffix not in KEPT:
            path.unlink()
        elif path.suffix == ".ipynb":
            nbformat.write(without_pictures(nbformat.read(path, as_version=4)), path)


def without_pictures(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook whose pictures, of slices or not, are replaced by a sentence."""
    for cell in notebook.cells:
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs = [_in_words(output) for output in cell.outputs]
    return notebook


def _in_words(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    data = output.get("data", {})
    shows = [kind for kind in data if kind not in WORDS]
    shows += [kind for kind, text in data.items() if any(part in str(text) for part in INSIDE)]
    if not shows:
        return output
    return nbformat.v4.new_output("display_data", {"text/markdown": LEFT_OUT})
