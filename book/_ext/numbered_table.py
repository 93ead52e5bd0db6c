"""Sphinx: a caption with a number for a table in Markdown or HTML.

Sphinx numbers only tables that it understands; the tables of results come as HTML, because their
headings span columns.
"""

import re

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

TABLE = re.compile(r'\s*<table[^>]*class="([^"]*)"[^>]*>(.*)</table>\s*', re.S)


class NumberedTable(SphinxDirective):
    """`{numbered-table} caption` around a table; `:name:` is the label that `{numref}` takes.

    What stands around the table stays there. Without any table there is no caption either.
    """

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The content, its first table numbered."""
        content = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, content)
        for node in list(content.children):
            table = _table(node)
            if table is not None:
                words, messages = self.state.inline_text(self.arguments[0], self.lineno)
                table.insert(0, nodes.title("", "", *words))
                self.add_name(table)
                node.replace_self([table, *messages])
                break
        return content.children


def _table(node: nodes.Node) -> nodes.table | None:
    if isinstance(node, nodes.table):
        return node
    html = TABLE.fullmatch(node.astext()) if isinstance(node, nodes.raw) else None
    if html is None:
        return None
    return nodes.table("", nodes.raw("", html[2], format="html"), classes=html[1].split())


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx: makes the directive known."""
    app.add_directive("numbered-table", NumberedTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
