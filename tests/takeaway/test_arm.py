"""What an arm trains on, written for others; the model of a run and its card."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from monai.data import load_decathlon_datalist

from lcgan_core.errors import UserError
from lcgan_core.run import artefacts, plan
from lcgan_core.run.plan import Job
from lcgan_core.stages import cohort, training
from lcgan_core.synthesis import Painter
from lcgan_core.takeaway import card, export, made, model
from lcgan_core.takeaway.made import Made

from ..stages.heads import TWO, cohort_of
from .trained import EPOCHS, config_of, facts, generator_model

ARM = Job("segmentation", "gan", 1.0, 1, "fcn8s")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A configuration, and the folders of the artefacts that the commands ask for."""
    place = tmp_path_factory.mktemp("run")
    config = config_of(place)
    inputs = {stage: place / stage for stage in ("cohort", "training", "selection", "gan")}
    cohort_of(config, inputs["cohort"])
    for stage in ("training", "selection", "gan"):
        inputs[stage].mkdir()
    training.generator(config, Job("training", "lcgan", 1.0), inputs, inputs["training"])
    table = pd.DataFrame({"epoch": EPOCHS, "fcn_score_full": [0.1, 0.25], "left_out": ""})
    table["chosen"], table["worst"] = [False, True], [True, False]
    table.to_csv(inputs["selection"] / "candidates.csv", index=False)
    memory = {"space": ["pixels"], "closer": [0.123], "ci_low": [0.1], "ci_high": [0.2], "n": [9]}
    pd.DataFrame(memory).to_csv(inputs["selection"] / "memorisation.csv", index=False)
    subset = cohort.training_slices(config, inputs["cohort"], 1.0)
    np.save(inputs["gan"] / "images.npy", 255 - subset.images.numpy())
    np.save(inputs["gan"] / "labels.npy", subset.labels.numpy())
    return config, inputs


@pytest.fixture(autouse=True)
def artefacts_of_the_run(run, monkeypatch):
    _, inputs = run
    monkeypatch.setattr(artefacts, "make", lambda config, *jobs: None)
    monkeypatch.setattr(
        artefacts, "folder",
        lambda config, job: inputs.get("gan" if job.stage == "augmentation" else job.stage),
    )  # fmt: skip


def test_an_arm_for_nnunet_keeps_patients_apart(run, tmp_path):
    config, inputs = run
    out = tmp_path / "Dataset001_Heads"
    heads = inputs["cohort"]
    train = cohort.training_slices(config, heads, 1.0)
    held = cohort.validation_slices(config, heads, 1.0)
    test = cohort.test_slices(config, heads)
    assert export.arm(config, ARM, "nnunet", out) == 2 * len(train.images) + len(held.images) + len(
        test.images
    )
    table = pd.read_csv(out / "cases.csv", dtype=str).set_index("name")
    (split,) = json.loads((out / "splits_final.json").read_text())
    assert sorted(split["train"] + split["val"]) == sorted(table.index[table.role == "Tr"])
    assert not set(table.patient[split["train"]]) & set(table.patient[split["val"]])
    assert set(table.patient[split["val"]]) == set(held.patients)
    assert (table.synthetic[split["val"]] == "False").all()
    assert set(table.patient[table.role == "Ts"]) == set(test.patients)
    assert not set(table.patient[table.role == "Ts"]) & set(table.patient[table.role == "Tr"])

    def hu(name, role="Tr"):
        voxels = nib.load(out / f"images{role}" / f"{name}_0000.nii.gz")
        assert voxels.get_data_dtype() == np.int16
        return np.asarray(voxels.dataobj)[..., 0].T

    window = train.images[2].numpy() / 2.55
    assert np.abs(hu("real_00003") - window).max() <= 0.5001
    # the copy of this test is the negative of its slice, in the same window
    assert np.abs(hu("copy1_00003") + hu("real_00003") - 100).max() <= 1
    label = nib.load(out / "labelsTr" / "copy1_00003.nii.gz")
    assert np.array_equal(np.asarray(label.dataobj)[..., 0].T, train.labels[2])
    dataset = json.loads((out / "dataset.json").read_text())
    assert dataset["numTraining"] == len(list((out / "imagesTr").iterdir()))
    listed = load_decathlon_datalist(str(out / "datalist.json"), True, "validation")
    assert len(listed) == len(held.images)


def test_arms_that_cannot_be_written_are_refused(run, tmp_path):
    for name in ("online", "gan_online"):
        with pytest.raises(UserError, match=f"The arm {name} makes new copies at every step"):
            export.arm(run[0], ARM._replace(what=name), "nifti", tmp_path / "out")
    with pytest.raises(UserError, match="single slices, which --as dicom cannot hold"):
        export.arm(run[0], ARM, "dicom", tmp_path / "out")


def test_a_model_is_that_of_the_chosen_epoch_and_its_card_has_the_run_s_numbers(run, tmp_path):
    config, _ = run
    job = Job("selection", "lcgan", 1.0)
    # the store says that it was made up, which may mean people
    assert model.generator(config, job, tmp_path / "ich", None, preview=False)
    told = Painter.from_pretrained(tmp_path / "ich").description
    assert told.candidate == 2 and told.lesions == TWO
    assert told.trained.fingerprint == plan.fingerprint(config, job)
    text = (tmp_path / "ich" / "README.md").read_text()
    assert "trained on scans of people" in text and "| fcn_score_full | 0.25 | 0.1 | 0.25 |" in text
    assert "| pixels | 0.123 | 0.100 to 0.200 | 9 |" in text
    assert not (tmp_path / "ich" / "preview.png").exists()
    model.generator(config, job, tmp_path / "first", 1, preview=True)
    assert Painter.from_pretrained(tmp_path / "first").description.candidate == 1
    assert (tmp_path / "first" / "preview.png").exists()
    with pytest.raises(UserError, match="--epoch 7 was not kept; lcgan has 1, 2"):
        made.generator(config, job, 7)


@pytest.mark.parametrize(
    ("people", "terms", "wanted", "absent"),
    [
        (False, {}, "simulated patients; nobody's scan", "trained on scans of people"),
        (True, {"publish": "numbers", "citation": "Doe 2020"}, "Doe 2020", "simulated"),
        (True, {"publish": "numbers"}, "neither this network nor what it paints", "simulated"),
    ],
)
def test_a_card_says_whose_scans_these_were(people, terms, wanted, absent, tmp_path):
    folder, _ = generator_model(tmp_path)
    told = Painter.from_pretrained(folder).description
    told = told.model_copy(update={"trained": facts(people, terms=terms)})
    text = card.text(Made(folder, told), "x")
    assert wanted in text and absent not in text
    assert "not for diagnosis" in text
