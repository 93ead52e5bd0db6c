"""Traditional augmentation: geometry against torchvision, blur against OpenCV, ranges."""

from typing import get_args

import cv2
import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from lcgan_core.copies import traditional
from lcgan_core.copies.traditional import Transformations
from lcgan_core.protocol import profiles
from lcgan_core.protocol.config import Transformation

from .originals import originals

CONFIG = profiles.load("quick")


def one(angle=0.0, scale=1.0, shear=0.0, blur=False, gain=1.0):
    return Transformations(*(torch.tensor([value]) for value in (angle, scale, shear, blur, gain)))


def noise(n=1, height=64, width=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, height, width), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 6, (n, height, width), generator=generator, dtype=torch.uint8)
    return images, labels


def square(size=128):
    """A bright square off the centre, its labels the same pixels."""
    labels = torch.zeros(1, size, size, dtype=torch.uint8)
    labels[:, 30:60, 70:90] = 5
    return (labels > 0).to(torch.uint8) * 200, labels


@pytest.mark.parametrize("shape", [(64, 64), (256, 256), (512, 512), (48, 80)])
def test_identity_gives_the_input_back(shape):
    images, labels = noise(1, *shape)
    same_images, same_labels = traditional.apply(images, labels, one())
    assert torch.equal(same_images, images) and torch.equal(same_labels, labels)
    assert same_images.dtype == same_labels.dtype == torch.uint8


# No scale of .85 or 1.15: sampling points would lie midway between pixels, where either is nearest.
CASES = [(20.0, 1.0, 0.0), (-25.0, 1.0, 0.0), (0.0, 1.13, 0.0), (0.0, 0.86, 0.0), (13.0, 1.1, 0.0)]
CASES += [(0.0, 1.0, 10.0), (0.0, 1.0, -7.0), (25.0, 0.86, 10.0)]


@pytest.mark.parametrize(("angle", "scale", "shear"), CASES)
@pytest.mark.parametrize("shape", [(64, 64), (48, 80)])
def test_geometry_equals_torchvision(angle, scale, shear, shape):
    images, labels = noise(1, *shape)
    got = traditional.apply(images, labels, one(angle, scale, shear))
    # torchvision states its shear as an angle, with the other sign.
    degrees = -float(np.rad2deg(np.arctan(shear / 256)))
    for ours, x, mode in zip(
        got, (images, labels), (InterpolationMode.BILINEAR, InterpolationMode.NEAREST), strict=True
    ):
        theirs = tv.affine(
            x.float()[:, None], angle, [0, 0], scale, [degrees, 0.0], interpolation=mode
        )[:, 0].round()
        wrong = ((ours.float() - theirs).abs() > 1).float().mean()
        assert wrong < 0.002, "coordinates round differently at the rim"


