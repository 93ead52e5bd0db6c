"""What the book's page on controls and statistics includes, written from a run's results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lcgan_core import runs
from lcgan_core.plan import Job
from lcgan_core.profiles import Config
from lcgan_core.report import forest, scrutiny, slips, tables


def texts(config: Config, evaluation: Path) -> dict[str, str]:
    """Name -> Markdown or HTML of each table and list of the page."""
    read = {
        name: pd.read_csv(evaluation / f"{name}.csv")
        for name in ("results", "draws", "differences", "by_size", "sensitivity", "claims")
    }
    share = config.fractions[-2]  # the largest subset: networks have learned something there
    papers, questions = (
        read["claims"][read["claims"].source == source] for source in ("paper", "question")
    )
    asked = scrutiny.sentences(questions) or (
        "*This run trained the paper's four arms alone; `arms` of the profile adds the controls.*"
    )
    spread = scrutiny.draws(read["draws"])
    return {
        "claims": scrutiny.sentences(papers),
        "claims_table": tables.markdown(scrutiny.claims_table(read["claims"])),
        "questions": asked,
        "controls": tables.html(scrutiny.controls(read["results"], read["differences"])),
        "draws": tables.html(spread)
        if len(spread)
        else "*This run has one draw at each share; `draws` of the profile makes more.*",
        "by_size": tables.html(scrutiny.sizes(read["by_size"], share)),
        "sensitivity": tables.html(scrutiny.rules(read["sensitivity"], share)),
        "judges": tables.html(scrutiny.judges(_of_selection(config, "candidates"))),
        "memorisation": tables.html(
            scrutiny.memorisation(
                _of_selection(config, "memorisation"), _of_selection(config, "kernel_distance")
            )
        ),
        "densities": tables.html(_densities(config).fillna(tables.ABSENT)),
        "slips": tables.markdown(slips.slips()),
    }


def pictures(config: Config, evaluation: Path) -> dict[str, Callable[[], Figure]]:
    """Name -> how to draw each figure of the page."""
    chosen = runs.folder(config, Job("selection", config.fractions[-2]))
    return {
        "forest": lambda: forest.forest(pd.read_csv(evaluation / "differences.csv")),
        "neighbours": lambda: forest.neighbours(pd.read_csv(chosen / "neighbours.csv")),
        "closest": lambda: forest.closest_pairs(dict(np.load(chosen / "closest.npz"))),
    }


def _densities(config: Config) -> pd.DataFrame:
    from lcgan_core.stages import augmentation  # torch is slow to import, and pages are many

    return augmentation.lesion_densities(config, config.fractions[-2])


def _of_selection(config: Config, name: str) -> dict[float, pd.DataFrame]:
    return {
        fraction: pd.read_csv(runs.folder(config, Job("selection", fraction)) / f"{name}.csv")
        for fraction in config.fractions
    }
