"""A bundle is whole or not there, and says what made it."""

import json
import shutil

import nbformat
import numpy as np
import pandas as pd
import pytest

from lcgan_core.book import build, bundle
from lcgan_core.book.figures import pictures
from lcgan_core.book.pages import viewers, write
from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job, jobs
from lcgan_core.stages import augmentation

QUICK = artefacts.REPOSITORY / "results" / "quick"
FACTS = json.loads((QUICK / "provenance.json").read_text())["run"]


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """A run of `quick` with all its jobs done and the committed results; its pictures are empty."""
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))
    config = profiles.load("quick")

    def compute(job, work):
        if job.stage == "evaluation":
            for name in bundle.OF_EVALUATION:
                shutil.copyfile(QUICK / f"{name}.csv", work / f"{name}.csv")
            (work / "run.json").write_text(json.dumps(FACTS))
        if job.stage == "selection":
            for name in (*bundle.OF_SELECTION, "neighbours"):
                pd.DataFrame({"epoch": [job.fraction * 8]}).to_csv(
                    work / f"{name}.csv", index=False
                )

    for job in jobs(config):
        artefacts.ensure(config, job, lambda work, job=job: compute(job, work))
    (tmp_path / "runs" / "quick" / "notebooks").mkdir()
    for job in build.STAGE_PAGES:
        notebook = nbformat.v4.new_notebook(metadata={"papermill": {"input_path": "/x"}})
        notebook.cells = [
            nbformat.v4.new_code_cell(
                "a = 1", metadata={"tags": ["injected-parameters"], "papermill": {}}
            )
        ]
        nbformat.write(notebook, build.executed(config, job))
    monkeypatch.setattr(pictures, "write", lambda config, out: (out / "fig6.png").write_text("x"))
    monkeypatch.setattr(viewers, "collect", lambda config, out: (out / "fig6.webp").write_text("x"))
    monkeypatch.setattr(
        augmentation, "lesion_densities", lambda *_: pd.DataFrame({"real": [1.0, np.nan]})
    )
    return config


def test_a_finished_run_is_collected_with_a_row_a_job(finished, tmp_path):
    made = bundle.collect(finished, tmp_path / "results" / "quick")
    record = bundle.opened(made)
    assert record["run"] == FACTS
    assert record["changes"] == []
    assert set(record["files"]) == {
        "results.csv", "draws.csv", "differences.csv", "by_size.csv", "sensitivity.csv",
        "claims.csv", "candidates.csv", "memorisation.csv", "kernel_distance.csv",
        "neighbours.csv", "densities.csv", "runs.csv", "fig6.png", "fig6.webp",
        "notebooks/01_cohort.ipynb",
        "notebooks/02_training.ipynb", "notebooks/03_selection.ipynb",
        "notebooks/04_augmentation.ipynb", "notebooks/05_segmentation.ipynb",
        "notebooks/06_evaluation.ipynb",
    }  # fmt: skip
    table = pd.read_csv(made / "runs.csv").set_index("job")
    assert len(table) == 35
    both = table.loc["segmentation/0.25-both"]
    assert both.inputs == "cohort/all augmentation/0.25-gan augmentation/0.25-traditional"
    stored = artefacts.provenance(artefacts.folder(finished, Job("segmentation", 0.25, "both")))
    assert both.fingerprint == stored["fingerprint"]
    candidates = pd.read_csv(made / "candidates.csv")
    assert candidates.fraction.tolist() == [0.125, 0.25, 0.5, 1.0]
    assert candidates.epoch.tolist() == [1, 2, 4, 8]


def test_published_notebooks_name_no_machine(finished, tmp_path):
    made = bundle.collect(finished, tmp_path / "results" / "quick")
    notebook = nbformat.read(made / "notebooks" / "05_segmentation.ipynb", as_version=4)
    assert "papermill" not in json.dumps(notebook)
    assert notebook.cells[0].metadata.tags == ["injected-parameters", "hide-input"]


def test_published_notebooks_name_no_folder_of_patients(tmp_path):
    config = profiles.load("quick", cohort=str(tmp_path / "ann"))
    given = nbformat.v4.new_code_cell(
        f'cohort = "{tmp_path}/ann"', metadata={"tags": ["injected-parameters"]}
    )
    clean = bundle.nameless(nbformat.v4.new_notebook(cells=[given]), config)
    assert clean.cells[0].source == 'cohort = "own head CTs"'


