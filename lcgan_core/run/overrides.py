"""Settings as the command line spells them: name=value, the value as YAML."""

from __future__ import annotations

from typing import Any

from lcgan_core.errors import UserError
from lcgan_core.protocol import plain_yaml


def overrides(numbers: list[str]) -> dict[str, Any]:
    """The settings that `--set` gives; UserError for one that is not understood.

    >>> overrides(["seed=3", "draws=[3, 1]"])
    {'seed': 3, 'draws': [3, 1]}
    """
    found = {}
    for number in numbers:
        name, equals, value = number.partition("=")
        if not equals or name == "profile":
            raise UserError(f"--set {number} is not understood; write it as name=value.")
        try:
            found[name] = plain_yaml.read(value)
        except ValueError:
            raise UserError(f"--set {number} is not understood; quote the value.") from None
    return found
