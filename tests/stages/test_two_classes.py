"""A store of two classes, neither of them in the paper's order, through all six stages."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import PAPER
from lcgan_core.run import artefacts, plan
from lcgan_core.run.plan import Job
from lcgan_core.stages import cohort
from lcgan_core.training.encoding import encode_mask

from .heads import MM, TWO, bleeds, write_store

CONTROLS = ("duplicate2", "copy_paste", "l1_only", "online")
SMALL = {
    "image_size": 64, "fractions": [0.5, 1.0], "lcgan_width": 2, "lcgan_snapshots": [1, 2],
    "segmentation_width": 2, "segmentation_steps": 8, "realism_steps": 1,
    "evaluation_resamples": 20, "arms": [*PAPER, *CONTROLS], "controls_up_to": 0.5,
    "cohort_test_share": 0.25,
}  # fmt: skip
BLACK, RED, BLUE = (0, 0, 0), (224, 0, 20), (20, 60, 255)
"""As people see the classes."""
NAMES = {"PHE", "IPH"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of every stage, and its configuration."""
    place = tmp_path_factory.mktemp("two")
    labels, hu = bleeds(8)
    store = write_store(place / "store", 8, classes=TWO, slices=4, labels=labels, hu=hu)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCGAN_RUNS", str(place / "runs"))
        config = profiles.load("quick", cohort=str(store), **SMALL)
        artefacts.make(config)
        yield config, artefacts.run_folder(config)


def subset(config, fraction):
    return cohort.training_slices(config, artefacts.folder(config, plan.COHORT), fraction)


def test_every_job_is_done(run):
    config, _ = run
    assert {artefacts.state(config, job) for job in plan.jobs(config)} == {"done"}


def test_networks_have_two_classes_and_a_background(run):
    config, folder = run
    for name in ("training/1-judge", "segmentation/0.5-both", "segmentation/1-original"):
        weights = load_file(folder / name / "weights.safetensors")
        (bias,) = (value for key, value in weights.items() if key.endswith("score_fc7.bias"))
        assert bias.shape == (3,), name
    for made in (folder / "segmentation").iterdir():
        if made.is_dir():
            assert np.load(made / "predictions.npy").max() <= 2


def test_a_mask_is_encoded_in_the_colours_or_channels_of_two_classes():
    labels = torch.tensor([[[0, 1], [2, 0]]])
    rgb = (encode_mask(labels, "rgb", 2)[0].flatten(1).T + 1) * 127.5
    assert rgb.round().int().tolist() == [[0, 0, 0], [230, 60, 60], [70, 130, 255], [0, 0, 0]]
    onehot = encode_mask(labels, "onehot", 2)[0]
    assert torch.equal(onehot.argmax(0), labels[0]) and onehot.shape[0] == 3


@pytest.mark.parametrize(("encoding", "mask", "image"), [("rgb", 3, 3), ("onehot", 3, 1)])
def test_the_gan_takes_as_many_channels_as_the_encoding_has(run, encoding, mask, image):
    config, _ = run
    own = profiles.load(
        "quick", **SMALL | {"cohort": config.cohort.source, "lcgan_mask_encoding": encoding}
    )
    paint = Job("augmentation", "gan", 1.0)
    artefacts.make(own, paint)
    trained = artefacts.folder(own, Job("training", "lcgan", 1.0))
    weights = load_file(trained / "generator-1.safetensors")
    shapes = {name.partition("/")[2]: value.shape for name, value in weights.items()}
    assert shapes["encoder.0.weight"][1] == mask
    assert shapes["image.1.weight"][1] == image
    painted = artefacts.folder(own, paint)
    images, labels = (np.load(painted / f"{name}.npy") for name in ("images", "labels"))
    assert images.shape == labels.shape and set(np.unique(labels)) == {0, 1, 2}
    assert np.array_equal(labels, subset(own, 1.0).labels)


def test_candidates_are_scored_and_one_is_chosen(run):
    config, folder = run
    for generator in ("lcgan", "l1_only"):
        made = folder / "selection" / f"0.5-{generator}"
        table = pd.read_csv(made / "candidates.csv")
        assert table.epoch.tolist() == [1, 2]
        assert table.chosen.sum() == 1
        # the table is of the images' scores
        images = pd.read_csv(made / "images.csv")
        assert len(images) == 2 * len(subset(config, 0.5).images)
        by_epoch = images.groupby("epoch")
        for column in ("fcn_score_full", "fcn_score_subset", "sharpness_laplacian"):
            assert by_epoch[column].mean().tolist() == pytest.approx(table[column].tolist())
        passes = (images.probability_real >= config.realism.threshold).groupby(images.epoch).mean()
        assert passes.tolist() == pytest.approx(table.realism_share.tolist())
        shown = {path.stem.split("-")[2] for path in made.glob("examples-*.npz")}
        assert shown <= NAMES
        for name in ("neighbours", "memorisation", "kernel_distance"):
            assert len(pd.read_csv(made / f"{name}.csv"))


def test_densities_are_of_the_two_classes(run):
    _, folder = run
    table = pd.read_csv(folder / "augmentation" / "0.5-gan" / "densities.csv", index_col="lesion")
    assert table.index.tolist() == ["PHE", "IPH"]
    # 20 and 70 HU, stored as one of 256 grey levels of a window of 100 HU
    assert table.real.tolist() == pytest.approx([20, 70], abs=100 / 255)
    assert (table.slices == len(subset(run[0], 0.5).images)).all()
    assert table.synthetic.notna().all()


