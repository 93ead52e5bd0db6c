"""YAML from a user is data, takes no time and no memory, and fails in one line."""

import pytest

from lcgan_core.errors import UserError
from lcgan_core.protocol import plain_yaml, profiles
from lcgan_core.run.overrides import overrides

BOMB = "a: &a [x, x, x, x]\n" + "\n".join(
    f"{chr(98 + k)}: &{chr(98 + k)} [{', '.join([f'*{chr(97 + k)}'] * 9)}]" for k in range(12)
)
HOSTILE = {
    "bomb": BOMB,
    "nested": "[" * 100_000,
    "circle": "&a {cohort: *a}",
    "code": "!!python/object/apply:os.system [touch pwned]",
    "tag": "!new 1",
    "key of a list": "? [a]\n: 1",
    "key of an object": "{{a: 1}: 2}",
    "control character": "a: \0",
    "long number": "9" * 5000,
    "no date": "2020-99-99",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_data_is_refused_in_one_line(name, tmp_path):
    with pytest.raises(ValueError) as error:
        plain_yaml.read(HOSTILE[name])
    assert str(error.value) and "\n" not in str(error.value)
    (tmp_path / "mine.yaml").write_text(HOSTILE[name])
    with pytest.raises(UserError, match="mine.yaml cannot be read as a profile"):
        profiles.load(str(tmp_path / "mine.yaml"))
    with pytest.raises(UserError, match="is not understood; quote the value"):
        overrides([f"seed={HOSTILE[name]}"])


IMPOSSIBLE = {
    "lcgan_learning_rate": ".inf", "segmentation_learning_rate": ".nan", "lcgan_snapshots": "[0]",
    "lcgan_width": "100000", "cohort_patients": "1000000000", "cohort_matrix": "100000",
    "draws": "1000000000", "window_level": ".nan", "window_width": ".inf", "seed": "1" + "0" * 30,
    "evaluation_resamples": "1e10", "segmentation_steps": "[1e13]", "fractions": "'['",
    "realism_batch": "99999999",
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_numbers_that_no_run_can_have_are_refused(name):
    with pytest.raises(UserError, match=f"Profile 'quick': {name}.* is refused"):
        profiles.load("quick", **overrides([f"{name}={IMPOSSIBLE[name]}"]))


def test_a_setting_is_no_way_to_another_profile():
    with pytest.raises(UserError, match="profile=paper is not understood"):
        overrides(["profile=paper"])


@pytest.mark.parametrize("name", ["x" * 300 + ".yaml", "x\0.yaml", "/dev/null/x.yaml"])
def test_a_profile_that_cannot_be_is_not_there(name):
    with pytest.raises(UserError, match="There is no profile"):
        profiles.load(name)
