"""The book's page of measured times says what results/bench/*.json says."""

import json
import re
from xml.etree import ElementTree

import pytest

from benchmarks.measuring import device_name, file_name
from lcgan_core.book.pages import performance

COMMITTED = sorted(performance.FOLDER.glob("*.json"))
RESULT = {
    "device": "a device", "precision": "bfloat16", "versions": {"torch": "2.0"},
    "rows": [
        {"task": "a step", "unit": "images/s", "ours": 12.345, "plain": 3.0, "ratio": 4.115,
         "share": 0.913, "against": "eager"},
        {"task": "a limit", "unit": "s", "ours": 1234.5, "share": None},
        {"task": "a reader", "skipped": "it is not installed"},
    ],
    "cohorts": [{"slices": 4000, "seconds": 10.0, "peak_mib": 512.3}],
}  # fmt: skip


def cells(page: str) -> list[list[str]]:
    """Every row of every HTML table of a page, the headings included."""
    tables = re.findall(r"<table.*?</table>", page, re.S)
    rows = [row for table in tables for row in ElementTree.fromstring(table).iter("tr")]
    return [[(cell.text or "") for cell in row] for row in rows]


@pytest.fixture
def page(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(RESULT))
    return performance.page(tmp_path)


def test_the_tables_show_the_numbers_of_the_file(page):
    rows = cells(page)
    assert ["a step", "images/s", "12.3", "3", "4.12", "91 %", "eager"] in rows
    assert ["a limit", "s", "1,230", "–", "–", "–", "–"] in rows
    assert ["a reader", "–", "–", "–", "–", "–", "skipped: it is not installed"] in rows
    assert ["4,000", "2.5", "512"] in rows
    assert page.startswith("**a device**, bfloat16; torch 2.0.")


def test_something_is_committed():
    assert COMMITTED


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_run_is_whole_and_its_numbers_agree(path):
    result = json.loads(path.read_text())
    assert path.stem == file_name(result["device"])
    assert set(result) == {"device", "precision", "versions", "rows", "cohorts"}
    for row in result["rows"]:
        assert row["task"]
        if "ratio" in row:
            assert row["ratio"] == pytest.approx(row["ours"] / row["plain"])
        assert "skipped" in row or row["ours"] > 0
    tasks = [row["task"] for row in result["rows"]]
    starts = (
        "LcGAN step, batch", "FCN-8s step", "classifier step", "synthesis", "traditional",
        "Dice of label maps", "Tables 1 to 3", "DICOM series", "matrix product",
    )  # fmt: skip
    assert all(any(task.startswith(start) for task in tasks) for start in starts)
    assert not re.search(r"/(home|tmp|root|work|Users)\b", path.read_text())


def test_the_page_has_every_committed_number():
    text = performance.page()
    rows = cells(text)
    for path in COMMITTED:
        result = json.loads(path.read_text())
        assert f"**{result['device']}**" in text
        for row in result["rows"]:
            if "ratio" in row:
                [shown] = [
                    each for each in rows if each[0] == row["task"] and each[-1] == row["against"]
                    and float(each[2].replace(",", "")) == pytest.approx(row["ours"], rel=0.005)
                ]  # fmt: skip
                assert float(shown[4]) == pytest.approx(row["ratio"], abs=0.0051)


def test_the_file_bears_the_device_and_no_host():
    assert re.fullmatch(r"[a-z0-9-]+", file_name(device_name()))
    assert file_name("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3"
