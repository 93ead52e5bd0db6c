"""The fuzz campaign finds what it is for, forgets nothing, and finds nothing today."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

from lcgan_core.errors import UserError
from lcgan_core.run.artefacts import REPOSITORY
from tools.fuzz import campaign, corpus, spoil
from tools.fuzz.campaign import FAILED, REFUSED, TAKEN
from tools.fuzz.kinds import KINDS, Kind

CASES, SEED = 1095, 25


@pytest.fixture(autouse=True)
def salt(monkeypatch, tmp_path):
    monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "salt"))


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    folder = tmp_path_factory.mktemp("right")
    corpus.make(folder)
    return folder


GIVEN = {
    "png": {"window": "40/80", "spacing": "0.5/5"},
    "tables": "1=EDH",
    "parameters": ("segmentation", ["seed=3"]),
    "public": corpus.PUBLIC[0],
    "paint": lambda folder: {"source": folder / "store"},
    "export": ("painted", "dicom"),
    "predict": "dicom",
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_cases_begin_from_is_taken(right, kind, tmp_path):
    shutil.copytree(right / kind, tmp_path / kind)
    given = GIVEN.get(kind)
    KINDS[kind].do(tmp_path / kind, given(tmp_path / kind) if callable(given) else given)


@pytest.mark.parametrize("form", corpus.PUBLIC)
def test_every_public_set_is_taken_as_it_is(right, form):
    KINDS["public"].do(right / "public", form)


@pytest.mark.parametrize("name", corpus.MASKS)
def test_every_kind_of_mask_is_painted(right, name, tmp_path):
    shutil.copytree(right / "paint", tmp_path / "paint")
    given = {"source": tmp_path / "paint" / name, "form": "nnunet", "spacing": "0.5/5"}
    KINDS["paint"].do(tmp_path / "paint", given)


def test_the_libraries_ship_files_to_begin_from():
    endings = Counter(path.suffix for path in corpus.installed())
    assert endings[".dcm"] > 50 and endings[".png"] > 5 and endings[".gz"] > 2


@pytest.mark.slow
def test_no_case_fails(right, tmp_path):
    """A thousand, of which `python -m tools.fuzz` has as many as there is time for."""
    found = list(campaign.run(SEED, range(CASES), right, tmp_path))
    assert [each for each in found if each.outcome == FAILED] == []
    assert Counter(each.kind for each in found) == dict.fromkeys(KINDS, CASES // len(KINDS))
    assert {TAKEN, REFUSED} == {each.outcome for each in found}


def test_a_case_follows_from_its_number(right, tmp_path):
    first, again = (campaign.outcome(SEED, 3, right, tmp_path) for _ in range(2))
    assert first._replace(seconds=0) == again._replace(seconds=0)


def hang(folder, given):
    time.sleep(600)


def crash(folder, given):
    os.kill(os.getpid(), signal.SIGKILL)


def swallow(folder, given):
    np.empty(2 * campaign.MEMORY, np.uint8)


def trip(folder, given):
    raise ZeroDivisionError


def mumble(folder, given):
    raise UserError("Something went wrong")


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (hang, "hung for 1 s"), (crash, "ended with exit code -9"), (swallow, "MemoryError"),
        (trip, "ZeroDivisionError"), (mumble, "Something went wrong"),
    ],
)  # fmt: skip
def test_whatever_is_neither_taken_nor_refused_has_failed(tmp_path, monkeypatch, do, said):
    right = tmp_path / "right"
    (right / "bad").mkdir(parents=True)
    (right / "good").mkdir()
    if do is hang:
        monkeypatch.setattr(campaign, "SECONDS", 1)
    kinds = {"bad": Kind(lambda rng, folder: None, do), "good": Kind(lambda *_: None, lambda *_: 0)}
    monkeypatch.setattr(campaign, "KINDS", kinds)
    bad, good = campaign.run(1, [0, 1], right, tmp_path / "place")
    assert bad.outcome == FAILED and said in bad.said
    assert good.outcome == TAKEN, "the next case is done all the same"


def test_a_line_that_was_not_finished_is_done_again(tmp_path):
    whole = campaign.Outcome(0, "ct", TAKEN, 0.1, "")
    path = tmp_path / "seed-1.jsonl"
    path.write_text(json.dumps(whole._asdict()) + '\n{"case": 1, "ki')
    assert campaign.journal(path) == [whole]
    assert path.read_text().endswith("}\n")


def test_the_command_goes_on_where_it_stopped(tmp_path):
    known = campaign.Outcome(0, "ct", REFUSED, 77.0, "told before")
    path = tmp_path / "seed-1.jsonl"
    path.write_text(json.dumps(known._asdict()) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "tools.fuzz", "--folder", str(tmp_path), "--cases", "5"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert "slowest: case 0 (ct), 77.00 s told before" in done.stdout
    first, *others = campaign.journal(path)
    assert first == known and sorted(each.case for each in others) == [1, 2, 3, 4]


@pytest.mark.parametrize("change", [spoil.text, spoil.table, spoil.tree])
def test_spoiling_changes_most_texts(change):
    content = '{"a": {"b": [1, 2]}}' if change is spoil.tree else "a,b\n1,2\n3,4\n"
    spoiled = [change(np.random.default_rng(k), content) for k in range(50)]
    assert sum(each != content for each in spoiled) > 40 and len(set(spoiled)) > 20
