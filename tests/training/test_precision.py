"""Training in bfloat16 follows that in float32: the same seed, the same curve, the same Dice."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
import torch.nn.functional as F

from lcgan_core.generators.lcgan import LcganTask
from lcgan_core.metrics import dice_class_pooled
from lcgan_core.protocol import profiles
from lcgan_core.segmenters.fcn8s import Fcn8s
from lcgan_core.training import engine
from lcgan_core.training.engine import Schedule
from lcgan_core.training.pairs import Pairs
from lcgan_core.training.placing import has_bf16

EPOCHS = 30


def toy():
    """Blobs of two grey levels on noise: (12, 64, 64) uint8 images, and labels 1 and 5."""
    noise = torch.Generator().manual_seed(3)
    coarse = torch.rand((12, 1, 5, 5), generator=noise)
    field = F.interpolate(coarse, (64, 64), mode="bilinear", align_corners=False)[:, 0]
    labels = torch.where(field > 0.7, 1, torch.where(field < 0.25, 5, 0)).to(torch.uint8)
    grey = 100 + 100.0 * (labels == 1) - 80.0 * (labels == 5)
    return (grey + 10 * torch.randn(grey.shape, generator=noise)).clip(0, 255).byte(), labels


IMAGES, LABELS = toy()
pytestmark = pytest.mark.skipif(
    not has_bf16(), reason="this device does not multiply bfloat16 in hardware"
)


def config(precision):
    return profiles.load(
        "quick", lcgan_width=4, lcgan_precision=precision, segmentation_width=4,
        segmentation_precision=precision,
    )  # fmt: skip


def curves(task):
    """The losses of a training."""
    with TemporaryDirectory() as work:
        history = engine.fit(task, len(IMAGES), Schedule(4, epochs=EPOCHS), 7, Path(work), "toy")
    return history.set_index("epoch")


def apart(losses, others):
    """Relative difference of each loss in each epoch."""
    return (losses - others).abs() / others.abs()


def test_fcn_learns_the_same_and_finds_the_same():
    half, full = (Fcn8s(config(each), 5) for each in ("auto", "float32"))
    losses, reference = (curves(each.task(Pairs(IMAGES, LABELS), seed=1)) for each in (half, full))
    assert reference["cross-entropy"].iloc[-1] < reference["cross-entropy"].iloc[0] / 3
    # measured 3.3 %
    assert 1e-5 < apart(losses, reference)["cross-entropy"].max() < 0.08, "equal: one ran twice"
    dice, dice_full = (
        dice_class_pooled(each.segment(IMAGES), LABELS)[[0, 4]] for each in (half, full)
    )
    assert dice_full.min() > 0.8
    assert (dice - dice_full).abs().max() < 0.02  # measured .002


def test_lcgan_learns_the_same():
    settings = [config(each).lcgan for each in ("auto", "float32")]
    losses, reference = (curves(LcganTask(each, IMAGES, LABELS, seed=1)) for each in settings)
    assert reference["L1"].iloc[-1] < 0.7 * reference["L1"].iloc[0]
    # measured over three seeds and two numbers of threads: .3 %; and, since the two networks chase
    # each other in single epochs, .8 % in the mean over the epochs
    assert apart(losses, reference)["L1"].max() < 0.01
    assert apart(losses, reference).mean().max() < 0.025


FULL_WIDTH = """
import torch
from torch.nn import functional as F
from lcgan_core.models import FCN8s
from lcgan_core.training.placing import place
torch.set_num_threads(2)
fcn = place(FCN8s(width=64, border=1), "auto")
for step in range(2):
    F.cross_entropy(fcn(torch.zeros(1, 3, 64, 64)), torch.zeros(1, 64, 64).long()).backward()
"""


@pytest.mark.skipif(not torch.cpu._is_amx_tile_supported(), reason="this CPU has no AMX")
def test_full_width_trains_on_a_cpu_with_amx():
    """In a process of its own, which a write past the end of memory would end."""
    done = subprocess.run([sys.executable, "-c", FULL_WIDTH], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
