"""LcGAN as a generator: its candidates, what a candidate paints, the noise of a synthesis."""

import pandas as pd
import pytest
import torch

from lcgan_core.cohort.slices import Slices
from lcgan_core.errors import UserError
from lcgan_core.generators.base import generator
from lcgan_core.generators.lcgan import synthesise
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.protocol import profiles
from tests.training.trainings import IMAGES, LABELS, LCGAN, TASKS

TWO = Classes(("PHE", "IPH"), ("perihaematomal oedema", "intraparenchymal"))
SMALL = {"image_size": 64, "lcgan_width": 2, "lcgan_snapshots": [1, 2]}


@pytest.mark.parametrize("name", ["lcgan", "l1_only", "lcgan_augmented"])
@pytest.mark.parametrize("encoding", ["rgb", "onehot"])
@pytest.mark.parametrize("classes", [TWO, FIVE], ids=len)
def test_a_candidate_paints_what_its_mask_and_seed_say(tmp_path, name, encoding, classes):
    config = profiles.load("quick", **SMALL, lcgan_mask_encoding=encoding)
    labels = LABELS.clip(max=len(classes))
    slices = Slices(IMAGES, labels, pd.DataFrame(index=range(len(IMAGES))), classes)
    method = generator(name, config, 64, len(classes))
    assert list(method.fit(slices, 1, tmp_path, "test")) == [1, 2]
    assert pd.read_csv(tmp_path / "history.csv").epoch.tolist() == [1, 2]
    first, second = (method.paint(tmp_path, candidate, labels, 3) for candidate in (1, 2))
    assert first.shape == labels.shape and first.dtype == torch.uint8
    assert not torch.equal(first, second), "the candidates differ"
    other = generator(name, config, 64, len(classes))
    assert torch.equal(other.paint(tmp_path, 2, labels, 3), second), "the files hold all of it"
    assert not torch.equal(other.paint(tmp_path, 2, labels.flip(0), 3), second)
    assert not torch.equal(other.paint(tmp_path, 2, labels, 4), second)


def test_a_candidate_of_another_width_is_refused(tmp_path):
    slices = Slices(IMAGES, LABELS, pd.DataFrame(index=range(len(IMAGES))), FIVE)
    generator("lcgan", profiles.load("quick", **SMALL), 64, 5).fit(slices, 1, tmp_path, "test")
    wider = profiles.load("quick", **SMALL | {"lcgan_width": 3})
    with pytest.raises(UserError, match="belongs to another network"):
        generator("lcgan", wider, 64, 5).paint(tmp_path, 1, LABELS, 3)


def test_synthesis_without_noise_needs_no_seed_and_training_keeps_its_noise():
    task, silent = TASKS["lcgan"](), LCGAN.model_copy(update={"synthesis_noise": False})
    first, second = (synthesise(task.G, silent, LABELS, seed) for seed in (3, 4))
    assert torch.equal(first, second)
    assert task.G.noise


def test_the_masks_of_a_synthesis_batch_share_their_statistics():
    task = TASKS["lcgan"]()
    quiet = LCGAN.model_copy(update={"synthesis_noise": False})
    pairs = quiet.model_copy(update={"synthesis_batch": 2})
    alone, paired = (synthesise(task.G, each, LABELS, 3) for each in (quiet, pairs))
    swapped = synthesise(task.G, pairs, LABELS.flip(0), 3)
    assert not torch.equal(alone, paired)
    # (0, 1), (2, 3) and (4, 5) stay pairs in reverse order
    assert (paired.int() - swapped.flip(0).int()).abs().max() <= 1