def test_an_unfinished_run_leaves_what_was_published(finished, tmp_path):
    made = bundle.collect(finished, tmp_path / "results" / "quick")
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    shutil.rmtree(artefacts.folder(finished, Job("segmentation", 0.25, "both")))
    said = r"not finished, 1 of its 35 jobs are missing .* first segmentation/0\.25-both; run `make"
    with pytest.raises(UserError, match=said):
        bundle.collect(finished, made)
    assert before == {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}


def test_an_error_while_collecting_leaves_what_was_published(finished, tmp_path, monkeypatch):
    made = bundle.collect(finished, tmp_path / "results" / "quick")
    before = (made / bundle.PROVENANCE).read_bytes()

    def full(config, out):
        raise OSError("the disk is full")

    monkeypatch.setattr(pictures, "write", full)
    with pytest.raises(OSError, match="full"):
        bundle.collect(finished, made)
    assert (made / bundle.PROVENANCE).read_bytes() == before
    assert [path.name for path in made.parent.iterdir()] == ["quick"]


def test_a_run_that_is_not_its_profile_says_what_was_cut():
    arms = ["original", "gan", "traditional", "both", "online"]
    config = profiles.load("compact", arms=arms, draws=1, lcgan_snapshots=[10, 20], seed=7)
    assert bundle.changes(config) == [
        "`arms` leaves out duplicate2, duplicate3, traditional3, both_equal_steps, copy_paste, "
        "l1_only.",
        "`draws` is 1, 1, 1, 1 instead of 3, 3, 1, 1.",
        "`lcgan_snapshots` leaves out 40.",
        "`seed` is 7 instead of 2020.",
        "18 of the profile's 74 segmentation networks were trained.",
    ]
    assert "18 of the profile's 74" in write.run_note(FACTS, bundle.changes(config))


@pytest.fixture
def small(tmp_path):
    """The smallest bundle: two files and their hashes."""
    made = tmp_path / "results" / "small"
    made.mkdir(parents=True)
    (made / "results.csv").write_text("fraction,value\n0.25,0.5\n1,0.6\n")
    (made / "fig6.png").write_bytes(b"x")
    (made / bundle.PROVENANCE).write_text(json.dumps({"bundle": bundle.VERSION}))
    bundle.seal(made)
    return made


DAMAGES = {
    "a missing picture": (lambda made: (made / "fig6.png").unlink(), "fig6.png is missing"),
    "a missing row": (
        lambda made: (made / "results.csv").write_text("fraction,value\n0.25,0.5\n"),
        "results.csv is not as it was written",
    ),
    "no provenance": (
        lambda made: (made / bundle.PROVENANCE).unlink(),
        "provenance.json is missing or damaged",
    ),
    "half a provenance": (
        lambda made: (made / bundle.PROVENANCE).write_text('{"files": {'),
        "provenance.json is missing or damaged",
    ),
}


def test_a_bundle_of_another_version_is_refused(small):
    record = json.loads((small / bundle.PROVENANCE).read_text()) | {"bundle": 1}
    (small / bundle.PROVENANCE).write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"collected by another version of lcgan.* `lcgan publish`"):
        bundle.opened(small)


@pytest.mark.parametrize("case", DAMAGES)
def test_a_broken_bundle_is_told_and_the_last_book_stays(case, small, tmp_path, monkeypatch):
    damage, sentence = DAMAGES[case]
    monkeypatch.setattr(bundle, "RESULTS", small.parent)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    last = tmp_path / "_build" / "book" / "published-small" / "index.html"
    last.parent.mkdir(parents=True)
    last.write_text("the last book")
    assert bundle.opened(small)["files"].keys() == {"results.csv", "fig6.png"}
    damage(small)
    with pytest.raises(UserError) as told:
        build.render("small")
    said = str(told.value)
    assert sentence in said
    assert "git checkout" in said
    assert "\n" not in said
    assert [path for path in last.parent.rglob("*")] == [last]


def test_compact_is_rendered_where_it_is_published_else_the_last(small, monkeypatch):
    monkeypatch.setattr(bundle, "RESULTS", small.parent)
    shutil.copytree(small, small.with_name("later"))
    for name, when in (("small", "2026-01-02 00:00 UTC"), ("later", "2026-01-03 00:00 UTC")):
        made = small.with_name(name)
        record = json.loads((made / bundle.PROVENANCE).read_text()) | {"finished": when}
        (made / bundle.PROVENANCE).write_text(json.dumps(record))
    assert bundle.published().name == "later"
    assert bundle.published("small").name == "small"
    shutil.copytree(small, small.with_name("compact"))
    assert bundle.published().name == "compact"
    with pytest.raises(UserError, match="No run 'paper' is published .*; there: "):
        bundle.published("paper")
