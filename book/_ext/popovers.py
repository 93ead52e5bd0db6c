"""Terms of the glossary carry their definition, which a page shows when they are pointed at."""

from __future__ import annotations

import re
from html import escape

from docutils import nodes

GLOSSARY = "book/glossary"
TERM = re.compile(r'<a class="reference internal" href="([^"]*)#(term-[^"]+)">')


def definitions(app) -> dict[str, str]:
    """Id of each term -> the text of its definition."""
    if GLOSSARY not in app.env.found_docs:
        return {}
    found = {}
    for item in app.env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        text = " ".join(item.next_node(nodes.definition).astext().split())
        for term in item.findall(nodes.term):
            found |= dict.fromkeys(term["ids"], text)
    return found


def read(app, environment) -> list[str]:
    """Once all pages are read, or known from the build before."""
    environment.glossary_definitions = definitions(app)
    return []


def carry(app, _page, _template, context, _tree) -> None:
    """Give each term of a page its definition."""
    known = app.env.glossary_definitions

    def with_definition(found: re.Match) -> str:
        link = found.group(0)
        text = known.get(found.group(2))
        return f'{link[:-1]} data-definition="{escape(text)}">' if text else link

    if "body" in context:
        context["body"] = TERM.sub(with_definition, context["body"])


def setup(app):
    app.connect("env-updated", read)
    app.connect("html-page-context", carry)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
