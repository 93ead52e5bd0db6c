"""Which slices a figure shows: large lesions of each class, and no patient twice if avoidable."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

BEFORE = 1e-3
"""Worth of a patient whom an earlier row shows: below every new patient, above having none."""


def cases(areas: np.ndarray, patients: np.ndarray, rows: int) -> np.ndarray:
    """Rows of slices, one column per class: (rows, K) indices of slices, -1 where none is left.

    `areas` (N, K): area of each class in each slice; `patients` (N,). A row shows as many different
    patients as possible; a column shows no patient twice.

    >>> areas = np.array([[9, 9], [8, 5], [0, 4]])
    >>> cases(areas, np.array(["a", "b", "c"]), 2).tolist()
    [[1, 0], [0, 2]]
    """
    names, of = np.unique(patients, return_inverse=True)
    columns = np.arange(areas.shape[1])
    own = [np.flatnonzero(of == patient) for patient in range(len(names))]
    best = np.stack([slices[areas[slices].argmax(0)] for slices in own], axis=1)  # (K, patients)
    most = areas[best, columns[:, None]].astype(float)
    worth = most / most.max(1, keepdims=True).clip(min=1e-9)
    found = np.full((rows, len(columns)), -1)
    for row in found:
        # one more patient counts for more than all areas together
        pairs = linear_sum_assignment(-(worth + len(columns) * (worth > 0)))
        chosen = worth.argmax(1)
        chosen[pairs[0]] = np.where(worth[pairs] > 0, pairs[1], chosen[pairs[0]])
        shown = worth[columns, chosen] > 0
        row[shown] = best[columns, chosen][shown]
        worth[columns, chosen] = 0
        worth[:, chosen[shown]] *= BEFORE
    return found
