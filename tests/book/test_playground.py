"""The playground: made of simulated heads with weights, refusing others, else leaving no trace."""

import json
import shutil

import pytest
import torch
import yaml

from lcgan_core.book import build, bundle, places, weights
from lcgan_core.book.contents import Bundle
from lcgan_core.book.pages import playground
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE
from lcgan_core.training import checkpoint

ABOUT = weights.About(
    fraction=0.5, patients=24, classes=FIVE.names, width=1, image_size=128, mask_encoding="rgb",
    bottleneck_norm=True, synthesis_scale="matched",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(places.RESULTS / "quick", tmp_path / "quick")
    (tmp_path / "quick" / weights.FOLDER).mkdir(exist_ok=True)
    return tmp_path / "quick"


def opened(folder) -> Bundle:
    bundle.seal(folder)
    return bundle.opened(folder)


def saved(folder, about):
    path = folder / weights.FOLDER / f"{about.fraction:g}.safetensors"
    weights.save(path, about.network().float(), about)
    return path


def test_weights_are_read_as_they_were_saved_in_half_precision(tmp_path):
    network = ABOUT.network().float()
    weights.save(tmp_path / "0.5.safetensors", network, ABOUT)
    assert weights.about(tmp_path / "0.5.safetensors") == ABOUT
    read = weights.read(tmp_path / "0.5.safetensors")
    for name, tensor in network.state_dict().items():
        assert read[name].dtype == torch.float16
        # half a unit in the last of 11 bits
        assert torch.allclose(read[name].float(), tensor, rtol=2**-11, atol=2**-24)


def test_a_run_without_weights_has_no_playground(folder):
    assert set(playground.texts(opened(folder)).values()) == {""}


def test_generators_are_offered_from_few_to_many_patients(folder):
    for fraction, patients in ((1.0, 48), (0.125, 6), (0.5, 24)):
        saved(folder, ABOUT.model_copy(update={"fraction": fraction, "patients": patients}))
    text = playground.texts(opened(folder))["playground"]
    places_of = [text.index(f"<span>{patients}</span>") for patients in (6, 24, 48)]
    assert places_of == sorted(places_of)


def test_networks_of_scans_of_people_are_never_offered(folder):
    saved(folder, ABOUT)
    whole = opened(folder)
    assert playground.files(whole)
    facts = {**whole.facts, "cohort": "c0ffee"}
    assert not playground.files(Bundle(folder, {**whole.record, "run": facts}))
    assert not playground.files(Bundle(folder, {**whole.record, "pictures": False}))


@pytest.mark.parametrize("other", [{"image_size": 64}, {"classes": FIVE.names[::-1]}])
def test_weights_for_other_slices_are_refused(folder, other):
    path = saved(folder, ABOUT.model_copy(update=other))
    with pytest.raises(UserError, match="for other slices") as refusal:
        playground.texts(opened(folder))
    assert str(path) in str(refusal.value)


def _bytes(path):
    path.write_bytes(b"<script>alert(1)</script>")


def _other_tensors(path):
    checkpoint.save(path, {"generator": torch.nn.Linear(2, 2)}, {}, ABOUT.model_dump())


def _other_width(path):
    about = ABOUT.model_copy(update={"width": 2})
    checkpoint.save(path, {"generator": ABOUT.network()}, {}, about.model_dump())


def _no_notes(path):
    checkpoint.save(path, {"generator": ABOUT.network()}, {}, {})


def _markup(path):
    notes = ABOUT.model_dump() | {"classes": ["<b>", *FIVE.names[1:]]}
    checkpoint.save(path, {"generator": ABOUT.network()}, {}, notes)


@pytest.mark.parametrize("plant", [_bytes, _other_tensors, _other_width, _no_notes, _markup])
def test_what_is_no_generator_is_refused(folder, plant):
    path = folder / weights.FOLDER / "0.5.safetensors"
    plant(path)
    with pytest.raises(UserError, match="holds what no page may show") as refusal:
        opened(folder)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


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
