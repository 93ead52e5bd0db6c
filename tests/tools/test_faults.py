"""The fault campaign finds orphans, tracebacks and other bytes, and finds none of them today."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tools.faults import campaign, works
from tools.faults.mishaps import OTHERS, SIGNALS, Mishap
from tools.faults.process import Process
from tools.faults.works import WORKS, Work

FAST = ("ingest", "join", "stage cohort", "publish")
FAULTS, SEED = 20, 25
MODULES = {"os": os, "sys": sys, "time": time, "sub": subprocess}


@pytest.fixture
def shared(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "salt"))
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))
    return tmp_path


@pytest.mark.slow
def test_nothing_is_wrong_after_any_fault(shared):
    """A few of those that `python -m tools.faults` has a hundred of, of the quickest commands."""
    whole = campaign.undisturbed(shared, FAST)
    found = list(campaign.run(SEED, range(FAULTS), shared, whole))
    assert [each for each in found if each.wrong] == []
    assert Counter(each.work for each in found) == dict.fromkeys(FAST, FAULTS // len(FAST))
    assert len({each.mishap for each in found}) > 6


def does(code):
    """A command that is no command of lcgan, in a place."""
    return Work(
        lambda shared, place: (place / "made").mkdir(),
        lambda shared, place: [code.format(place=place / "made")],
        lambda place: _replace(),
        "made",
    )


def _replace():
    from lcgan_core import cli

    cli.app = lambda standalone_mode: exec(sys.argv[1], MODULES)


BAD = {
    "an orphan": ("if not os.path.exists('{place}/a'):"
                  " open('{place}/a', 'w'); sub.Popen(['sleep', '600'])", "left sleep 600"),
    "other bytes": ("open('{place}/a', 'a').write('x')", "made something else: a"),
    "a leftover": ("open('{place}/' + str(os.getpid()), 'w')", "made something else"),
    "a traceback": ("os.path.exists('{place}/a') or open('{place}/a', 'w').close() or 1 / 0",
                    "ZeroDivisionError"),
    "a loss": ("sys.exit('lcgan: no. {place}')", "failed afterwards"),
}  # fmt: skip


class Nothing(Mishap):
    codes = (0, 1)

    def befall(self, rng, place, usual, begin):
        return [begin()]


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_found(shared, monkeypatch, name):
    code, said = BAD[name]
    monkeypatch.setattr("tools.faults.process.LEAVE", 1)
    monkeypatch.setitem(WORKS, "bad", does(code))
    monkeypatch.setattr(campaign, "mishaps", lambda: {"nothing": Nothing()})
    [found] = campaign.run(1, [0], shared, {"bad": campaign.Whole({}, 0.1)})
    assert said in found.wrong


def test_times_are_no_content(tmp_path):
    for name, seconds in (("a.json", 1), ("b.json", 2)):
        (tmp_path / name).write_text(f'{{"seconds": {seconds}, "in": [{{"since": {seconds}}}]}}')
    assert len(set(works.contents(tmp_path).values())) == 1


def test_a_signal_reaches_a_command_that_has_begun(tmp_path, shared):
    process = Process(["time.sleep(600)"], _replace, tmp_path / "log")
    process.send(signal.SIGTERM)
    assert process.ended() == 143 and process.said().startswith("lcgan: interrupted")
    assert {*SIGNALS, *OTHERS} <= set(campaign.mishaps())
