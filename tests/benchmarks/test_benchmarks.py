"""Every benchmark runs, at a size at which its times mean nothing; the book says what it wrote."""

import pytest

from benchmarks import measure
from benchmarks.sizes import TINY


@pytest.mark.parametrize("name", measure.ALL)
def test_every_benchmark_runs(name):
    result = measure.measure([name], TINY)
    assert any(result[k] for k in ("rows", "cohorts", "profiles"))
    print(result)