def test_results_and_claims_are_of_the_two_classes(run):
    config, folder = run
    made = folder / "evaluation"
    results = pd.read_csv(made / "results.csv")
    assert set(results.lesion) == {"all", *NAMES}
    arms = results.groupby("fraction").arm.unique().map(set).to_dict()
    assert arms == {0.5: {*PAPER, *CONTROLS}, 1.0: set(PAPER)}
    for name in ("draws", "differences", "by_size", "sensitivity"):
        assert set(pd.read_csv(made / f"{name}.csv").lesion) == {"all", *NAMES}, name
    claims = pd.read_csv(made / "claims.csv")
    assert len(claims) and "paper" not in set(claims.source)
    assert claims.paper.isna().all()
    facts = json.loads((made / "run.json").read_text())
    assert facts["classes"] == TWO.to_json()
    assert facts["remarks"] == [
        f"At {share}% of the patients, a single validation patient picks the weights."
        for share in (50, 100)
    ]


def picture(folder, name):
    """(H, W) or (H, W, 3) uint8 of a picture of a viewer."""
    return np.array(Image.open(folder / "viewer" / name).convert("RGB"))


def grey(folder, name):
    found = picture(folder, name)
    assert (found == found[..., :1]).all()
    return found[..., 0]


def at(images, wanted):
    """The number of the slice that a picture shows."""
    (k,) = np.flatnonzero([np.array_equal(image, wanted) for image in images])
    return k


def masked(folder, name):
    """(H, W) labels from the colours of a mask."""
    found = picture(folder, name)
    labels = np.full(found.shape[:2], 9)
    for value, color in enumerate((BLACK, RED, BLUE)):
        labels[(found == color).all(-1)] = value
    return labels


def test_the_viewer_of_synthetic_slices_names_the_classes_and_shows_what_was_made(run):
    config, folder = run
    made = folder / "augmentation" / "0.5-gan"
    slices, painted = subset(config, 0.5), np.load(made / "images.npy")
    rows = pd.read_csv(made / "viewer" / "fig6.csv")
    assert rows.columns.tolist() == [
        "fraction", "lesion", "case", "area_cm2", "mask", "real", "synthetic",
    ]  # fmt: skip
    assert set(rows.lesion) == NAMES and set(rows.fraction) == {0.5}
    for row in rows.itertuples():
        k = at(slices.images.numpy(), grey(made, row.real))
        assert np.array_equal(grey(made, row.synthetic), painted[k])
        labels = masked(made, row.mask)
        assert np.array_equal(labels, slices.labels[k])
        area = (labels == TWO.labels[row.lesion]).sum() * MM**2 / 100
        assert row.area_cm2 == pytest.approx(area, rel=1e-5)
    figure = np.load(made / "fig6.npz")
    assert set(figure.files) == {"labels", "targets", "outputs"}


def test_the_viewer_of_candidates_names_the_classes_and_shows_the_scores(run):
    config, folder = run
    made = folder / "selection" / "0.5-lcgan"
    slices, scores = subset(config, 0.5), pd.read_csv(made / "images.csv")
    rows = pd.read_csv(made / "viewer" / "fig3.csv")
    assert rows.columns.tolist() == [
        "fraction", "lesion", "epoch", "chosen", "judge", "sharpness", "probability_real",
        "mask", "real", "synthetic",
    ]  # fmt: skip
    assert set(rows.lesion) == NAMES
    assert rows.groupby("lesion").epoch.unique().map(list).tolist() == [[1, 2]] * 2
    assert rows["mask"].str.startswith("fig3-0.5-").all()
    chosen = pd.read_csv(made / "candidates.csv").set_index("epoch").chosen
    painted = np.load(folder / "augmentation" / "0.5-gan" / "images.npy")
    for row in rows.itertuples():
        k = at(slices.images.numpy(), grey(made, row.real))
        assert np.array_equal(masked(made, row.mask), slices.labels[k])
        assert row.chosen == chosen[row.epoch]
        score = scores[(scores.epoch == row.epoch) & (scores.slice == slices.table["slice"][k])]
        assert row.judge == pytest.approx(score.fcn_score_full.item(), rel=1e-5)
        assert row.probability_real == pytest.approx(score.probability_real.item(), rel=1e-5)
        if row.chosen:  # what stage 3 judged is what stage 4 painted
            assert np.array_equal(grey(made, row.synthetic), painted[k])


def test_the_viewer_of_transformed_copies_shows_what_was_made(run):
    config, folder = run
    made = folder / "augmentation" / "0.5-traditional"
    slices = subset(config, 0.5)
    images, labels = (np.load(made / f"{name}.npy") for name in ("images", "labels"))
    rows = pd.read_csv(made / "viewer" / "fig5.csv")
    assert rows.columns.tolist() == [
        "case", "angle", "scale", "shear", "blur", "gain", "original", "original_mask", "copy",
        "copy_mask",
    ]  # fmt: skip
    assert 2 <= len(rows) <= 6 and rows.case.tolist() == list(range(1, len(rows) + 1))
    for row in rows.itertuples():
        k = at(slices.images.numpy(), grey(made, row.original))
        assert np.array_equal(masked(made, row.original_mask), slices.labels[k])
        assert np.array_equal(grey(made, row.copy), images[k])
        assert np.array_equal(masked(made, row.copy_mask), labels[k])
    figure = np.load(made / "fig5.npz")
    assert figure["labels"].shape == (2, *figure["originals"].shape)


def test_pasted_lesions_are_of_the_two_classes(run):
    _, folder = run
    labels = np.load(folder / "augmentation" / "0.5-copy_paste" / "labels.npy")
    assert set(np.unique(labels)) == {0, 1, 2}
