"""A second draw of patients and seeds, trained in small: other slices, networks and folders."""

import numpy as np
import pytest

from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.stages import augmentation, cohort, segmentation
from tests.cohort.cases import Made, store_of

SMALL = {
    "image_size": 64, "lcgan_width": 2, "lcgan_snapshots": [1], "segmentation_width": 2,
    "segmentation_epochs": 1, "realism_epochs": 1, "draws": [1, 1, 2, 2],
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The second draw's copies and GAN arm at half of the patients, and both draws at all."""
    place = tmp_path_factory.mktemp("draws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCGAN_RUNS", str(place / "runs"))
        cases = [Made(k, place, shape=(64, 64)) for k in range(9)]
        store = store_of(cases, place / "store", size=64).store
        config = profiles.load("quick", cohort=str(store.folder), **SMALL)
        augmentation.run(config, 0.5, 2)
        segmentation.run(config, 0.5, "gan", 2)
        made = {
            job.relative_to(artefacts.root() / config.name).as_posix()
            for job in (artefacts.root() / config.name).glob("*/*/")
            if not job.name.startswith(".")
        }
        both = [segmentation.run(config, 1.0, "original", draw) for draw in (1, 2)]
        slices = {
            (fraction, draw): cohort.training_slices(config, fraction, draw).table
            for fraction in (0.5, 1.0)
            for draw in (1, 2)
        }
        yield made, both, slices, artefacts.folder(config, Job("segmentation", 0.5, "gan", 2))


def test_a_draw_trains_what_is_its_own_and_the_judge_that_all_share(trained):
    made, *_ = trained
    assert made == {
        "cohort/store",
        "training/0.5-draw2-lcgan",
        "training/1-judge",
        "selection/0.5-draw2",
        "augmentation/0.5-draw2-gan",
        "augmentation/0.5-draw2-traditional",
        "segmentation/0.5-draw2-original",
        "segmentation/0.5-draw2-gan",
    }


def test_what_a_draw_follows_from_is_written_beside_it(trained):
    *_, folder = trained
    assert set(artefacts.provenance(folder)["inputs"]) == {
        "cohort/all",
        "augmentation/0.5-draw2-gan",
    }


def test_with_all_patients_a_draw_is_another_seed_on_the_same_slices(trained):
    _, both, slices, _ = trained
    assert slices[1.0, 1].equals(slices[1.0, 2])
    first, second = (one.network.read_bytes() for one in both)
    assert first != second
    truth = [one.overlap.truth for one in both]
    assert np.array_equal(*truth), "the test patients are the same"


def test_with_fewer_a_draw_has_other_patients(trained):
    _, _, slices, _ = trained
    few = [set(slices[0.5, draw].patient) for draw in (1, 2)]
    assert few[0] != few[1]
    assert few[0] | few[1] < set(slices[1.0, 1].patient)
