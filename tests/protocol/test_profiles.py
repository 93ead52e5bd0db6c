"""Profiles: shipped files load, overrides are seen, mistakes are told in one sentence."""

from pathlib import Path

import pytest

from lcgan_core.errors import UserError
from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import PAPER


@pytest.mark.parametrize("name", profiles.names())
def test_shipped_profile_loads_and_ends_with_all_patients(name):
    config = profiles.load(name, cohort="heads")
    assert config.fractions[-1] == 1.0
    assert 0.25 in config.fractions, "the notebooks' default fraction"
    if name != "real":
        assert len(config.fractions) == 4, "three subsets and everything, as in the paper's tables"


def test_real_tests_everybody_once_and_its_smallest_subset_has_six_patients_to_train_on():
    config = profiles.load("real", cohort="heads")
    assert set(config.draws) == {config.cohort.folds} and config.cohort.folds >= 6
    trained = 119 * (1 - 1 / config.cohort.folds) * config.fractions[0]
    assert trained * (1 - config.cohort.validation_share) >= 6
    assert {*PAPER, "duplicate2", "copy_paste", "geometry", "online"} <= set(config.arms)


def test_a_profile_for_scans_of_people_has_to_be_given_them(tmp_path):
    copied = tmp_path / "mine.yaml"
    copied.write_text((profiles.FILES / "real.yaml").read_text())
    for name in ("real", str(copied)):
        with pytest.raises(UserError, match=r"give their folder, as in COHORT=/data/heads"):
            profiles.load(name, cohort="")
        assert profiles.load(name, cohort=tmp_path).cohort.source == str(tmp_path)


def test_quick_shrinks_sizes_only():
    """What quick may differ in from paper is named in the issue; every other number is equal."""
    quick, paper = (profiles.load(name).model_dump() for name in ("quick", "paper"))
    shrunk = {
        ("image_size",), ("fractions",), ("profile",), ("cohort", "patients"),
        ("cohort", "matrix"), ("cohort", "slices"), ("cohort", "test_share"),
        ("lcgan", "width"), ("lcgan", "snapshots"),
        ("segmentation", "width"), ("segmentation", "border"), ("segmentation", "steps"),
        ("realism", "steps"), ("evaluation", "resamples"),
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
            "Unknown profile 'qick'; allowed: compact, paper, quick, real, or the path of a .yaml",
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
            "draws = [3, 1] is refused: give one whole number, or 4 of them, one",
        ),
        (
            lambda: profiles.from_namespace("training", {"fraction": 0.25, "draw": 0}),
            "Unknown draw 0; draws are counted 1, 2, 3 and so on",
        ),
        (lambda: profiles.from_namespace("cohort", {"draw": 2}), "Unknown parameter 'draw'"),
        (
            lambda: profiles.from_namespace("training", {"generator": "gan"}),
            "Unknown generator 'gan'; allowed: lcgan, l1_only, lcgan_augmented, inpaint, flow.",
        ),
        (
            lambda: profiles.from_namespace("segmentation", {"segmenter": "vnet"}),
            "Unknown segmenter 'vnet'; allowed: fcn8s, unet, unet_efficientnet.",
        ),
        (
            lambda: profiles.from_namespace("segmentation", {"generator": "lcgan"}),
            "Unknown parameter 'generator'",
        ),
        (
            lambda: profiles.load("quick", segmenters=["vnet"]),
            "'vnet' is not a segmenter; allowed:",
        ),
        (lambda: profiles.load("quick", segmenters=["fcn8s"] * 2), "may be named only once"),
        (lambda: profiles.load("quick", segmenters=[]), "segmenters = [] is refused"),
        (lambda: profiles.load("quick", judge_segmenter="vnet"), "'vnet' is not a segmenter; all"),
        (
            lambda: profiles.load("compact", fractions=[0.5, 1.0]),
            "draws = [10, 8, 6, 1] is refused: give one whole number, or 2 of",
        ),
        (lambda: profiles.load("quick", fractions=[0.5, "all"]), "fractions_1 = 'all' is refused"),
        (lambda: profiles.load("quick", fractions=0.5), "fractions = 0.5 is refused"),
        (lambda: profiles.load("quick", cohort_source="x"), "Unknown parameter 'cohort_source'"),
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


