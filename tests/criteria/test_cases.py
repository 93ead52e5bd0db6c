"""Which slices a figure shows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lcgan_core.criteria.cases import cases


@st.composite
def cohorts(draw):
    """Areas (N, 5), a third of them zero, and patients (N,)."""
    seed = draw(st.integers(0, 2**32 - 1))
    slices, patients = draw(st.integers(1, 20)), draw(st.integers(1, 8))
    random = np.random.default_rng(seed)
    areas = random.uniform(1, 100, (slices, 5)) * (random.random((slices, 5)) > 0.33)
    return areas, random.integers(0, patients, slices)


@given(cohorts())
def test_rows_have_as_many_patients_as_a_search_of_all_choices_finds(cohort):
    areas, patients = cohort
    row = cases(areas, patients, 1)[0]
    has = [set(patients[column > 0]) for column in areas.T]
    assert [k >= 0 for k in row] == [bool(there) for there in has]
    shown = patients[row[row >= 0]]

    def most(kinds, taken=frozenset()):
        """The most different patients that these types can have, by trying all."""
        if not kinds:
            return len(taken)
        return max([most(kinds[1:], taken | {one}) for one in kinds[0]] or [most(kinds[1:], taken)])

    assert len(set(shown)) == most([there for there in has if there])


@given(cohorts())
def test_a_column_shows_its_type_and_no_patient_twice(cohort):
    areas, patients = cohort
    found = cases(areas, patients, 9)
    for kind, column in enumerate(found.T):
        column = column[column >= 0]
        assert (areas[column, kind] > 0).all()
        assert len(set(patients[column])) == len(column)
        assert len(column) == len(set(patients[areas[:, kind] > 0]))


def test_of_a_patient_the_slice_with_most_is_shown():
    areas = np.array([[3.0], [7.0], [5.0]])
    assert cases(areas, np.array(["a", "a", "b"]), 2).tolist() == [[1], [2]]


def test_a_patient_more_counts_for_more_than_area():
    # the largest areas alone would show the first patient twice
    areas = np.array([[100.0, 0, 100], [1, 100, 0], [0, 1, 0]])
    assert cases(areas, np.array(["a", "b", "c"]), 1).tolist() == [[1, 2, 0]]
