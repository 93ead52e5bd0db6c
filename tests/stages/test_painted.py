"""The kinds of copy that a generator paints: by which candidate, with which noise."""

import numpy as np
import pandas as pd
import pytest

from lcgan_core.copies.scanner_noise import deviation
from lcgan_core.generators.base import generator
from lcgan_core.protocol import profiles
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of
from lcgan_core.stages import augmentation, cohort, selection, training

from .heads import TWO, bleeds, cohort_of, write_store

CHOSEN, WORST = 2, 3
"""Of the candidates 1, 2, 3."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A configuration, the folders of a cohort, a training and a selection, and the subset."""
    place = tmp_path_factory.mktemp("painted")
    labels, hu = bleeds(6)
    store = write_store(place / "store", 6, classes=TWO, slices=4, labels=labels, hu=hu)
    config = profiles.load(
        "quick", cohort=str(store), image_size=64, lcgan_width=2, lcgan_snapshots=[1, 2, 3]
    )
    inputs = {role: place / role for role in ("cohort", "training", "selection")}
    cohort_of(config, inputs["cohort"])
    for role in ("training", "selection"):
        inputs[role].mkdir()
    training.generator(config, Job("training", "lcgan", 1.0), inputs, inputs["training"])
    table = pd.DataFrame({"epoch": [1, 2, 3]})
    table["chosen"], table["worst"] = table.epoch == CHOSEN, table.epoch == WORST
    table.to_csv(inputs["selection"] / "candidates.csv", index=False)
    return config, inputs, cohort.training_slices(config, inputs["cohort"], 1.0)


@pytest.fixture
def made(run, tmp_path):
    """Make the copies of a kind; their images, and their folder."""
    config, inputs, subset = run

    def make(kind):
        folder = tmp_path / kind
        folder.mkdir()
        augmentation.paint(config, Job("augmentation", kind, 1.0), inputs, folder)
        images, labels = augmentation.pairs(folder)
        assert np.array_equal(labels, subset.labels)
        return np.array(images), folder

    return make


def painted(run, epoch, seed):
    config, inputs, subset = run
    method = generator("lcgan", config, 64, 2)
    return method.paint(inputs["training"], epoch, subset.labels, seed).numpy()


@pytest.mark.parametrize(
    ("kind", "epoch"), [("gan", CHOSEN), ("gan_first", 1), ("gan_last", 3), ("gan_worst", WORST)]
)
def test_a_kind_is_painted_by_its_candidate_with_the_noise_of_the_first_copy(
    run, made, kind, epoch
):
    seed = selection.painting_seed(run[0], Job("augmentation", kind, 1.0))
    images, folder = made(kind)
    assert np.array_equal(images, painted(run, epoch, seed))
    # Fig. 6 is of the generator's own copies only
    assert (folder / "viewer").exists() == (kind == "gan")


def test_the_random_candidate_is_the_draw_s(run):
    _, inputs, _ = run
    of_seeds = [augmentation.candidate("random", inputs, seed) for seed in range(60)]
    assert of_seeds == [augmentation.candidate("random", inputs, seed) for seed in range(60)]
    assert np.bincount(of_seeds)[1:].min() > 10 and set(of_seeds) == {1, 2, 3}


def test_further_copies_are_of_the_same_candidate_with_other_noise(run, made):
    images = [made(kind)[0] for kind in ("gan", "gan_copy2", "gan_copy3")]
    assert len({one.tobytes() for one in images}) == 3
    first = selection.painting_seed(run[0], Job("augmentation", "gan", 1.0))
    for number, one in enumerate(images[1:], start=2):
        assert np.array_equal(one, painted(run, CHOSEN, seed_of(first, number)))


def test_noise_is_added_to_the_finished_copies(run, made, tmp_path):
    config, inputs, subset = run
    images, folder = made("gan")
    work = tmp_path / "noisy"
    work.mkdir()
    job = Job("augmentation", "gan_noise", 1.0)
    augmentation.add_noise(config, job, inputs | {"copies": folder}, work)
    noisy, labels = augmentation.pairs(work)
    assert np.array_equal(labels, subset.labels)
    levels = pd.read_csv(work / "noise.csv", index_col="slices").noise
    assert levels["real"] == pytest.approx(deviation(subset.images))
    assert levels["copies"] < levels["real"], "there is something to add"
    assert levels["copies with noise"] == pytest.approx(levels["real"], rel=0.1)
    assert not np.array_equal(noisy, images)


def test_lesions_painted_as_air_are_counted(run, monkeypatch, tmp_path):
    """A generator that copies the real slice but leaves out its upper part."""
    config, inputs, subset = run

    class Blind:
        def paint(self, folder, candidate, labels, seed):
            seen = subset.images.clone()
            seen[:, :30] = 0
            return seen

    monkeypatch.setattr(augmentation, "generator", lambda *_: Blind())
    augmentation.paint(config, Job("augmentation", "gan", 1.0), inputs, tmp_path)
    table = pd.read_csv(tmp_path / "densities.csv", index_col="lesion")
    for name, value in TWO.labels.items():
        inside = subset.labels == value
        shown = inside & (subset.images > 0)
        assert table.lost[name] == pytest.approx(
            float(shown[:, :30].sum() / inside.sum()), rel=1e-5
        )
        assert 0.05 < table.lost[name] < 0.95
