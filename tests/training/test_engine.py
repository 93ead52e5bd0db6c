"""The training loop: stopped and resumed ends bitwise as never stopped; what fails says why."""

import cv2
import pytest
import torch
from torch import nn

from lcgan_core.errors import UserError
from lcgan_core.generators.lcgan import LcganTask, synthesise
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint, engine, placing
from lcgan_core.training.engine import CHECKPOINT, LOSSES

from .trainings import FCN, IMAGES, LABELS, LCGAN, TASKS, train, weights


@pytest.fixture
def always_saving(monkeypatch):
    monkeypatch.setattr(engine, "SECONDS_BETWEEN_CHECKPOINTS", -1.0)


class Stopped:
    """A task that is interrupted in its step number `stop`."""

    def __init__(self, task, stop, error=KeyboardInterrupt):
        self.task, self.left, self.error = task, stop, error

    def __getattr__(self, name):
        return getattr(self.task, name)

    def step(self, batch):
        if self.left == 0:
            raise self.error("stopped")
        self.left -= 1
        return self.task.step(batch)


@pytest.mark.parametrize("stop", [0, 3, 4, 8])  # of 3 steps an epoch
@pytest.mark.parametrize("name", TASKS)
def test_stopped_in_any_step_then_again_equals_an_uninterrupted_training(
    name, stop, tmp_path, always_saving
):
    whole, resumed = TASKS[name](), TASKS[name]()
    for folder in ("whole", "cut"):
        (tmp_path / folder).mkdir()
    history = train(whole, tmp_path / "whole")
    where = {0: "from its start", 3: "after epoch 1", 4: "after step 1 of epoch 2"}.get(
        stop, "after step 2 of epoch 3"
    )
    with pytest.raises(UserError, match=f"run the same command again to resume {where}"):
        train(Stopped(TASKS[name](), stop), tmp_path / "cut")
    second = train(resumed, tmp_path / "cut")
    assert torch.equal(weights(resumed), weights(whole))
    assert second.equals(history)


class Recorded:
    """A task that does nothing but note its learning rate."""

    settings, smaller = FCN, ""

    def __init__(self):
        self.modules = {"net": nn.Linear(1, 1)}
        self.optimizers = {"sgd": torch.optim.SGD(self.modules["net"].parameters(), lr=0.5)}
        self.rates = []

    def step(self, batch):
        self.rates.append(self.optimizers["sgd"].param_groups[0]["lr"])
        return {"loss": torch.zeros(())}


@pytest.mark.parametrize("falling_rate", [True, False])
def test_the_rate_falls_as_torchs_linear_schedule_does(tmp_path, falling_rate):
    task = Recorded()
    engine.fit(
        task, 6, epochs=4, batch=2, seed=0, work=tmp_path, label="", falling_rate=falling_rate
    )
    adam = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=0.5)
    oracle = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.0 if falling_rate else 1.0, 12)
    wanted = []
    for _ in range(12):
        wanted.append(oracle.get_last_lr()[0])
        adam.step()
        oracle.step()
    assert task.rates == pytest.approx(wanted)


def test_every_snapshot_is_asked_for_after_an_interruption(tmp_path, always_saving):
    asked = []
    with pytest.raises(UserError):
        train(Stopped(TASKS["fcn"](), 5), tmp_path, after_epoch=asked.append)
    train(TASKS["fcn"](), tmp_path, after_epoch=asked.append)
    assert asked == [1, 2, 3]


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, always_saving, capsys):
    whole = TASKS["fcn"]()
    (tmp_path / "whole").mkdir()
    train(whole, tmp_path / "whole")
    with pytest.raises(UserError):
        train(Stopped(TASKS["fcn"](), 5), tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-50])
    resumed = TASKS["fcn"]()
    train(resumed, tmp_path)
    said = capsys.readouterr().err
    assert str(path) in said and "Resuming from the previous checkpoint." in said
    assert torch.equal(weights(resumed), weights(whole))


def test_two_damaged_checkpoints_are_told(tmp_path, always_saving):
    with pytest.raises(UserError):
        train(Stopped(TASKS["fcn"](), 5), tmp_path)
    for path in (tmp_path / CHECKPOINT, checkpoint.previous(tmp_path / CHECKPOINT)):
        path.write_bytes(b"x")
    with pytest.raises(UserError, match="damaged.*delete it to start again"):
        train(TASKS["fcn"](), tmp_path)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path, always_saving):
    with pytest.raises(UserError):
        train(Stopped(TASKS["lcgan"](), 4), tmp_path)
    other = LcganTask(LCGAN.model_copy(update={"l1_weight": 10.0}), IMAGES, LABELS, seed=1)
    with pytest.raises(
        UserError, match="belongs to another training run .*; delete it to start again"
    ):
        train(other, tmp_path)


