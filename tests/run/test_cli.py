"""The command line: one sentence and exit code 1 for what a user can mend."""

import re
import subprocess
import sys

import pytest

from lcgan_core import cli

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
