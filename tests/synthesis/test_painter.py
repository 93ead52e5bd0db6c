"""Models that describe themselves: what every method paints and outlines, and what is refused."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lcgan_core.cohort.store import SliceStore
from lcgan_core.cohort.windows import to_hu, to_window
from lcgan_core.errors import UserError
from lcgan_core.generators.base import generator
from lcgan_core.protocol import methods
from lcgan_core.synthesis import Outliner, Painter

from ..segmenters.lite_weights import made_up
from ..stages.heads import TWO
from ..takeaway.trained import config_of, generator_model, segmenter_model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def model(place):
    return generator_model(place)[0]


@pytest.fixture
def labels(place):
    config_of(place)
    store = SliceStore.open(place / "store")
    return np.array(store.labels[store.labels.any((1, 2))])[:5]


@pytest.mark.parametrize("name", [n for n in methods.GENERATORS if n not in methods.INTO_PATIENTS])
def test_every_generator_paints_from_its_folder_alone_what_it_paints_in_its_run(
    name, tmp_path, labels
):
    folder, training = generator_model(tmp_path, name)
    images = Painter.from_pretrained(folder).paint(labels, seed=3)
    assert images.dtype == np.int16 and images.shape == labels.shape
    method = generator(name, config_of(tmp_path), 64, len(TWO))
    candidate = Painter.from_pretrained(folder).description.candidate
    expected = to_hu(method.paint(training, candidate, torch.from_numpy(labels), 3)).numpy()
    assert np.array_equal(images, expected)
    # only the weights of its own candidate travel
    assert len(list(folder.glob("*.safetensors"))) < len(list(training.glob("*.safetensors"))) or (
        len(list(training.glob("*.safetensors"))) == 1
    )


@pytest.mark.parametrize("name", methods.SEGMENTERS)
def test_every_segmenter_outlines_from_its_folder_alone(name, tmp_path, monkeypatch):
    made_up(tmp_path / "packages", monkeypatch)
    folder, method = segmenter_model(tmp_path, name)
    store = SliceStore.open(tmp_path / "store")
    hu = np.array(store.hu[:6])
    found = Outliner.from_pretrained(folder).outline(hu)
    assert np.array_equal(found, method.segment(torch.from_numpy(to_window(hu))).numpy())


def test_a_saved_painter_paints_the_same(model, labels, tmp_path):
    painter = Painter.from_pretrained(model)
    painter.save_pretrained(tmp_path / "copy")
    again = Painter.from_pretrained(tmp_path / "copy")
    assert again.description == painter.description
    given = torch.from_numpy(labels)
    assert torch.equal(again.paint(given), painter.paint(given))


def changed(model, folder, change):
    """A copy of a model whose config.json is changed."""
    shutil.copytree(model, folder)
    told = json.loads((folder / "config.json").read_text())
    change(told)
    (folder / "config.json").write_text(json.dumps(told))
    return folder


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t["profile"]["lcgan"].update(width=4), "says profile.lcgan.width = 4, but"),
        (lambda t: t["profile"]["window"].update(level=40.0), "says profile.window.level = 40.0"),
        (lambda t: t.update(candidate=1), "says candidate = 1, but the weights .* with 2"),
        (lambda t: t.update(format=99, lcgan_core="9.0"), "was written by lcgan-core 9.0, this is"),
        (lambda t: t.pop("hu"), "cannot be read .hu: Field required."),
    ],
    ids=["width", "window", "epoch", "newer", "incomplete"],
)
def test_a_description_that_does_not_fit_is_named_and_the_network_never_called_damaged(
    model, tmp_path, change, sentence
):
    with pytest.raises(UserError, match=sentence) as refusal:
        Painter.from_pretrained(changed(model, tmp_path / "m", change))
    assert "damaged" not in str(refusal.value)


def test_damaged_weights_are_called_so(model, tmp_path):
    shutil.copytree(model, tmp_path / "m")
    (weights,) = (tmp_path / "m").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match=re.escape(f"{weights} is damaged")):
        Painter.from_pretrained(tmp_path / "m")


def test_weights_without_a_description_and_folders_that_are_no_model(model, tmp_path):
    shutil.copytree(model, tmp_path / "m")
    (weights,) = (tmp_path / "m").glob("*.safetensors")
    save_file(load_file(weights), weights)
    with pytest.raises(UserError, match="does not describe itself"):
        Painter.from_pretrained(tmp_path / "m")
    with pytest.raises(UserError, match="is no model: it has no config.json"):
        Painter.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.zeros((64, 64), np.uint8), r"shape \(64, 64\) are refused; give an array \(N, H, W\)"),
        (np.zeros((1, 128, 128), np.uint8), "128 x 128 pixels are refused; this model paints 64"),
        (np.full((1, 64, 64), 3), "other labels than 0 and 1 PHE, 2 IPH"),
        (np.zeros((1, 64, 64)), "other labels than 0"),
        ([[1]], "shape list are refused"),
    ],
)
def test_masks_that_do_not_fit_are_refused(model, given, sentence):
    with pytest.raises(UserError, match=sentence):
        Painter.from_pretrained(model).paint(given)


def test_another_role_and_another_folder_are_refused(model, tmp_path):
    with pytest.raises(UserError, match="is a generator and cannot outline"):
        Outliner.from_pretrained(model)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("dear")
    with pytest.raises(UserError, match="holds something else"):
        Painter.from_pretrained(model).save_pretrained(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "dear"
