"""Who tests, who trains and who validates: stratified by lesion class, always whole patients.

Everything follows from one order of the patients, `mixed`: the first patients of it show each class
about as often as all of them do, and so do the patients of any stretch of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from lcgan_core.errors import UserError

Shown = Mapping[str, Collection[str]]
"""Patient -> the lesion classes on the patient's slices; none for a patient without a lesion."""


def set_aside(shown: Shown, share: float, seed: int) -> set[str]:
    """The test patients: `share` of those with a lesion, and of those without.

    Of the patients with a lesion at least one tests and at least one does not. Raises UserError
    for fewer than two of them.
    """
    lesion, healthy = _kinds(shown)
    if len(lesion) < 2:
        raise UserError(
            f"The cohort has {len(lesion)} patient(s) with a lesion; add patients, since at least "
            "two are needed to train on one and test on another."
        )
    count = min(max(round(share * len(lesion)), 1), len(lesion) - 1)
    return {*mixed(lesion, seed)[:count], *subset(healthy, share, seed)}


def fold(shown: Shown, folds: int, number: int, seed: int) -> set[str]:
    """The test patients of fold `number` (0 .. folds - 1) of the partition that `seed` makes.

    Each patient is in one fold of a partition. Raises UserError for more folds than patients
    with a lesion.
    """
    lesion, healthy = _kinds(shown)
    if folds > len(lesion):
        raise UserError(
            f"cohort_folds = {folds} is more than the {len(lesion)} patient(s) with a lesion in "
            "the cohort; set fewer folds or add patients."
        )
    return {
        patient
        for kind in (lesion, healthy)
        for patient in _stretch(mixed(kind, seed), number, folds)
    }


def subset(shown: Shown, fraction: float, seed: int) -> list[str]:
    """`fraction` of the patients with a lesion, at least one, and of those without.

    It is contained in every larger subset of the same seed. Raises UserError for a fraction
    outside (0, 1].

    >>> both = {"a": ["IPH"], "b": ["IPH"], "c": ["SDH"], "d": ["SDH"]}
    >>> sorted(kind for patient in subset(both, 0.5, 1) for kind in both[patient])
    ['IPH', 'SDH']
    >>> set(subset(both, 0.25, 1)) < set(subset(both, 0.5, 1))
    True
    """
    if not 0 < fraction <= 1:
        raise UserError(f"The fraction is {fraction}; it must be above 0 and at most 1.")
    return [
        patient
        for kind in _kinds(shown)
        for patient in mixed(kind, seed)[: max(round(fraction * len(kind)), 1)]
    ]


def validating(shown: Shown, share: float, seed: int) -> set[str]:
    """The patients of a subset that validate: `share` of those with a lesion.

    At least one of them does and at least one does not.
    """
    lesion, _ = _kinds(shown)
    count = min(max(round(share * len(lesion)), 1), len(lesion) - 1)
    return set(mixed(lesion, seed)[:count])


def mixed(shown: Shown, seed: int) -> list[str]:
    """All patients in an order whose first n show each class about as often as n / N of all do.

    After a shuffle, the next patient is always the one with whom the counts come nearest to that
    share (least squares). The classes of a patient taken together count as one more class, so that
    patients with several are spread evenly too. The share is shifted at random by up to half a
    patient for each class, or the order would begin with the same sort of patient for every seed.
    The order in which the patients are given changes nothing.
    """
    if not shown:
        return []
    noise, patients = np.random.default_rng(seed), sorted(shown)
    waiting: dict[frozenset[str], list[str]] = {}
    for k in noise.permutation(len(patients)):
        waiting.setdefault(frozenset(shown[patients[k]]), []).append(patients[k])
    combinations = sorted(waiting, key=sorted)
    classes = sorted(frozenset().union(*combinations))
    features = np.array(
        [
            [name in one for name in classes] + [one == other for other in combinations]
            for one in combinations
        ],
        int,
    )
    left = np.array([len(waiting[one]) for one in combinations])
    # whole numbers, N times the counts: rounding must not decide between two patients
    share, total = left @ features, len(patients)
    ahead = noise.integers(-(total // 2), total // 2 + 1, len(share))
    order = []
    for _ in patients:
        ahead = ahead - share
        away = np.square(ahead + total * features).sum(1)
        k = int(np.where(left > 0, away, np.iinfo(away.dtype).max).argmin())
        ahead, left[k] = ahead + total * features[k], left[k] - 1
        order.append(waiting[combinations[k]].pop())
    return order


def _kinds(shown: Shown) -> tuple[Shown, Shown]:
    """The patients with a lesion, and those without."""
    return (
        {patient: classes for patient, classes in shown.items() if classes},
        {patient: classes for patient, classes in shown.items() if not classes},
    )


def _stretch(order: list[str], number: int, parts: int) -> list[str]:
    """One of `parts` stretches of an order, as equally long as possible.

    >>> [_stretch(list("abcde"), number, 2) for number in range(2)]
    [['a', 'b'], ['c', 'd', 'e']]
    """
    return order[len(order) * number // parts : len(order) * (number + 1) // parts]
