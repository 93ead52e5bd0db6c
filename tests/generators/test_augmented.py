"""LcGAN with traditional copies in its training differs from LcGAN in its slices alone."""

import pandas as pd
import torch

from lcgan_core.cohort.slices import Slices
from lcgan_core.generators.base import generator
from lcgan_core.lesions import FIVE
from lcgan_core.protocol import profiles
from tests.training.trainings import IMAGES, LABELS

CONFIG = profiles.load("quick", image_size=64, lcgan_width=2, lcgan_snapshots=[1])
SLICES = Slices(IMAGES, LABELS, pd.DataFrame(index=range(len(IMAGES))), FIVE)


def task(name, seed=1):
    return generator(name, CONFIG, 64, 5).task(SLICES, seed)


def test_it_trains_on_the_slices_and_one_copy_of_each():
    plain, augmented = task("lcgan"), task("lcgan_augmented")
    count = len(IMAGES)
    assert augmented.images.shape == (2 * count, 64, 64) == augmented.labels.shape
    assert torch.equal(augmented.images[:count].cpu(), IMAGES)
    assert torch.equal(augmented.labels[:count].cpu(), LABELS)
    assert not torch.equal(augmented.images[count:].cpu(), IMAGES)
    for ours, theirs in zip(augmented.G.parameters(), plain.G.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_its_copies_are_made_as_the_profile_says():
    still = CONFIG.model_copy(
        update={"traditional": CONFIG.traditional.model_copy(update={"transformations": ()})}
    )
    made = generator("lcgan_augmented", still, 64, 5).task(SLICES, 1)
    assert torch.equal(made.images[len(IMAGES) :].cpu(), IMAGES)


def test_the_seed_decides_the_copies():
    first, again, other = (task("lcgan_augmented", seed).images for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_an_epoch_passes_over_slices_and_copies(tmp_path, monkeypatch):
    method, seen = generator("lcgan_augmented", CONFIG, 64, 5), []
    make = method.task

    def counted(slices, seed):
        made = make(slices, seed)
        step = made.step
        made.step = lambda batch: seen.extend(batch.tolist()) or step(batch)
        return made

    monkeypatch.setattr(method, "task", counted)
    method.fit(SLICES, 1, tmp_path, "test")
    assert sorted(seen) == list(range(2 * len(IMAGES)))
