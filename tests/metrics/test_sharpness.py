"""Sharpness: against OpenCV and NumPy, and falling with blur."""

import cv2
import numpy as np
import pytest
import torch

from lcgan_core.metrics import sharpness_fourier, sharpness_laplacian

MEASURES = (sharpness_laplacian, sharpness_fourier)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 20), dtype=np.uint8)


def test_laplacian_equals_opencv_and_its_formula(images):
    expected = [cv2.Laplacian(image, cv2.CV_64F).var() for image in images]
    assert sharpness_laplacian(images).tolist() == expected
    np.testing.assert_allclose(sharpness_laplacian(torch.tensor(images)), expected, rtol=1e-12)
    one_dot = np.zeros((1, 5, 5), np.uint8)
    one_dot[0, 2, 2] = 1
    # Values -4 and four times 1, all else 0: mean 0, variance (16 + 4) / 25.
    assert sharpness_laplacian(one_dot).tolist() == [0.8]


def test_fourier_equals_numpy(images):
    expected = [np.abs(np.fft.fft2(image)).mean() for image in images]
    np.testing.assert_allclose(sharpness_fourier(images), expected, rtol=1e-12)
    np.testing.assert_allclose(sharpness_fourier(torch.tensor(images)), expected, rtol=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_kinds_and_dtypes(measure, images):
    array, tensor = measure(images), measure(torch.tensor(images))
    assert isinstance(array, np.ndarray) and isinstance(tensor, torch.Tensor)
    assert array.dtype == np.float64 and tensor.dtype == torch.float64
    assert array.shape == (3,) and tensor.shape == (3,)
    assert measure(images[:0]).shape == (0,)


@pytest.mark.parametrize("measure", MEASURES)
def test_blur_lowers_it(measure, images):
    blurred = [cv2.GaussianBlur(images[0], (0, 0), sigma) for sigma in (0.5, 1, 2)]
    values = measure(np.stack([images[0], *blurred]))
    assert (np.diff(values) < 0).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_flat_image(measure):
    flat = np.full((1, 8, 8), 7, np.uint8)
    assert measure(flat).tolist() == [0 if measure is sharpness_laplacian else 7]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("measure", MEASURES)
def test_gpu_equals_cpu(measure, images):
    result = measure(torch.tensor(images).cuda())
    assert result.is_cuda
    np.testing.assert_allclose(result.cpu(), measure(images), rtol=1e-9)
