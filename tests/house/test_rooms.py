"""The package is a house: rooms on floors, imports that go down and never round, short files.

A room is a package directly below lcgan_core, with all that it contains; errors, seeds and lesions
are the ground that everything stands on, the command line is the roof. Imports are read from the
source, those inside functions included.
"""

import ast
import re
from collections.abc import Iterable
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "lcgan_core"
GROUND, ROOF = ("errors", "seeds", "lesions"), "cli"
FLOORS = [
    {"ground"},
    {"models", "metrics", "protocol"},
    {"copies", "run"},
    {"cohort", "training"},
    {"phantom", "generators", "segmenters", "export"},
    {"criteria", "synthesis"},
    {"stages"},
    {"book", "takeaway"},
    {ROOF},
]
"""From the ground up; CONTRIBUTING.md explains them."""
ALONGSIDE = {("metrics", "protocol"), ("book", "takeaway")}
"""Imports within a floor that are allowed."""
MOST_FLOORS, MOST_LINES = 9, 300
ELSEWHERE = {"tools", "benchmarks", "tests"}
ABSENT = re.compile(r"datasets guide|\bTraps?\b")
"""Documents that are not in this repository."""

Graph = dict[str, set[str]]


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of the package."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def named(source: str, module: str, is_package: bool = False) -> set[str]:
    """Everything that a module's source imports, each name below the module that it is taken from.

    >>> sorted(named("import os\\ndef f():\\n    from a.b import c\\n    from . import d", "x.y"))
    ['a.b.c', 'os', 'x.d']
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            up = module.split(".")[: len(module.split(".")) - node.level + is_package]
            base = [*(up if node.level else ()), *([node.module] if node.module else ())]
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


@cache
def imports() -> Graph:
    """Module -> the modules of the package that it imports."""
    graph: Graph = {}
    for module, path in modules().items():
        names = named(path.read_text(), module, path.name == "__init__.py")
        within = {name for name in names if name.split(".")[0] == PACKAGE}
        graph[module] = {module_of(name) for name in within} - {module}
    return graph


def module_of(name: str) -> str:
    """The module that an imported name is or belongs to."""
    while name not in modules():
        name = name.rpartition(".")[0]
    return name


def room(module: str) -> str:
    """The room of a module.

    >>> [room(f"lcgan_core.{name}") for name in ("seeds", "cli", "book.pages.write")]
    ['ground', 'cli', 'book']
    """
    _, _, below = module.partition(".")
    first = below.split(".")[0]
    return "ground" if first in ("", *GROUND) else first


def between_rooms(graph: Graph) -> Graph:
    """Room -> the other rooms that it imports from."""
    rooms: Graph = {room(module): set() for module in graph}
    for module, needed in graph.items():
        rooms[room(module)] |= {room(other) for other in needed} - {room(module)}
    return rooms


def circle(graph: Graph) -> list[str]:
    """The names of a circle of imports, if there is one.

    >>> circle({"a": {"b"}, "b": {"c"}, "c": set()}), len(circle({"a": {"b"}, "b": {"a"}}))
    ([], 3)
    """
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def longest(graph: Graph) -> list[str]:
    """A longest chain of imports, the top first, of a graph without circles.

    >>> longest({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    ['a', 'b', 'c']
    """
    chains: dict[str, list[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        below = max((chains[other] for other in graph[name]), key=len, default=[])
        chains[name] = [name, *below]
    return max(chains.values(), key=len)


def upwards(graph: Graph, floors: Iterable[set[str]] = FLOORS) -> list[str]:
    """Every import that does not lead to a lower floor, to its own room or alongside.

    >>> graph = {f"lcgan_core.{name}": set() for name in ("run.a", "stages.b", "attic.c")}
    >>> upwards(graph | {"lcgan_core.run.a": {"lcgan_core.stages.b"}})
    ['lcgan_core.attic.c is on no floor', 'lcgan_core.run.a imports lcgan_core.stages.b']
    """
    floor = {name: k for k, rooms in enumerate(floors) for name in rooms}
    found = [f"{module} is on no floor" for module in graph if room(module) not in floor]
    for module, needed in graph.items():
        for other in needed:
            ours, theirs = room(module), room(other)
            if ours == theirs or (ours, theirs) in ALONGSIDE or {ours, theirs} - set(floor):
                continue
            if floor[theirs] >= floor[ours]:
                found.append(f"{module} imports {other}")
    return sorted(found)


def test_the_root_holds_nothing_but_the_ground_and_the_roof():
    there = {path.stem for path in (ROOT / PACKAGE).glob("*.py")}
    assert there == {"__init__", *GROUND, ROOF}


def test_every_room_is_on_a_floor_and_imports_go_down():
    assert upwards(imports()) == []


def test_modules_form_no_circle():
    assert circle(imports()) == []


def test_rooms_form_no_circle_and_no_more_floors_than_there_may_be():
    rooms = between_rooms(imports())
    assert circle(rooms) == []
    chain = longest(rooms)
    assert len(chain) <= MOST_FLOORS, " - ".join(chain)


def test_nothing_stands_on_what_is_outside():
    found = [
        f"{module} imports {name}"
        for module, path in modules().items()
        for name in named(path.read_text(), module)
        if name.split(".")[0] in ELSEWHERE
    ]
    assert found == []


def test_every_file_is_short():
    lines = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_no_file_names_a_document_that_is_not_here():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in modules().values()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if ABSENT.search(line)
    ]
    assert found == []
