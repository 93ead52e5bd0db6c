"""What today's generators and segmenter are worth: every arm under every segmenter.

COMMAND: python -m tools.modern --fraction 0.1 --draws 3 --folder _build/modern

As in `tools.settings`, the patients who decide are training patients outside the subset, and the
test patients are not looked at. Each generator's candidate is chosen by the judge that has seen
only the subset, because the other one has seen the patients who decide. The folder keeps what has
been computed; the same command goes on where it stopped, in the middle of a training too.

Results in that folder: dice.csv, every arm under every segmenter with its difference to the control
of the same number of slices; quality.csv, the chosen candidates and what they cost; densities.csv,
HU inside each class; pictures-DRAW.png, for a mask of each class the real slice and that of each
generator. The last is for you to look at: where scans are of people, it stays at home.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from lcgan_core.errors import UserError
from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import COHORT, Job
from tools.settings import decide

CONTROLS = {
    "original": "original",
    "duplicate2": "original",
    "duplicate3": "original",
    **{arm: "duplicate2" for arm in ("traditional", "gan", "inpaint", "flow")},
    **{arm: "duplicate3" for arm in ("both", "both_inpaint", "both_flow")},
}
"""Arm -> the arm of as many slices without new ones; for itself, that without copies."""
DONE = "seconds.txt"
"""Ends a part of the experiment, and says how long it took; nan if it was interrupted."""


def main() -> None:
    """Compute what is missing, one draw after another, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="compact")
    parser.add_argument("--cohort", default="", help="for a profile of scans of people")
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--arms", nargs="*", default=list(CONTROLS), choices=list(CONTROLS))
    known = list(methods.SEGMENTERS)
    parser.add_argument("--segmenters", nargs="*", default=["fcn8s", "unet"], choices=known)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--folder", type=Path, default=artefacts.REPOSITORY / "_build/modern")
    asked = parser.parse_args()
    changed = dict(one.split("=", 1) for one in asked.set)
    heads = artefacts.ensure(profiles.load(asked.profile, cohort=asked.cohort), COHORT)
    config = profiles.load(asked.profile, cohort=asked.cohort, judge="subset", **changed)
    profiles.check_fraction(config, asked.fraction)
    claim(asked.folder, config)
    for draw in range(1, asked.draws + 1):
        experiment = Experiment(config, heads, asked.fraction, draw, asked.folder)
        for segmenter in asked.segmenters:
            for arm in asked.arms:
                experiment.arm(arm, segmenter)
        experiment.picture(asked.arms)
    for name, table in tables(asked.folder).items():
        table.to_csv(asked.folder / f"{name}.csv", index=False, float_format="%.4f")
        print(f"\n{name}\n{table.to_string(index=False, float_format='%.3f')}")


