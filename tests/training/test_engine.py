"""The training loop: an interrupted training ends bitwise as any other; failures say why."""

import io
import re

import cv2
import pytest
import torch
from torch import nn
from tqdm import tqdm

from lcgan_core.errors import UserError
from lcgan_core.generators.lcgan import LcganTask
from lcgan_core.run.progress import show_progress
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint, engine, placing
from lcgan_core.training.engine import CHECKPOINT, LOSSES, Monitor, Schedule

from .trainings import FCN, IMAGES, LABELS, LCGAN, TASKS, train, weights

EVERY = {"mininterval": 0, "miniters": 1}
"""Of a bar that is drawn at every step."""


@pytest.fixture
def always_saving(monkeypatch):
    monkeypatch.setattr(engine, "pause_after", lambda saving: -1.0)


class Stopped:
    """A task that is interrupted after `stop` steps."""

    def __init__(self, task, stop, error=KeyboardInterrupt):
        self.task, self.left, self.error = task, stop, error

    def __getattr__(self, name):
        return getattr(self.task, name)

    def step(self, batch):
        if self.left == 0:
            raise self.error("stopped")
        self.left -= 1
        return self.task.step(batch)


@pytest.mark.parametrize("stop", [0, 3, 4, 8])  # an epoch has 3 steps
@pytest.mark.parametrize("name", TASKS)
def test_a_training_stopped_at_any_step_and_resumed_equals_an_uninterrupted_one(
    name, stop, tmp_path, always_saving
):
    whole, resumed = TASKS[name](), TASKS[name]()
    for folder in ("whole", "cut"):
        (tmp_path / folder).mkdir()
    history = train(whole, tmp_path / "whole")
    where = f"after step {stop}" if stop else "from its start"
    with pytest.raises(UserError, match=f"run the same command again to resume {where}\\."):
        train(Stopped(TASKS[name](), stop), tmp_path / "cut")
    second = train(resumed, tmp_path / "cut")
    assert torch.equal(weights(resumed), weights(whole))
    assert second.equals(history)


class Recorded:
    """A task that only notes its learning rate."""

    settings, smaller = FCN, ""

    def __init__(self):
        self.modules = {"net": nn.Linear(1, 1)}
        self.optimizers = {"sgd": torch.optim.SGD(self.modules["net"].parameters(), lr=0.5)}
        self.rates = []

    def step(self, batch):
        self.rates.append(self.optimizers["sgd"].param_groups[0]["lr"])
        return {"loss": torch.zeros(())}


def test_a_bar_shows_epoch_step_and_mean_losses(tmp_path, monkeypatch, always_saving):
    """Also after an interruption within an epoch: the mean is of the whole epoch so far."""
    screen = io.StringIO()
    monkeypatch.setattr(
        engine, "tqdm", lambda **given: tqdm(**given | {"file": screen, "disable": False} | EVERY)
    )
    with pytest.raises(UserError, match="Interrupted"):
        train(Stopped(TASKS["lcgan"](), 4), tmp_path)
    train(TASKS["lcgan"](), tmp_path)
    shown = re.findall(r"(\d+)/9 [^\r]*epoch (\d), ([^\r]*)\]", screen.getvalue())
    steps = {int(step): int(epoch) for step, epoch, _ in shown}
    assert steps == {step: 1 + (step - 1) // 3 for step in range(1, 10)}
    losses = dict(pair.rsplit(" ", 1) for pair in shown[-1][2].split(", "))
    history = train(TASKS["lcgan"](), tmp_path)
    for name, value in losses.items():
        assert float(value) == pytest.approx(history[name].iloc[-1], rel=0.006)  # three digits
    assert set(losses) == set(history.columns) - {"epoch"}


def test_a_loss_is_read_only_when_a_bar_is_drawn():
    class Loss:
        def __float__(self):
            raise AssertionError("read")

    for given in ({"disable": True}, {"file": io.StringIO(), "mininterval": 60}):
        bar = tqdm(total=2, **given)
        show_progress(bar, 1, {"loss": Loss()}, 1)
        bar.close()


@pytest.mark.parametrize("falling_rate", [True, False])
def test_the_rate_falls_as_torch_s_linear_schedule_does(tmp_path, falling_rate):
    task = Recorded()
    engine.fit(task, 6, Schedule(2, epochs=4, falling_rate=falling_rate), 0, tmp_path, "")
    adam = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=0.5)
    oracle = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.0 if falling_rate else 1.0, 12)
    wanted = []
    for _ in range(12):
        wanted.append(oracle.get_last_lr()[0])
        adam.step()
        oracle.step()
    assert task.rates == pytest.approx(wanted)


