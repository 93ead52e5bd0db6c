"""Generator: the port's exact size, shapes, noise, initial weights and dead bottleneck."""

import math

import pytest
import torch

from lcgan_core.errors import UserError
from lcgan_core.models import Generator
from lcgan_core.models.layers import BatchNorm


def draw(model, size, n=1, seed=0, channels=3):
    torch.manual_seed(seed)
    return model(torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    ("channels", "count"),
    [
        ((3, 3), 54_420_483),
        ((6, 1), 54_419_457),
        ((5, 1), 54_418_433),
        ((1, 1), 54_414_337),
        ((3, 1), 54_416_385),
        ((6, 3), 54_423_555),
    ],
)
def test_parameter_count_is_the_ports(channels, count):
    with torch.device("meta"):
        model = Generator(*channels)
        bare = Generator(*channels, bottleneck_norm=False)
    assert sum(p.numel() for p in model.parameters()) == count
    assert sum(p.numel() for p in bare.parameters()) == count - 2 * 512
    assert not list(model.buffers()), "no running statistics"


@pytest.mark.parametrize("size", [64, 128, 256, 512])
def test_sizes(size):
    image = draw(Generator(3, 1, width=2, size=size), size)
    assert image.shape == (1, 1, size, size)
    assert image.abs().max() <= 1


def test_other_sizes_are_refused():
    with pytest.raises(UserError, match="size is 100"):
        Generator(3, 1, size=100)


def test_channels_of_each_level_follow_figure_1():
    with torch.device("meta"):
        model = Generator(3, 3)
    down = [p.shape[0] for name, p in model.encoder.named_parameters() if p.dim() == 4]
    up = [p.shape[:2] for name, p in model.decoder.named_parameters() if p.dim() == 4]
    assert down == [64, 128, 256, 512, 512, 512, 512, 512]
    assert [after for _, after in up] == [512, 512, 512, 512, 256, 128, 64]
    assert [before for before, _ in up] == [512, 1024, 1024, 1024, 1024, 512, 256]
    norms = [any(isinstance(m, BatchNorm) for m in block.modules()) for block in model.encoder]
    assert norms == [False] + 7 * [True]


def test_train_and_eval_draw_the_same_image_from_one_seed():
    model = Generator(3, 1, width=4, size=64)
    assert torch.equal(draw(model.train(), 64), draw(model.eval(), 64))


def test_noise_is_the_seed_and_only_the_seed():
    model = Generator(3, 1, width=4, size=64).eval()
    assert torch.equal(draw(model, 64, seed=1), draw(model, 64, seed=1))
    assert not torch.equal(draw(model, 64, seed=1), draw(model, 64, seed=2))
    mask = torch.rand(1, 3, 64, 64)
    first, second = (model(mask, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    model.noise = False
    assert torch.equal(draw(model, 64, seed=1), draw(model, 64, seed=2))


@pytest.mark.parametrize("size", [64, 256])
def test_noise_halves_and_doubles_the_maps_of_2_4_and_8_pixels(size, monkeypatch):
    drawn = []

    def everything(self, p, generator=None):
        drawn.append((self.shape[-1], p))
        return self.fill_(0.5)

    model = Generator(3, 1, width=2, size=size)
    model.noise = False
    silent = draw(model, size)
    model.noise = True
    monkeypatch.setattr(torch.Tensor, "bernoulli_", everything)
    # Keeping one half of everything and doubling it is the identity.
    assert torch.allclose(draw(model, size), silent)
    assert drawn == [(2, 0.5), (4, 0.5), (8, 0.5)]


def test_bottleneck_is_dead_at_batch_1_and_alive_without_norm_or_in_batches():
    def gradients(n, bottleneck_norm):
        torch.manual_seed(0)
        model = Generator(3, 1, width=4, size=64, bottleneck_norm=bottleneck_norm)
        draw(model, 64, n).square().sum().backward()
        dead = [*model.encoder[-1].parameters(), model.decoder[0][1].weight]
        assert model.encoder[0].weight.grad.abs().max() > 0, "the rest always learns"
        return [parameter.grad.abs().max().item() for parameter in dead]

    assert gradients(1, True) == 5 * [0.0]
    # A bias before a norm has no gradient but rounding, hence the look at the kernels.
    for n, norm in ((4, True), (4, False), (1, False)):
        alive = gradients(n, norm)
        assert alive[0] > 1e-9 and alive[-1] > 1e-9


def test_dead_share_of_the_paper_sized_generator():
    with torch.device("meta"):
        model = Generator(3, 3)
    dead = [*model.encoder[-1].parameters(), *model.decoder[0].parameters()]
    half_of_decoder_7 = 512 * 512 * 16
    count = sum(p.numel() for p in dead) + half_of_decoder_7
    assert count == 12_585_984
    assert count / sum(p.numel() for p in model.parameters()) == pytest.approx(0.231, abs=5e-4)


def test_batch_norm_equals_its_formula_and_torch():
    norm = BatchNorm(3)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(2, 3, 4, 5) * 3 + 1
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = x.var((0, 2, 3), correction=0, keepdim=True)
    by_hand = (x - mean) / (variance + 1e-5).sqrt()
    by_hand = by_hand * norm.weight[:, None, None] + norm.bias[:, None, None]
    assert torch.allclose(norm(x), by_hand, atol=1e-5)
    assert torch.equal(norm.train()(x), norm.eval()(x))
    single = norm(torch.randn(1, 3, 1, 1))
    assert torch.equal(single.flatten(), norm.bias)


def test_initial_weights():
    torch.manual_seed(0)
    model = Generator(3, 3, width=16, size=64)
    kernels = torch.cat([p.flatten() for p in model.parameters() if p.dim() == 4])
    gains = torch.cat([m.weight for m in model.modules() if isinstance(m, BatchNorm)])
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    assert kernels.mean().abs() < 1e-4 and kernels.std().item() == pytest.approx(0.02, rel=0.01)
    assert kernels.abs().max() > 4 * 0.02, "a plain normal, not a truncated one"
    slack = 4 * 0.02 / math.sqrt(len(gains))
    assert gains.mean().item() == pytest.approx(1, abs=slack)
    assert gains.std().item() == pytest.approx(0.02, rel=0.2)
    assert all((bias == 0).all() for bias in biases)


def test_channels_last_gives_the_same_image():
    model = Generator(3, 1, width=4, size=64)
    model.noise = False
    expected = draw(model, 64, n=2)
    assert torch.allclose(
        draw(model.to(memory_format=torch.channels_last), 64, n=2), expected, atol=1e-5
    )


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_norm_of_bfloat16_takes_a_skip_connection_s_gradient_exactly(layout):
    """Half of the channels of a concatenation's gradient, which has gaps."""
    torch.manual_seed(0)
    x = torch.randn(4, 8, 64, 64).bfloat16().contiguous(memory_format=layout)
    gradient = torch.randn(4, 16, 64, 64).bfloat16().contiguous(memory_format=layout)[:, :8]
    norm = BatchNorm(8)
    norm(x).backward(gradient)
    exact = BatchNorm(8).double()
    exact(x.double()).backward(gradient.double())
    # values of 100 and more, which bfloat16 would add up to the next whole number
    torch.testing.assert_close(norm.bias.grad.double(), exact.bias.grad, rtol=0, atol=2e-3)
    torch.testing.assert_close(norm.weight.grad.double(), exact.weight.grad, rtol=0, atol=0.1)
