"""A lesion is painted into another patient's slice, and nothing else of that slice changes."""

import numpy as np
import pandas as pd
import pytest
import torch

from lcgan_core.cohort.slices import Slices
from lcgan_core.errors import UserError
from lcgan_core.generators import inpaint, jitter, recipients
from lcgan_core.generators.base import generator
from lcgan_core.generators.inpaint import InpaintTask, painted_area
from lcgan_core.generators.recipients import Heads
from lcgan_core.lesions import FIVE
from lcgan_core.protocol import profiles
from tests.training.trainings import LCGAN, train

SIZE = 64
CONFIG = profiles.load("quick", image_size=SIZE, lcgan_width=2, lcgan_snapshots=[1])
PLACES = torch.arange(SIZE) - (SIZE - 1) / 2
DISTANCE = (PLACES[:, None] ** 2 + PLACES**2).sqrt()


def head(radius, tissue):
    """A round skull of two pixels around tissue; air outside."""
    deep = radius - DISTANCE
    return torch.where(deep > 0, tissue, torch.where(deep > -2, 255, 0)).byte()


def lesion(row, column, kind=1):
    """A square of five pixels a side."""
    mask = torch.zeros(SIZE, SIZE, dtype=torch.uint8)
    mask[row : row + 5, column : column + 5] = kind
    return mask


RADII, PATIENTS = (20, 20, 28, 28, 28, 20), np.array(["a", "b", "c", "d", "d", "b"])
IMAGES = torch.stack([head(radius, 60 + 10 * k) for k, radius in enumerate(RADII)])
LABELS = torch.stack([lesion(22 + 2 * k, 30, 1 + k % 5) for k in range(6)])
BRIGHT = torch.where(LABELS > 0, 200, IMAGES).byte()
SLICES = Slices(BRIGHT, LABELS, pd.DataFrame({"patient": PATIENTS}), FIVE)


def chosen(masks, heads, times=30):
    chance = torch.Generator().manual_seed(3)
    return [recipients.choose(masks, heads, chance).tolist() for _ in range(times)]


def test_a_lesion_goes_to_another_patient_with_such_a_skull(monkeypatch):
    monkeypatch.setattr(recipients, "CHOICE", 2)
    heads = Heads.of(IMAGES, LABELS, PATIENTS)
    for taken in chosen(LABELS > 0, heads):
        for own, other in enumerate(taken):
            assert PATIENTS[own] != PATIENTS[other]
        # of a, the small heads are both of b; of c, the large ones both of d
        assert set(taken[:1]) <= {1, 5} and set(taken[2:3]) <= {3, 4}


def test_a_lesion_at_the_skull_goes_where_it_has_room(monkeypatch):
    monkeypatch.setattr(recipients, "CHOICE", 1)
    outside = lesion(30, 55)[None]  # beyond every small skull, and inside the large ones
    heads = Heads.of(IMAGES, torch.cat([LABELS[:2], outside, LABELS[3:]]), PATIENTS)
    assert all(taken[0] in (3, 4) for taken in chosen(outside > 0, heads))


def test_no_patient_s_slice_is_taken_for_want_of_others():
    few = Heads.of(IMAGES[3:], LABELS[3:], PATIENTS[3:])  # d, d, b
    for taken in chosen(LABELS[3:] > 0, few):
        assert taken[:2] == [2, 2] and taken[2] in (0, 1)


def test_one_patient_is_refused_in_a_sentence(tmp_path):
    alone = Slices(BRIGHT, LABELS, pd.DataFrame({"patient": ["a"] * 6}), FIVE)
    with pytest.raises(UserError, match="inpaint .* slices of one patient only; raise the frac"):
        generator("inpaint", CONFIG, SIZE, 5).fit(alone, 1, tmp_path, "test")
    assert not list(tmp_path.iterdir())


def test_what_is_not_painted_is_another_patient_s_slice(tmp_path):
    method = generator("inpaint", CONFIG, SIZE, 5)
    assert method.fit(SLICES, 1, tmp_path, "test") == [1]
    made = method.paint(tmp_path, 1, LABELS, seed=5)
    assert made.shape == LABELS.shape and made.dtype == torch.uint8
    for own, picture in enumerate(made):
        same = [
            other
            for other in range(6)
            if PATIENTS[other] != PATIENTS[own]
            and torch.equal(
                *(
                    torch.where(painted_area(LABELS[own, None], LABELS[other, None])[0], 0, image)
                    for image in (picture, BRIGHT[other])
                )
            )
        ]
        assert same, f"mask {own} lies in no other patient's slice"
    assert torch.equal(made, method.paint(tmp_path, 1, LABELS, seed=5))
    assert not torch.equal(made, method.paint(tmp_path, 1, LABELS, seed=6))


def test_the_condition_hides_what_is_to_be_painted():
    still = jitter.Jitter(torch.full((6,), 3), torch.full((6,), 3), torch.zeros(6).bool())
    given, other = (
        inpaint.condition(LCGAN, torch.where(LABELS > 0, level, IMAGES).byte(), LABELS,
                          LABELS.flip(0), still, 5)[0]
        for level in (200, 30)
    )  # fmt: skip
    assert torch.equal(given, other)
    assert given.shape == (6, inpaint.condition_channels(LCGAN, 5), SIZE, SIZE)
    hole = given[:, -1] > 0
    assert (given[:, -2][hole] == 0).all()
    _, moved = jitter.apply(torch.zeros(6, 1, SIZE, SIZE), LABELS, still)
    assert hole[moved > 0].all()
    assert hole.float().mean() < 0.2


def test_both_own_and_given_lesions_are_painted_with_a_margin():
    one, other = lesion(10, 10)[None], lesion(40, 40)[None]
    area = painted_area(one, other)
    assert int(area.sum()) == 2 * (5 + 2 * (SIZE // inpaint.MARGIN)) ** 2
    assert area[one > 0].all() and area[other > 0].all()


def test_it_learns_that_lesions_are_bright(tmp_path):
    fast = LCGAN.model_copy(update={"learning_rate": 2e-3, "width": 4})
    task = InpaintTask(fast, BRIGHT, LABELS, seed=1)
    history = train(task, tmp_path, epochs=40)
    assert history.L1.iloc[-5:].mean() < 0.5 * history.L1.iloc[0]
    with torch.no_grad():
        made = inpaint.inpainted(
            task.G, fast, BRIGHT[:1].repeat(3, 1, 1), LABELS[1:4], LABELS[:1].repeat(3, 1, 1), 5
        )
    inside = LABELS[1:4] > 0
    taken_out = (LABELS[:1] > 0) & ~painted_area(LABELS[1:4], torch.zeros_like(LABELS[1:4]))
    assert made[inside].float().mean() > 150
    assert not taken_out.any() or made[taken_out].float().mean() < 130


def test_a_training_in_which_no_lesion_is_left_in_sight_does_not_fail():
    cut_off = torch.zeros_like(LABELS)
    task = InpaintTask(LCGAN, IMAGES, cut_off, seed=1)
    assert all(torch.isfinite(loss) for loss in task.step(torch.arange(2)).values())
