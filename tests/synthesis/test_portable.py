"""The generator as ONNX paints what the painter does without noise."""

import numpy as np
import pytest

from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.synthesis import Painter, portable

from ..takeaway.trained import generator_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return generator_model(tmp_path_factory.mktemp("portable"))[0]


def test_onnxruntime_paints_what_the_painter_does_without_noise(model):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    path = portable.export(model)
    store = SliceStore.open(model.parent / "store")
    labels = np.array(store.labels[store.labels.any((1, 2))])[:4]
    painter = Painter.from_pretrained(model)
    painter.method.settings = painter.method.settings.model_copy(
        update={"synthesis_noise": False, "precision": "float32"}
    )
    expected = painter.paint(labels)
    session = runtime.InferenceSession(str(path))
    for one, hu in zip(labels, expected, strict=True):
        (made,) = session.run(None, {"labels": one[None].astype(np.int64)})
        apart = np.abs(made[0].astype(int) - hu)
        assert apart.max() <= 1 and (apart > 0).mean() < 0.01  # a rounding at the half
        assert hu.std() > 0


def test_what_cannot_be_exported_is_refused(model, monkeypatch):
    monkeypatch.setattr(portable, "NEEDS", ("no_such_package",))
    with pytest.raises(UserError, match=r"ONNX needs no_such_package; .* lcgan-core\[onnx\]"):
        portable.export(model)
