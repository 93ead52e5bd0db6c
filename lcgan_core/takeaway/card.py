"""The card of a model: what it is, how good it is and what it must not be used for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lcgan_core.stages import selection
from lcgan_core.synthesis.description import Description
from lcgan_core.takeaway.made import Made

PEOPLE = (
    "This network was trained on scans of people. It may repeat parts of them, so that it must be "
    "handled like the scans themselves: do not publish it or hand it on without the right to."
)
USE = {
    "generator": (
        "```python\nfrom lcgan_core.synthesis import Painter\n\n"
        'painter = Painter.from_pretrained("{name}")\n'
        "images = painter.paint(labels, seed=1)  # (N, {size}, {size}) labels -> int16 HU\n```\n\n"
        "or `lcgan paint MASKS --model {name} --out synthetic --count 200`."
    ),
    "segmenter": (
        "```python\nfrom lcgan_core.synthesis import Outliner\n\n"
        'outliner = Outliner.from_pretrained("{name}")\n'
        "labels = outliner.outline(hu)  # (N, {size}, {size}) HU -> uint8 labels\n```\n\n"
        "or `lcgan predict SCANS --model {name} --out masks`."
    ),
}


def text(made: Made, name: str) -> str:
    """The card as Markdown; `name`: what the model's folder is called."""
    told = made.description
    parts = [
        f"# {name}: {told.method}, a {told.role} for head CT",
        *([f"> **{PEOPLE}**"] if told.trained.people else []),
        "Research only, not for diagnosis.",
        "## Use",
        USE[told.role].format(name=name, size=told.size),
        "## Data",
        _data(told),
        "## Labels",
        "\n".join(f"- {k}: {c['name']}, {c['title']}" for k, c in enumerate(told.classes, 1)),
        *(["## Quality", _quality(made.selection, told)] if made.selection else []),
        *(["## Memorisation", _memorisation(made.selection)] if made.selection else []),
        "## Limits",
        _limits(told),
        "## Licence and citation",
        _licence(told),
    ]
    return "\n\n".join(parts) + "\n"


def _data(told: Description) -> str:
    of = told.trained
    who = "people" if of.people else "simulated patients; nobody's scan was used"
    pixels = " to ".join(f"{mm:.3g}" for mm in dict.fromkeys(of.pixel_mm))
    return (
        f"Trained on {of.slices} slices with lesions of {of.patients} {who} (cohort: {of.cohort}; "
        f"{100 * of.fraction:g} % of the training patients, draw {of.draw}). {told.size} x "
        f"{told.size} pixels of {pixels} mm, window {told.hu[0]:g} to {told.hu[1]:g} HU. The "
        f"settings are in `config.json`; the training has the fingerprint `{of.fingerprint}`."
    )


def _quality(folder: Path, told: Description) -> str:
    table = selection.candidates(folder)
    kept = table[table.epoch == told.candidate].iloc[0]
    columns = [
        name
        for name in table.columns
        if name.startswith(("fcn_score", "sharpness", "realism_", "nearest"))
    ]
    lines = ["| measure | this epoch | lowest | highest |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {kept[name]:.4g} | {table[name].min():.4g} | {table[name].max():.4g} |"
        for name in columns
    ]
    chosen = (
        "which the criteria chose" if bool(kept.chosen) else "which the criteria did not choose"
    )
    return (
        f"Epoch {told.candidate}, {chosen}, beside all {len(table)} epochs that were kept:\n\n"
        + "\n".join(lines)
        + f"\n\n{selection.left_out(folder)}"
    )


def _memorisation(folder: Path) -> str:
    table = pd.read_csv(folder / "memorisation.csv")
    lines = ["| space | closer | 95 % interval | slices |", "|---|---|---|---|"]
    lines += [
        f"| {row.space} | {row.closer:.3f} | {row.ci_low:.3f} to {row.ci_high:.3f} | {row.n} |"
        for row in table.itertuples()
    ]
    return (
        "How often a synthetic slice of the chosen epoch is closer to its nearest training slice "
        "than the real slice of its mask is to the nearest one of another patient; one half is "
        "what two patients would show:\n\n" + "\n".join(lines)
    )


def _limits(told: Description) -> str:
    lines = [
        "Slices are two-dimensional and independent: neighbours do not fit together.",
        f"HU below {told.hu[0]:g} and above {told.hu[1]:g} are cut off, so also bone and air.",
        "What the network did not see in training it cannot show: other scanners, other diseases.",
    ]
    if told.role == "segmenter":
        lines = [
            *lines[1:],
            "Slices without a lesion were not shown to it in training unless the "
            "profile says `lesion_only: false`, so that it may find lesions in healthy slices.",
        ]
    return "\n".join(f"- {line}" for line in lines)


def _licence(told: Description) -> str:
    terms = told.trained.terms
    lines = [
        "The code that made it is under Apache-2.0; cite the paper (Karki, Cho, Ko; SPIE Medical "
        "Imaging 2020, arXiv:2003.13868) and this software."
    ]
    if "citation" in terms:
        lines.append(f"The scans that it was trained on: {terms['citation']}.")
    if "publish" in terms:
        lines.append(
            "The licence of these scans lets only numbers be published: neither this network nor "
            "what it paints."
        )
    elif not told.trained.people:
        lines.append("The patients are simulated, so that no licence of scans binds it.")
    return " ".join(lines)
