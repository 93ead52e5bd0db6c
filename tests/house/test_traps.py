"""Every trap of the data sets' fact sheet that breaks a first-try loader has a test that shows it.

A test says which in its docstring, as in "Trap 0.4: ...".
"""

import ast
import re

import pytest

from lcgan_core.run.artefacts import REPOSITORY


@pytest.fixture(scope="module")
def told():
    """Trap -> names of the tests that show it."""
    found: dict[str, list[str]] = {}
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                line = re.match(r"Traps? ([\d., ]+|and )+", ast.get_docstring(node) or "")
                for trap in (
                    re.findall(r"\d\.\d+", (ast.get_docstring(node) or "")[:60]) if line else ()
                ):
                    found.setdefault(trap, []).append(node.name)
    return found


@pytest.mark.parametrize("trap", [f"0.{k}" for k in range(1, 11)] + [f"4.{k}" for k in range(1, 9)])
def test_a_test_shows_the_trap(told, trap):
    assert told.get(trap), f"no test shows trap {trap} of the data sets"
