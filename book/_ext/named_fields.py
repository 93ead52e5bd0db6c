"""Sphinx: a named tuple's field that nobody described says nothing, instead of "Alias for ..."."""

from sphinx.application import Sphinx


def silence(app: Sphinx, what: str, name: str, thing: object, options: dict, lines: list[str]):
    """Empty the text that Python itself gives to such a field."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx: makes autodoc ask `silence`."""
    app.connect("autodoc-process-docstring", silence)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