def claim(folder: Path, config: Config) -> None:
    """Note the settings of the experiment in its folder; UserError if it has one with others."""
    path, settings = folder / "settings.json", json.dumps(config.nameless(), indent=1)
    if path.is_file() and path.read_text() != settings:
        raise UserError(
            f"{folder} has an experiment with other settings, whose parts would be mixed with "
            "these; name another --folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    artefacts.write_text(path, settings)


class Experiment:
    """The networks of one draw, each part in a folder of its own below `folder`."""

    def __init__(self, config: Config, heads: Path, fraction: float, draw: int, folder: Path):
        self.config, self.heads, self.fraction, self.draw = config, heads, fraction, draw
        self.folder = folder / f"{fraction:g}-{draw}"

    def arm(self, arm: str, segmenter: str) -> Path:
        """Train a segmenter on an arm and keep the Dice of those who decide."""
        job = self._job("segmentation", arm, segmenter)

        def train(work: Path) -> None:
            kinds = [kind for kind in ARMS[arm].copies if kind != "original"]
            inputs = {"cohort": self.heads} | {kind: self.copies(kind) for kind in kinds}
            decide(self.config, job, inputs, work, arm=arm, segmenter=segmenter)

        return self._part(f"{segmenter}-{arm}", train)

    def copies(self, kind: str) -> Path:
        """Copies of a kind; those of a generator by the candidate that the subset's judge chose."""
        from lcgan_core.stages import augmentation, selection, training  # torch is slow to import

        job, cohort = self._job("augmentation", kind), {"cohort": self.heads}
        how = methods.painted(kind)
        if how is None:
            return self._part(kind, lambda work: augmentation.copy(self.config, job, cohort, work))
        fit = self._job("training", how.generator)
        trained = self._part(
            f"{kind}-training", lambda work: training.generator(self.config, fit, cohort, work)
        )
        judge = self.arm("original", self.config.judge_segmenter)
        scored = cohort | {"training": trained, "judge": judge, "subset_judge": judge}
        choose = self._job("selection", how.generator)
        selected = self._part(
            f"{kind}-selection", lambda work: selection.select(self.config, choose, scored, work)
        )
        given = scored | {"selection": selected}
        return self._part(kind, lambda work: augmentation.paint(self.config, job, given, work))

    def picture(self, arms: Sequence[str]) -> None:
        """A mask of each class: its own slice, and what each generator painted, side by side."""
        import cv2

        from lcgan_core.stages import augmentation, cohort

        kinds = [arm for arm in arms if methods.generator_of(arm) and ARMS[arm].copies == (arm,)]
        if not kinds:
            return
        subset = cohort.training_slices(self.config, self.heads, self.fraction, self.draw)
        few = [int(k) for k in subset.areas.argmax(0)]
        painted = [np.array(augmentation.pairs(self.copies(kind))[0][few]) for kind in kinds]
        masks = np.array(subset.classes.shown, np.uint8)[subset.labels[few].numpy()]
        grey = [subset.images[few].numpy(), *painted]
        columns = [masks[..., ::-1], *(np.repeat(one[..., None], 3, 3) for one in grey)]
        sheet = np.vstack([np.hstack(row) for row in zip(*columns, strict=True)])
        place = self.folder.parent / f"pictures-{self.draw}.png"
        cv2.imwrite(str(place), sheet)
        print(f"{place}: mask, real slice, {', '.join(kinds)}")

    def _job(self, stage: str, what: str, segmenter: str | None = None) -> Job:
        return Job(stage, what, self.fraction, self.draw, segmenter)

    def _part(self, name: str, make: Callable[[Path], None]) -> Path:
        work = self.folder / name
        if not (work / DONE).is_file():
            started = time.monotonic() if not work.exists() else float("nan")
            work.mkdir(parents=True, exist_ok=True)
            make(work)
            artefacts.write_text(work / DONE, f"{time.monotonic() - started:.1f}\n")
        return work


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Name -> table of everything that the folder holds."""
    found = {"dice": dice(folder), "quality": pd.DataFrame(quality(folder))}
    parts = [
        pd.read_csv(path).assign(generator=path.parent.name, draw=_draw(path))
        for path in sorted(folder.glob("*/*/densities.csv"))
    ]
    if parts:
        found["densities"] = pd.concat(parts)
    return found


def dice(folder: Path) -> pd.DataFrame:
    """One row per segmenter and arm: mean Dice over patients and draws, and its difference to its
    control with a 95 % t interval over the draws' differences."""
    scores = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("*/*/patients.csv"))])
    means = scores.groupby(["segmenter", "arm", "draw"]).dice.mean().unstack("draw")
    others = scores.groupby(["segmenter", "arm"])[["train_dice", "validation_dice"]].mean()
    rows = []
    for (segmenter, arm), values in means.iterrows():
        row = {"segmenter": segmenter, "arm": arm, "draws": values.count(), "dice": values.mean()}
        row |= others.loc[(segmenter, arm)].to_dict() | {"control": CONTROLS[arm]}
        if (segmenter, CONTROLS[arm]) in means.index and CONTROLS[arm] != arm:
            change = (values - means.loc[(segmenter, CONTROLS[arm])]).dropna()
            half = stats.t.ppf(0.975, max(len(change) - 1, 1)) * change.sem()
            row |= {"change": change.mean(), "from": change.mean() - half}
            row |= {"to": change.mean() + half}
        rows.append(row)
    known = [*methods.SEGMENTERS, *CONTROLS]
    return pd.DataFrame(rows).sort_values(
        ["segmenter", "arm"], key=lambda column: column.map(known.index)
    )


def quality(folder: Path) -> Iterator[dict]:
    """One row per generator and draw: its chosen candidate by every measure, and its costs."""
    for path in sorted(folder.glob("*/*-selection/candidates.csv")):
        kind, table = path.parent.name.removesuffix("-selection"), pd.read_csv(path)
        chosen = table[table.chosen].iloc[0]
        kernel = pd.read_csv(path.with_name("kernel_distance.csv")).set_index("set").distance
        closer = pd.read_csv(path.with_name("memorisation.csv")).set_index("space").closer
        real = pd.read_csv(path.with_name("real_images.csv"), index_col=0)["real slices"]
        painted = path.parents[1] / kind
        count = len(np.load(painted / "images.npy", mmap_mode="r"))
        yield {
            "generator": kind,
            "draw": _draw(path),
            "slices": count,
            "epoch": int(chosen.epoch),
            "judge_dice": chosen.fcn_score_subset,
            "sharpness": chosen.sharpness_laplacian,
            "sharpness_real": real.sharpness_laplacian,
            "realism_auc": chosen.realism_auc,
            "kernel_distance": kernel.synthetic,
            "kernel_floor": kernel.real,
            "nearest_rmse": chosen.nearest_rmse,
            "closer_pixels": closer.pixels,
            "closer_features": closer.features,
            "training_minutes": _seconds(path.parents[1] / f"{kind}-training") / 60,
            "seconds_a_slice": _seconds(painted) / count,
        }


def _seconds(part: Path) -> float:
    return float((part / DONE).read_text()) if (part / DONE).is_file() else float("nan")


def _draw(path: Path) -> int:
    return int(path.parents[1].name.rpartition("-")[2])


if __name__ == "__main__":
    main()
