"""The command line: one sentence and exit code 1 for what a user can mend."""

import importlib.metadata
import re
import subprocess
import sys

import pytest

import lcgan_core
from lcgan_core import cli
from lcgan_core.errors import UserError

SENTENCES = {
    "unknown stage": (["run", "trainig"], "Unknown stage 'trainig'; allowed: cohort, training"),
    "unknown profile": (
        ["run", "cohort", "--profile", "x"],
        "allowed: compact, paper, quick, real, or",
    ),
    "unknown arm": (
        ["run", "segmentation", "--fraction", "0.25", "--arm", "all"],
        "Unknown arm 'all'; allowed: original, gan, traditional, both",
    ),
    "unknown fraction": (["run", "training", "--fraction", "0.3"], "allowed: 0.125, 0.25, 0.5, 1"),
    "missing fraction": (["run", "training"], "Stage 'training' needs --fraction"),
    "unknown generator": (
        ["run", "training", "--fraction", "1", "--generator", "x"],
        "Unknown generator 'x'; allowed: lcgan, l1_only",
    ),
    "unknown segmenter": (
        ["run", "segmentation", "--fraction", "1", "--arm", "gan", "--segmenter", "x"],
        "Unknown segmenter 'x'; allowed: fcn8s",
    ),
    "generator where there is none": (
        ["run", "segmentation", "--generator", "lcgan"],
        "Unknown parameter 'generator'",
    ),
    "profile that is not there": (
        ["run", "cohort", "--profile", "no/such.yaml"],
        "no/such.yaml; check the path",
    ),
    "no draw": (["run", "training", "--fraction", "1", "--draw", "0"], "Unknown draw 0"),
    "draws of three fractions": (
        ["run", "evaluation", "--set", "draws=[3, 3, 1]"],
        "draws = [3, 3, 1] is refused",
    ),
    "unknown number": (["run", "cohort", "--set", "sed=1"], "did you mean 'seed'"),
    "number without value": (["run", "cohort", "--set", "seed"], "write it as name=value"),
    "arm where there is none": (["run", "cohort", "--arm", "gan"], "Unknown parameter 'arm'"),
    "cohort that is not there": (
        ["run", "cohort", "--cohort", "no/such/folder"],
        "no/such/folder does not exist",
    ),
    "book of an unfinished run": (["book", "--set", "seed=99"], "is not finished"),
    "an unfinished run to publish": (["publish", "--set", "seed=99"], "is not finished"),
    "a run that is not published": (["render", "x"], "No run 'x' is published"),
}


@pytest.fixture
def lcgan(monkeypatch, tmp_path):
    """Run the command line in this process; returns what sys.exit was given."""

    def run(*arguments):
        monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))
        monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "salt"))
        monkeypatch.setattr(sys, "argv", ["lcgan", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code

    return run


@pytest.mark.parametrize("case", SENTENCES)
def test_a_mistake_is_one_sentence(case, lcgan, tmp_path):
    arguments, sentence = SENTENCES[case]
    said = lcgan(*arguments)  # Python prints a text given to sys.exit and exits with 1
    assert sentence in said
    assert "\n" not in said
    assert not list(tmp_path.rglob("slices.csv"))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "is not a cohort"),
        (
            {"p1/notes.txt": "hello"},
            "Nothing in .* could be taken; most often a file or series is a companion",
        ),
    ],
    ids=["empty folder", "no DICOM"],
)
def test_a_folder_that_is_no_cohort_is_refused_and_nothing_is_written(
    lcgan, tmp_path, files, sentence
):
    source = tmp_path / "heads"
    source.mkdir()
    for name, text in files.items():
        (source / name).parent.mkdir()
        (source / name).write_text(text)
    said = lcgan("run", "cohort", "--cohort", str(source))
    assert re.search(sentence, said)
    assert "\n" not in said
    assert not list((tmp_path / "runs").rglob("*.npy"))


def test_the_sentence_goes_to_stderr_and_the_exit_code_is_1():
    done = subprocess.run(
        [sys.executable, "-m", "lcgan_core.cli", "run", "cohort", "--profile", "x"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "lcgan: Unknown profile 'x'; allowed: compact, paper, quick, real, or the path of a .yaml "
        "file of the same form.\n"
    )


USAGE = {
    "command that does not exist": (["runn"], "No such command 'runn'"),
    "missing argument": (["run"], "Missing argument"),
    "option that does not exist": (["run", "training", "--fracton", "1"], "--fraction"),
    "text for a number": (["phantom", "--patients", "six", "--out", "x"], "'--patients'"),
    "missing option": (["paint", "masks", "--out", "x"], "Missing option '--model'"),
}


@pytest.mark.parametrize("case", USAGE)
def test_a_misspelt_command_is_two_lines_and_exit_code_2(case, lcgan, capsys):
    arguments, sentence = USAGE[case]
    assert lcgan(*arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 2 and said.splitlines()[1].startswith("See `")


def test_the_version_and_the_bare_command(lcgan, capsys):
    assert not lcgan("--version")
    assert capsys.readouterr().out == f"lcgan {importlib.metadata.version('lcgan-core')}\n"
    assert lcgan_core.__version__ == importlib.metadata.version("lcgan-core")
    assert lcgan() == 2
    assert "paint" in capsys.readouterr().out


@pytest.mark.parametrize("said", ["", "Interrupted: x stopped in step 3 of 9"])
def test_ctrl_c_is_one_sentence_and_exit_code_130(said, lcgan, capsys, monkeypatch):
    def stopped(config, *jobs):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            if said:  # as the training engine and the ingest do
                raise UserError(said) from None
            raise

    monkeypatch.setattr(cli.artefacts, "make", stopped)
    assert lcgan("run", "cohort") == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lcgan: ") and (said or "run the same command again") in line


def test_few_patients_are_warned_of(lcgan, capsys, monkeypatch):
    monkeypatch.setattr(cli.artefacts, "make", lambda config, *jobs: None)
    lcgan("run", "cohort", "--set", "cohort_patients=6")
    assert "6 patients are few" in capsys.readouterr().err
    lcgan("run", "cohort")
    assert capsys.readouterr().err == ""


def test_a_book_outside_a_checkout_says_where_to_make_it(lcgan, monkeypatch, tmp_path):
    monkeypatch.setattr(cli.artefacts, "REPOSITORY", tmp_path)
    assert "clone the repository" in lcgan("render")
