"""Jupyter Book ends with its caller, and two builds of one book do not meet."""

import subprocess
import sys

import pytest

from lcgan_core.book import build, jupyter, places
from lcgan_core.errors import UserError
from lcgan_core.run import locks


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Begins the module with a stand-in for Jupyter Book that does as `code` says."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    package = tmp_path / "jupyter_book" / "cli"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()

    def begin(code):
        (package / "main.py").write_text(f"import sys, time\ndef main():\n    {code}\n")
        command = [sys.executable, "-m", jupyter.__name__, "build", "x"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    return begin


def test_it_ends_with_its_caller(begun):
    with begun("print('begun', flush=True); time.sleep(600)") as process:
        assert process.stdout.readline() == "begun\n"
        process.stdin.close()
        assert process.wait(60) == 1


def test_else_it_is_jupyter_book(begun):
    with begun("print(sys.argv[1:]); sys.exit(7)") as process:
        assert process.stdout.read() == "['build', 'x']\n"
        assert process.wait(60) == 7


def test_two_builds_of_a_book_are_told_apart(tmp_path):
    with (
        locks.take(tmp_path / "book.lock", pytest.fail),
        pytest.raises(UserError, match=r"is being made by process \d+ on .*; wait until"),
    ):
        build._make(places.RESULTS / "quick", tmp_path, "")
    assert [path.name for path in tmp_path.iterdir()] == ["book.lock"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("a\nb.md:1: WARNING: one\nWARNING: two\n", "has 2 warnings, the first: b.md:1: WARNING"),
        ("Traceback\nOSError: [Errno 28] No space left\n", r"built \(OSError: \[Errno 28\] No"),
        ("", r"could not be built \(nothing was said\)"),
    ],
)
def test_why_no_book_was_built_is_one_sentence(begun, tmp_path, monkeypatch, said, sentence):
    begun(f"print({said!r}); sys.exit(1)").communicate()
    with pytest.raises(UserError, match=sentence):
        build._built(tmp_path)
