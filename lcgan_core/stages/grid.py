"""The estimates of all arms of a run, from their predictions, draw by draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lcgan_core.metrics import overlap
from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import Cells, cells, with_patient_mean
from lcgan_core.metrics.estimates import Estimate, estimate
from lcgan_core.metrics.overlap import scaled_area
from lcgan_core.metrics.same_types import over_same_types
from lcgan_core.metrics.subgroups import by_size, sensitivity, with_components
from lcgan_core.protocol.config import Config
from lcgan_core.run.plan import segmentations
from lcgan_core.run.progress import progress
from lcgan_core.seeds import seed_of
from lcgan_core.stages import cohort, segmentation

Arm = tuple[str, float, str]
"""Segmenter, fraction and arm."""


class Tested(NamedTuple):
    """What the networks of a draw are tested on: labels (N, H, W), patients (N,), areas (N, K)."""

    labels: np.ndarray
    patients: np.ndarray
    areas: np.ndarray


class Grid:
    """The estimates of every arm: as the tables have them, by lesion area, under other rules."""

    def __init__(self, config: Config, inputs: Mapping[str, Path]):
        self.config = config
        self.names = cohort.store_of(inputs["cohort"]).classes.names
        self.tests = tested_in_draws(config, inputs["cohort"])
        self.patients = np.unique(np.concatenate([test.patients for test in self.tests.values()]))
        self.weights = patient_weights(
            len(self.patients), config.evaluation.resamples, seed_of(config.seed, "bootstrap")
        )
        self.arms: dict[Arm, Estimate] = {}
        self.groups: dict[Arm, dict[str, Estimate]] = {}
        self.rules: dict[Arm, dict[str, Estimate]] = {}
        of_arms: dict[Arm, dict[int, Path]] = {}
        for job in segmentations(config):
            assert job.fraction is not None and job.segmenter is not None
            arm = (job.segmenter, job.fraction, job.what)
            of_arms.setdefault(arm, {})[job.draw] = inputs[job.key]
        for arm, folders in progress(of_arms.items(), "evaluating", "arm", len(of_arms)):
            self._add(arm, folders)
        self._extend()

    def _add(self, arm: Arm, of_draws: Mapping[int, Path]) -> None:
        size, names = self.config.image_size, self.names
        tests = [self.tests[draw] for draw in of_draws]
        guesses = [segmentation.predictions(folder) for folder in of_draws.values()]
        counts = [
            overlap(guess, test.labels, classes=len(names))
            for guess, test in zip(guesses, tests, strict=True)
        ]
        area = scaled_area(size)
        whole = self._by_patient([cells(one, names, area) for one in counts], tests)
        self.arms[arm] = self._resampled([with_patient_mean(part) for part in whole])
        self.groups[arm] = self._each(
            tests,
            (by_size(one, names, test.areas) for one, test in zip(counts, tests, strict=True)),
        )
        self.rules[arm] = self._each(
            tests,
            (
                [*sensitivity(one, names, size), with_components(guess, test.labels, names, size)]
                for one, guess, test in zip(counts, guesses, tests, strict=True)
            ),
        )

    def _extend(self) -> None:
        """Give the arms of each segmenter and fraction the mean over the same types."""
        for place in dict.fromkeys(arm[:2] for arm in self.arms):
            alike = {arm[2]: part for arm, part in self.arms.items() if arm[:2] == place}
            self.arms |= {(*place, arm): part for arm, part in over_same_types(alike).items()}

    def _each(
        self, tests: Sequence[Tested], of_draws: Iterable[Iterable[tuple[str, Cells]]]
    ) -> dict[str, Estimate]:
        tables: dict[str, list[Cells]] = {}
        for parts in of_draws:
            for name, part in parts:
                tables.setdefault(name, []).append(part)
        return {
            name: self._resampled(self._by_patient(parts, tests)) for name, parts in tables.items()
        }

    def _by_patient(self, of_draws: Sequence[Cells], tests: Sequence[Tested]) -> list[Cells]:
        return [
            table.by_patient(test.patients, among=self.patients)
            for table, test in zip(of_draws, tests, strict=True)
        ]

    def _resampled(self, by_patient: Sequence[Cells]) -> Estimate:
        # one seed for all: fractions with equally many draws get the same ones in a resample
        seed = seed_of(self.config.seed, "draws")
        draws = draw_weights(len(by_patient), self.config.evaluation.resamples, seed)
        return estimate(by_patient, self.weights, draws)


def tested_in_draws(config: Config, heads: Path) -> dict[int, Tested]:
    """What each draw is tested on; draws with the same patients share it."""
    store = cohort.store_of(heads)
    found: dict[int, Tested] = {}
    known: dict[bytes, Tested] = {}
    for draw in range(1, max(config.draws) + 1):
        rows = cohort.test_rows(config, heads, draw)
        if (key := rows.tobytes()) not in known:
            table = store.slices.iloc[rows]
            known[key] = Tested(
                store.labels[rows], table.patient.to_numpy(), table[store.classes.areas].to_numpy()
            )
        found[draw] = known[key]
    return found
