"""The U-Net as a segmenter: nnU-Net's loss and rate, its switches, what a saved network does."""

import pytest
import torch
from torch.nn import functional as F

from lcgan_core.models.unet import HEADS, UNet
from lcgan_core.protocol import profiles
from lcgan_core.protocol.config import Unet
from lcgan_core.segmenters import base
from lcgan_core.segmenters.unet import POWER, UnetTask, augmented
from lcgan_core.training import engine
from lcgan_core.training.engine import Schedule
from lcgan_core.training.pairs import Pairs
from tests.training.trainings import IMAGES, LABELS, weights

SMALL = Unet(width=2, batch=2, precision="float32")
STILL = SMALL.model_copy(update={"augmented": False})
CONFIG = profiles.load(
    "quick", image_size=64, unet_width=2, unet_batch=2, unet_precision="float32",
    segmentation_steps=6,
)  # fmt: skip


def train(task, work, steps=6):
    schedule = Schedule(2, steps=steps, falling_rate=True)
    return engine.fit(task, len(IMAGES), schedule, 7, work, "test")


@pytest.mark.parametrize("classes", [1, 5])
def test_a_saved_network_segments_as_the_trained_one(tmp_path, classes):
    method = base.segmenter("unet", CONFIG, classes)
    task = method.task(Pairs(IMAGES, LABELS.clip(max=classes)), seed=1)
    train(task, tmp_path)
    base.save(task, tmp_path)
    again = base.trained("unet", CONFIG, classes, tmp_path)
    labels, features = method.segment(IMAGES), method.features(IMAGES)
    assert labels.shape == IMAGES.shape and labels.dtype == torch.uint8
    assert labels.max() <= classes
    assert features.shape == (len(IMAGES), 16 * 2) and features.dtype == torch.float32
    assert torch.equal(again.segment(IMAGES), labels)
    assert torch.equal(again.features(IMAGES), features)


def test_segmenting_a_slice_does_not_depend_on_the_others():
    method = base.segmenter("unet", CONFIG, 5)
    method.task(Pairs(IMAGES, LABELS), seed=1)
    features = method.features(IMAGES)
    alone = torch.cat([method.features(image[None]) for image in IMAGES])
    torch.testing.assert_close(alone, features, rtol=1e-4, atol=1e-5)


def test_the_loss_is_dice_and_cross_entropy_of_every_supervised_map():
    task = UnetTask(STILL, Pairs(IMAGES, LABELS), seed=1)
    task.network.train()
    batch = torch.arange(4)
    maps = task.network(IMAGES[:4, None].float() / 127.5 - 1)
    assert maps.shape == (4, 1 + HEADS, 6, 64, 64)
    truth = LABELS[:4].long()
    indicators = F.one_hot(truth, 6).permute(0, 3, 1, 2)[:, 1:]
    expected = 0.0
    for level, logits in enumerate(maps.unbind(1)):
        chance = logits.softmax(1)[:, 1:]
        both = (chance * indicators).sum((0, 2, 3))
        dice = 2 * both / (chance.sum((0, 2, 3)) + indicators.sum((0, 2, 3)))
        loss = (1 - dice).mean() + F.cross_entropy(logits, truth)
        expected += 0.5**level * float(loss.detach())
    assert task.step(batch)["Dice and cross-entropy"].item() == pytest.approx(expected, rel=1e-4)


def test_the_rate_falls_by_a_power_of_the_steps_left(tmp_path, monkeypatch):
    task = UnetTask(STILL, Pairs(IMAGES, LABELS), seed=1)
    adam, rates = task.optimizers["adam"], []
    step = adam.step
    monkeypatch.setattr(adam, "step", lambda: rates.append(adam.param_groups[0]["lr"]) or step())
    train(task, tmp_path, steps=5)
    assert rates == pytest.approx([2e-3 * (1 - done / 5) ** POWER for done in range(5)])


