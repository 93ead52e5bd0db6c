"""results.csv of a fresh quick run beside the committed one, and what its numbers owe each other.

On one processor with one number of threads a run repeats bit for bit. Elsewhere sums are rounded
in another order, and training amplifies that: between two runs of this profile (with AVX-512, and
with AVX2 alone) the Dice of one network differed by up to .131, which is more than arms differ. No
tolerance for single cells can tell an error from this. A run is therefore compared in what rounding
changes little or not at all:

- which cells there are, and the cases of each, which follow from the cohort: equal;
- the sums that tie the cells of an arm together: equal up to the six decimals of the file;
- losses of the first epoch, before rounding is amplified, of each network that sees no painted
  slice: within 2 % + 7 % x fraction for a generator, since more slices mean more steps, and within
  1.5 % for the first tenth of a segmenter's steps. With AVX2 alone (ATEN_CPU_CAPABILITY=avx2
  ONEDNN_MAX_CPU_ISA=AVX2) they moved by up to .25 and .52 %;
- means of Dice and recall over the networks of an arm, of a fraction, and of all: k networks may
  differ by 4 x .04 / sqrt(k). The two runs differed by .035 to .051 (root mean square) in a
  network, by up to .059 in a mean of four networks and by up to .017 in that of all sixteen.

The stored label maps hold the metrics themselves to the last digit (test_broken_metric.py).
"""

import os

import numpy as np
import pandas as pd
import pytest

from lcgan_core.book.contents import read_results
from lcgan_core.lesions import FIVE
from lcgan_core.run import artefacts
from lcgan_core.run.plan import EVALUATION
from tools import refresh

from . import first_epochs
from .first_epochs import CONFIG

REFERENCE = artefacts.REPOSITORY / "results" / "quick" / "results.csv"
COLUMNS = (
    "profile", "seed", "segmenter", "fraction", "arm", "metric", "lesion", "value", "ci_low",
    "ci_high", "n",
)  # fmt: skip
NETWORK = ["segmenter", "fraction", "arm"]
KEY = [*NETWORK, "metric", "lesion"]
OF_COHORT = ["dice_image", "dice_instance", "dice_class_pooled", "recall"]
"""Metrics whose cases are counted in the truth alone."""
WEIGHTED = ["dice_instance", "precision", "recall"]
"""Metrics whose `all` counts every case once."""
MEANS = ["dice_class_pooled", "dice_class_detected"]
"""Metrics whose `all` is the mean over the classes."""
WRITTEN = 1e-6  # numbers are written with six decimals
SPREAD = 0.04


@pytest.fixture(scope="module")
def run():
    """Folder of the fresh run's evaluation."""
    folder = artefacts.folder(CONFIG, EVALUATION)
    if "LCGAN_RUNS" not in os.environ or not (folder / "results.csv").exists():
        pytest.skip("no fresh quick run: `make notebooks` makes one and runs this test on it")
    return folder


def read(path):
    return read_results(path, "quick").set_index(KEY).sort_index()


@pytest.fixture(scope="module")
def fresh(run):
    return read(run / "results.csv")


@pytest.fixture(scope="module")
def reference():
    return read(REFERENCE)


@pytest.fixture(params=["reference", "fresh"])
def either(request):
    return request.getfixturevalue(request.param)


def test_committed_results_have_every_cell_of_the_grid(reference):
    rows = reference.reset_index()
    assert tuple(pd.read_csv(REFERENCE, nrows=0)) == COLUMNS
    networks = {("fcn8s", share, arm) for share in CONFIG.fractions for arm in CONFIG.arms}
    assert set(rows[NETWORK].itertuples(False, None)) == networks
    # instance, detected, pooled, precision, recall: all and five classes each; image, patient, the
    # mean over the same types and their number: 1
    assert len(rows) == len(networks) * (5 * 6 + 4)


def test_intervals_hold_their_values(either):
    known = either[either.index.get_level_values("metric") != "types_found"].dropna()
    assert known.value.between(0, 1).all()
    assert (known.ci_low <= known.value + WRITTEN).mean() > 0.99
    assert (known.value <= known.ci_high + WRITTEN).mean() > 0.99


def by_class(table, metric, column):
    """(network, class) of one metric, and its `all`."""
    wide = table[column].xs(metric, level="metric").unstack("lesion")
    return wide[list(FIVE.names)], wide["all"]


