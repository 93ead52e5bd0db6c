"""The learning curve shows the loss of whichever segmenter was trained, under its own name."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from lcgan_core.book.figures.learning import curve
from lcgan_core.segmenters.training import TRAIN, VALIDATION


@pytest.mark.parametrize("loss", ["cross-entropy", "Dice and cross-entropy"])
def test_the_loss_is_drawn_under_its_name_and_the_best_check_is_marked(loss):
    rows = {"step": [10, 20, 30], loss: [3.0, 2.0, 1.0]}
    figure = curve(pd.DataFrame(rows | {TRAIN: [0.1, 0.5, 0.9], VALIDATION: [0.1, 0.4, 0.3]}))
    left, right = figure.axes
    assert left.get_ylabel() == loss
    assert left.lines[0].get_ydata().tolist() == [3, 2, 1]
    marked = [line.get_xdata()[0] for line in right.lines if line.get_linestyle() == "--"]
    assert marked == [20]
    plt.close(figure)
