"""FCN8s: layer by layer against torchvision's VGG-16, upsampling and crops against geometry."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import center_of_mass
from torch import nn

from lcgan_core.errors import UserError
from lcgan_core.models import FCN8s, load_vgg16
from lcgan_core.models.fcn8s import bilinear_upsampling

WIDTH = 4


def test_parameter_counts():
    with torch.device("meta"):
        model = FCN8s()
        voc = FCN8s(classes=21)
    trained = [p for p in model.parameters() if p.requires_grad]
    frozen = [p for p in model.parameters() if not p.requires_grad]
    assert sum(p.numel() for p in trained) == 134_289_746
    assert sum(p.numel() for p in frozen) == 10_368
    assert sum(p.numel() for p in model.trunk.parameters()) == 14_714_688
    assert sum(p.numel() for p in model.fc6.parameters()) == 102_764_544
    assert sum(p.numel() for p in model.fc7.parameters()) == 16_781_312
    heads = (model.score_pool3, model.score_pool4, model.score_fc7)
    assert sum(p.numel() for head in heads for p in head.parameters()) == 29_202
    assert sum(p.numel() for p in voc.parameters() if p.requires_grad) == 134_362_751
    assert sum(p.numel() for p in voc.parameters()) == 134_489_759


def test_every_layer_equals_an_independent_fcn8s(tmp_path, torchvision_vgg16):
    """The reference is written from net.py of the Caffe implementation, on torchvision's layers."""
    torch.manual_seed(0)
    vgg = torchvision_vgg16(WIDTH).eval()
    torch.save(vgg.state_dict(), tmp_path / "vgg16.pth")
    model = FCN8s(width=WIDTH).eval()
    load_vgg16(model, tmp_path / "vgg16.pth")
    for head in (model.score_pool3, model.score_pool4, model.score_fc7):
        nn.init.normal_(head.weight)  # at 0, as they start, they would hide every error
        nn.init.normal_(head.bias)

    image = torch.rand(2, 3, 64, 96) * 2 - 1
    rgb_mean, rgb_std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((image + 1) / 2 - rgb_mean[:, None, None]) / rgb_std[:, None, None]
    x = F.pad(x, (99, 99, 99, 99))
    pools = []
    for layer in vgg.features:
        if isinstance(layer, nn.MaxPool2d):
            x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            pools.append(x)
        else:
            x = layer(x)
    for ours, theirs in zip(run_trunk(model, image), pools, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)

    first, second = vgg.classifier[0], vgg.classifier[3]
    fc6 = F.relu(F.conv2d(x, first.weight.view(-1, 8 * WIDTH, 7, 7), first.bias))
    fc7 = F.relu(F.conv2d(fc6, second.weight[:, :, None, None], second.bias))

    def upsample(scores, factor):
        kernel = np.outer(*2 * [1 - abs(np.arange(2 * factor) - factor + 0.5) / factor])
        weight = torch.tensor(kernel, dtype=torch.float32).expand(6, 1, -1, -1)
        return F.conv_transpose2d(scores, weight, stride=factor, groups=6)

    def crop(scores, offset, to):
        return scores[:, :, offset:, offset:][:, :, : to.shape[2], : to.shape[3]]

    up = upsample(model.score_fc7(fc7), 2)
    up = up + crop(model.score_pool4(0.01 * pools[3]), 5, up)
    up = upsample(up, 2)
    up = up + crop(model.score_pool3(0.0001 * pools[2]), 9, up)
    expected = crop(upsample(up, 8), 31, image)
    ours = model(image)
    assert (ours - expected).abs().max() < 1e-5 * expected.abs().max()
    # Each of the three scores must have been seen.
    for head in (model.score_pool3, model.score_pool4, model.score_fc7):
        nn.init.zeros_(head.weight)
        assert not torch.equal(model(image), ours)
        ours = model(image)


def run_trunk(model, image):
    x = (image - model.mean[:, None, None]) / model.std[:, None, None]
    for stage in model.trunk:
        x = stage(x)
        yield x


@pytest.mark.parametrize("border", [1, 100])
@pytest.mark.parametrize("shape", [(32, 32), (64, 64), (50, 77), (128, 97)])
def test_any_size_in_the_same_size_out(border, shape):
    model = FCN8s(width=1, border=border)
    assert model(torch.rand(2, 3, *shape)).shape == (2, 6, *shape)


@pytest.mark.parametrize("factor", [2, 8])
def test_upsampling_is_bilinear_and_frozen(factor):
    layer = bilinear_upsampling(3, factor)
    assert not layer.weight.requires_grad
    scores = torch.rand(2, 3, 5, 7)
    inner = layer(scores)[:, :, factor:-factor, factor:-factor]
    size = (5 * factor, 7 * factor)
    oracle = F.interpolate(scores, size, mode="bilinear", align_corners=False)
    half = factor // 2
    assert torch.allclose(inner, oracle[:, :, half:-half, half:-half], atol=1e-6)


@pytest.mark.parametrize("border", [1, 100])
@pytest.mark.parametrize("shape", [(192, 192), (187, 210)])
@pytest.mark.parametrize("head", ["score_pool3", "score_pool4", "score_fc7"])
def test_crops_put_each_score_on_the_pixels_it_came_from(border, shape, head):
    """With kernels of one centre tap a spot's logits are centred on the spot, to the stride."""
    model = FCN8s(classes=1, width=1, border=border).eval()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
            middle = layer.kernel_size[0] // 2
            layer.weight.data[:, :, middle, middle] = 1 / layer.in_channels
    for name in ("score_pool3", "score_pool4", "score_fc7"):
        nn.init.constant_(getattr(model, name).weight, float(name == head))
    model.trunk = nn.ModuleList([averaging(stage) for stage in model.trunk])
    # One spot is off by up to half a stride; the mean over all phases of stride 32 is not.
    centres = []
    for start in range(64, 96):
        image = torch.zeros(1, 3, *shape)
        image[:, :, start, start] = 1
        with torch.no_grad():
            logits = model(image)[0, 0].double()
        centres.append(np.array(center_of_mass(logits.numpy())) - start)
    assert np.abs(np.mean(centres, axis=0)).max() < 1e-3


def averaging(stage):
    """The stage with the mean in place of the maximum: linear, so centres of mass add up."""
    pool = nn.AvgPool2d(2, ceil_mode=True)
    return nn.Sequential(*[pool if isinstance(m, nn.MaxPool2d) else m for m in stage])


def test_default_starts_at_zero_scores_with_elementwise_dropout():
    model = FCN8s(width=1)
    assert not model(torch.rand(1, 3, 32, 32)).any()
    dropouts = [m for m in model.modules() if isinstance(m, nn.Dropout)]
    assert [d.p for d in dropouts] == [0.5, 0.5]
    assert (model.scale_pool3, model.scale_pool4) == (0.0001, 0.01)


def test_batch_norm_variant_learns_from_scratch():
    torch.manual_seed(0)
    model = FCN8s(classes=2, width=4, border=1, batch_norm=True)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 3e-3)
    image = torch.rand(4, 3, 64, 64) * 0.2 - 1
    truth = torch.zeros(4, 64, 64, dtype=torch.long)
    truth[:2, 16:40, 16:40] = 1
    truth[2:, 30:60, 8:32] = 1
    image += truth[:, None]
    for _ in range(30):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(image), truth)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2, "without the image it is about 0.4"


def test_other_borders_are_refused():
    with pytest.raises(UserError, match="border is 50"):
        FCN8s(border=50)
