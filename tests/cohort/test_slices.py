"""Images that fill the memory are mapped from a file, and are the same images."""

from pathlib import Path

import torch

from lcgan_core.cohort import slices


def test_images_that_fill_the_memory_are_mapped_from_a_file_and_come_back(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path))
    monkeypatch.setattr(slices, "SHARE", 0.0)
    mapped = slices.room((5, 4, 3))
    values = torch.randint(256, (5, 4, 3), dtype=torch.uint8)
    mapped[:] = values
    assert str(tmp_path) in Path("/proc/self/maps").read_text(), "the memory is a file's"
    assert not list(tmp_path.iterdir()), "the file no longer has a name"
    assert torch.equal(mapped[torch.tensor([4, 0])], values[[4, 0]])


def test_small_images_stay_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "none"))
    assert slices.room((2, 3)).shape == (2, 3)
