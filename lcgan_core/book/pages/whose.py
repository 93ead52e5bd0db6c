"""The box that says which run a page shows, in a line or two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lcgan_core.book.contents import Bundle
from lcgan_core.book.words import several
from lcgan_core.protocol.config import IN_SILICO

SMOKE = "**A smoke test: it shows that every step works, and its numbers mean nothing.**"


EPOCHS = "Arms with copies train for more steps: their epochs are equal, as in the paper."


def of(bundle: Bundle, also: str = "", place: str = "") -> str:
    """The box of a bundle's run."""
    epochs = EPOCHS if bundle.record["config"].get("equal_steps") is False else ""
    return said(bundle.facts, f"{epochs} {also}".strip(), place)


def said(facts: Mapping[str, Any], also: str = "", place: str = "") -> str:
    """The box as Markdown (facts: run.json); `place` is where the pages of book/ are.

    >>> facts = {"profile": "quick", "cohort": IN_SILICO, "patients": {"train": 9, "test": 3}}
    >>> print(said(facts | {"image_size": 64, "draws": [[1.0, 1]]}))
    ```{admonition} This page shows the run quick
    :class: note
    Simulated heads, 9 training and 3 test patients, 64 pixels, one draw. ...
    ```
    """
    heads = "Simulated heads" if facts["cohort"] == IN_SILICO else "Scans of people"
    patients, draws = facts["patients"], several(dict(facts["draws"])) or "one draw"
    words = [
        f"{heads}, {patients['train']} training and {patients['test']} test patients, "
        f"{facts['image_size']} pixels, {draws}.",
        SMOKE if facts["profile"] == "quick" else "",
        also,
        f"[All about this run]({place}all_runs.md)",
    ]
    return (
        f"```{{admonition}} This page shows the run {facts['profile']}\n:class: note\n"
        f"{' '.join(filter(None, words))}\n```"
    )