def test_a_notebook_s_generator_and_segmenter_are_the_paper_s_unless_named():
    _, own = profiles.from_namespace("selection", {"fraction": 0.25, "generator": ""})
    assert own["generator"] == "lcgan"
    _, own = profiles.from_namespace("segmentation", {"fraction": 0.25, "arm": "both"})
    assert own["segmenter"] == "fcn8s" == methods.default_segmenter()


FRACTIONS = {  # fractions -> subsets, shown, middle and page fraction
    (1.0,): ((1.0,), 1.0, 1.0, 1.0),
    (0.5, 1.0): ((0.5,), 0.5, 0.5, 0.5),
    (0.25, 1.0): ((0.25,), 0.25, 0.25, 0.25),
    (0.1, 0.3, 1.0): ((0.1, 0.3), 0.3, 0.3, 0.3),
    (0.125, 0.25, 0.5, 1.0): ((0.125, 0.25, 0.5), 0.5, 0.25, 0.25),
    (0.025, 0.1, 0.25, 1.0): ((0.025, 0.1, 0.25), 0.25, 0.1, 0.25),
    (0.1, 0.2, 0.3, 0.6, 1.0): ((0.1, 0.2, 0.3, 0.6), 0.6, 0.2, 0.6),
}


@pytest.mark.parametrize("fractions", FRACTIONS, ids=len)
def test_any_ascending_list_of_fractions_that_ends_with_1(fractions):
    config = profiles.load("quick", fractions=list(fractions))
    assert config.fractions == fractions
    assert config.draws == (1,) * len(fractions)
    found = (config.subsets, config.shown_fraction, config.middle_fraction, config.page_fraction)
    assert found == FRACTIONS[fractions]
    as_text = profiles.load("quick", fractions=str(list(fractions)))
    # Snakemake's --config hands over a list of texts
    as_texts = profiles.load("quick", fractions=[str(fraction) for fraction in fractions])
    assert config == as_text == as_texts
    assert config.name == as_text.name == as_texts.name


@pytest.mark.parametrize(
    "fractions",
    [
        [],
        [0.5],
        [0.5, 0.5, 1.0],
        [1.0, 0.5],
        [0, 1],
        [-0.5, 1],
        [0.5, 2],
        [0.5, float("nan"), 1],
        [0.1234567, 0.1234568, 1],
    ],
    ids=str,
)
def test_other_fractions_are_refused_in_one_sentence(fractions):
    with pytest.raises(UserError, match="Profile 'quick': fractions") as error:
        profiles.load("quick", fractions=fractions)
    assert "\n" not in str(error.value)


def test_controls_stop_at_a_fraction():
    config = profiles.load("quick", arms=[*PAPER, "online"], controls_up_to=0.25)
    assert [len(config.arms_at(fraction)) for fraction in config.fractions] == [5, 5, 4, 4]
    assert config.arms_at(1.0) == config.arms_at(0.5, segmenter="fcn8s") == PAPER


@pytest.mark.parametrize(
    ("some", "says"),
    [(["gan", "both"], "must be original, gan"), ([*PAPER, "oracle"], "'oracle' is not an arm")],
)
def test_arms_of_other_segmenters_are_the_papers_and_others_of_the_arms(some, says):
    with pytest.raises(UserError, match=f"'quick': arms_of_others.*{says}"):
        profiles.load("quick", arms=[*PAPER, "online"], arms_of_others=some)


def test_people_have_no_oracle_unless_it_is_asked_for_which_is_refused():
    in_silico, people = (profiles.load("compact", cohort=c) for c in ("in-silico", "/data/heads"))
    assert set(in_silico.arms) - set(people.arms) == {"oracle"}
    assert "arms" not in people.overrides
    with pytest.raises(UserError, match="oracle needs the in-silico cohort"):
        profiles.load("compact", cohort="/data/heads", arms=[*PAPER, "oracle"])


def shipped(name="quick"):
    return (profiles.FILES / f"{name}.yaml").read_text()


