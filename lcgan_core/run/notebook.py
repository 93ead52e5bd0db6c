"""The first code cell of every notebook: parameters checked, artefacts made, errors short."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from IPython.core.getipython import get_ipython

from lcgan_core.errors import UserError
from lcgan_core.protocol.config import Config
from lcgan_core.protocol.profiles import from_namespace
from lcgan_core.run import artefacts, plan

SPOKEN = frozenset({"In", "Out", "exit", "quit", "open", "get_ipython"})
"""Names that IPython puts into every notebook."""


def start(stage: str, namespace: Mapping[str, Any]) -> tuple[Config, dict[str, Path]]:
    """The settings of a run, and the folders of what the notebook of `stage` shows.

    `namespace` is the notebook's `globals()`. Whatever is missing is made first, by the graph that
    `make book` follows. The folders are named by their roles (`plan.page`) and include those of the
    artefacts that these were made from, as in folders["cohort"]. Raises UserError, shown as one
    sentence, for a parameter that the notebook does not have.
    """
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((UserError,), _one_sentence)
    plt.rcParams |= {"figure.dpi": 110, "axes.spines.top": False, "axes.spines.right": False}
    pd.options.display.max_colwidth = None  # sentences in a table must not be cut
    config, own = from_namespace(stage, parameters(namespace))
    shown = plan.page(config, stage, own)
    artefacts.make(config, *shown.values())
    jobs = {"cohort": plan.COHORT}
    for job in shown.values():
        jobs |= plan.inputs(config, job)
    return config, {role: artefacts.folder(config, job) for role, job in (jobs | shown).items()}


def parameters(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values among a notebook's variables: what a parameters cell can contain."""
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
