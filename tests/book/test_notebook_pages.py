"""The page of a stage says which run it shows, and shows that run's parameters and outputs."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lcgan_core.book import bundle, places
from lcgan_core.book.pages import notebooks

COMPACT = bundle.opened(places.RESULTS / "compact")


def table(rows):
    return new_output("execute_result", {"text/html": "<table>" + "<tr></tr>" * rows + "</table>"})


def tags(page):
    return [cell.metadata.get("tags", []) for cell in page.cells if cell.cell_type == "code"]


def test_parameters_of_the_run_are_seen_and_the_defaults_folded():
    cells = [
        new_markdown_cell("# 1"),
        new_code_cell('profile = "quick"', metadata={"tags": ["parameters"]}),
        new_code_cell('profile = "x"', metadata={"tags": ["injected-parameters", "hide-input"]}),
    ]
    page = notebooks.page(new_notebook(cells=cells), "cohort", COMPACT)
    assert tags(page) == [["parameters", "hide-input"], ["injected-parameters"]]
    alone = notebooks.page(new_notebook(cells=cells[:2]), "cohort", COMPACT)
    assert tags(alone) == [["parameters"]]


@pytest.mark.parametrize("rows", [notebooks.LONG, notebooks.LONG + 1])
def test_a_long_table_is_folded(rows):
    cell = new_code_cell("t", outputs=[table(rows)], metadata={"tags": ["nbval-ignore-output"]})
    page = notebooks.page(new_notebook(cells=[new_markdown_cell("# 1"), cell]), "cohort", COMPACT)
    assert ("hide-output" in tags(page)[0]) == (rows > notebooks.LONG)


@pytest.mark.parametrize("path", bundle.notebooks(COMPACT.folder), ids=lambda path: path.stem)
def test_the_box_of_a_published_run_names_it_and_code_and_outputs_stay(path):
    notebook = nbformat.read(path, as_version=4)
    stage = path.stem[3:]
    page = notebooks.page(notebook, stage, COMPACT)
    nbformat.validate(page)
    box = page.cells[1].source
    assert "This page shows the run compact" in box and "228 training and 72 test" in box
    assert all(f">{job}</a>" in box for job in COMPACT.record["pages"][stage])
    made = [cell for cell in page.cells if cell.cell_type == "code"]
    there = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(c.source, c.outputs) for c in made] == [(c.source, c.outputs) for c in there]
    seen = [cell for cell in made if "hide-input" not in cell.metadata.get("tags", [])]
    assert any('profile = "compact"' in cell.source for cell in seen)
