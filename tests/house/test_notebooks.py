"""The six committed notebooks are fit to be references.

nbval compares only cells that carry an execution count and outputs: a stripped notebook passes it
without a single comparison. This file sees to it that there is something to compare.
"""

import ast
import copy
import json
import re
from pathlib import Path

import pytest

from lcgan_core.protocol.profiles import allowed_parameters

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
STAGES = {
    "01_cohort": "cohort",
    "02_training": "training",
    "03_selection": "selection",
    "04_augmentation": "augmentation",
    "05_segmentation": "segmentation",
    "06_evaluation": "evaluation",
}
MIN_OUTPUTS = 3
MAX_LINES = 100
MIN_ALT_WORDS = 8
MACHINE_PATH = re.compile(
    r"(?<![\w.:/])/(work|farm|home|root|tmp|Users|opt|usr|var)/\w|\b[A-Z]:\\\\?\w"
)


def read(name: str) -> dict:
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())


def text_of(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def output_text(output: dict) -> str:
    """Everything of an output that a reader reads as text; pictures are left out."""
    texts = [text_of(output.get("text", ""))]
    for kind, value in output.get("data", {}).items():
        if not kind.startswith("image/"):
            texts.append(text_of(value) if isinstance(value, (str, list)) else json.dumps(value))
    return "\n".join(texts)


def alt_text(cell: dict) -> str:
    """What the book says in place of a cell's picture: mystnb.image.alt in its metadata."""
    return cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")


def parameter_names(source: str) -> list[str]:
    """Names assigned in a parameters cell; ValueError unless it is assignments of literals."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign):
            target, value = node.target, node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        else:
            raise ValueError(f"line {node.lineno} is not an assignment")
        if not isinstance(target, ast.Name) or value is None:
            raise ValueError(f"line {node.lineno} does not give one name a value")
        ast.literal_eval(value)
        names.append(target.id)
    return names


def complaints(notebook: dict, stage: str) -> list[str]:
    """What keeps a notebook from being a reference; empty if nothing does."""
    found = []
    code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    code = [c for c in code if text_of(c["source"]).strip()]
    if not code:
        return ["no code cells"]

    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("kernelspec is not python3")
    if any("papermill" in holder["metadata"] for holder in [notebook, *notebook["cells"]]):
        found.append("papermill metadata")

    tags = [c["metadata"].get("tags", []) for c in code]
    if "parameters" not in tags[0] or any("parameters" in t for t in tags[1:]):
        found.append("parameters cell is not the first code cell, tagged, and the only one")
    else:
        try:
            unknown = set(parameter_names(text_of(code[0]["source"]))) - set(
                allowed_parameters(stage)
            )
            found += [f"parameter {name} is not in the profile schema" for name in sorted(unknown)]
        except (ValueError, SyntaxError) as error:
            found.append(f"parameters cell: {error}")
    if any("injected-parameters" in t for t in tags):
        found.append("injected parameters")

    if sum(bool(c["outputs"]) for c in code) < MIN_OUTPUTS:
        found.append(f"fewer than {MIN_OUTPUTS} cells with outputs")
    for number, cell in enumerate(code, start=1):
        where = f"code cell {number}"
        if cell["execution_count"] is None:
            found.append(f"{where}: no execution count, so nbval would not compare it")
        texts = [
            text_of(output.get("text", "")) + text_of(output.get("data", {}).get("text/plain", ""))
            for output in cell["outputs"]
        ]
        if sum(len(text.splitlines()) for text in texts) >= MAX_LINES:
            found.append(f"{where}: {MAX_LINES} or more lines of text")
        if any(output["output_type"] == "error" for output in cell["outputs"]):
            found.append(f"{where}: an error")
        if any(output.get("name") == "stderr" for output in cell["outputs"]):
            found.append(f"{where}: stderr")
        drawn = any("image/png" in output.get("data", {}) for output in cell["outputs"])
        if drawn and len(alt_text(cell).split()) < MIN_ALT_WORDS:
            found.append(f"{where}: a picture without a text for those who cannot see it")
        if any(MACHINE_PATH.search(text) for text in [text_of(cell["source"]), *texts]):
            found.append(f"{where}: a path of one machine")
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and MACHINE_PATH.search(text_of(cell["source"])):
            found.append("prose: a path of one machine")
    return found


def test_there_are_these_six_notebooks():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == sorted(STAGES)


@pytest.mark.parametrize(("name", "stage"), STAGES.items())
def test_notebook_is_fit_to_be_a_reference(name, stage):
    assert complaints(read(name), stage) == []


def good_notebook() -> dict:
    """The smallest notebook without a complaint; the tests below break it."""

    def code(source, *outputs, tags=(), alt=None):
        metadata = {"tags": list(tags)} if tags else {}
        metadata |= {"mystnb": {"image": {"alt": alt}}} if alt else {}
        return {
            "cell_type": "code",
            "source": [source],
            "metadata": metadata,
            "execution_count": 1,
            "outputs": list(outputs),
        }

    def stdout(text):
        return {"output_type": "stream", "name": "stdout", "text": [text]}

    def picture():
        return {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}}

    return {
        "metadata": {"kernelspec": {"name": "python3"}},
        "cells": [
            {"cell_type": "markdown", "source": ["# Cohort"], "metadata": {}},
            code('profile = "quick"\nseed: int = -1', tags=["parameters"]),
            code("print(1)", stdout("1\n")),
            code("draw()", picture(), alt="A line that falls from the left to the right."),
            code("print(3)", stdout("a/b/c and 3/4 of 2021/home/x\n")),
        ],
    }


def _set(*path_and_value):
    def change(notebook):
        *path, last, value = path_and_value
        for step in path:
            notebook = notebook[step]
        notebook[last] = value

    return change


BREAKAGES = {
    "kernelspec": _set("metadata", "kernelspec", "name", "lcgan"),
    "papermill": _set("metadata", "papermill", {}),
    "papermill metadata": _set("cells", 2, "metadata", {"papermill": {"duration": 1}}),
    "not the first code cell": _set("cells", 1, "metadata", {}),
    "the only one": _set("cells", 3, "metadata", {"tags": ["parameters"]}),
    "injected": _set("cells", 3, "metadata", {"tags": ["injected-parameters"]}),
    "not in the profile schema": _set("cells", 1, "source", ["proflie = 'quick'"]),
    "malformed node": _set("cells", 1, "source", ["seed = len('x')"]),
    "not an assignment": _set("cells", 1, "source", ["import os"]),
    "no execution count": _set("cells", 2, "execution_count", None),
    "fewer than": _set("cells", 3, "outputs", []),
    "lines of text": _set("cells", 4, "outputs", 0, "text", ["x\n" * MAX_LINES]),
    "an error": _set("cells", 4, "outputs", 0, "output_type", "error"),
    "stderr": _set("cells", 4, "outputs", 0, "name", "stderr"),
    "a picture without": _set("cells", 3, "metadata", {}),
    "a path of one machine": _set("cells", 4, "outputs", 0, "text", ["/ho" + "me/ann/x"]),
    "cell 4: a path": _set("cells", 4, "source", ["open('" + "/tm" + "p/x')"]),
    "prose: a path": _set("cells", 0, "source", ["see C:" + "\\Users\\ann"]),
}


def test_good_notebook_is_good():
    assert complaints(good_notebook(), "cohort") == []


@pytest.mark.parametrize("words", BREAKAGES)
def test_breakage_is_seen(words):
    notebook = copy.deepcopy(good_notebook())
    BREAKAGES[words](notebook)
    assert any(words in complaint for complaint in complaints(notebook, "cohort"))
