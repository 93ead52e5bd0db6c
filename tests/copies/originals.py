"""Originals for copies, in memory."""

import numpy as np
import pandas as pd

from lcgan_core.copies.base import Originals


def originals(images, labels, patients=None, heads=None):
    """Slices of a patient each unless `patients` are given; `heads`: slices without a lesion."""
    names = np.arange(len(images)).astype(str) if patients is None else np.array(patients)
    return Originals(images, labels, pd.DataFrame({"patient": names}), lambda: heads)
