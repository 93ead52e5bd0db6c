"""A run whose stages are stand-ins, to look at what makes, keeps and forgets artefacts alone."""

import importlib

import pytest

from lcgan_core.protocol import profiles
from lcgan_core.run import plan


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))
    return profiles.load("quick")


@pytest.fixture
def stand_in(config, monkeypatch):
    """Let a function of the working folder, or of (work, job, inputs), make every artefact."""

    def replace(compute):
        def stage(config, job, inputs, work):
            wanted = compute.__code__.co_argcount
            compute(*(work, job, inputs)[:wanted])

        for place in {plan.work_of(config, job) for job in plan.jobs(config)}:
            module, _, name = place.partition(":")
            monkeypatch.setattr(importlib.import_module(module), name, stage)

    return replace
