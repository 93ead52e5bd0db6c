"""Every benchmark runs, at a size too small for its times to mean anything."""

import importlib.util
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from benchmarks import gan, measure, slices
from benchmarks.measuring import alternate
from benchmarks.plain import PlainLcgan
from benchmarks.sizes import Sizes
from lcgan_core.book.pages import performance
from lcgan_core.cohort import ingest
from lcgan_core.models import Discriminator, Generator
from lcgan_core.training.placing import device

TINY = Sizes(
    rounds=1, seconds=0.0, apart=False, image=64, width=2, border=1, matmul=64, batches=(2, 1),
    large_batch=4, classifier_batch=2, unet_width=2, unet_batch=2,
    flow_width=8, flow_batch=2, maps=4, all_maps=8, matrix=64, series=2, slices=4,
    small_matrix=64, cohorts=(8,),
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    monkeypatch.setattr(ingest, "cores", lambda: 1)  # starting more takes seconds


@pytest.mark.parametrize("name", measure.ALL)
def test_every_benchmark_runs_and_gives_rows_that_the_book_can_show(name, monkeypatch):
    # compiling takes a minute or two; here only which networks are compiled is checked
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda network: compiled.append(network))
    result = measure.measure([name], TINY)
    rows = [row for kind in ("rows", "cohorts") for row in result[kind]]
    numbers = [value for row in rows for value in row.values() if isinstance(value, float)]
    assert all(math.isfinite(value) and value >= 0 for value in numbers)
    assert numbers or (name == "large-batch" and device().type == "cpu")
    assert sum(len(table) for table in performance.tables(result).values()) == len(rows)
    if name == "compile":
        assert [type(network) for network in compiled] == [Generator, Discriminator]


@pytest.mark.parametrize(
    ("library", "names"),
    [
        ("monai", ["evaluation", "augmentation", "reading"]),
        ("SimpleITK", ["reading"]),
        ("pydicom", ["reading", "growing"]),
    ],
)
def test_what_needs_a_missing_library_is_skipped_with_the_reason(library, names, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == library else found(name)
    )
    result = measure.measure(names, TINY)
    skipped = [row["skipped"] for row in result["rows"] + result["cohorts"] if "skipped" in row]
    assert skipped == [f"{library} is not installed"] * len(names)


def test_without_a_compiler_torch_compile_is_skipped(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    [row] = measure.measure(["compile"], TINY)["rows"]
    assert row["skipped"] == "no C++ compiler is installed"


def test_calls_take_turns():
    said = []
    recipes = {name: partial(partial, said.append, name) for name in "ab"}
    alternate(recipes, TINY)
    warm = len("aabb")
    assert said[:warm] == list("aabb")
    assert "".join(said[warm:]) == "ab" * TINY.rounds


def write_process(path: Path) -> Callable[[], None]:
    return lambda: path.write_text(f"{os.getpid()}")


def test_each_recipe_has_a_process_of_its_own_which_ends(tmp_path):
    recipes = {name: partial(write_process, tmp_path / name) for name in "ab"}
    times = alternate(recipes, replace(TINY, apart=True))
    assert all(seconds > 0 for seconds in times.values())
    processes = [int((tmp_path / name).read_text()) for name in "ab"]
    assert len({os.getpid(), *processes}) == 3
    assert not any(Path(f"/proc/{process}").exists() for process in processes)


def test_a_recipe_that_fails_ends_the_benchmark(capfd):
    with pytest.raises(RuntimeError, match="has ended"):
        alternate({"broken": partial(divmod, 1, 0)}, replace(TINY, apart=True))
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_flops_are_counted_as_by_hand():
    assert gan.flops(gan.product(32)) == 2 * 32**3


def test_the_label_maps_hold_every_class_and_mostly_background():
    images, labels = slices.draw(16, 64)
    assert images.dtype == labels.dtype == torch.uint8
    assert labels.unique().tolist() == [0, 1, 2, 3, 4, 5]
    assert 0.02 < (labels > 0).float().mean() < 0.3


def test_the_plain_recipe_trains_both_networks():
    plain = PlainLcgan(*slices.draw(4, 64), width=2, batch=2)
    before = [p.detach().clone() for net in (plain.G, plain.D) for p in net.parameters()]
    plain.step()
    after = [p for net in (plain.G, plain.D) for p in net.parameters()]
    moved = [not torch.equal(old, new) for old, new in zip(before, after, strict=True)]
    assert sum(moved) > len(moved) / 2
    assert moved[-1]