def test_steps_are_another_way_to_say_epochs(tmp_path):
    tasks = []
    for name, length in {"steps": {"steps": 9}, "epochs": {"epochs": 3}}.items():
        tasks.append(TASKS["fcn"]())
        (tmp_path / name).mkdir()
        schedule = Schedule(2, falling_rate=True, **length)
        engine.fit(tasks[-1], len(IMAGES), schedule, 7, tmp_path / name, "test")
    assert torch.equal(*map(weights, tasks))


def test_a_training_may_end_within_an_epoch(tmp_path):
    task = Recorded()
    history = engine.fit(task, 6, Schedule(2, steps=4), 0, tmp_path, "")
    assert len(task.rates) == 4 and history.epoch.tolist() == [1, 2]


def watched(values):
    """A monitor that reads its values from a list, one per check."""
    left = iter(values)
    return Monitor(lambda: {"dice": next(left)}, "dice", len(values))


@pytest.mark.parametrize(
    ("values", "best"),
    [([0.1, 0.3, 0.2], 6), ([0.3, 0.3, 0.1], 6), ([float("nan"), 0.2, float("nan")], 6)],
)
def test_the_weights_of_the_best_check_are_kept(tmp_path, values, best):
    task, shorter = TASKS["fcn"](), TASKS["fcn"]()
    history = train(task, tmp_path, monitor=watched(values))
    assert history.step.tolist() == [3, 6, 9]
    assert history.dice.tolist() == pytest.approx(values, nan_ok=True)
    (tmp_path / "shorter").mkdir()
    with pytest.raises(UserError):  # the same training, stopped at the best check
        train(Stopped(shorter, best), tmp_path / "shorter")
    assert torch.equal(weights(task), weights(shorter))


@pytest.mark.parametrize("stop", [2, 4, 8])
def test_a_watched_training_resumes_to_the_same_weights(tmp_path, always_saving, stop):
    whole, resumed = TASKS["fcn"](), TASKS["fcn"]()
    for folder in ("whole", "cut"):
        (tmp_path / folder).mkdir()
    values = [0.1, 0.3, 0.2]
    history = train(whole, tmp_path / "whole", monitor=watched(values))
    with pytest.raises(UserError):
        train(Stopped(TASKS["fcn"](), stop), tmp_path / "cut", monitor=watched(values))
    rest = Monitor(watched(values[stop // 3 :]).measure, "dice", 3)
    assert train(resumed, tmp_path / "cut", monitor=rest).equals(history)
    assert torch.equal(weights(resumed), weights(whole))
    engine.clean(tmp_path / "cut")
    assert not list((tmp_path / "cut").iterdir())


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


def test_two_damaged_checkpoints_are_an_error(tmp_path, always_saving):
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
    """A task whose losses are given in advance."""

    settings, modules, optimizers, smaller = FCN, {"line": nn.Linear(1, 1)}, {}, "the batch"

    def __init__(self, **losses):
        self.losses = {name: torch.tensor(loss) for name, loss in losses.items()}

    def step(self, batch):
        return self.losses


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_a_number_stops_with_the_epoch_and_the_remedy(tmp_path, loss):
    with pytest.raises(
        UserError, match=r"L1 loss is NaN or infinite by step \d of 9; lower the learning"
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
    """What torch raises when the computer has less memory than is asked for."""
    with pytest.raises(RuntimeError) as asked:
        torch.empty(10**16)
    return asked.value


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, all_memory])
def test_full_device_memory_names_the_setting_to_lower(tmp_path, monkeypatch, error):
    monkeypatch.setattr(placing, "name", lambda: "the device")
    full = Stopped(TASKS["lcgan"](), 1, error)
    with pytest.raises(UserError, match="memory of the device .* lower lcgan_batch, lcgan_width"):
        train(full, tmp_path)


def test_another_error_is_not_taken_for_full_memory(tmp_path):
    with pytest.raises(RuntimeError, match="stopped"):
        train(Stopped(TASKS["lcgan"](), 1, RuntimeError), tmp_path)


def test_purposes_have_seeds_of_their_own():
    seeds = {seed_of(1, purpose, k) for purpose in ("order", "noise") for k in range(50)}
    assert len(seeds) == 100
