"""Make the committed reference again: notebook outputs and results/quick, from a finished run."""

from __future__ import annotations

import shutil

import nbformat
from nbclient import NotebookClient

from lcgan_core.book import bundle, collect, places
from lcgan_core.book.contents import read_results
from lcgan_core.book.pages import tables
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, pages

CONFIG = profiles.load("quick")
RESULTS = places.RESULTS / "quick"
START, END = "<!-- results: written by make reference -->", "<!-- end of results -->"


def notebook(stage: str) -> None:
    """Execute the committed notebook in place, with its own default parameters."""
    path = pages.source(stage)
    content = nbformat.read(path, as_version=4)
    NotebookClient(content, kernel_name="python3", timeout=1800).execute(cwd=str(path.parent))
    for cell in content.cells:
        cell.metadata.pop("execution", None)  # times of this run, which differ at every refresh
    content.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(content, path)
    print(f"refreshed {path.relative_to(artefacts.REPOSITORY)}")


def results() -> None:
    """Publish the run without its notebooks: those of notebooks/ show the same run."""
    collect.collect(CONFIG, RESULTS)
    shutil.rmtree(RESULTS / "notebooks")
    bundle.seal(RESULTS)
    print(f"refreshed {RESULTS.relative_to(artefacts.REPOSITORY)}")


def readme() -> None:
    """Write Table 1 into README.md between its two marks."""
    path = artefacts.REPOSITORY / "README.md"
    before, _, rest = path.read_text().partition(START)
    _, _, after = rest.partition(END)
    artefacts.write_text(path, f"{before}{START}{readme_table()}{END}{after}")
    print("refreshed README.md")


def readme_table() -> str:
    """Table 1 of the run that the book shows by default, as Markdown."""
    shown = bundle.published()
    table = tables.table1(read_results(shown / "results.csv", shown.name))
    lines = ["| | " + " | ".join(table.columns) + " |", "|---" * (len(table.columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(row) + " |" for name, row in table.T.items()]
    return "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name in profiles.STAGE_PARAMETERS:
        notebook(name)
    results()
    readme()
