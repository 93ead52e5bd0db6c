"""An ingest from and to places that are no places, and one that is killed with its workers."""

import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import psutil
import pydicom
import pytest

from lcgan_core.cohort import dicom
from lcgan_core.cohort.ingest import ingest_folder
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.salt import users_salt
from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError

from .cases import SALT
from .dicom_files import make_scan


@pytest.fixture
def heads(tmp_path):
    return heads_in(tmp_path / "heads")


def heads_in(folder, **attributes):
    """One patient with a mask and its map."""
    hu = np.random.default_rng(0).normal(35, 5, (6, 20, 24)).round().astype(int)
    hu[:, :4] = hu[:, -4:] = -1000
    mask = np.zeros(hu.shape, np.uint8)
    mask[2:4, 8:12, 6:12] = 1
    make_scan(folder / "p", hu=hu, **attributes).write_mask(mask)
    (folder / "labels.json").write_text(json.dumps({"1": "IPH"}))
    return folder


def ingest(source, out):
    return ingest_folder(source, "dicom", out, 64, {}, SALT)


def link(path):
    path.symlink_to(path.parent / "nowhere")
    return path


def beside(partial):
    partial.touch()
    return partial.with_name("s")


PLACES = {
    "a link that leads nowhere": lambda there: link(there / "link"),
    "a name that is too long": lambda there: there / ("x" * 300),
    "a name whose partial is too long": lambda there: there / ("x" * 250),
    "below a file": lambda there: there / "heads" / "labels.json" / "store",
    "in /proc": lambda there: there.joinpath("/proc/no/store"),
    "beside a file of the partial's name": lambda there: beside(there / ".s.partial"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_cannot_be_is_one_sentence(heads, tmp_path, name):
    with pytest.raises(UserError, match="another folder|name is too long"):
        ingest(heads, PLACES[name](tmp_path))


def test_pipes_and_sockets_among_the_files_are_passed_over(heads, tmp_path):
    os.mkfifo(heads / "p" / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(heads / "p" / "socket"))
        assert len(ingest(heads, tmp_path / "store").store.slices) == 6


def test_a_pipe_is_no_label_map_and_no_salt(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(UserError, match="pipe.json is no file"):
        LabelMap.parse(str(tmp_path / "pipe.json"))
    for place in (tmp_path / "pipe.json", tmp_path, tmp_path / "pipe.json" / "salt"):
        monkeypatch.setenv("LCGAN_SALT", str(place))
        with pytest.raises(UserError, match="cannot be used as the salt .*; set LCGAN_SALT"):
            users_salt()


def test_a_salt_is_whole_or_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "salt"))

    def killed(number):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("lcgan_core.cohort.salt.secrets.token_bytes", killed)
        users_salt()
    assert not (tmp_path / "salt").exists()
    assert len(users_salt()) == 32 and os.listdir(tmp_path) == ["salt"]


def test_a_map_that_is_nested_deeply_is_no_map(tmp_path):
    (tmp_path / "map.json").write_text('{"1":' * 100_000)
    with pytest.raises(UserError, match="is no label map"):
        LabelMap.read(tmp_path / "map.json")


def test_folders_that_are_not_in_utf_8(tmp_path):
    odd = tmp_path / os.fsdecode(b"heads\xff")
    made = ingest(heads_in(odd), tmp_path / os.fsdecode(b"store\xff"))
    assert len(SliceStore.open(made.store.folder).slices) == 6


IMPOSSIBLE = {
    "a pixel of a kilometre": ({"PixelSpacing": [1e6, 1e6]}, "states a pixel spacing of 1e"),
    "a long pixel": ({"PixelSpacing": [0.5, 5000]}, "states a pixel spacing of 0.5 x 5000 mm"),
    "a steep rescale": ({"RescaleSlope": "1e300"}, "has a damaged rescale"),
    "a negative rescale": ({"RescaleSlope": -1}, "has a damaged rescale"),
    "a high intercept": ({"RescaleIntercept": "9e9"}, "has a damaged rescale"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_headers_that_no_scanner_writes_are_refused(tmp_path, name):
    changes, sentence = IMPOSSIBLE[name]
    source = heads_in(tmp_path / "heads")
    for path in (source / "p").glob("p*"):
        item = pydicom.dcmread(path)
        for keyword, value in changes.items():
            setattr(item, keyword, value)
        item.save_as(path)
    assert any(sentence in str(refused) for refused in dicom.find(source).refused)


@pytest.mark.parametrize(
    ("moved", "number"), [((300, 0, 0), 2), ((0, 0, 1e14), 5)], ids=["sideways", "far up"]
)
def test_slices_that_lie_nowhere_near_their_series_are_refused(tmp_path, moved, number):
    source = heads_in(tmp_path / "heads")
    paths = sorted(
        (source / "p").glob("p*"), key=lambda p: pydicom.dcmread(p).ImagePositionPatient[2]
    )
    item = pydicom.dcmread(paths[number])
    item.ImagePositionPatient = [
        float(a) + b for a, b in zip(item.ImagePositionPatient, moved, strict=True)
    ]
    item.save_as(paths[number])
    [refused, *_] = dicom.find(source).refused
    assert "mm apart" in refused.reason


def test_a_header_that_claims_gigabytes_is_damaged_and_a_lack_of_memory_is_none(
    tmp_path, monkeypatch
):
    def full(*_, **__):
        raise MemoryError

    source = heads_in(tmp_path / "heads")
    monkeypatch.setattr("lcgan_core.cohort.dicom.header.pydicom.dcmread", full)
    refused = dicom.find(source).refused
    assert any("it claims more than the file holds" in str(each) for each in refused)
    monkeypatch.setattr("lcgan_core.cohort.dicom.bare.ROOM", 2**62)
    with pytest.raises(MemoryError):
        dicom.find(source)


def test_a_lack_of_memory_stops_an_ingest_that_can_go_on(tmp_path, monkeypatch):
    def full(*_):
        raise MemoryError

    source = heads_in(tmp_path / "heads")
    with monkeypatch.context() as patched:
        patched.setattr("lcgan_core.cohort.ingest.to_slices", full)
        with pytest.raises(UserError, match="not enough memory to read .*again to go on"):
            ingest(source, tmp_path / "store")
    assert len(ingest(source, tmp_path / "store").store.slices) == 6


def test_an_ingest_in_which_nothing_could_be_taken_leaves_nothing(tmp_path):
    source = heads_in(tmp_path / "heads")
    (source / "labels.json").write_text(json.dumps({"2": "IPH"}))  # the mask holds a 1
    with pytest.raises(UserError, match="could be taken"):
        ingest(source, tmp_path / "store")
    assert sorted(os.listdir(tmp_path)) == ["heads"]


WORKERS = """
from lcgan_core.cohort.workers import workers
import time

if __name__ == "__main__":
    with workers(2) as parallel:
        for _ in parallel(time.sleep, [0.1] * 6000):
            print("begun", flush=True)
"""


def test_workers_of_a_killed_process_end(tmp_path):
    (tmp_path / "script.py").write_text(WORKERS)
    process = subprocess.Popen([sys.executable, tmp_path / "script.py"], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"begun\n"
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 3
    process.kill()
    process.wait()
    gone, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


HALF_BEGUN = """
import signal
from multiprocessing import popen_forkserver
from lcgan_core.cohort.workers import workers

server = popen_forkserver.forkserver
read = server.read_signed

def interrupted(of):
    server.read_signed = read
    signal.raise_signal(signal.SIGINT)
    return read(of)

if __name__ == "__main__":
    server.read_signed = interrupted
    try:
        with workers(2) as parallel:
            list(parallel(abs, [1, 2]))
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_a_worker_that_was_just_begun_when_ctrl_c_came_ends_in_silence(tmp_path):
    (tmp_path / "script.py").write_text(HALF_BEGUN)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, check=False,
        # a shell lets its background jobs ignore Ctrl-C, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
