"""The experiment on today's methods: its table by hand, and a folder is of one experiment."""

import pandas as pd
import pytest

from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import ARMS
from tools import modern

SCORES = {  # segmenter, arm -> each draw's patients
    ("unet", "flow"): ([0.5, 0.7], [0.4, 0.4]),
    ("unet", "duplicate2"): ([0.3, 0.5], [0.3, 0.5]),
    ("fcn8s", "duplicate2"): ([0.1, 0.1], [0.2, 0.2]),
    ("fcn8s", "original"): ([0.1, 0.3], [0.2, 0.0]),
}


def test_an_arm_is_compared_with_the_control_of_as_many_slices(tmp_path):
    for (segmenter, arm), draws in SCORES.items():
        for draw, dice in enumerate(draws, start=1):
            place = tmp_path / f"0.1-{draw}" / f"{segmenter}-{arm}"
            place.mkdir(parents=True)
            named = {"arm": arm, "segmenter": segmenter, "draw": draw}
            noted = {"train_dice": 0.9, "validation_dice": 0.6}
            pd.DataFrame({"dice": dice} | named | noted).to_csv(place / "patients.csv")
    table = modern.dice(tmp_path).set_index(["segmenter", "arm"])
    assert list(table.index) == [
        ("fcn8s", "original"), ("fcn8s", "duplicate2"), ("unet", "duplicate2"), ("unet", "flow"),
    ]  # fmt: skip
    assert table.dice.tolist() == pytest.approx([0.15, 0.15, 0.4, 0.5])
    flow = table.loc[("unet", "flow")]
    assert (flow.control, flow.draws) == ("duplicate2", 2)
    # changes of .2 and 0: mean .1, standard error .1, and t of one degree of freedom 12.706
    assert (flow.change, flow["from"], flow["to"]) == pytest.approx(
        (0.1, -1.1706, 1.3706), abs=1e-4
    )
    assert table.change.isna().tolist() == [True, False, True, False]


def test_every_arm_has_as_many_copies_as_its_control():
    for arm, control in modern.CONTROLS.items():
        if control not in ("original", arm):
            assert len(ARMS[arm].copies) == len(ARMS[control].copies)
            assert set(ARMS[control].copies) == {"original"}


def test_a_folder_is_of_one_experiment(tmp_path):
    modern.claim(tmp_path / "new", profiles.load("compact"))
    modern.claim(tmp_path / "new", profiles.load("compact"))
    with pytest.raises(UserError, match="other settings.*name another --folder"):
        modern.claim(tmp_path / "new", profiles.load("compact", unet_width=8))
