"""The generators of a run side by side: what each one's chosen candidate paints, and its cost."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lcgan_core.book.contents import OF_GENERATORS, Bundle
from lcgan_core.book.pages import provenance
from lcgan_core.book.words import ABSENT, html, linked, number
from lcgan_core.protocol import methods
from lcgan_core.protocol.paper import percent
from lcgan_core.run.plan import Job
from lcgan_core.run.status import duration

ALT = "Masks in the first row, the original slices in the second, and a row for each generator."


def text(bundle: Bundle, tables: Mapping[str, pd.DataFrame], runs: pd.DataFrame) -> str:
    """A table of quality and costs, one of HU inside the lesions, and a picture; `tables` has the
    linked rows of the selections."""
    candidates = tables["candidates"]
    if candidates.generator.nunique() < 2:
        return "*This run has one generator; arms such as `inpaint` and `flow` bring others.*"
    parts = [html(quality(tables, runs))]
    if OF_GENERATORS in tables:
        said = "Median HU inside each type, at the largest subset:"
        parts += [said, html(densities(tables[OF_GENERATORS]))]
    if (bundle.folder / "generators.png").exists():
        parts.append(f"```{{image}} generated/generators.png\n:alt: {ALT}\n:width: 100%\n```")
    return "\n\n".join(parts)


def quality(tables: Mapping[str, pd.DataFrame], runs: pd.DataFrame) -> pd.DataFrame:
    """The chosen candidates of the first draw by every measure, with the time of their training and
    of a slice that they paint."""
    seconds = runs.set_index("job").seconds
    kernels, closer = (
        {(*_at(row), row[key]): row for _, row in tables[name].iterrows()}
        for name, key in (("kernel_distance", "set"), ("memorisation", "space"))
    )
    rows: dict[tuple[str, str], dict[str, str]] = {}
    candidates = tables["candidates"].sort_values("fraction", kind="stable")
    for _, row in candidates[candidates.chosen & (candidates.draw == 1)].iterrows():
        memory = closer[*_at(row), "pixels"]
        kernel, floor = (kernels[*_at(row), of] for of in ("synthetic", "real"))
        painted = Job("augmentation", methods.kind_of(row.generator), row.fraction).place
        trained = Job("training", row.generator, row.fraction).place
        rows[percent(row.fraction), row.generator] = {
            "judge's Dice": linked(number(row.fcn_score_full), row),
            "sharpness": linked(f"{row.sharpness_laplacian:.0f}", row),
            "AUC": linked(number(row.get("realism_auc", float("nan"))), row),
            "distance": linked(f"{row.nearest_rmse:.3g}", row),
            "closer": linked(number(memory.closer), memory),
            "kernel distance": linked(f"{kernel.distance:.3g}", kernel),
            "originals to each other": linked(f"{floor.distance:.3g}", floor),
            "training": provenance.link(trained, duration(seconds[trained])),
            "copies": provenance.link(painted, duration(seconds[painted]))
            if painted in seconds
            else ABSENT,
        }
    return pd.DataFrame(rows).T


def densities(of_generators: pd.DataFrame) -> pd.DataFrame:
    """Median HU in the lesions of each class: of the original slices, and of each generator's."""
    rows: dict[str, dict[str, str]] = {}
    for _, row in of_generators.iterrows():
        of_class = rows.setdefault(row.lesion, {"original": linked(_hu(row.real), row)})
        of_class[row.generator] = linked(_hu(row.synthetic), row)
    return pd.DataFrame(rows).T


def _at(row: pd.Series) -> tuple[str, float, int]:
    """Which selection a row is of."""
    return row.generator, row.fraction, row.draw


def _hu(value: float) -> str:
    return ABSENT if pd.isna(value) else f"{value:.4g}"
