"""Exchanged masks: every mask once, never one's own, another patient's wherever there is one."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lcgan_core.copies import permuted

from .originals import originals


def exchanged(patients, seed=0):
    return permuted.exchanged(np.array([*patients]), torch.Generator().manual_seed(seed)).tolist()


def own_patient(patients, taken):
    return sum(patients[k] == patients[other] for k, other in enumerate(taken))


@settings(max_examples=200, deadline=None)
@given(st.text("abcd", min_size=2, max_size=30), st.integers(0, 2**31))
def test_every_mask_is_used_once_and_nobody_keeps_his_own(patients, seed):
    taken = exchanged(patients, seed)
    assert sorted(taken) == list(range(len(patients)))
    assert all(k != other for k, other in enumerate(taken))


@pytest.mark.parametrize(
    "patients", ["ab", "aab", "aabb", "aaab", "abcab", "aaabc", "aabbcc", "aaaabb", "abbbbb"]
)
def test_no_permutation_gives_more_slices_another_patient_s_mask(patients):
    least = min(own_patient(patients, p) for p in itertools.permutations(range(len(patients))))
    for seed in range(5):
        assert own_patient(patients, exchanged(patients, seed)) == least


def test_only_a_single_slice_keeps_its_mask():
    assert exchanged("a") == [0]
    assert exchanged("aa") == [1, 0]


def test_the_generator_decides():
    patients = "aabbccddee"
    drawn = {tuple(exchanged(patients, seed)) for seed in range(20)}
    assert len(drawn) > 15
    assert exchanged(patients, 3) == exchanged(patients, 3)


def test_images_stay_and_masks_move():
    images = torch.arange(6, dtype=torch.uint8)[:, None, None].expand(6, 4, 4)
    made, masks = permuted.copies(
        originals(images, images + 10, [*"aabbcc"]), torch.Generator().manual_seed(1), None
    )
    assert torch.equal(made, images)
    taken = (masks[:, 0, 0] - 10).tolist()
    assert sorted(taken) == list(range(6))
    assert all(k // 2 != other // 2 for k, other in enumerate(taken))