@pytest.mark.parametrize("metric", WEIGHTED)
def test_all_counts_every_case_once(either, metric):
    n, cases = by_class(either, metric, "n")
    value, mean = by_class(either, metric, "value")
    assert n.sum(axis=1).equals(cases)
    there = cases > 0
    expected = (n * value).sum(axis=1)[there] / cases[there]
    assert np.allclose(mean[there], expected, atol=2 * WRITTEN)
    assert mean[~there].isna().all()


@pytest.mark.parametrize("metric", MEANS)
def test_all_is_the_mean_over_the_classes(either, metric):
    value, mean = by_class(either, metric, "value")
    assert np.allclose(mean, value.mean(axis=1), atol=2 * WRITTEN, equal_nan=True)


def test_precision_and_recall_count_the_same_lesions_found(either):
    found = [
        (table * n).fillna(0)
        for table, n in (
            (by_class(either, metric, "value")[0], by_class(either, metric, "n")[0])
            for metric in ("precision", "recall")
        )
    ]
    assert np.allclose(found[0], found[1], atol=1e-3)
    assert np.allclose(found[0], found[0].round(), atol=1e-3)


def test_the_same_cells_and_the_same_number_of_cases(fresh, reference):
    assert fresh.index.equals(reference.index)
    here, there = (
        table[table.index.get_level_values("metric").isin(OF_COHORT)].n
        for table in (fresh, reference)
    )
    assert here.equals(there), "cases follow from the cohort, which no processor changes"


def test_first_epochs_are_those_that_were_kept(run):
    assert first_epochs.apart(first_epochs.fresh()) == []


# of the smaller subsets the first losses of the two arms are less than 1.5 % apart
@pytest.mark.parametrize("fraction", CONFIG.fractions[2:])
def test_first_epochs_see_one_arm_in_place_of_another(fraction):
    kept = first_epochs.stored()
    places = [f"segmentation/{fraction:g}-{arm}" for arm in ("original", "traditional")]
    swapped = kept.rename(dict(zip(places, reversed(places), strict=True)), level="job")
    assert {job for job, _ in first_epochs.apart(swapped.sort_index())} == set(places)


def apart(table, reference):
    """Which means differ by more than rounding explains: (metric, what the mean is over)."""
    found = []
    for metric in ("dice_image", "dice_class_pooled", "recall"):
        here, there = (each.value.xs((metric, "all"), level=KEY[3:]) for each in (table, reference))
        difference = (here - there).rename("value").reset_index()
        groups = [("all", difference), *difference.groupby("arm"), *difference.groupby("fraction")]
        found += [
            (metric, name)
            for name, group in groups
            if not abs(group.value.mean()) <= 4 * SPREAD / np.sqrt(len(group))
        ]
    return found


def test_means_over_networks_are_those_of_the_reference(fresh, reference):
    assert apart(fresh, reference) == []


def changed(reference, factor, **where):
    """The reference with some networks' values multiplied."""
    levels = {name: reference.index.get_level_values(name) for name in where}
    chosen = np.logical_and.reduce([levels[name] == value for name, value in where.items()] or True)
    return reference.assign(value=np.where(chosen, factor, 1) * reference.value)


@pytest.mark.parametrize("factor", [0.0, 0.4, np.nan])
def test_means_see_networks_that_learned_nothing_or_too_little(reference, factor):
    assert ("dice_image", "all") in apart(changed(reference, factor), reference)


# the mean Dice of `gan` and `both` is .06 and .07, too near to 0 for its loss to be seen
@pytest.mark.parametrize("arm", [arm for arm in CONFIG.arms if arm not in ("gan", "both")])
def test_means_see_an_arm_that_failed(reference, arm):
    assert arm in dict(map(reversed, apart(changed(reference, 0.0, arm=arm), reference)))


@pytest.mark.parametrize("fraction", CONFIG.fractions[1:])
def test_means_see_a_fraction_that_failed(reference, fraction):
    failed = changed(reference, 0.0, fraction=fraction)
    assert ("dice_image", fraction) in apart(failed, reference)


def test_the_readme_shows_the_committed_results():
    assert refresh.readme_table() in (artefacts.REPOSITORY / "README.md").read_text()
