"""What CONTRIBUTING says under "Extending", done from outside the package."""

import numpy as np
import pandas as pd
import pytest
import yaml

from lcgan_core.errors import UserError
from lcgan_core.metrics import cells
from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import ARMS, Arm
from lcgan_core.protocol.methods import Method
from lcgan_core.run import artefacts, plan
from lcgan_core.run.plan import Job
from lcgan_core.segmenters.base import segmenter

PROFILE = {
    "seed": 7,
    "image_size": 64,
    "fractions": [0.5, 1.0],
    "cohort": {"patients": 8, "matrix": 64, "slices": 6, "test_share": 0.5},
    "lcgan": {"width": 2, "snapshots": [1]},
    "segmentation": {
        "width": 2, "border": 1, "steps": 3, "batch": 4, "batch_norm": True, "optimizer": "adam",
        "learning_rate": 0.003,
    },
    "realism": {"steps": 2, "batch": 8, "learning_rate": 0.001},
    "evaluation": {"resamples": 20},
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("extending")


@pytest.fixture(autouse=True)
def place(runs, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(runs))


def own_profile(runs, **changes):
    """A profile of one's own, given by its path."""
    path = runs / "mine.yaml"
    path.write_text(yaml.safe_dump(PROFILE | changes))
    return profiles.load(str(path))


def test_a_profile_of_ones_own_is_a_file(runs):
    config = own_profile(runs)
    assert (config.name, config.fractions, config.image_size) == ("mine", (0.5, 1.0), 64)
    artefacts.make(config, plan.COHORT)
    assert (runs / "mine" / "cohort" / "store" / "hu.npy").is_file()
    written = (artefacts.folder(config, plan.COHORT) / artefacts.PROVENANCE).read_text()
    assert str(runs) not in written, "the place of a user's file is not passed on"


def test_an_arm_is_a_line(runs, monkeypatch):
    monkeypatch.setitem(ARMS, "duplicate4", Arm("+ repeated three times (4N)", ("original",) * 3))
    config = own_profile(runs, arms=["original", "gan", "traditional", "both", "duplicate4"])
    job = Job("segmentation", "duplicate4", 0.5, segmenter="fcn8s")
    assert job in plan.jobs(config)
    artefacts.make(config, job)
    assert (artefacts.folder(config, job) / "predictions.npy").is_file()


def test_a_kind_of_copy_is_a_function_and_a_line(runs, monkeypatch):
    monkeypatch.setitem(methods.COPIES, "mirrored", Method("tests.run.outside:mirrored"))
    monkeypatch.setitem(ARMS, "mirrored", Arm("+ mirrored", ("mirrored",)))
    config = own_profile(runs, arms=["original", "gan", "traditional", "both", "mirrored"])
    copies = plan.inputs(config, Job("segmentation", "mirrored", 0.5, segmenter="fcn8s"))
    artefacts.make(config, copies["mirrored"])
    made = np.load(artefacts.folder(config, copies["mirrored"]) / "labels.npy")
    from lcgan_core.stages.cohort import training_slices

    subset = training_slices(config, artefacts.folder(config, plan.COHORT), 0.5)
    np.testing.assert_array_equal(made, subset.labels.numpy()[:, :, ::-1])


def test_a_generator_and_a_segmenter_are_a_class_and_a_line_each(runs, monkeypatch):
    monkeypatch.setitem(methods.GENERATORS, "grey", Method("tests.run.outside:Grey"))
    monkeypatch.setitem(methods.SEGMENTERS, "pointwise", Method("tests.run.outside:Pointwise"))
    monkeypatch.setitem(ARMS, "grey", Arm("+ grey", ("grey",)))
    config = own_profile(
        runs,
        arms=["original", "gan", "traditional", "both", "grey"],
        segmenters=["fcn8s", "pointwise"],
    )
    artefacts.make(config, plan.EVALUATION)
    results = pd.read_csv(artefacts.folder(config, plan.EVALUATION) / "results.csv")
    rows = results.groupby(["segmenter", "arm", "fraction"]).size()
    assert set(rows.index) == {
        (one, arm, fraction)
        for one in config.segmenters for arm in config.arms for fraction in config.fractions
    }  # fmt: skip
    painted = artefacts.folder(config, Job("augmentation", "grey", 0.5))
    assert np.load(painted / "images.npy").shape == np.load(painted / "labels.npy").shape
    chosen = pd.read_csv(artefacts.folder(config, Job("selection", "grey", 0.5)) / "candidates.csv")
    assert chosen.epoch.tolist() == [1]


def test_a_method_that_lacks_a_function_is_named_with_it(runs, monkeypatch):
    monkeypatch.setitem(methods.SEGMENTERS, "lazy", Method("tests.run.outside:Lazy"))
    with pytest.raises(UserError, match=r"Lazy in .*outside.py lacks the function features; see"):
        segmenter("lazy", own_profile(runs), 5)
    monkeypatch.setitem(methods.SEGMENTERS, "gone", Method("tests.run.outside:Gone"))
    with pytest.raises(UserError, match="tests.run.outside:Gone cannot be loaded"):
        segmenter("gone", own_profile(runs), 5)


def test_a_metric_is_a_function_and_a_line(runs, monkeypatch):
    def jaccard(counts, min_area, min_dice):
        either = counts.predicted + counts.truth - counts.intersection
        return counts.intersection, either, counts.truth > 0

    monkeypatch.setitem(cells.METRICS, "jaccard_pooled", jaccard)
    config = own_profile(runs, evaluation={"resamples": 30})  # the evaluation alone is made anew
    artefacts.make(config, plan.EVALUATION)
    rows = pd.read_csv(artefacts.folder(config, plan.EVALUATION) / "results.csv")
    values = rows.pivot_table(
        index=["fraction", "arm", "lesion"], columns="metric", values="value", dropna=False
    )
    dice = values["dice_class_pooled"].dropna()
    dice = dice[dice.index.get_level_values("lesion") != "all"]
    expected = dice / (2 - dice)  # Jaccard from Dice of the same pixels
    np.testing.assert_allclose(values.loc[expected.index, "jaccard_pooled"], expected, atol=1e-5)


def test_a_data_set_is_a_module_and_a_line(tmp_path, monkeypatch):
    import sys
    import types

    from lcgan_core.cohort import formats
    from lcgan_core.cohort.series import Found

    module = types.ModuleType("outside_set")
    module.is_here = lambda source: (source / "my_set.txt").is_file()
    module.find = lambda source: Found([], [], [])
    monkeypatch.setitem(sys.modules, "outside_set", module)
    monkeypatch.setitem(methods.FORMATS, "my-set", Method("outside_set:find"))
    (tmp_path / "my_set.txt").touch()
    assert formats.detect(tmp_path) == "my-set"
    with pytest.raises(UserError, match="holds nothing that format 'my-set' could read"):
        formats.find("my-set", tmp_path, {}, parallel=None)
