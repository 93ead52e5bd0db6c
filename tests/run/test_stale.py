"""Stale means changed: what a change of code, settings or methods makes stale, over all jobs.

Each case looks at every job of `compact`. Code is changed in a copy of the package.
"""

import shutil

import pytest
import yaml

from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import ARMS, PAPER, Arm
from lcgan_core.protocol.methods import Method
from lcgan_core.run import code, plan


def stamps(config):
    """Job -> stamp, for every job of a run."""
    plan._fingerprint.cache_clear()
    return {job: plan.fingerprint(config, job) for job in plan.jobs(config)}


SOME = {
    "arms": [*PAPER, "duplicate2", "duplicate3", "traditional3", "both_equal_epochs", "copy_paste",
             "l1_only", "online"],
    "draws": [3, 3, 1, 1], "segmenters": ["fcn8s"], "arms_of_others": [], "control_draws": 9,
}  # fmt: skip
"""Arms that are made in every way there is, in several draws."""


def several(**asked):
    """`compact` with SOME arms and draws, or others."""
    return profiles.load("compact", **{**SOME, **asked})


@pytest.fixture(scope="module")
def compact():
    return several()


@pytest.fixture(scope="module")
def before(compact):
    return stamps(compact)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package to change, which the stamps are then made of."""
    copied = tmp_path / "lcgan_core"
    shutil.copytree(code.PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "PACKAGE", copied)
    forget_code()
    yield copied
    forget_code()


def forget_code():
    for cached in (code._module, code._code_hash, code._Module.definition, plan._fingerprint):
        cached.cache_clear()


def changed(before, after):
    """(stale, new): jobs with another stamp, and jobs that were not there."""
    stale = {job for job in before.keys() & after.keys() if before[job] != after[job]}
    return stale, after.keys() - before.keys()


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) >= 1, f"{path} no longer holds {old!r}"
    path.write_text(text.replace(old, new, 1))


def test_comments_docstrings_and_formatting_make_nothing_stale(compact, before, package):
    for path in package.rglob("*.py"):
        text = path.read_text()
        if text.startswith('"""'):
            _, _, rest = text.split('"""', 2)
            rest = rest.replace("\n\n\n", "\n\n\n\n")
            path.write_text(f'"""Other words."""\n\n# a comment\n{rest}')
    assert changed(before, stamps(compact)) == (set(), set())


def test_what_stands_beside_a_bar_makes_nothing_stale(compact, before, package):
    edit(package / "training/engine.py", "step // self.epoch + 1, self.sums", "7, {}")
    assert changed(before, stamps(compact)) == (set(), set())


def test_a_changed_step_makes_stale_what_trains_by_it(compact, before, package):
    edit(package / "generators/l1_only.py", "l1 = F.l1_loss", "l1 = 2 * F.l1_loss")
    stale, new = changed(before, stamps(compact))
    assert {job.what for job in stale if job.stage != "evaluation"} == {"l1_only"}
    assert {job.stage for job in stale} == {
        "training", "selection", "augmentation", "segmentation", "evaluation",
    }  # fmt: skip
    assert not new


def test_a_new_metric_makes_the_evaluation_stale_alone(compact, before, package):
    edit(
        package / "metrics/overlap.py",
        "    def dice_class_detected(self)",
        "    def jaccard(self) -> Any:\n        return self.dice_image() / 2\n\n"
        "    def dice_class_detected(self)",
    )
    edit(
        package / "metrics/cells.py",
        "METRICS: dict",
        "def jaccard(counts, min_area, min_dice):\n    return (counts.jaccard(),) * 3\n\n\n"
        "METRICS: dict",
    )
    edit(
        package / "metrics/cells.py",
        '    "recall": recall,\n',
        '    "recall": recall, "j": jaccard,\n',
    )
    stale, new = changed(before, stamps(compact))
    assert stale == {plan.EVALUATION}
    assert not new


def test_a_new_arm_makes_new_jobs_and_the_evaluation_stale(compact, before, monkeypatch):
    monkeypatch.setitem(ARMS, "four", Arm("+ the same thrice more", ("original",) * 3))
    after = stamps(several(arms=[*compact.arms, "four"]))
    stale, new = changed(before, after)
    assert stale == {plan.EVALUATION}
    assert {(job.stage, job.what) for job in new} == {("segmentation", "four")}