def test_shear_moves_top_against_bottom_by_its_pixels_of_256():
    for size in (128, 256, 512):
        images = torch.zeros(1, size, size, dtype=torch.uint8)
        images[:, :, size // 2 - 1 : size // 2 + 1] = 255
        moved, _ = traditional.apply(images, images // 255, one(shear=10.0))
        x = torch.arange(size)
        top, bottom = ((moved[0, row].float() * x).sum() / moved[0, row].sum() for row in (0, -1))
        assert (bottom - top).item() == pytest.approx(10 * (size - 1) / 256, abs=0.1)


@pytest.mark.parametrize(("angle", "scale", "shear"), CASES)
def test_labels_move_with_the_image(angle, scale, shear):
    images, labels = traditional.apply(*square(), one(angle, scale, shear))
    found, truth = images[0] > 100, labels[0] == 5
    assert (found & truth).sum() * 2 / (found.sum() + truth.sum()) > 0.99
    assert set(labels.unique().tolist()) == {0, 5}
    assert truth.sum().item() == pytest.approx(600 * scale**2, rel=0.06)


def test_outside_is_background():
    images, labels = torch.full((2, 1, 64, 64), 5, dtype=torch.uint8)
    small, small_labels = traditional.apply(images, labels, one(angle=45.0, scale=0.85))
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert small[0][corner] == small_labels[0][corner] == 0


@pytest.mark.parametrize(("size", "sigma"), [(256, 2.0), (128, 1.0), (512, 4.0)])
def test_blur_equals_opencv(size, sigma):
    images, labels = noise(1, size, size)
    blurred, same_labels = traditional.apply(images, labels, one(blur=True))
    kernel = 2 * int(4 * sigma + 0.5) + 1
    expected = cv2.GaussianBlur(
        images[0].numpy().astype(np.float64),
        (kernel, kernel),
        sigma,
        borderType=cv2.BORDER_REFLECT101,
    )
    assert np.abs(blurred[0].numpy() - expected).max() <= 0.51
    assert torch.equal(same_labels, labels)


def test_gain_multiplies_and_clips_the_image_only():
    images, labels = noise()
    bright, same_labels = traditional.apply(images, labels, one(gain=1.37))
    expected = np.rint(np.clip(images.numpy().astype(float) * np.float32(1.37), 0, 255))
    assert np.abs(bright.numpy() - expected).max() <= 1
    assert (bright.numpy() == expected).mean() > 0.99
    assert torch.equal(same_labels, labels)


def test_parameters_span_the_papers_ranges():
    drawn = traditional.sample(20_000, torch.Generator().manual_seed(0))
    for values, low, high in (
        (drawn.angle, -25, 25),
        (drawn.scale, 0.85, 1.15),
        (drawn.shear, -10, 10),
    ):
        uniform = (values - low) / (high - low)
        assert uniform.min() >= -1e-6 and uniform.max() <= 1 + 1e-6
        counts = torch.histc(uniform, bins=10, min=0, max=1)
        assert (counts - 2000).abs().max() < 200
    assert drawn.blur.dtype == torch.bool and abs(drawn.blur.float().mean() - 0.5) < 0.02
    assert abs((drawn.gain == 1).float().mean() - 0.5) < 0.02
    brightened = drawn.gain[drawn.gain != 1]
    assert brightened.min() > 1 and 1.49 < brightened.max() <= 1.5
    assert abs(brightened.mean() - 1.25) < 0.01
    stacked = torch.stack([drawn.angle, drawn.scale, drawn.shear, drawn.blur.float(), drawn.gain])
    assert (torch.corrcoef(stacked) - torch.eye(5)).abs().max() < 0.03, "drawn independently"


def test_the_seed_decides_and_each_image_is_treated_alone():
    images, labels = noise(6, 64, 64)
    first, again, other = (
        traditional.sample(6, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    together = traditional.apply(images, labels, first)
    for a, b in zip(together, traditional.apply(images, labels, again), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(together[0], traditional.apply(images, labels, other)[0])
    for n in range(6):
        alone = traditional.apply(images[n : n + 1], labels[n : n + 1], first[n : n + 1])
        for a, b in zip(together, alone, strict=True):
            assert torch.equal(a[n : n + 1], b)


def test_copies_made_in_batches_are_those_made_at_once():
    torch.manual_seed(0)
    many = 2 * traditional.BATCH["cpu"] + 3
    images = torch.randint(256, (many, 32, 32), dtype=torch.uint8)
    labels = torch.randint(6, (many, 32, 32), dtype=torch.uint8)
    at_once = traditional.apply(
        images, labels, traditional.sample(many, torch.Generator().manual_seed(5))
    )
    in_parts = traditional.copies(
        originals(images, labels), torch.Generator().manual_seed(5), CONFIG
    )
    for a, b in zip(at_once, in_parts, strict=True):
        assert torch.equal(a, b)


def drawn_with(used):
    return traditional.sample(200, torch.Generator().manual_seed(3), used)


def test_a_transformation_that_is_left_out_changes_nothing_and_leaves_the_others_as_they_are():
    assert tuple(traditional.NONE) == get_args(Transformation)
    fields = {
        "rotation": ("angle", 0), "scale": ("scale", 1), "shear": ("shear", 0),
        "blur": ("blur", False), "contrast": ("gain", 1),
    }  # fmt: skip
    every = drawn_with(tuple(fields))
    for left_out, (field, none) in fields.items():
        drawn = drawn_with([name for name in fields if name != left_out])
        assert (getattr(drawn, field) == none).all()
        assert not (getattr(every, field) == none).all()
        for other, _ in fields.values():
            if other != field:
                assert torch.equal(getattr(drawn, other), getattr(every, other))


@pytest.mark.parametrize("contrast", ["gain", "per_pixel"])
def test_without_any_transformation_a_copy_is_its_original(contrast):
    images, labels = noise(6)
    config = profiles.load("quick", traditional_transformations=[], traditional_contrast=contrast)
    for make in (traditional.copies, traditional.geometry):
        same = make(originals(images, labels), torch.Generator().manual_seed(1), config)
        assert torch.equal(same[0], images) and torch.equal(same[1], labels)


def test_geometry_moves_pixels_and_leaves_their_intensities():
    flat = torch.full((40, 32, 32), 200, dtype=torch.uint8)
    labels = torch.randint(6, flat.shape, dtype=torch.uint8)
    moved, moved_labels = traditional.geometry(
        originals(flat, labels), torch.Generator().manual_seed(1), CONFIG
    )
    assert (moved[:, 12:20, 12:20] == 200).all(), "neither brighter nor, at the rim, blurred in"
    assert (moved_labels != labels).flatten(1).any(1).all()
    some, _ = traditional.copies(originals(flat, labels), torch.Generator().manual_seed(1), CONFIG)
    assert (some[:, 12:20, 12:20] > 200).any()
    turned = profiles.load("quick", traditional_transformations=["rotation", "contrast"])
    flat_turned, _ = traditional.geometry(
        originals(flat, labels), torch.Generator().manual_seed(1), turned
    )
    assert (flat_turned[:, 16, 16] == 200).all()
    assert (flat_turned[:, 16, 2] == 200).all(), "not made smaller: scale is left out"


def test_the_profile_decides_how_contrast_is_read():
    images, labels = noise(8)
    made = {
        contrast: traditional.copies(
            originals(images, labels),
            torch.Generator().manual_seed(1),
            profiles.load("quick", traditional_contrast=contrast),
        )
        for contrast in ("gain", "about_mean", "hu_offset", "per_pixel")
    }
    changed = drawn_gain(8, 1) > 1
    assert changed.any() and not changed.all()
    for contrast, (copies, copied_labels) in made.items():
        assert torch.equal(copied_labels, made["gain"][1])
        same = (copies == made["gain"][0]).flatten(1).all(1)
        assert torch.equal(same, ~changed | (contrast == "gain"))


def drawn_gain(n, seed):
    return traditional.sample(n, torch.Generator().manual_seed(seed)).gain
