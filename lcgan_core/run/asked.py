"""`python -m lcgan_core.run.asked COMMAND ...`: a command with what `make` was asked for.

make hands PROFILE, COHORT and SET over in the environment, where no shell reads them: a path may
hold spaces and quotes, and nothing in a value is executed. They become options of lcgan, or one
encoded setting of Snakemake, which would strip quotes and hand the rest to a cluster's shell.
SET is split only before a name, so that its values may hold spaces too.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lcgan_core.protocol import plain_yaml

ASKED = "asked"
"""The encoded setting's name in Snakemake's config."""


def options(given: Mapping[str, str]) -> list[str]:
    """What was asked for, as options of lcgan.

    >>> options({"COHORT": "/x/my heads", "SET": "seed=1 fractions=[0.5, 1]"})
    ['--cohort', '/x/my heads', '--set', 'seed=1', '--set', 'fractions=[0.5, 1]']
    """
    asked = [part for name, value in _paths(given).items() for part in (f"--{name}", value)]
    return asked + [part for number in _numbers(given) for part in ("--set", number)]


def encoded(given: Mapping[str, str]) -> str:
    """The same as a value of Snakemake's config; `settings` reads it."""
    numbers = (number.partition("=") for number in _numbers(given))
    asked = {**_paths(given), **{name: _value(text) for name, _, text in numbers}}
    return base64.urlsafe_b64encode(json.dumps(asked, default=str).encode()).decode()


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Profile and overrides from Snakemake's config, whether typed in or encoded.

    >>> settings({"seed": 1, ASKED: encoded({"PROFILE": "it's.yaml", "SET": "fractions=[0.5, 1]"})})
    {'seed': 1, 'profile': "it's.yaml", 'fractions': [0.5, 1]}
    """
    given = {name: value for name, value in config.items() if name != ASKED}
    return given | json.loads(base64.urlsafe_b64decode(config.get(ASKED, "e30=")))


def _paths(given: Mapping[str, str]) -> dict[str, str]:
    """Profile and cohort, if given; the cohort as it is meant here: pages run in another folder."""
    cohort = given.get("COHORT", "")
    paths = {
        "profile": given.get("PROFILE", ""),
        "cohort": os.path.abspath(os.path.expanduser(cohort)) if cohort else "",
    }
    return {name: value for name, value in paths.items() if value}


def _numbers(given: Mapping[str, str]) -> list[str]:
    text = given.get("SET", "").strip()
    return re.split(r"\s+(?=[A-Za-z_]\w*=)", text) if text else []


def _value(text: str) -> Any:
    """As lcgan's --set reads it; what it refuses stays as it is, for lcgan to refuse."""
    try:
        return plain_yaml.read(text)
    except ValueError:
        return text


if __name__ == "__main__":
    command = sys.argv[1:]
    if Path(command[0]).name == "snakemake":
        from lcgan_core.run.watch import watch  # the other commands start at once without it

        sys.exit(watch([*command, "--config", f"{ASKED}={encoded(os.environ)}"]))
    command += options(os.environ)
    os.execvp(command[0], command)