def test_a_new_kind_of_copy_makes_new_jobs_and_the_evaluation_stale(
    compact, before, package, monkeypatch
):
    (package / "copies/flipped.py").write_text(
        "def copies(originals, generator, config):\n"
        "    return originals.images.flip(2), originals.labels.flip(2)\n"
    )
    monkeypatch.setitem(methods.COPIES, "flipped", Method("lcgan_core.copies.flipped:copies"))
    monkeypatch.setitem(ARMS, "flipped", Arm("+ mirrored", ("flipped",)))
    stale, new = changed(before, stamps(several(arms=[*compact.arms, "flipped"])))
    assert stale == {plan.EVALUATION}
    assert {(job.stage, job.what) for job in new} == {
        ("augmentation", "flipped"), ("segmentation", "flipped"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arm", "kinds"),
    [
        ("gan_worst", {"gan_worst"}),
        ("gan_noise", {"gan_noise"}),
        ("gan4", {"gan_copy2", "gan_copy3", "gan_copy4"}),
    ],
)
def test_another_use_of_the_gan_makes_its_copies_and_its_networks_alone(
    arm, kinds, compact, before
):
    stale, new = changed(before, stamps(several(arms=[*compact.arms, arm])))
    assert stale == {plan.EVALUATION}
    assert {(job.stage, job.what) for job in new} == {
        ("segmentation", arm), *(("augmentation", kind) for kind in kinds),
    }  # fmt: skip


def test_a_kind_painted_in_another_way_is_stale_and_no_other(compact, monkeypatch):
    config = several(arms=[*compact.arms, "gan_first", "gan_last"])
    before = stamps(config)
    monkeypatch.setitem(methods.PAINTED, "gan_first", methods.Painted("lcgan", "random"))
    stale, new = changed(before, stamps(config))
    assert {job.what for job in stale if job != plan.EVALUATION} == {"gan_first"}
    assert not new


def test_a_changed_noise_makes_stale_what_has_it_alone(compact, package):
    config = several(arms=[*compact.arms, "gan_noise"])
    before = stamps(config)
    edit(package / "copies/scanner_noise.py", "NORMAL_MEDIAN = 0.6745", "NORMAL_MEDIAN = 0.7")
    forget_code()
    stale, new = changed(before, stamps(config))
    assert {job.what for job in stale if job != plan.EVALUATION} == {"gan_noise"}
    assert not new


def test_a_new_generator_makes_new_jobs_and_the_evaluation_stale(
    compact, before, package, monkeypatch
):
    (package / "generators/grey.py").write_text("class Grey:\n    pass\n")
    monkeypatch.setitem(methods.GENERATORS, "grey", Method("lcgan_core.generators.grey:Grey"))
    monkeypatch.setitem(ARMS, "grey", Arm("+ grey", ("grey",)))
    stale, new = changed(before, stamps(several(arms=[*compact.arms, "grey"])))
    assert stale == {plan.EVALUATION}
    assert {(job.stage, job.what) for job in new} == {
        (stage, "grey") for stage in ("training", "selection", "augmentation", "segmentation")
    }


def test_a_new_segmenter_makes_new_jobs_and_the_evaluation_stale(
    compact, before, package, monkeypatch
):
    (package / "segmenters/other.py").write_text("class Other:\n    pass\n")
    monkeypatch.setitem(methods.SEGMENTERS, "other", Method("lcgan_core.segmenters.other:Other"))
    stale, new = changed(before, stamps(several(segmenters=["fcn8s", "other"])))
    assert stale == {plan.EVALUATION}
    assert {(job.stage, job.segmenter) for job in new} == {("segmentation", "other")}


def test_a_new_data_set_makes_nothing_stale(compact, before, package, monkeypatch):
    (package / "cohort/public/new.py").write_text(
        "def is_here(source):\n    return False\n\n\ndef find(source):\n    return [], [], []\n"
    )
    monkeypatch.setitem(methods.FORMATS, "new", Method("lcgan_core.cohort.public.new:find"))
    assert changed(before, stamps(compact)) == (set(), set())


def test_one_more_draw_computes_only_what_is_new(compact, before):
    stale, new = changed(before, stamps(several(draws=[4, 3, 1, 1])))
    assert stale == {plan.EVALUATION}
    assert {(job.fraction, job.draw) for job in new} == {(0.025, 4)}


SETTINGS = {  # what is set -> jobs that stay as they are
    "segmentation_steps=9": lambda job: job.what == "lcgan" and job.stage == "training",
    "lcgan_batch=2": lambda job: job.what in ("judge", "original", "traditional", "copy_paste"),
    "realism_steps=9": lambda job: job.stage in ("training", "cohort"),
    "evaluation_resamples=50": lambda job: job.stage != "evaluation",
    "judge=subset": lambda job: job.stage in ("training", "cohort") or job.what == "original",
    "cohort_folds=3": lambda job: job.stage == "cohort",
    "cohort_test_share=0.5": lambda job: job.stage == "cohort",
    "cohort_validation_share=0.3": lambda job: job.stage == "cohort",
    "image_size=64": lambda job: False,
    "seed=1": lambda job: False,
}


@pytest.mark.parametrize("number", SETTINGS)
def test_a_changed_number_makes_stale_what_follows_from_it_and_nothing_else(number, before):
    name, _, value = number.partition("=")
    after = stamps(several(**{name: yaml.safe_load(value)}))
    stale, new = changed(before, after)
    kept = {job for job in before if SETTINGS[number](job)}
    # with folds, each draw has a judge of its own
    draws = {2, 3} if name == "cohort_folds" else set()
    assert {(job.what, job.draw) for job in new} == {("judge", draw) for draw in draws}
    assert not kept & stale
    assert plan.EVALUATION in stale
    if name.startswith("cohort_") or name in ("image_size", "seed"):
        assert stale == set(before) - kept


@pytest.mark.parametrize(
    ("number", "of"),
    [
        ("unet_width=8", {("segmentation", "unet")}),
        ("flow_width=16", {(stage, "flow") for stage in ("training", "selection", "augmentation")}),
    ],
)
def test_a_setting_of_a_method_of_today_makes_stale_what_it_makes_and_no_more(number, of, before):
    name, _, value = number.partition("=")
    assert changed(before, stamps(several(**{name: int(value)}))) == (set(), set())
    used = {"arms": [*SOME["arms"], "flow"], "segmenters": ["fcn8s", "unet"]}
    first, after = (stamps(several(**used, **more)) for more in ({}, {name: int(value)}))
    stale, new = changed(first, after)
    assert not new
    found = {(job.stage, job.segmenter or job.what) for job in stale - {plan.EVALUATION}}
    with_copies = {(job.stage, job.segmenter) for job in first if job.what == "flow"}
    assert found == of | {pair for pair in with_copies if "flow" in number and pair[1]}


def test_a_reading_of_contrast_makes_stale_only_what_transforms_intensities():
    arms = list(ARMS)
    before = stamps(profiles.load("quick", arms=arms))
    takes = {arm for arm in ARMS if {"traditional", "traditional2"} & {*ARMS[arm].copies}}
    stale, new = changed(
        before, stamps(profiles.load("quick", arms=arms, traditional_contrast="hu_offset"))
    )
    assert not new
    named = {(job.stage, job.what) for job in stale - {plan.EVALUATION}}
    assert named == {
        ("augmentation", "traditional"), ("augmentation", "traditional2"),
        ("training", "lcgan_augmented"), ("selection", "lcgan_augmented"),
        ("augmentation", "gan_augmented"),
        *(("segmentation", arm) for arm in takes | {"online", "gan_augmented"}),
    }  # fmt: skip
    turned = stamps(profiles.load("quick", arms=arms, traditional_transformations=["rotation"]))
    moved, new = changed(before, turned)
    assert not new
    more = {(job.stage, job.what) for job in moved - stale}
    assert more == {("augmentation", "geometry"), ("segmentation", "geometry")}
    assert stale < moved


def test_the_title_of_an_arm_and_a_defaulted_field_make_nothing_stale(compact, before, monkeypatch):
    for name, arm in list(ARMS.items()):
        monkeypatch.setitem(ARMS, name, arm._replace(title="other words"))
    assert changed(before, stamps(compact)) == (set(), set())
    with_more = ("title", "copies", "redrawn", "steps", "more")
    assert Arm("+ both", ("gan",)).settings() == {"copies": ("gan",)}, with_more


def test_a_user_s_changed_file_makes_the_cohort_stale(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"1")
    config = profiles.load("quick", cohort=str(tmp_path))
    before = plan._fingerprint.__wrapped__(config.model_dump_json(), plan.COHORT)
    (tmp_path / "a.dcm").write_bytes(b"22")
    assert plan._fingerprint.__wrapped__(config.model_dump_json(), plan.COHORT) != before
