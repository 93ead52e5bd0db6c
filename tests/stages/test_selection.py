"""The rule that chooses the generator, worked by hand; nearest training image by brute force."""

import numpy as np
import pandas as pd
import torch

from lcgan_core.stages.selection import choose, nearest_rmse


def candidates(**columns):
    return pd.DataFrame({"epoch": [10, 50, 100], **columns})


def test_best_mean_rank_is_chosen():
    table = choose(
        candidates(
            fcn_score=[0.5, 0.7, 0.6],  # ranks 3 1 2
            sharpness_laplacian=[10, 20, 30],  # 3 2 1
            realism_share=[0.1, 0.9, 0.2],  # 3 1 2
        )
    )
    assert table.mean_rank.round(3).tolist() == [3.0, 1.333, 1.667]
    assert table.chosen.tolist() == [False, True, False]


def test_a_tie_goes_to_the_higher_fcn_score():
    table = choose(
        candidates(
            fcn_score=[0.5, 0.7, 0.1],  # ranks 2 1 3
            sharpness_laplacian=[30, 20, 10],  # 1 2 3
            realism_share=[0.5, 0.5, 0.1],  # 1.5 1.5 3
        )
    )
    assert table.mean_rank[0] == table.mean_rank[1]
    assert table.chosen.tolist() == [False, True, False]


def test_a_criterion_without_values_decides_nothing():
    table = choose(
        candidates(
            fcn_score=[0.5, 0.7, 0.6],
            sharpness_laplacian=[1, 3, 2],
            realism_share=[np.nan] * 3,
        )
    )
    assert table.chosen.tolist() == [False, True, False]


def test_nearest_training_image():
    generator = torch.Generator().manual_seed(0)
    training = torch.randint(256, (5, 8, 8), generator=generator, dtype=torch.uint8)
    images = training[[3, 1]].clone()
    images[1, 0, 0] += 8  # one pixel of 64 differs by 8 (or wraps, to be caught below)
    expected = [
        min(np.sqrt(((i - t) ** 2).mean()) for t in training.numpy().astype(float))
        for i in images.numpy().astype(float)
    ]
    assert np.allclose(nearest_rmse(images, training), expected, atol=1e-2)
    assert expected[0] == 0