def test_only_the_last_two_checkpoints_are_kept(tmp_path, always_saving):
    train(TASKS["fcn"](), tmp_path)
    names = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert names == [CHECKPOINT, f"previous-{CHECKPOINT}"]
    engine.clean(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_loss_curves_are_a_picture_while_the_training_runs(tmp_path, always_saving):
    with pytest.raises(UserError):
        train(Stopped(TASKS["lcgan"](), 7), tmp_path)
    picture = cv2.imread(str(tmp_path / LOSSES))
    assert picture.shape[1] > 2 * picture.shape[0], "three losses side by side"
    assert picture.std() > 5


def test_training_changes_the_weights_and_lowers_the_loss(tmp_path):
    task = TASKS["fcn"]()
    before = weights(task)
    history = train(task, tmp_path)
    assert not torch.equal(weights(task), before)
    assert history["cross-entropy"].iloc[-1] < history["cross-entropy"].iloc[0]


class Reports:
    """A task without a network, whose losses are given."""

    settings, modules, optimizers, smaller = FCN, {"line": nn.Linear(1, 1)}, {}, "the batch"

    def __init__(self, **losses):
        self.losses = {name: torch.tensor(loss) for name, loss in losses.items()}

    def step(self, batch):
        return self.losses


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_a_number_stops_with_the_epoch_and_the_remedy(tmp_path, loss):
    with pytest.raises(
        UserError, match="L1 loss is NaN or infinite in epoch 1; lower the learning"
    ):
        train(Reports(L1=loss), tmp_path)
    assert not (tmp_path / CHECKPOINT).exists()


def test_a_discriminator_that_always_wins_stops_the_training(tmp_path):
    with pytest.raises(
        UserError, match="discriminator recognises every synthetic slice in epoch 3 .*lower"
    ):
        train(Reports(discriminator=1e-6, generator=13.0), tmp_path, epochs=9)
    train(Reports(discriminator=1e-3, generator=7.0), tmp_path / "..", epochs=9)


def all_memory(message):
    """What torch raises where the computer has less than it is asked for."""
    with pytest.raises(RuntimeError) as asked:
        torch.empty(10**16)
    return asked.value


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, all_memory])
def test_full_device_memory_names_the_setting_to_lower(tmp_path, monkeypatch, error):
    monkeypatch.setattr(placing, "name", lambda: "the device")
    full = Stopped(TASKS["lcgan"](), 1, error)
    with pytest.raises(UserError, match="memory of the device .* lower lcgan_batch, lcgan_width"):
        train(full, tmp_path)


def test_another_error_is_not_taken_for_a_full_memory(tmp_path):
    with pytest.raises(RuntimeError, match="stopped"):
        train(Stopped(TASKS["lcgan"](), 1, RuntimeError), tmp_path)


def test_synthesis_repeats_with_its_seed_and_differs_with_another():
    task = TASKS["lcgan"]()
    first = synthesise(task.G, LCGAN, LABELS, seed=3)
    assert first.shape == LABELS.shape
    assert first.dtype == torch.uint8
    assert torch.equal(first, synthesise(task.G, LCGAN, LABELS, seed=3))
    assert not torch.equal(first, synthesise(task.G, LCGAN, LABELS, seed=4))


def test_synthesis_without_noise_needs_no_seed_and_training_keeps_its_noise():
    task, silent = TASKS["lcgan"](), LCGAN.model_copy(update={"synthesis_noise": False})
    first, second = (synthesise(task.G, silent, LABELS, seed) for seed in (3, 4))
    assert torch.equal(first, second)
    assert task.G.noise


def test_the_statistics_of_a_synthesis_batch_are_shared():
    task = TASKS["lcgan"]()
    quiet = {"synthesis_noise": False}
    alone = synthesise(task.G, LCGAN.model_copy(update=quiet), LABELS, 3)
    paired = synthesise(task.G, LCGAN.model_copy(update=quiet | {"synthesis_batch": 2}), LABELS, 3)
    swapped = synthesise(
        task.G, LCGAN.model_copy(update=quiet | {"synthesis_batch": 2}), LABELS.flip(0), 3
    )
    assert not torch.equal(alone, paired)
    # pairs (0, 1), (2, 3), (4, 5) stay pairs when the order is turned round
    assert (paired.int() - swapped.flip(0).int()).abs().max() <= 1


def test_the_arms_of_a_fraction_start_from_the_same_weights():
    assert torch.equal(weights(TASKS["fcn"]()), weights(TASKS["fcn"]()))


def test_purposes_have_seeds_of_their_own():
    seeds = {seed_of(1, purpose, k) for purpose in ("order", "noise") for k in range(50)}
    assert len(seeds) == 100
