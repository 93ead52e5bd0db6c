"""A second draw of patients and seeds, trained in small: other slices, networks and folders."""

import numpy as np
import pytest

from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, plan
from lcgan_core.run.plan import Job
from lcgan_core.stages import cohort

from .heads import write_store

SMALL = {
    "image_size": 64, "lcgan_width": 2, "lcgan_snapshots": [1], "segmentation_width": 2,
    "segmentation_steps": 3, "realism_steps": 1, "draws": [1, 1, 2, 2],
}  # fmt: skip


def arm(name, fraction, draw):
    return Job("segmentation", name, fraction, draw, "fcn8s")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with the second draw's GAN arm at half of the patients, and both draws at all; which
    artefacts the former made."""
    place = tmp_path_factory.mktemp("draws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCGAN_RUNS", str(place / "runs"))
        store = write_store(place / "store", 9)
        config = profiles.load("quick", cohort=str(store), **SMALL)
        artefacts.make(config, arm("gan", 0.5, 2), Job("augmentation", "traditional", 0.5, 2))
        run = artefacts.run_folder(config)
        made = {
            record.parent.relative_to(run).as_posix() for record in run.rglob(artefacts.PROVENANCE)
        }
        artefacts.make(config, *(arm("original", 1.0, draw) for draw in (1, 2)))
        artefacts.make(config, Job("augmentation", "traditional", 0.5))
        yield config, made


def slices(config, fraction, draw):
    made = artefacts.folder(config, plan.COHORT)
    return cohort.training_slices(config, made, fraction, draw)


def test_a_draw_trains_what_is_its_own_and_the_judge_that_all_share(trained):
    assert trained[1] == {
        "cohort",
        "training/0.5-draw2-lcgan",
        "training/1-judge",
        "selection/0.5-draw2-lcgan",
        "augmentation/0.5-draw2-gan",
        "augmentation/0.5-draw2-traditional",
        "segmentation/0.5-draw2-original",
        "segmentation/0.5-draw2-gan",
    }


def test_what_a_draw_follows_from_is_written_beside_it(trained):
    folder = artefacts.folder(trained[0], arm("gan", 0.5, 2))
    assert set(artefacts.provenance(folder)["inputs"]) == {
        "cohort/all",
        "augmentation/0.5-draw2-gan",
    }


def subset(config, fraction, draw):
    """Everybody in a subset."""
    store = cohort.store_of(artefacts.folder(config, plan.COHORT))
    return set.union(*cohort.subset_patients(config, store, fraction, draw))


def test_with_all_patients_a_draw_is_another_seed_and_others_validate(trained):
    config, _ = trained
    assert subset(config, 1.0, 1) == subset(config, 1.0, 2)
    folders = [artefacts.folder(config, arm("original", 1.0, draw)) for draw in (1, 2)]
    weights, predictions = (
        [(folder / name).read_bytes() for folder in folders]
        for name in ("weights.safetensors", "predictions.npy")
    )
    assert weights[0] != weights[1]
    assert len(predictions[0]) == len(predictions[1]), "the test patients are the same"


def test_with_fewer_a_draw_has_other_patients_and_other_copies(trained):
    config, _ = trained
    few = [subset(config, 0.5, draw) for draw in (1, 2)]
    assert few[0] != few[1]
    assert few[0] | few[1] < subset(config, 1.0, 1)
    copies = [
        np.load(artefacts.folder(config, Job("augmentation", "traditional", 0.5, draw)) / name)
        for draw in (1, 2)
        for name in ("images.npy", "labels.npy")
    ]
    for draw, (images, labels) in enumerate((copies[:2], copies[2:]), start=1):
        assert images.shape == labels.shape == tuple(slices(config, 0.5, draw).images.shape)
    assert not np.array_equal(copies[0], copies[2])


def test_the_pictures_of_the_book_are_of_the_first_draw(trained):
    run = artefacts.run_folder(trained[0])
    assert (run / "augmentation" / "0.5-traditional" / "viewer" / "fig5.csv").is_file()
    assert not list(run.glob("*/0.5-draw2-*/viewer"))
    assert not list(run.glob("*/0.5-draw2-*/fig*.npz"))
