"""Reading head CTs: slices per second from DICOM, and the cost of a slice as cohorts grow."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks import series
from benchmarks.measuring import Call, Recipe, alternate
from benchmarks.rows import Row, beside, lacking, skipped
from benchmarks.sizes import Sizes
from lcgan_core.cohort.ingest import ingest_folder

Reader = Callable[[Path], object]


def reading(sizes: Sizes) -> list[Row]:
    """Ours reads, checks, turns, masks, resamples and stores; the others only read."""
    task = f"DICOM series of {sizes.matrix} x {sizes.matrix}"
    if reason := lacking("pydicom"):
        return [skipped(task, reason)]
    rows = []
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "heads")
        series.grow(source, sizes.series, sizes.matrix, sizes.slices)
        recipes: dict[str, Recipe] = {"ours": partial(_ours, source, Path(place))}
        for module, make in {"SimpleITK": _simpleitk, "monai": _monai}.items():
            if reason := lacking(module):
                rows.append(skipped(f"{task}, beside {module}", reason))
            else:
                recipes[module] = partial(_reader, source, make)
        times = alternate(recipes, sizes)
    slices = sizes.series * sizes.slices
    for module in list(recipes)[1:]:
        rates = (slices / times[name] for name in ("ours", module))
        rows.append(beside(task, f"{module}, reading only", "slices/s", *rates))
    return rows


def _ours(source: Path, place: Path) -> Call:
    stores = (place / f"store{k}" for k in count())

    def call() -> None:
        store = next(stores)
        ingest_folder(source, "dicom", store, 256, {}, salt=bytes(32))
        shutil.rmtree(store)

    return call


def _reader(source: Path, make: Callable[[], Reader]) -> Call:
    reader = make()

    def call() -> None:
        for folder in series.folders(source):
            reader(folder)

    return call


def _simpleitk() -> Reader:
    import SimpleITK as sitk

    def read(folder: Path) -> object:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        return sitk.GetArrayFromImage(reader.Execute())

    return read


def _monai() -> Reader:
    from monai.transforms import LoadImage

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it misses is for compressed series
        return LoadImage(image_only=True)


def growing(sizes: Sizes) -> list[Row]:
    """Time per slice and memory of `lcgan ingest` for larger and larger cohorts."""
    if reason := lacking("pydicom", "psutil"):
        return [skipped("ingest of growing cohorts", reason)]
    rows = []
    with tempfile.TemporaryDirectory() as place:
        source, store = Path(place, "heads"), Path(place, "store")
        for slices in sizes.cohorts:
            patients = -(-slices // sizes.slices)
            series.grow(source, patients, sizes.small_matrix, sizes.slices)
            taken, peak = _ingest_command(source, store)
            shutil.rmtree(store)
            rows.append({"slices": patients * sizes.slices, "seconds": taken, "peak_mib": peak})
    return rows


def _ingest_command(source: Path, store: Path) -> tuple[float, float]:
    """Seconds of the command, and the peak memory of all its processes in MiB."""
    import psutil

    command = [sys.executable, "-m", "lcgan_core.cli", "ingest", str(source), "--format", "dicom"]
    started, peak = time.perf_counter(), 0.0
    with subprocess.Popen(
        [*command, "--size", "64", "--out", str(store)], stdout=subprocess.DEVNULL
    ) as process:
        top = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, sum(map(_memory, [top, *_children(top)])) / 2**20)
            time.sleep(0.1)
    if process.returncode:
        raise RuntimeError(f"lcgan ingest ended with {process.returncode}")
    return time.perf_counter() - started, peak


def _children(process: object) -> list:
    import psutil

    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _memory(process: object) -> float:
    """Bytes of a process; shared pages are divided among the processes that share them."""
    import psutil

    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0.0
