"""A stage's notebook as a page: which run it shows, that run's parameters, long tables folded."""

from __future__ import annotations

import copy

import nbformat

from lcgan_core.book.contents import Bundle
from lcgan_core.book.pages import provenance, whose

LONG = 12
"""A table with more rows is folded away."""
INJECTED = "injected-parameters"


def page(notebook: nbformat.NotebookNode, stage: str, bundle: Bundle) -> nbformat.NotebookNode:
    """The notebook for the book; its cells' code and outputs stay as they are."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            tags = _shown(cell, any(INJECTED in _tags(other) for other in made.cells))
            cell.metadata.tags = tags
    made.cells.insert(1, nbformat.v4.new_markdown_cell(box(stage, bundle), id="which-run"))
    return made


def box(stage: str, bundle: Bundle) -> str:
    """What the page shows: the run, and the jobs that it looks at."""
    jobs = ", ".join(
        provenance.link(job, place="../book/") for job in bundle.record["pages"][stage]
    )
    return whose.of(bundle, f"Shown: {jobs}.", "../book/")


def _shown(cell: nbformat.NotebookNode, injected: bool) -> list[str]:
    """The tags of a code cell: a run's own parameters are seen, the defaults that they replace and
    long tables are folded."""
    tags = [tag for tag in _tags(cell) if not (INJECTED in _tags(cell) and tag == "hide-input")]
    if injected and "parameters" in tags:
        tags.append("hide-input")
    if max((_rows(output) for output in cell.outputs), default=0) > LONG:
        tags.append("hide-output")
    return tags


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _rows(output: nbformat.NotebookNode) -> int:
    return output.get("data", {}).get("text/html", "").count("<tr")
