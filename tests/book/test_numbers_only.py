"""A run on scans that may not be shown is published as numbers; nobody's pixel leaves with them."""

import base64
import copy
import json
import re
from types import SimpleNamespace

import nbformat
import pytest

from lcgan_core.book import bundle, collect, contents, numbers_only, places
from lcgan_core.book.figures import pictures
from lcgan_core.book.pages import write
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, pages, plan
from lcgan_core.run.plan import EVALUATION
from tests.book import made
from tests.regression import shown
from tests.stages.heads import TWO

CITATION = "119 people of PHE-SICH-CT-IDS"
PICTURE = base64.b64encode(b"\x89PNG picture").decode()
OUTPUTS = {
    "a picture": nbformat.v4.new_output(
        "display_data", {"image/png": PICTURE, "text/plain": "<Figure>"}
    ),
    "a picture in HTML": nbformat.v4.new_output(
        "display_data", {"text/html": f'<td><img src="data:image/png;base64,{PICTURE}"></td>'}
    ),
    "a table": nbformat.v4.new_output(
        "execute_result", {"text/html": "<table><td>.5</td></table>"}
    ),
    "words": nbformat.v4.new_output("stream", text="24 test patients"),
}
WORDS = ("a table", "words")
NETWORKS = ("generator-12.safetensors", "model.safetensors", "checkpoint.safetensors", "model.onnx")
WEIGHTS = b"weights of a network"
NOT_OF_THE_BOOK = {
    "a drawing": nbformat.v4.new_output("execute_result", {"text/html": "<svg><path/></svg>"}),
    "a file": nbformat.v4.new_output("display_data", {"application/octet-stream": PICTURE}),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of a store that says `publish: numbers`: its bundle at home, the published
    one, and the texts of the published book."""
    place = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCGAN_RUNS", str(place / "runs"))
        patch.setattr(pictures, "FORMATS", ("png",))  # to save time
        config = profiles.load(
            "quick", fractions=[0.25, 1.0], cohort=str(place), evaluation_primary="PHE"
        )
        made.finished(config, TWO)
        facts = artefacts.folder(config, EVALUATION) / "run.json"
        said = {"publish": "numbers", "citation": CITATION, "cohort": "own head CTs"}
        said["profile"] = "real"
        facts.write_text(json.dumps(json.loads(facts.read_text()) | said))
        notebook = pages.executed(config, "selection")
        cell = nbformat.v4.new_code_cell("show()", outputs=list(OUTPUTS.values()))
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
        for job in plan.jobs(config):
            for name in NETWORKS:
                (artefacts.folder(config, job) / name).write_bytes(WEIGHTS)
        home = bundle.opened(collect.collect(config, place / "home"))
        published = bundle.opened(collect.collect(config, place / "results", public=True))
        del said["publish"]
        facts.write_text(json.dumps(json.loads(facts.read_text()) | said | {"publish": ""}))
        allowed = bundle.opened(collect.collect(config, place / "allowed", public=True))
        write.write(published, place / "generated")
    texts = {path.stem: path.read_text() for path in (place / "generated").glob("*.md")}
    return SimpleNamespace(
        home=home, published=published, allowed=allowed, texts=texts, place=place
    )


def test_at_home_the_bundle_has_its_pictures(run):
    assert run.home.pictures
    assert {path.suffix for path in run.home.folder.rglob("*.*")} >= {".png", ".webp"}


def test_what_is_published_has_every_table_and_no_picture(run):
    names = {path.name for path in run.published.folder.rglob("*.*")}
    tables = {path.name for path in run.home.folder.glob("*.csv")}
    notebooks = {path.name for path in (run.home.folder / "notebooks").iterdir()}
    assert names == {*tables, *notebooks, contents.RECORD} and len(notebooks) == 6
    assert not run.published.pictures
    assert run.published.facts["citation"] == CITATION
    for name in tables:
        assert (run.published.folder / name).read_bytes() == (run.home.folder / name).read_bytes()


@pytest.mark.parametrize("name", ["home", "published", "allowed"])
def test_no_network_leaves_its_artefact_whether_or_not_the_scans_may_be_shown(run, name):
    """Weights may repeat parts of the scans that they were trained on."""
    made = getattr(run, name)
    assert made.pictures is (name != "published")
    files = [path for path in made.folder.rglob("*") if path.is_file()]
    assert not {path.name for path in files} & set(NETWORKS)
    assert [path for path in files if WEIGHTS in path.read_bytes()] == []
    assert not {".safetensors", ".onnx", ".pth", ".pt"} & {path.suffix for path in files}


def test_published_notebooks_keep_their_words(run):
    text = (run.published.folder / "notebooks" / "03_selection.ipynb").read_text()
    outputs = nbformat.reads(text, as_version=4).cells[0].outputs
    for (name, before), after in zip(OUTPUTS.items(), outputs, strict=True):
        if name in WORDS:
            assert after == before
        else:
            assert after.data == {"text/markdown": numbers_only.LEFT_OUT}, name
    assert PICTURE not in text


@pytest.mark.parametrize("name", NOT_OF_THE_BOOK)
def test_outputs_that_no_notebook_of_the_book_has_are_left_out_too(name):
    cell = nbformat.v4.new_code_cell("show()", outputs=[NOT_OF_THE_BOOK[name]])
    told = numbers_only.without_pictures(nbformat.v4.new_notebook(cells=[cell]))
    assert told.cells[0].outputs[0].data == {"text/markdown": numbers_only.LEFT_OUT}


def test_a_network_that_a_bundle_may_come_to_have_is_left_out(tmp_path):
    (tmp_path / "viewers").mkdir()
    for name in ("results.csv", "weights.safetensors", "labels.npy", "weights.js"):
        (tmp_path / name).write_text("")
    numbers_only.strip(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_pages_say_how_to_make_the_pictures_and_keep_tables_and_curves(run):
    sentence = "`make book PROFILE=real COHORT=folder`"
    for name in ("viewer_fig3", "viewer_fig5", "viewer_fig6", "closest"):
        assert sentence in run.texts[name] and "<img" not in run.texts[name]
    assert sentence in run.texts["run"] and CITATION in run.texts["run"]
    generated = {path.name for path in (run.place / "generated").iterdir()}
    assert {name for name in generated if name.endswith(".png")} == {
        "fig7.png", "forest.png", "neighbours.png", "gains.png",
    }  # fmt: skip
    offered = set(re.findall(r"<generated/([^.>]+)", "".join(run.texts.values())))
    assert offered <= {name.partition(".")[0] for name in generated}
    assert "<table" in run.texts["candidates"] and "<script" in run.texts["charts_fig7"]
    assert shown.complaints("\n".join(run.texts.values()), run.published.folder) == []


def test_the_first_page_tells_of_the_class_of_the_primary_outcome(run):
    results = run.published.table("results")
    cell = results[(results.metric == "dice_instance") & (results.lesion == "PHE")]
    alone = cell[(cell.arm == "original") & (cell.fraction == 0.25)].value.item()
    assert "the Dice of PHE per image" in run.texts["found_with_data"]
    assert f"{alone:.3f}"[1:] in run.texts["found_with_data"]
    assert "both kinds of copy raise the Dice of PHE per image" in run.texts["answer"]


def committed():
    """Published runs of scans that may not be shown."""
    found = [path.parent for path in places.RESULTS.glob(f"*/{contents.RECORD}")]
    return [folder for folder in found if not bundle.opened(folder).pictures]


def test_no_published_run_shows_scans_that_may_not_be_shown():
    for path in places.RESULTS.glob(f"*/{contents.RECORD}"):
        record = json.loads(path.read_text())
        assert not (record.get("pictures", True) and numbers_only.asked(record["run"])), path
    for folder in committed():
        for path in (path for path in folder.rglob("*") if path.is_file()):
            assert path.suffix in numbers_only.KEPT, path
            if path.suffix == ".ipynb":
                whole = nbformat.read(path, as_version=4)
                assert numbers_only.without_pictures(copy.deepcopy(whole)) == whole, path
