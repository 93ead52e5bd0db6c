"""How a segmenter trains: watched by validation slices, in phases, and what it says of itself."""

import json

import pandas as pd
import pytest
import torch
from torch import nn

from lcgan_core.cohort.slices import Slices
from lcgan_core.lesions import Classes
from lcgan_core.segmenters import training
from lcgan_core.training.engine import Schedule
from lcgan_core.training.pairs import Pairs

TRUTH = torch.zeros(3, 4, 4, dtype=torch.uint8)
TRUTH[:, 1:3, 1:3] = 1


def slices(images):
    return Slices(images, TRUTH[: len(images)], pd.DataFrame(), Classes(("IPH",), ("bleeding",)))


class Counter:
    """A segmenter whose network counts its steps; after `best` of them it outlines the truth."""

    initialisation = "It starts from nought."

    def __init__(self, best):
        self.best, self.seen = best, []

    def task(self, pairs, seed):
        self.network = nn.Module()
        self.network.register_buffer("steps", torch.zeros(()))
        return CounterTask(self, pairs)

    def segment(self, images):
        return TRUTH[: len(images)] * (int(self.network.steps) == self.best)


class CounterTask:
    settings, smaller = None, ""

    def __init__(self, method, pairs):
        self.method, self.pairs = method, pairs
        self.modules, self.optimizers = {"net": method.network}, {}

    def step(self, batch):
        self.modules["net"].steps += 1
        self.method.seen += self.pairs[batch][0].flatten().tolist()
        return {"loss": torch.zeros(())}


def trained(method, work, phases, steps):
    images = torch.zeros_like(TRUTH)
    training.train(
        method, phases, Schedule(2, steps=steps), 1, slices(images), slices(images[:1]), work, "toy"
    )


def test_the_network_of_the_best_check_is_saved_and_described(tmp_path):
    method = Counter(best=12)
    trained(method, tmp_path, [Pairs(torch.zeros_like(TRUTH), TRUTH)], 30)
    assert int(method.network.steps) == 12
    assert training.facts(tmp_path) == {
        "steps": 30, "best_step": 12, "train_dice": 1.0, "validation_dice": 1.0, "rise": 0.0,
        "converged": True,
    }  # fmt: skip
    assert training.history(tmp_path).step.tolist() == [*range(3, 31, 3)]
    assert training.initialisation(tmp_path) == "It starts from nought."
    assert {path.name for path in tmp_path.iterdir()} == {
        "history.csv", "initialisation.txt", "training.json", "weights.safetensors",
    }  # fmt: skip


def test_a_training_whose_best_check_is_a_late_one_has_not_converged(tmp_path):
    trained(Counter(best=27), tmp_path, [Pairs(torch.zeros_like(TRUTH), TRUTH)], 30)
    facts = training.facts(tmp_path)
    assert facts["best_step"] == 27 and facts["rise"] == 1.0 and not facts["converged"]


def test_of_checks_that_all_find_nothing_the_last_is_kept(tmp_path):
    """A validation patient with a hard lesion scores 0 throughout; the first check knows least."""
    method = Counter(best=-1)
    method.segment = lambda images: torch.zeros_like(TRUTH[: len(images)])
    trained(method, tmp_path, [Pairs(torch.zeros_like(TRUTH), TRUTH)], 30)
    assert int(method.network.steps) == 30
    assert training.facts(tmp_path)["best_step"] == 30


def test_a_phase_goes_on_with_the_network_of_the_one_before_and_sees_only_its_own_slices(tmp_path):
    method = Counter(best=5)
    first, second = torch.full_like(TRUTH, 1), torch.full_like(TRUTH, 2)
    trained(method, tmp_path, [Pairs(first, TRUTH), Pairs(second, TRUTH)], 20)
    # the best check of the first phase has 5 steps; in the second all checks, of 6 to 15 steps, are
    # equal, and the last of equal ones is kept
    assert int(method.network.steps) == 15
    values = torch.tensor(method.seen)
    assert values[: len(values) // 2].eq(1).all() and values[len(values) // 2 :].eq(2).all()
    assert training.history(tmp_path).step.tolist() == [*range(1, 11)]
    assert json.loads((tmp_path / "training.json").read_text())["steps"] == 10


@pytest.mark.parametrize(("subset", "validation", "looked_at"), [(1, 1, 1), (3, 1, 1), (3, 2, 3)])
def test_train_dice_is_measured_on_about_as_many_slices_as_validation(
    subset, validation, looked_at
):
    shown = []

    class Noted(Counter):
        def segment(self, images):
            shown.append(len(images))
            return super().segment(images)

    method = Noted(best=0)
    method.task(Pairs(TRUTH, TRUTH), 0)
    images = torch.zeros_like(TRUTH)
    training._monitor(method, slices(images[:subset]), slices(images[:validation])).measure()
    assert shown == [looked_at, validation]


def test_a_network_that_never_found_anything_has_not_converged(tmp_path):
    trained(Counter(best=-1), tmp_path, [Pairs(torch.zeros_like(TRUTH), TRUTH)], 10)
    facts = training.facts(tmp_path)
    assert facts["validation_dice"] == 0 and not facts["converged"]
