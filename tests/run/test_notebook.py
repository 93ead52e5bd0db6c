"""The first cell of every notebook: parameters checked, artefacts made, folders named by role."""

import math

import matplotlib as mpl
import pandas as pd
import pytest

from lcgan_core.errors import UserError
from lcgan_core.run import artefacts, notebook, plan
from lcgan_core.run.plan import Job


@pytest.fixture(autouse=True)
def as_it_was():
    """A notebook changes how figures and tables look, for itself."""
    with mpl.rc_context(), pd.option_context("display.max_colwidth", 50):
        yield


ROLES = {
    "cohort": {"cohort": "cohort"},
    "training": {
        "cohort": "cohort", "training": "training/0.25-lcgan", "judge": "training/1-judge",
    },
    "selection": {
        "cohort": "cohort", "training": "training/0.25-lcgan", "judge": "training/1-judge",
        "subset_judge": "segmentation/0.25-original", "selection": "selection/0.25-lcgan",
    },
    "augmentation": {
        "cohort": "cohort", "training": "training/0.25-lcgan", "selection": "selection/0.25-lcgan",
        "gan": "augmentation/0.25-gan", "traditional": "augmentation/0.25-traditional",
    },
    "segmentation": {
        "cohort": "cohort", "gan": "augmentation/0.25-gan",
        "traditional": "augmentation/0.25-traditional", "segmentation": "segmentation/0.25-both",
    },
}  # fmt: skip


@pytest.mark.parametrize("stage", ROLES)
def test_a_notebook_gets_the_folders_of_what_it_shows_made(stage, config, stand_in, capfd):
    made = []
    stand_in(lambda work, job: made.append(job))
    own = {} if stage == "cohort" else {"fraction": 0.25, "draw": 1}
    own |= {"arm": "both"} if stage == "segmentation" else {}
    got, folders = notebook.start(stage, {"profile": "quick", "cohort": "", **own})
    assert got == config
    run = artefacts.run_folder(config)
    assert folders == {role: run / place for role, place in ROLES[stage].items()}
    assert all((folder / artefacts.PROVENANCE).is_file() for folder in folders.values())
    assert set(made) == set(plan.jobs(config, *plan.page(config, stage, own).values()))
    assert not capfd.readouterr().out


def test_another_generator_or_draw_is_shown_where_it_is_named(config, stand_in):
    stand_in(lambda work: None)
    own = {"fraction": 0.5, "generator": "l1_only", "draw": 2}
    _, folders = notebook.start("augmentation", {"profile": "quick", **own})
    assert folders["l1_only"] == artefacts.folder(config, Job("augmentation", "l1_only", 0.5, 2))
    assert folders["selection"] == artefacts.folder(config, Job("selection", "l1_only", 0.5, 2))


def test_the_evaluation_s_notebook_has_the_whole_grid_made(config, stand_in):
    stand_in(lambda work: None)
    _, folders = notebook.start("evaluation", {"profile": "quick"})
    assert folders["evaluation"] == artefacts.run_folder(config) / "evaluation"
    arms = {job.key for job in plan.segmentations(config)}
    assert set(folders) == {"cohort", "evaluation", *arms}


def test_what_a_parameters_cell_cannot_hold_is_no_parameter():
    namespace = {
        "profile": "quick", "fraction": 0.25, "arms": ["original"], "_private": 1, "In": [""],
        "Out": {}, "math": math, "start": notebook.start, "Job": Job,
    }  # fmt: skip
    assert set(notebook.parameters(namespace)) == {"profile", "fraction", "arms"}


def test_a_misspelt_parameter_is_refused_before_anything_is_made(config, stand_in):
    made = []
    stand_in(made.append)
    with pytest.raises(UserError, match=r"Unknown parameter 'fracton' \(did you mean 'fraction'"):
        notebook.start("training", {"profile": "quick", "fracton": 0.25})
    assert not made
