"""A wrong metric changes what notebook 6 shows of the stored label maps, so nbval sees it."""

import json

import pytest

from lcgan_core.metrics import Overlap
from lcgan_core.metrics.arrays import ratio
from lcgan_core.metrics.cells import METRICS
from lcgan_core.run.artefacts import REPOSITORY
from lcgan_core.stages.evaluation import stored_label_maps

NOTEBOOK = REPOSITORY / "notebooks" / "06_evaluation.ipynb"
TAG = "stored-label-maps"
detected = Overlap.detected
IN_OVERLAP = {
    "Dice per image without its factor 2": (
        "dice_image",
        lambda self: ratio(self.intersection.sum(1), (self.predicted + self.truth).sum(1)),
    ),
    "false positives below the area rule counted": (
        "detected",
        lambda self, min_area, min_dice: detected(self, 1, min_dice),
    ),
    "a lesion found wherever it is touched": (
        "detected",
        lambda self, min_area, min_dice: detected(self, min_area, 1e-9),
    ),
}
IN_CELLS = {
    "missed lesions left out": ("dice_instance", METRICS["dice_class_detected"]),
    "every image counted alike, not its pixels": ("dice_class_pooled", METRICS["dice_instance"]),
    "precision and recall swapped": ("recall", METRICS["precision"]),
}


@pytest.fixture(scope="module")
def cell():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    [found] = [cell for cell in cells if TAG in cell["metadata"].get("tags", [])]
    return found


def table():
    """What a notebook shows, and nbval compares."""
    return stored_label_maps()._repr_html_()


def test_the_notebook_shows_the_metrics_of_today(cell):
    [output] = cell["outputs"]
    assert table() == "".join(output["data"]["text/html"])


def test_nbval_compares_the_cell(cell):
    assert cell["metadata"]["tags"] == [TAG], "and no tag for which nbval skips a cell"
    assert cell["execution_count"] is not None


@pytest.mark.parametrize("wrong", [*IN_OVERLAP, *IN_CELLS])
def test_a_wrong_metric_shows_another_table(monkeypatch, wrong):
    right = table()
    if wrong in IN_OVERLAP:
        monkeypatch.setattr(Overlap, *IN_OVERLAP[wrong])
    else:
        monkeypatch.setitem(METRICS, *IN_CELLS[wrong])
    assert table() != right
