"""What a folder of scans contains, as a hash: linked folders belong to it."""

import os

import pytest

from lcgan_core.run.listing import listing


@pytest.fixture
def heads(tmp_path):
    """A folder with a scan, and a link to another folder with one."""
    for name in ("heads", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scan.nii.gz").write_bytes(b"scan")
    (tmp_path / "heads" / "linked").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "heads"


@pytest.mark.parametrize("place", [".", "linked"])
def test_a_changed_touched_new_or_lost_file_is_seen(heads, place):
    scan = heads / place / "scan.nii.gz"
    seen = [listing(heads), listing(heads)]
    assert seen[0] == seen[1]
    scan.write_bytes(b"other")
    seen.append(listing(heads))
    os.utime(scan, (1, 1))
    seen.append(listing(heads))
    (heads / place / "second.nii.gz").touch()
    seen.append(listing(heads))
    scan.unlink()
    seen.append(listing(heads))
    assert len(set(seen)) == 5


def test_what_cannot_be_read_is_left_to_the_reading(heads):
    before = listing(heads)
    (heads / "broken").symlink_to(heads / "nowhere")
    assert listing(heads) == before
    assert listing(heads / "nowhere") == listing(heads / "scan.nii.gz")
