"""A row of the result: how much ours and a plain recipe do per second, or why this is unknown."""

from __future__ import annotations

import importlib.util
from typing import Any

Row = dict[str, Any]


def beside(
    task: str, against: str, unit: str, ours: float, plain: float, share: float | None = None
) -> Row:
    """Two rates in `unit`; share: the fraction of the device's limit that ours reaches, 0..1.

    >>> beside("LcGAN step", "eager", "images/s", ours=8.0, plain=2.0)["ratio"]
    4.0
    """
    return alone(task, unit, ours, share) | {
        "against": against, "plain": plain, "ratio": ours / plain,
    }  # fmt: skip


def alone(task: str, unit: str, ours: float, share: float | None = None) -> Row:
    """A row without a plain recipe."""
    return {"task": task, "unit": unit, "ours": ours, "share": share}


def skipped(task: str, reason: str) -> Row:
    """A row that this machine cannot measure."""
    return {"task": task, "skipped": reason}


def lacking(*modules: str) -> str:
    """Why a row is skipped if one of the modules is not installed, else "".

    >>> lacking("torch"), lacking("torch", "no_such_module")
    ('', 'no_such_module is not installed')
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return f"{missing[0]} is not installed" if missing else ""
