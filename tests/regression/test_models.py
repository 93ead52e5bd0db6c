"""The generators of a fresh quick run, as a bundle carries them."""

import os

import numpy as np
import pytest

from lcgan_core.book import weights
from lcgan_core.run import artefacts, plan
from lcgan_core.stages import cohort
from lcgan_core.synthesis import Painter

from .first_epochs import CONFIG


def test_each_fraction_s_generator_is_published_and_paints(tmp_path):
    if "LCGAN_RUNS" not in os.environ or artefacts.state(CONFIG, plan.EVALUATION) != "done":
        pytest.skip("no fresh quick run: `make notebooks` makes one and runs this test on it")
    weights.collect(CONFIG, tmp_path)
    assert {float(folder.name) for folder in tmp_path.iterdir()} == set(CONFIG.fractions)
    heads = artefacts.folder(CONFIG, plan.COHORT)
    labels = cohort.store_of(heads).labels[cohort.training_rows(CONFIG, heads, 1.0, 1)][:4]
    for folder in tmp_path.iterdir():
        painter = Painter.from_pretrained(folder)
        painted = painter.paint(labels)
        low, high = painter.description.hu
        assert painted.shape == labels.shape and low <= painted.min() < painted.max() <= high
        other = painter.paint(np.zeros_like(labels))
        assert np.abs(painted.astype(int) - other)[labels > 0].mean() > 1, "a mask changes nothing"
        assert folder.name in (folder / "README.md").read_text()
