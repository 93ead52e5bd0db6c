"""Losses of a short float32 run of each network, kept for each type of device in <type>.csv."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch

from lcgan_core.criteria.realism import RealismTask
from lcgan_core.protocol.config import Realism
from lcgan_core.training.placing import device
from tests.training.trainings import IMAGES, TASKS, train

REALISM = Realism(steps=3, batch=2, learning_rate=1e-5, precision="float32")
RUNS = {
    **TASKS,
    "classifier": lambda: RealismTask(REALISM, IMAGES, IMAGES[:, 0, 0] % 2 == 0, seed=1),
}
EPOCHS = {"lcgan": 3, "fcn": 3, "classifier": 1}
KEY = ["network", "epoch", "loss"]


def path() -> Path:
    """The file of this type of device."""
    return Path(__file__).parent / f"{device().type}.csv"


def losses(*networks: str) -> pd.Series:
    """Mean losses of each epoch of three steps, by network (default: all), epoch and loss."""
    parts, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)  # with two, torch draws another dropout for the classifier
    for name in networks or RUNS:
        with TemporaryDirectory() as work:
            history = train(RUNS[name](), Path(work), EPOCHS[name])
        parts.append(history.melt("epoch", var_name="loss").assign(network=name))
    torch.set_num_threads(threads)
    return pd.concat(parts).set_index(KEY).value


def stored() -> pd.Series:
    """The losses that were kept."""
    return pd.read_csv(path()).set_index(KEY).value
