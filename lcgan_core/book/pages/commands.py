"""What the book's page of commands includes, made from the command line itself."""

from __future__ import annotations

import typer
from typer.cli import get_docs_for_click


def text(app: typer.Typer) -> str:
    """What every command of `lcgan` does, takes and offers, as Markdown."""
    group = typer.main.get_group(app)
    context = typer.Context(group, info_name="lcgan")
    return "\n".join(
        get_docs_for_click(obj=command, ctx=context, indent=1, name=name, call_prefix="lcgan")
        for name, command in group.commands.items()
    )
