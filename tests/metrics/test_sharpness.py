"""Sharpness: against SciPy, the definition of the transform and cases worked by hand."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from lcgan_core.errors import UserError
from lcgan_core.metrics import sharpness_fourier, sharpness_laplacian

MEASURES = (sharpness_laplacian, sharpness_fourier)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 20), dtype=np.uint8)


def transformed(image):
    """The discrete Fourier transform as it is defined: a sum of waves, one matrix per axis."""
    rows, columns = (
        np.exp(-2j * np.pi * np.outer(k, k) / len(k)) for k in map(np.arange, image.shape)
    )
    return rows @ image.astype(float) @ columns


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_laplacian_equals_scipy(images, kind):
    # "mirror": the row before the first one is the second
    expected = [ndimage.laplace(image.astype(float), mode="mirror").var() for image in images]
    np.testing.assert_allclose(sharpness_laplacian(kind(images)), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_fourier_equals_its_definition(images, kind):
    expected = [np.abs(transformed(image)).mean() for image in images]
    np.testing.assert_allclose(sharpness_fourier(kind(images)), expected, rtol=1e-10)


def one_image(*rows):
    return np.array([rows], np.uint8)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((1, 4, 4), np.float32), "of uint8, and these are .1, 4, 4. of float32; map"),
        (torch.zeros(1, 4, 4), "of torch.float32; map the CT window"),
        (np.zeros((4, 4), np.uint8), r"these are \(4, 4\) of uint8; .* one image as image\[None\]"),
        ([[0]], "is a list; give a NumPy array or a tensor"),
    ],
    ids=["floats", "tensor of floats", "one image", "list"],
)
def test_what_is_no_stack_of_grey_images_is_refused(measure, images, words):
    with pytest.raises(UserError, match=words):
        measure(images)


BY_HAND = {
    # Laplacian of the dot: -4, four times 1, else 0: mean 0, variance (16 + 4) / 25.
    # The transform of a dot has the same magnitude, the dot's value, at every frequency.
    "a dot": (np.pad(one_image([1]), ((0, 0), (2, 2), (2, 2))), 0.8, 1),
    # Every neighbour of a 9 is 0 and of a 0 is 9, mirrored at the border: -36 or 36.
    # Four pixels: their sum 18 at frequency 0, as much where the signs alternate, else 0.
    "a chessboard": (one_image([9, 0], [0, 9]), 36**2, (18 + 18) / 4),
    # All of a flat image is in frequency 0: 64 pixels of 7, over 64 frequencies.
    "a flat image": (np.full((1, 8, 8), 7, np.uint8), 0, 7),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case):
    image, laplacian, fourier = BY_HAND[case]
    for kind in (np.asarray, torch.tensor):
        assert sharpness_laplacian(kind(image)).tolist() == pytest.approx([laplacian])
        assert sharpness_fourier(kind(image)).tolist() == pytest.approx([fourier])


@pytest.mark.parametrize("measure", MEASURES)
def test_kinds_and_dtypes(measure, images):
    array, tensor = measure(images), measure(torch.tensor(images))
    assert isinstance(array, np.ndarray) and isinstance(tensor, torch.Tensor)
    assert array.dtype == np.float64 and tensor.dtype == torch.float64
    assert array.shape == (3,) and tensor.shape == (3,)
    assert measure(images[:0]).shape == (0,)


@pytest.mark.parametrize("measure", MEASURES)
def test_blur_lowers_it(measure, images):
    blurred = [ndimage.gaussian_filter(images[0], sigma) for sigma in (0.5, 1, 2)]
    values = measure(np.stack([images[0], *blurred]))
    assert (np.diff(values) < 0).all()


def test_a_brighter_image_has_the_same_laplacian(images):
    dark = images // 2
    np.testing.assert_allclose(
        sharpness_laplacian(dark + np.uint8(100)), sharpness_laplacian(dark), rtol=1e-12
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("measure", MEASURES)
def test_gpu_equals_cpu(measure, images):
    result = measure(torch.tensor(images).cuda())
    assert result.is_cuda
    np.testing.assert_allclose(result.cpu(), measure(images), rtol=1e-9)
