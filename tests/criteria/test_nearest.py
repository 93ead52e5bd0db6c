"""Nearest slices by brute force; the kernel distance beside scikit-learn's kernel."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from lcgan_core.criteria.kernel_distance import kernel_distance, patient_halves
from lcgan_core.criteria.nearest import BLOCK, nearest, pixel_rmse

RNG = np.random.default_rng(0)


def maps(n):
    images = RNG.integers(0, 256, (n, 6, 7), dtype=np.uint8)
    labels = RNG.choice([0, 0, 0, 0, 3, 15], (n, 6, 7)).astype(np.uint8)
    return torch.from_numpy(images), torch.from_numpy(labels)


def brute(image, label, other, other_label):
    free = (label.numpy() == 0) & (other_label.numpy() == 0)
    return np.sqrt(((image.numpy().astype(float) - other.numpy()) ** 2)[free].mean())


def test_distance_leaves_out_what_is_lesion_in_either():
    images, labels = maps(5)
    others, other_labels = maps(BLOCK + 3)
    ours = pixel_rmse(images, labels, others, other_labels)
    for i in range(5):
        for j in (0, BLOCK - 1, BLOCK, BLOCK + 2):
            theirs = brute(images[i], labels[i], others[j], other_labels[j])
            assert ours[i, j].item() == pytest.approx(theirs, rel=1e-4)


def test_a_copy_that_differs_in_the_lesion_only_is_a_copy():
    images, labels = maps(4)
    repainted = torch.where(labels[[2]] > 0, 255 - images[[2]], images[[2]])
    apart, place = nearest(lambda rows: pixel_rmse(repainted[rows], labels[[2]], images, labels), 1)
    assert apart.item() == pytest.approx(0, abs=0.05)
    assert place.item() == 2


def test_nearest_of_another_patient():
    points = torch.from_numpy(RNG.normal(size=(600, 2)))
    groups = torch.from_numpy(RNG.integers(0, 5, 600))
    apart, place = nearest(lambda rows: torch.cdist(points[rows], points), 600, groups, groups)
    whole = torch.cdist(points, points)
    for i in (0, 255, 256, 599):
        of_others = torch.where(groups != groups[i], whole[i], torch.inf)
        assert place[i] == of_others.argmin()
        assert apart[i] == of_others.min()


def test_one_patient_has_no_neighbour():
    groups = torch.zeros(3)
    apart, place = nearest(lambda rows: torch.ones(3, 3)[rows], 3, groups, groups)
    assert apart.isnan().all()
    assert place.tolist() == [-1, -1, -1]


def test_kernel_distance_equals_its_definition_with_scikit_learn_s_kernel():
    x, y = RNG.normal(size=(7, 4)), RNG.normal(0.5, size=(5, 4))

    def mean(a, b, skip):
        kernel = polynomial_kernel(a, b, degree=3, coef0=1)  # gamma 1 / D
        pairs = [kernel[i, j] for i in range(len(a)) for j in range(len(b)) if not skip or i != j]
        return np.mean(pairs)

    expected = mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)
    assert kernel_distance(torch.tensor(x), torch.tensor(y)) == pytest.approx(expected)


def test_kernel_distance_is_about_0_for_one_distribution_and_not_for_two():
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(400, 8, generator=generator)
    groups = torch.arange(400) // 4
    for shift, low, high in ((0.0, -0.1, 0.1), (1.0, 1.0, np.inf)):
        synthetic = torch.randn(400, 8, generator=generator) + shift
        apart = patient_halves(real, synthetic, groups, 10, generator)
        assert low < apart[:, 0].mean() < high
        assert abs(apart[:, 1].mean()) < 0.1


def test_too_few_vectors_have_no_distance():
    assert np.isnan(kernel_distance(torch.ones(1, 2), torch.ones(5, 2)))
