"""A hash of the code that a function can reach, as Python understands it.

Names are followed from definition to definition, through facades and into other modules of the
package; a method of a plain class is followed where its name occurs. Comments, docstrings,
annotations of functions and formatting do not count, nor do calls of `show_progress`, which only
tell somebody who waits; annotations of a class do count, since dataclasses and settings are made of
them.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from copy import copy
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1]
SETTINGS = ("protocol.arms", "protocol.config", "protocol.methods", "protocol.profiles")
"""Not followed: their contents reach a job as its settings. Nor is `run`, which only runs jobs."""

_Place = tuple[str, str]
"""A module and a name in it; the name is empty for the whole module."""


def code_hash(places: Iterable[str]) -> str:
    """Hash of everything that the functions and classes at `places` ("module:name") can reach."""
    return _code_hash(tuple(places))


@cache
def _code_hash(places: tuple[str, ...]) -> str:
    waiting: list[_Place] = []
    for given in places:
        head, _, inner = given.partition(":")
        waiting.append((head, inner))
    found: dict[_Place, str] = {}
    named: set[str] = set()
    methods: dict[str, list[_Place]] = {}
    while waiting:
        place = waiting.pop()
        if place in found or (module := _module(place[0])) is None:
            continue
        source = module.definition(place[1])
        found[place] = source.text
        waiting += source.leads_to
        for name, method in source.methods.items():
            methods.setdefault(name, []).append(method)
        named |= source.attributes
        waiting += [method for name in named & methods.keys() for method in methods.pop(name)]
    lines = sorted(f"{module}:{name}\n{text}" for (module, name), text in found.items() if text)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


class _Source(NamedTuple):
    """The text of a definition without comments, and the places that it leads to."""

    text: str
    leads_to: list[_Place]
    attributes: set[str] = set()
    methods: dict[str, _Place] = {}
    """The methods of a class without bases, followed only where their names occur. One with bases
    counts as a whole: the base may call any method, as torch calls `forward`."""


class _Module:
    """The definitions of a source file, and where its imported names come from."""

    def __init__(self, name: str, path: Path):
        self.name, self.is_package = name, path.name == "__init__.py"
        tree = _bare(ast.parse(path.read_text(encoding="utf-8")))
        self.defined: dict[str, list[ast.stmt]] = {}
        self.imported: dict[str, _Place] = {}
        self.methods: dict[str, ast.stmt] = {}
        self.loose: list[ast.stmt] = []
        """Statements that define nothing: they run when the module is imported."""
        for node in tree.body:
            self._file(node)

    def _file(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.imported |= _imports(node, self.name, self.is_package)
        elif isinstance(node, ast.If | ast.Try):
            for inner in ast.iter_child_nodes(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    self.imported |= _imports(inner, self.name, self.is_package)
            self._define(node)
        else:
            self._define(node)

    def _define(self, node: ast.stmt) -> None:
        names = list(_bound(node))
        for name in names:
            self.defined.setdefault(name, []).append(node)
        if not names and not isinstance(node, ast.Pass):
            self.loose.append(node)

    @cache  # noqa: B019 - a module is read once and stays
    def definition(self, name: str) -> _Source:
        """The source of a name; of the whole module for an empty one."""
        if "." in name:
            return self._source([self.methods[name]])
        if name and name not in self.defined:
            if name in self.imported:
                return _Source("", [self.imported[name]])
            return _Source("", [(f"{self.name}.{name}", "")] if self.is_package else [])
        own = self.defined[name] if name else [n for nodes in self.defined.values() for n in nodes]
        nodes = list(dict.fromkeys([*own, *self.loose]))
        if len(own) == 1 and isinstance(own[0], ast.ClassDef) and not own[0].bases:
            kept, methods = _taken_apart(own[0])
            self.methods |= {f"{name}.{one}": node for one, node in methods.items()}
            source = self._source([kept, *self.loose])
            return source._replace(methods={one: (self.name, f"{name}.{one}") for one in methods})
        source = self._source(nodes)
        return (
            source
            if name
            else source._replace(leads_to=[*source.leads_to, *self.imported.values()])
        )

    def _source(self, nodes: list[ast.stmt]) -> _Source:
        return _Source(
            "\n".join(ast.unparse(node) for node in nodes),
            [place for node in nodes for place in self._leads_to(node)],
            {n.attr for node in nodes for n in ast.walk(node) if isinstance(n, ast.Attribute)},
        )

    def _leads_to(self, node: ast.AST) -> Iterator[_Place]:
        local: dict[str, _Place] = {}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                local |= _imports(inner, self.name, self.is_package)
        known = self.imported | local
        attributes = {
            id(inner.value): inner.attr
            for inner in ast.walk(node)
            if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name)
        }
        for inner in ast.walk(node):
            if not isinstance(inner, ast.Name):
                continue
            if inner.id in known:
                module, name = known[inner.id]
                attribute = attributes.get(id(inner))
                whole = f"{module}.{name}" if name else module
                if attribute and _module(whole) is not None:
                    yield whole, attribute  # `stage.run`, where `stage` is a module
                else:
                    yield module, name
            elif inner.id in self.defined:
                yield self.name, inner.id


def _taken_apart(node: ast.ClassDef) -> tuple[ast.ClassDef, dict[str, ast.stmt]]:
    """A class without its methods, except those that Python itself calls, and these methods."""
    methods: dict[str, ast.stmt] = {
        part.name: part
        for part in node.body
        if isinstance(part, ast.FunctionDef) and not part.name.startswith("__")
    }
    body = [part for part in node.body if part not in methods.values()] or [ast.Pass()]
    rest = copy(node)
    rest.body = body
    return rest, methods


@cache
def _module(name: str) -> _Module | None:
    """A module of the package, or of a package that registers methods from outside; else None."""
    head, *rest = name.split(".")
    if head == PACKAGE.name and (rest[:1] == ["run"] or ".".join(rest) in SETTINGS):
        return None
    bases = [PACKAGE.parent] if head == PACKAGE.name else _outside(head)
    for base in bases:
        path = base.joinpath(head, *rest)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return _Module(name, file)
    return None


def _outside(head: str) -> list[Path]:
    """Where a method from outside the package may be; installed libraries are not followed."""
    if head in sys.stdlib_module_names:
        return []
    folders = [Path(entry or ".").resolve() for entry in sys.path]
    return [folder for folder in folders if folder.name not in ("site-packages", "dist-packages")]


def _imports(node: ast.Import | ast.ImportFrom, module: str, is_package: bool) -> dict[str, _Place]:
    """Local name -> where it is defined."""
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name.partition(".")[0]: (
                alias.name if alias.asname else alias.name.partition(".")[0],
                "",
            )
            for alias in node.names
        }
    source = node.module or ""
    if node.level:
        parts = module.split(".")
        base = parts[: len(parts) - node.level + is_package]
        source = ".".join([*base, *([node.module] if node.module else [])])
    return {alias.asname or alias.name: (source, alias.name) for alias in node.names}


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.With):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                yield inner.id
    elif isinstance(node, ast.If | ast.Try):
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.stmt):
                yield from _bound(inner)


class _Bare(ast.NodeTransformer):
    """Leaves out docstrings, texts below a constant, annotations of functions, and what only tells
    how far a job is."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [n for n in body if not _is_told(n)] or [ast.Pass()]  # type: ignore[attr-defined]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _is_told(node: ast.AST) -> bool:
    """Whether a statement is a text, or a call of `show_progress`."""
    match node:
        case ast.Expr(ast.Constant(str())) | ast.Expr(ast.Call(ast.Name("show_progress"))):
            return True
    return False


def _bare(tree: ast.Module) -> ast.Module:
    return _Bare().visit(tree)
