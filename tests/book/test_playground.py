"""The playground: made of simulated heads with weights, refusing others, else leaving no trace."""

import json
import shutil

import numpy as np
import pytest
import torch
import yaml

from lcgan_core.book import build, bundle, places, weights
from lcgan_core.book.contents import Bundle
from lcgan_core.book.pages import playground
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.synthesis import Painter, description
from lcgan_core.training import checkpoint
from tests.book.models import model, network


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(places.RESULTS / "quick", tmp_path / "quick")
    return tmp_path / "quick"


def opened(folder) -> Bundle:
    bundle.seal(folder)
    return bundle.opened(folder)


def saved(folder, fraction=0.5, patients=24, **others):
    return model(folder / weights.FOLDER / f"{fraction:g}", fraction, patients, **others)


def test_a_published_model_paints_as_in_whole_precision(tmp_path):
    """Half precision moves grey levels by less than one; HU of a grey level are .4 apart."""
    place = saved(tmp_path)
    labels = np.zeros((1, 128, 128), np.uint8)
    labels[0, 50:70, 60:80] = 1
    whole = model(tmp_path / "whole", 0.5, 24, half=False)
    a, b = (Painter.from_pretrained(where).paint(labels) for where in (place, whole))
    assert np.abs(a.astype(int) - b).max() <= 1
    sizes = [sum(f.stat().st_size for f in where.glob("*.safetensors")) for where in (place, whole)]
    assert 0.45 < sizes[0] / sizes[1] < 0.6


def test_the_page_s_weights_are_the_model_s(tmp_path):
    place = saved(tmp_path)
    text = weights.script(place)
    said = json.loads(text[text.index(" = ") + 3 :].rstrip(";\n"))
    expected = network(description.read(place).config).state_dict()
    assert [name for name, _ in said["names"]] == list(expected)


def test_a_run_without_weights_has_no_playground(folder):
    assert set(playground.texts(opened(folder)).values()) == {""}


def test_generators_are_offered_from_few_to_many_patients(folder):
    for fraction, patients in ((1.0, 48), (0.125, 6), (0.5, 24)):
        saved(folder, fraction, patients)
    text = playground.texts(opened(folder))["playground"]
    places_of = [text.index(f"<span>{patients}</span>") for patients in (6, 24, 48)]
    assert places_of == sorted(places_of)


def test_networks_of_scans_of_people_are_never_offered(folder):
    saved(folder)
    whole = opened(folder)
    assert weights.folders(whole)
    facts = {**whole.facts, "cohort": "c0ffee"}
    assert not weights.folders(Bundle(folder, {**whole.record, "run": facts}))
    assert not weights.folders(Bundle(folder, {**whole.record, "pictures": False}))


@pytest.mark.parametrize(
    "other", [{"size": 64}, {"classes": Classes(FIVE.names[::-1], FIVE.titles[::-1])}]
)
def test_models_for_other_slices_are_refused(folder, other):
    place = saved(folder, **other)
    with pytest.raises(UserError, match="for other slices") as refusal:
        playground.texts(opened(folder))
    assert str(place) in str(refusal.value)


def _bytes(place):
    next(place.glob("*.safetensors")).write_bytes(b"<script>alert(1)</script>")


def _other_tensors(place):
    told = (place / description.NAME).read_text()
    path = next(place.glob("*.safetensors"))
    checkpoint.write({"generator/weight": torch.zeros(2)}, path, {description.KEY: told})


def _other_width(place):
    for path in (place / description.NAME, *place.glob("*.safetensors")):
        path.write_bytes(path.read_bytes().replace(b'"width": 1,', b'"width": 2,'))


def _markup(place):
    for path in (place / description.NAME, *place.glob("*.safetensors")):
        path.write_bytes(path.read_bytes().replace(b"intraparenchymal", b"<b>parenchymal<b"))


@pytest.mark.parametrize("plant", [_bytes, _other_tensors, _other_width, _markup])
def test_what_is_no_generator_is_refused(folder, plant):
    place = saved(folder)
    plant(place)
    with pytest.raises(UserError, match="holds what no page may show") as refusal:
        opened(folder)
    assert str(place) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_book_without_weights_has_all_other_pages(tmp_path):
    (tmp_path / "book").mkdir()
    for name in ("_toc.yml", "book/playground.md"):
        shutil.copyfile(places.ROOT / name, tmp_path / name)
    build._without(tmp_path, "book/playground")
    before, after = (
        json.dumps(yaml.safe_load((place / "_toc.yml").read_text()))
        for place in (places.ROOT, tmp_path)
    )
    assert before.replace('{"file": "book/playground"}, ', "") == after != before
    assert not (tmp_path / "book" / "playground.md").exists()
