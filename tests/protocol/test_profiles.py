"""Profiles: shipped files load, overrides are seen, mistakes are told in one sentence."""

import pytest

from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import PAPER


@pytest.mark.parametrize("name", profiles.names())
def test_shipped_profile_loads_and_ends_with_all_patients(name):
    config = profiles.load(name)
    assert config.fractions[-1] == 1.0
    assert 0.25 in config.fractions, "the notebooks' default fraction"
    assert len(config.fractions) == 4, "three subsets and everything, as in the paper's tables"


def test_quick_shrinks_sizes_only():
    """What quick may differ in from paper is named in the issue; every other number is equal."""
    quick, paper = (profiles.load(name).model_dump() for name in ("quick", "paper"))
    shrunk = {
        ("image_size",), ("fractions",), ("profile",), ("cohort", "patients"),
        ("cohort", "matrix"), ("cohort", "slices"), ("cohort", "test_share"),
        ("lcgan", "width"), ("lcgan", "snapshots"),
        ("segmentation", "width"), ("segmentation", "border"), ("segmentation", "epochs"),
        ("realism", "epochs"), ("evaluation", "resamples"),
    }  # fmt: skip
    # a network of another width cannot start from VGG-16's weights, and without them the Caffe
    # solver hardly learns: start and solver go together (fidelity: initialisation is recorded)
    start = {
        ("segmentation", name)
        for name in ("weights", "batch_norm", "optimizer", "learning_rate", "batch")
    }
    start |= {("realism", "batch")}
    # quick is the regression reference on any CPU, and few of them compute in bfloat16
    start |= {(network, "precision") for network in ("lcgan", "segmentation", "realism")}
    different = set()
    for name, value in quick.items():
        if isinstance(value, dict) and name != "overrides":
            different |= {(name, k) for k in value if value[k] != paper[name][k]}
        elif value != paper[name]:
            different.add((name,))
    assert different <= shrunk | start


def test_override_gets_a_run_folder_of_its_own():
    changed = profiles.load("quick", lcgan_width=4)
    assert changed.lcgan.width == 4
    assert changed.name != "quick"
    assert changed.name == profiles.load("quick", lcgan_width=4).name


def test_a_list_may_come_as_text_and_names_the_same_run():
    as_list = profiles.load("quick", lcgan_snapshots=[1, 2], arms=[*PAPER, "online"])
    as_text = profiles.load(
        "quick", lcgan_snapshots="[1, 2]", arms="[original, gan, traditional, both, online]"
    )
    # Snakemake's --config hands over a list of texts
    as_texts = profiles.load("quick", lcgan_snapshots=["1", "2"], arms=[*PAPER, "online"])
    assert as_list == as_text == as_texts
    assert as_list.name == as_text.name == as_texts.name != "quick"
    assert profiles.load("quick", arms=list(PAPER)).name == "quick"


def test_draws_are_one_number_or_one_a_fraction():
    every = profiles.load("quick", draws=2)
    assert every.draws == (2, 2, 2, 2)
    assert (
        every == profiles.load("quick", draws="[2, 2, 2, 2]") == profiles.load("quick", draws="2")
    )
    assert profiles.load("quick", draws=1).name == "quick"
    some = profiles.load("quick", draws=[3, 3, 1, 1])
    assert [list(some.draws_at(fraction)) for fraction in some.fractions] == [
        [1, 2, 3], [1, 2, 3], [1], [1],
    ]  # fmt: skip


def test_override_by_the_profile_s_own_value_changes_nothing():
    width = profiles.load("quick").lcgan.width
    assert profiles.load("quick", lcgan_width=width, cohort="").name == "quick"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: profiles.load("qick"),
            "Unknown profile 'qick'; allowed: compact, paper, quick, or the path of a .yaml",
        ),
        (lambda: profiles.load("quick", lcgan_widht=4), "did you mean 'lcgan_width'"),
        (lambda: profiles.load("quick", lcgan_width=-1), "lcgan_width = -1 is refused"),
        (lambda: profiles.load("quick", lcgan_mask_encoding="hsv"), "'rgb' or 'onehot'"),
        (
            lambda: profiles.from_namespace("segmentation", {"fraction": 0.3}),
            "allowed: 0.125, 0.25, 0.5, 1.",
        ),
        (
            lambda: profiles.from_namespace("segmentation", {"arm": "all"}),
            "Unknown arm 'all'; allowed: original, gan, traditional, both, duplicate2, ",
        ),
        (
            lambda: profiles.load("quick", arms="[original, gna]"),
            "'gna' is not an arm; allowed: original",
        ),
        (lambda: profiles.load("quick", arms=["original"]), "the arms must be original, gan, trad"),
        (lambda: profiles.load("quick", judge="all"), "'full' or 'subset'"),
        (lambda: profiles.from_namespace("cohort", {"arm": "both"}), "Unknown parameter 'arm'"),
        (lambda: profiles.load("quick", draws=0), "draws_0 = 0 is refused"),
        (lambda: profiles.load("quick", draws=[2, 1, 0, 1]), "draws_2 = 0 is refused"),
        (lambda: profiles.load("quick", draws=1.5), "draws_0 = 1.5 is refused"),
        (lambda: profiles.load("quick", draws="two"), "draws_0 = 'two' is refused"),
        (
            lambda: profiles.load("quick", draws=[3, 1]),
            "draws = [3, 1] is refused: Value error, give one whole number, or 4 of them, one",
        ),
        (
            lambda: profiles.from_namespace("training", {"fraction": 0.25, "draw": 0}),
            "Unknown draw 0; draws are counted 1, 2, 3 and so on",
        ),
        (lambda: profiles.from_namespace("cohort", {"draw": 2}), "Unknown parameter 'draw'"),
    ],
)
def test_mistake_is_one_sentence_that_lists_what_is_allowed(call, sentence):
    with pytest.raises(UserError) as error:
        call()
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_fraction_given_as_an_integer_is_all_patients():
    _, own = profiles.from_namespace("training", {"fraction": 1})
    assert own == {"fraction": 1.0, "generator": "lcgan", "draw": 1}
    assert isinstance(own["fraction"], float)