def test_an_interrupted_training_ends_like_an_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "pause_after", lambda saving: -1.0)
    ends = []
    for stops in (False, True):
        work = tmp_path / str(stops)
        work.mkdir()
        task = UnetTask(SMALL, Pairs(IMAGES, LABELS), seed=1)
        if stops:
            done, step = [], task.step

            def counted(batch, done=done, step=step):
                done.append(batch)
                if len(done) == 4:
                    raise KeyboardInterrupt
                return step(batch)

            task.step = counted
            with pytest.raises(Exception, match="run the same command again"):
                train(task, work)
            task = UnetTask(SMALL, Pairs(IMAGES, LABELS), seed=1)
        train(task, work)
        ends.append(weights(task))
    assert torch.equal(*ends)


def test_without_augmentation_the_network_sees_the_slices_as_they_are(monkeypatch):
    seen = []
    for settings in (STILL, SMALL):
        task = UnetTask(settings, Pairs(IMAGES, LABELS), seed=1)
        task.network.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
        torch.manual_seed(1)
        task.step(torch.arange(6))
    expected = IMAGES[:, None].float() / 127.5 - 1
    assert torch.equal(seen[0].cpu(), expected)
    assert not torch.equal(seen[1].cpu(), expected)


def test_slice_and_labels_are_moved_alike():
    """Labels that are the grey levels themselves stay so, where nothing is interpolated."""
    blocks = torch.arange(6, dtype=torch.uint8).repeat_interleave(16).repeat(5, 96, 1)
    torch.manual_seed(4)
    images, labels = augmented(40 * blocks, blocks)
    agree = (images.float() / 40).round() == labels
    assert agree.float().mean() > 0.97
    assert any(not torch.equal(one, blocks[0]) for one in labels)
    assert any(torch.equal(one, blocks[0].flip(1)) for one in labels)


def test_the_mean_over_mirror_images_is_mirrored_with_the_slice():
    method = base.segmenter(
        "unet", profiles.load("quick", **CONFIG.overrides, unet_mirrored=True), 5
    )
    method.task(Pairs(IMAGES, LABELS), seed=1)
    with torch.no_grad():
        method.network.eval()
        seen, mirrored = (method.probabilities(part) for part in (IMAGES, IMAGES.flip(2)))
        alone = base.segmenter("unet", CONFIG, 5)
        alone.network = method.network
        plain = alone.probabilities(IMAGES)
    torch.testing.assert_close(seen.flip(3), mirrored)
    assert not torch.allclose(seen, plain)


def test_the_arms_of_a_fraction_start_from_the_same_weights():
    pairs = (Pairs(IMAGES, LABELS), Pairs(IMAGES[:2], LABELS[:2]))
    assert torch.equal(*(weights(UnetTask(SMALL, arm, seed=1)) for arm in pairs))


def test_the_deepest_map_has_four_pixels_a_side_at_every_size():
    for size in (64, 128, 256, 512):
        with torch.device("meta"):
            network = UNet(2, 1, size)
        assert len(network.filters) == (size // 4).bit_length()
        assert max(network.filters) == min(16, 2 ** (len(network.filters) - 1))


def test_it_learns_to_segment_a_bright_square(tmp_path):
    images = torch.full((6, 64, 64), 60, dtype=torch.uint8)
    labels = torch.zeros_like(images)
    for k in range(6):
        images[k, 8 * k : 8 * k + 16, 20:40], labels[k, 8 * k : 8 * k + 16, 20:40] = 200, 1
    config = profiles.load(
        "quick", **CONFIG.overrides | {"unet_width": 4, "unet_learning_rate": 0.01}
    )
    method = base.segmenter("unet", config, 1)
    task = method.task(Pairs(images, labels), seed=1)
    train(task, tmp_path, steps=60)
    found = method.segment(images)
    assert 2 * (found * labels).sum() / (found.sum() + labels.sum()) > 0.9
