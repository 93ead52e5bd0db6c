"""A bundle is whole or not there, and says what made it."""

import json
import shutil

import nbformat
import pandas as pd
import pytest

from lcgan_core.book import build, bundle, collect, contents, places
from lcgan_core.book.figures import pictures
from lcgan_core.book.pages import write
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts
from lcgan_core.run.plan import EVALUATION, Job, jobs
from tests.book import made


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A run of `quick` with all its jobs done; its figures are empty."""
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(collect, "DRAWN", {"fig6": lambda folder, classes: None})
    monkeypatch.setattr(
        pictures, "save", lambda figure, path: path.with_suffix(".png").write_text("x")
    )
    config = profiles.load("quick")
    made.finished(config)
    return config


@pytest.fixture
def collected(finished, tmp_path):
    return collect.collect(finished, tmp_path / "results" / "quick")


def test_a_finished_run_is_collected_with_a_row_per_job(finished, collected):
    opened = bundle.opened(collected)
    assert opened.record["changes"] == []
    there = {name for name in opened.record["files"] if not name.startswith("viewers/")}
    assert there == {
        "results.csv", "draws.csv", "differences.csv", "by_size.csv", "sensitivity.csv",
        "claims.csv", "training.csv", "candidates.csv", "memorisation.csv", "kernel_distance.csv",
        "neighbours.csv", "densities.csv", "real_slices.csv", "runs.csv", "fig6.png",
        "notebooks/01_cohort.ipynb",
        "notebooks/02_training.ipynb", "notebooks/03_selection.ipynb",
        "notebooks/04_augmentation.ipynb", "notebooks/05_segmentation.ipynb",
        "notebooks/06_evaluation.ipynb",
    }  # fmt: skip
    table = opened.table("runs").set_index("job")
    assert len(table) == len(jobs(finished))
    both = table.loc["segmentation/0.25-both"]
    assert both.inputs == "cohort/all augmentation/0.25-gan augmentation/0.25-traditional"
    folder = artefacts.folder(finished, Job("segmentation", "both", 0.25, segmenter="fcn8s"))
    assert both.fingerprint == artefacts.provenance(folder)["fingerprint"]
    evaluation = artefacts.folder(finished, EVALUATION)
    assert (collected / "results.csv").read_bytes() == (evaluation / "results.csv").read_bytes()


def test_selections_of_all_fractions_lie_in_one_table_with_their_keys(collected):
    candidates = pd.read_csv(collected / "candidates.csv")
    assert list(candidates.columns)[:4] == ["generator", "fraction", "draw", "epoch"]
    assert candidates.fraction.unique().tolist() == [0.125, 0.25, 0.5, 1.0]
    first = candidates[candidates.fraction == 0.25].iloc[0]
    assert (first.epoch, first.sharpness_laplacian) == (2, 10.25)
    real = pd.read_csv(collected / "real_slices.csv")
    assert real.sharpness_laplacian.tolist() == [777.4] * 4


def test_the_record_says_what_the_book_shows_and_from_where(collected):
    record = bundle.opened(collected).record
    assert record["shown_fraction"] == 0.5
    assert record["sources"]["fig3"] == "selection/0.25-lcgan"
    assert record["sources"]["densities"] == "augmentation/0.5-gan"
    assert record["pages"]["segmentation"] == ["segmentation/0.25-both"]
    assert record["pages"]["training"] == ["training/0.25-lcgan", "training/1-judge"]
    assert record["settings"]["evaluation"]["evaluation_resamples"] == 300
    assert record["settings"]["training"]["lcgan_width"] == 8
    known = set(pd.read_csv(collected / "runs.csv").job)
    assert {*record["sources"].values(), *sum(record["pages"].values(), [])} <= known


def test_classes_and_segmenters_are_those_of_the_facts_else_the_paper_s(collected):
    opened = bundle.opened(collected)
    assert (opened.classes, opened.segmenters) == (FIVE, ["fcn8s"])
    two = Classes(("PHE", "IPH"), ("oedema", "intraparenchymal"))
    facts = {"classes": two.to_json(), "segmenters": ["unet", "fcn8s"]}
    other = contents.Bundle(collected, {"run": facts})
    assert (other.classes, other.segmenters) == (two, ["fcn8s", "unet"])
    assert contents.Bundle(collected, {"run": {}}).classes == FIVE


RESULTS = {
    "none": (lambda path: path.unlink(), "cannot be read as results"),
    "another table": (
        lambda path: path.write_text("a,b\n1,2\n"),
        "is not a results file: its columns are a, b",
    ),
    "of another run": (
        lambda path: path.write_text(path.read_text().replace("quick,", "paper,")),
        "is of the run 'paper', not of 'quick'",
    ),
    "without a row": (
        lambda path: path.write_text("".join(path.read_text().splitlines(True)[:-1])),
        "lacks 1 rows, the first of fcn8s, 1.0, both, types_found, all",
    ),
}


@pytest.mark.parametrize("case", RESULTS)
def test_results_that_are_none_or_lack_a_row_are_refused_in_a_sentence(case, collected):
    path = collected / "results.csv"
    assert len(contents.read_results(path, "quick")) == 16 * 34
    damage, sentence = RESULTS[case]
    damage(path)
    with pytest.raises(UserError, match="results.csv") as told:
        contents.read_results(path, "quick")
    assert sentence in str(told.value) and "\n" not in str(told.value)


def test_published_notebooks_name_no_machine(collected):
    notebook = nbformat.read(collected / "notebooks" / "05_segmentation.ipynb", as_version=4)
    assert "papermill" not in json.dumps(notebook)
    assert notebook.cells[0].metadata.tags == ["injected-parameters", "hide-input"]


def test_published_notebooks_name_no_folder_of_patients(tmp_path):
    config = profiles.load("quick", cohort=str(tmp_path / "ann"))
    given = nbformat.v4.new_code_cell(
        f'cohort = "{tmp_path}/ann"', metadata={"tags": ["injected-parameters"]}
    )
    clean = collect.nameless(nbformat.v4.new_notebook(cells=[given]), config)
    assert clean.cells[0].source == 'cohort = "own head CTs"'


def test_an_unfinished_run_leaves_what_was_published(finished, collected):
    before = {path: path.read_bytes() for path in collected.rglob("*") if path.is_file()}
    job = Job("segmentation", "both", 0.25, segmenter="fcn8s")
    shutil.rmtree(artefacts.folder(finished, job))
    said = (
        rf"not finished: 1 of its {len(jobs(finished))} jobs .* segmentation/0\.25-both; run `make"
    )
    with pytest.raises(UserError, match=said):
        collect.collect(finished, collected)
    assert before == {path: path.read_bytes() for path in collected.rglob("*") if path.is_file()}


def test_an_error_while_collecting_leaves_what_was_published(finished, collected, monkeypatch):
    before = (collected / contents.RECORD).read_bytes()

    def full(figure, path):
        raise OSError("the disk is full")

    monkeypatch.setattr(pictures, "save", full)
    with pytest.raises(OSError, match="full"):
        collect.collect(finished, collected)
    assert (collected / contents.RECORD).read_bytes() == before
    assert [path.name for path in collected.parent.iterdir()] == ["quick"]


def test_a_run_that_is_not_its_profile_says_what_was_cut():
    arms = ["original", "gan", "traditional", "both", "online"]
    config = profiles.load("compact", arms=arms, draws=1, lcgan_snapshots=[10, 20], seed=7)
    assert collect.changes(config) == [
        "`arms` leaves out duplicate2, duplicate3, copy_paste, geometry, permuted, oracle, "
        "inpaint, gan_last, gan_worst.",
        "`draws` is 1, 1, 1, 1 instead of 10, 8, 6, 1.",
        "`lcgan_snapshots` leaves out 40.",
        "`seed` is 7 instead of 2020.",
        "26 of the profile's 268 segmentation networks were trained.",
    ]


def test_the_note_on_every_page_says_what_was_cut_and_what_the_intervals_leave_out():
    record = json.loads((places.RESULTS / "quick" / contents.RECORD).read_text())
    note = write.run_note(record["run"], ["18 of the profile's 74 networks were trained."])
    assert "18 of the profile's 74" in note
    assert "They do not reflect variation between training runs." in note
    draws = record["run"] | {"draws": [[0.5, 3], [1.0, 1]]}
    assert "(3 draws at 50%). Where there is one draw, they do not" in write.run_note(draws, [])


@pytest.fixture
def small(tmp_path):
    """The smallest bundle: two files and their hashes."""
    made = tmp_path / "results" / "small"
    made.mkdir(parents=True)
    (made / "results.csv").write_text("fraction,value\n0.25,0.5\n1,0.6\n")
    (made / "fig6.png").write_bytes(b"x")
    (made / contents.RECORD).write_text(json.dumps({"bundle": contents.VERSION}))
    bundle.seal(made)
    return made


DAMAGES = {
    "a missing picture": (lambda made: (made / "fig6.png").unlink(), "fig6.png is missing"),
    "a missing row": (
        lambda made: (made / "results.csv").write_text("fraction,value\n0.25,0.5\n"),
        "results.csv is not as it was written",
    ),
    "no provenance": (
        lambda made: (made / contents.RECORD).unlink(),
        "provenance.json is missing or damaged",
    ),
    "half a provenance": (
        lambda made: (made / contents.RECORD).write_text('{"files": {'),
        "provenance.json is missing or damaged",
    ),
}


def test_a_bundle_of_another_version_is_refused(small):
    record = json.loads((small / contents.RECORD).read_text()) | {"bundle": 1}
    (small / contents.RECORD).write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"collected by another version of lcgan.* `lcgan publish`"):
        bundle.opened(small)


@pytest.mark.parametrize("case", DAMAGES)
def test_a_broken_bundle_is_told_and_the_last_book_stays(case, small, tmp_path, monkeypatch):
    damage, sentence = DAMAGES[case]
    monkeypatch.setattr(places, "RESULTS", small.parent)
    monkeypatch.setattr(places, "ROOT", tmp_path)
    last = tmp_path / "_build" / "book" / "published-small" / "index.html"
    last.parent.mkdir(parents=True)
    last.write_text("the last book")
    assert bundle.opened(small).record["files"].keys() == {"results.csv", "fig6.png"}
    damage(small)
    with pytest.raises(UserError) as told:
        build.render("small", "")
    said = str(told.value)
    assert sentence in said
    assert "git checkout" in said
    assert "\n" not in said
    left = {path.name for path in last.parent.rglob("*")}
    assert left == {last.name, "book.lock"} and last.read_text() == "the last book"


def test_compact_is_rendered_where_it_is_published_else_the_last(small, monkeypatch):
    monkeypatch.setattr(places, "RESULTS", small.parent)
    shutil.copytree(small, small.with_name("later"))
    for name, when in (("small", "2026-01-02 00:00 UTC"), ("later", "2026-01-03 00:00 UTC")):
        made = small.with_name(name)
        record = json.loads((made / contents.RECORD).read_text()) | {"finished": when}
        (made / contents.RECORD).write_text(json.dumps(record))
    assert bundle.published().name == "later"
    assert bundle.published("small").name == "small"
    shutil.copytree(small, small.with_name("compact"))
    assert bundle.published().name == "compact"
    with pytest.raises(UserError, match="No run 'paper' is published .*; available: "):
        bundle.published("paper")
