"""Sphinx: a figure of slices, which some runs may not publish.

`{slices} generated/NAME.png` is a `{figure}` where the bundle has that picture. Where it has none,
the text that the bundle has in the picture's place is all.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.directives.patches import Figure


class Slices(Figure):
    """A figure, or nothing."""

    def run(self) -> list[nodes.Node]:
        """The figure, if its picture is there."""
        _, path = self.state.document.settings.env.relfn2path(self.arguments[0])
        return super().run() if Path(path).is_file() else []


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx: makes the directive known."""
    app.add_directive("slices", Slices)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
