"""Publishing asks first, tells nobody where things lie, and leaves nothing but the bundle."""

import json
import os
import sys

import nbformat
import pytest

from lcgan_core import cli
from lcgan_core.book import bundle, collect, places
from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, locks
from lcgan_core.run.plan import EVALUATION
from tests.book import made
from tests.book.test_bundle import finished

__all__ = ["finished"]
SECRET = 'ann\'s "heads"\\x'
"""A folder whose name papermill escapes."""


@pytest.fixture
def publish(finished, tmp_path, monkeypatch, capfd):
    """`lcgan publish` of a run on somebody's head CTs, found by a link; how it ended."""
    real, link = tmp_path / "real" / SECRET, tmp_path / "link" / SECRET
    real.mkdir(parents=True)
    link.parent.symlink_to(real.parent)
    made.finished(profiles.load("quick", cohort=str(link)))
    monkeypatch.setattr(places, "RESULTS", tmp_path / "results")

    def run(*options):
        asked = ["publish", "--cohort", str(link), *options]
        monkeypatch.setattr(sys, "argv", ["lcgan", *asked])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0

    run.config = profiles.load("quick", cohort=str(link))
    return run


def test_slices_of_people_are_published_only_if_the_user_says_so(publish, tmp_path, monkeypatch):
    out = tmp_path / "results"
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert "with --yes (make publish YES=1); nothing was written" in publish()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(cli.typer, "confirm", lambda text, err: False)
    assert publish() == "lcgan: Nothing was written." and not out.exists()
    assert publish("--yes") == 0 and os.listdir(out) == ["quick"]
    monkeypatch.setattr(cli.typer, "confirm", lambda text, err: "of your head CTs" in text)
    assert publish() == 0


def test_numbers_alone_need_no_question(publish, tmp_path):
    path = artefacts.folder(publish.config, EVALUATION) / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"publish": "numbers"}))
    record = artefacts.provenance(path.parent)
    (path.parent / artefacts.PROVENANCE).write_text(json.dumps(record))
    assert publish() == 0 and not list((tmp_path / "results").rglob("*.webp"))


def parameters(**values):
    """A cell as papermill writes it."""
    from papermill.translators import PythonTranslator

    source = PythonTranslator.codify(values)
    return nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})


def test_no_path_given_to_a_notebook_is_published(tmp_path):
    config = profiles.load("quick", cohort=str(tmp_path / SECRET))
    weights = f"/home/{SECRET}/vgg16.pth"
    cell = parameters(
        profile=f"/home/{SECRET}/mine.yaml", cohort=f"/link/{SECRET}", seed=3, fraction=0.25,
        segmentation_weights=weights,
    )  # fmt: skip
    clean = collect.nameless(nbformat.v4.new_notebook(cells=[cell]), config)
    told = {}
    exec(clean.cells[0].source, told)
    assert told["cohort"] == "own head CTs" and (told["seed"], told["fraction"]) == (3, 0.25)
    assert (told["profile"], told["segmentation_weights"]) == ("mine.yaml", "vgg16.pth")


def test_the_folder_of_weights_is_nobody_s_business(tmp_path):
    weights = str(tmp_path / "helena" / "vgg16.pth")
    config = profiles.load("quick", segmentation_weights=weights)
    known = config.nameless()
    assert known["segmentation"]["weights"] == "vgg16.pth" and "helena" not in json.dumps(known)
    assert collect.changes(config) == ["`segmentation_weights` is vgg16.pth instead of none."]
    assert "helena" not in json.dumps(collect.settings(config))


@pytest.mark.parametrize("killed", [True, False])
def test_the_bundle_before_is_put_back_by_whoever_comes_next(finished, tmp_path, killed):
    out = collect.collect(finished, tmp_path / "results" / "quick")
    place = out.with_name(".quick.partial")
    if killed:
        place.mkdir()
        out.rename(place / "old")
        (place / "new").mkdir()
    with pytest.raises(KeyboardInterrupt), places.making(out) as (_, old):
        assert bundle.opened(out)
        out.rename(old)
        raise KeyboardInterrupt
    assert bundle.opened(out) and os.listdir(out.parent) == ["quick"]


def test_two_at_once_make_one_bundle(finished, tmp_path):
    out = tmp_path / "results" / "quick"
    with places.making(out), pytest.raises(UserError, match="is being made by process"):
        collect.collect(finished, out)
    assert locks.holder(out.with_name(".quick.partial") / "lock") is None


def test_git_ignores_what_is_in_the_making():
    assert "results/.*/" in (artefacts.REPOSITORY / ".gitignore").read_text().splitlines()