@pytest.fixture
def own(tmp_path):
    """Write a profile of one's own, made of `quick` by replacing texts; returns its path."""

    def write(changes=(), name="own.yaml", text=None):
        text = shipped() if text is None else text
        for old, new in dict(changes).items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_a_profile_of_one_s_own_is_given_by_its_path(own, monkeypatch):
    path = own({"seed: 2020": "seed: 7", "[0.125, 0.25, 0.5, 1.0]": "[0.5, 1.0]"})
    config = profiles.load(path)
    assert (config.name, config.profile, config.seed) == ("own", "own", 7)
    assert config.fractions == (0.5, 1.0)
    quick = profiles.load("quick", seed=7, fractions=[0.5, 1.0])
    differs = {name for name, value in config if value != getattr(quick, name)}
    assert differs == {"profile", "file", "overrides"}
    changed = profiles.load(path, lcgan_width=4)
    assert changed.name.startswith("own-")
    monkeypatch.chdir(Path(path).parent)
    for same in ("own.yaml", "./own.yaml"):
        assert profiles.load(same) == config, "wherever a job is, it finds the file again"
    assert path not in str(config.nameless()), "a path might name somebody"
    assert profiles.from_namespace("cohort", {"profile": path})[0] == config


def test_the_cohort_of_a_profile_of_one_s_own_lies_beside_it(own, tmp_path, monkeypatch):
    path = own({"cohort: {": "cohort: {source: heads, "})
    monkeypatch.chdir("/")
    assert profiles.load(path).cohort.source == str(tmp_path / "heads")
    silent = profiles.load(own({"cohort: {": "cohort: {source: '', "}))
    assert silent.cohort.source == "in-silico"
    # papermill's -p makes a number of a folder that is called 2020
    monkeypatch.chdir(tmp_path)
    assert profiles.load("quick", cohort=2020).cohort.source == str(tmp_path / "2020")


REFUSED = {
    "unknown key": ({"seed: 2020": "seed: 2020\nsed: 3"}, "Profile 'own': sed = 3 is refused"),
    "unknown key of a group": (
        {"resamples:": "resample:"},
        "Profile 'own': evaluation_resample = 300 is refused",
    ),
    "missing key": ({"seed: 2020": ""}, "Profile 'own': seed is missing."),
    "no group": ({"{resamples: 300}": "300"}, "Profile 'own': evaluation = 300 is refused"),
    "no YAML": ({"1.0]": "1.0"}, "own.yaml cannot be read as a profile ("),
    "fractions": ({"0.5, 1.0]": "0.5]"}, "fractions must ascend from above 0 to 1.0"),
    "draws": ({"image_size": "draws: [1, 2]\nimage_size"}, "or 4 of them, one for each fraction"),
    "a reserved name": ({"image_size": "overrides: {}\nimage_size"}, "own.yaml sets 'overrides'"),
    "a segmenter": ({"image_size": "segmenters: [vnet]\nimage_size"}, "'vnet' is not a segmenter"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_in_a_profile_is_one_sentence(case, own):
    changes, sentence = REFUSED[case]
    with pytest.raises(UserError) as error:
        profiles.load(own(changes))
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "- 1\n- 2\n", "just words", "1: 2\n"])
def test_a_file_that_is_no_profile_is_refused(text, own):
    path = own(text=text)
    with pytest.raises(UserError, match=r"own\.yaml is not a profile; write one 'name: value'"):
        profiles.load(path)


def test_a_profile_that_is_not_there_or_called_as_a_shipped_one_is_refused(own, tmp_path):
    with pytest.raises(UserError, match="has the name of a shipped profile; give the file another"):
        profiles.load(own(name="quick.yaml"))
    (tmp_path / "folder.yaml").mkdir()
    for name in ("gone.yaml", "folder.yaml"):
        with pytest.raises(UserError, match=f"There is no profile {tmp_path / name}; check"):
            profiles.load(str(tmp_path / name))
    with pytest.raises(UserError, match=r"allowed: .* or the path of a \.yaml file"):
        profiles.load(own(name="own.txt"))
