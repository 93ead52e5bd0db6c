"""The first code cell of every notebook: parameters checked, errors short, figures alike."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from IPython.core.getipython import get_ipython

from lcgan_core.errors import UserError
from lcgan_core.protocol.profiles import Config, from_namespace

SPOKEN = frozenset({"In", "Out", "exit", "quit", "open", "get_ipython"})
"""Names that IPython puts into every notebook."""


def start(stage: str, namespace: Mapping[str, Any]) -> tuple[Config, dict[str, Any]]:
    """Config and stage parameters from `globals()` of the notebook of `stage`.

    Raises UserError, shown as one sentence, for a parameter that the notebook does not have.
    """
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((UserError,), _one_sentence)
    plt.rcParams |= {"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False}
    pd.options.display.max_colwidth = None  # a table with sentences is read, not glanced at
    return from_namespace(stage, parameters(namespace))


def parameters(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values among a notebook's variables: what a parameters cell can hold."""
    return {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_")
        and name not in SPOKEN
        and not isinstance(value, types.ModuleType)
        and not callable(value)
    }


def _one_sentence(shell: Any, kind: type, error: BaseException, trace: Any, **_: Any) -> list[str]:
    lines = [f"{kind.__name__}: {error}"]
    shell._showtraceback(kind, error, lines)
    return lines
