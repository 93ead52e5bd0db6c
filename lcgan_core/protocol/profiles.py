"""Profiles: every setting of a run, in one YAML file; single settings may be overridden."""

from __future__ import annotations

import difflib
import functools
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lcgan_core.errors import UserError
from lcgan_core.protocol import methods, plain_yaml
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.config import GIVEN, IN_SILICO, Config, Group

FILES = Path(__file__).parent / "files"
STAGE_PARAMETERS = {
    "cohort": (),
    "training": ("fraction", "generator", "draw"),
    "selection": ("fraction", "generator", "draw"),
    "augmentation": ("fraction", "generator", "draw"),
    "segmentation": ("fraction", "arm", "segmenter", "draw"),
    "evaluation": (),
}
"""What distinguishes one run of a stage from another, apart from the profile and the cohort."""


def names() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(path.stem for path in FILES.glob("*.yaml"))


def flat_fields() -> dict[str, tuple[str, ...]]:
    """Parameter name -> place in the profile: `lcgan_width` is `lcgan: width:`."""
    fields: dict[str, tuple[str, ...]] = {"cohort": ("cohort", "source")}
    for name, field in Config.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, Group):
            fields |= {f"{name}_{inner}": (name, inner) for inner in group.model_fields}
        elif name not in ("profile", "file", "overrides"):
            fields[name] = (name,)
    del fields["cohort_source"]
    return fields


def allowed_parameters(stage: str) -> list[str]:
    """Every papermill parameter that the notebook of `stage` takes."""
    return ["profile", *STAGE_PARAMETERS[stage], *flat_fields()]


def load(profile: str = "quick", **overrides: Any) -> Config:
    """The named profile, with single settings overridden by their flat names.

    Raises UserError, listing what is allowed, for an unknown profile, parameter or value.

    >>> load("quick").name
    'quick'
    >>> load("quick", lcgan_width=4).lcgan.width
    4
    """
    path = _profile_file(profile)
    try:
        values = plain_yaml.read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read as a profile ({reason}); correct it.") from None
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise UserError(f"{path} is not a profile; write one 'name: value' per line.")
    if reserved := {"profile", "file", "overrides"} & values.keys():
        raise UserError(f"{path} sets '{min(reserved)}', which is not a setting; remove the line.")
    if path.parent != FILES:
        values["file"] = str(path)
        cohort = values.get("cohort")
        if isinstance(cohort, dict) and cohort.get("source", GIVEN) != GIVEN:
            cohort["source"] = _cohort_source(cohort["source"], path.parent)
    profile = path.stem
    shipped = _validated(profile, values)
    places = {}
    for name, value in overrides.items():
        place = flat_fields().get(name)
        if place is None:
            raise UserError(unknown_parameter(name, list(flat_fields())))
        if name == "cohort" and value in (None, ""):
            continue  # that of the profile
        if name == "cohort":
            value = _cohort_source(value)
        *groups, last = places[name] = place
        target = values
        for step in groups:
            target = target.setdefault(step, {})
        target[last] = _listed(value) if isinstance(at(shipped, place), tuple) else value
    if "arms" not in places and places.get("cohort") and values["cohort"]["source"] != IN_SILICO:
        # a simulator's arm, unless it is asked for by name, is none of a profile for real scans
        values["arms"] = [arm for arm in shipped.arms if "oracle" not in ARMS[arm].copies]
    config = _validated(profile, values)
    if config.cohort.source == GIVEN:
        raise UserError(
            f"Profile '{profile}' is for scans of people and has none of its own; give their "
            "folder, as in COHORT=/data/heads or --cohort /data/heads."
        )
    # as validated, so that the same settings name the same run, whichever program passes them
    changed = {
        name: at(config, place)
        for name, place in places.items()
        if at(config, place) != at(shipped, place)
    }
    return config.model_copy(update={"overrides": changed})


def _profile_file(profile: str) -> Path:
    """The YAML file of a shipped profile, or of a user's own, given by its path."""
    if profile in names():
        return FILES / f"{profile}.yaml"
    path = Path(profile).expanduser()
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(
            f"Unknown profile '{profile}'; allowed: {', '.join(names())}, or the path of a .yaml "
            "file of the same form."
        )
    if not os.path.isfile(path):
        raise UserError(f"There is no profile {path.absolute()}; check the path.")
    path = path.resolve()
    if path.stem in names():
        raise UserError(f"{path} has the name of a shipped profile; give the file another name.")
    return path


def at(config: Config, place: tuple[str, ...]) -> Any:
    """The setting at a place of `flat_fields`."""
    return functools.reduce(getattr, place, config)


def _listed(value: Any) -> Any:
    """A list, even if papermill's -p passed it as text."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        return plain_yaml.read(value)
    return value  # which is no list


def _cohort_source(value: Any, beside: Path = Path()) -> str:
    if value in (None, "", IN_SILICO):
        return IN_SILICO
    text = str((beside / Path(str(value)).expanduser()).resolve())  # -p makes a number of 2020
    if text.encode(errors="replace").decode() != text:
        raise UserError(f"{text} is not in UTF-8; rename the folder.")
    return text


def _validated(profile: str, values: dict) -> Config:
    try:
        return Config.model_validate({**values, "profile": profile})
    except ValidationError as error:
        first = error.errors()[0]
        where = "_".join(str(step) for step in first["loc"])
        wrong = f" = {first['input']!r:.80} is refused: {_said(first)}"
        if first["type"] == "missing":
            wrong = " is missing"
        raise UserError(f"Profile '{profile}': {where}{wrong}.") from None


def _said(error: Any) -> str:
    """What is wrong, in pydantic's words without the name of its class."""
    return str(error["msg"]).removeprefix("Value error, ")


def unknown_parameter(name: str, allowed: list[str]) -> str:
    """The sentence for a misspelt parameter, with the likeliest spelling first."""
    close = difflib.get_close_matches(name, allowed, 1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return f"Unknown parameter '{name}'{hint}; allowed: {', '.join(allowed)}."


def check_fraction(config: Config, fraction: float) -> float:
    """`fraction` as a float of the profile's list, else UserError."""
    if fraction not in config.fractions:
        allowed = ", ".join(f"{value:g}" for value in config.fractions)
        raise UserError(
            f"Unknown fraction {fraction!r} for profile '{config.profile}'; allowed: {allowed}."
        )
    return float(fraction)


def check_arm(arm: str) -> str:
    """`arm` if it is known, in the profile's list or not, else UserError."""
    if arm not in ARMS:
        raise UserError(f"Unknown arm '{arm}'; allowed: {', '.join(ARMS)}.")
    return arm


def check_method(name: str, known: Mapping[str, Any], what: str) -> str:
    """`name` if it is a known generator or segmenter, else UserError."""
    if name not in known:
        raise UserError(f"Unknown {what} {name!r}; allowed: {', '.join(known)}.")
    return name


def check_draw(draw: int) -> int:
    """`draw` if it is a count from 1, within the profile's number or not, else UserError."""
    if not isinstance(draw, int) or draw < 1:
        raise UserError(f"Unknown draw {draw!r}; draws are counted 1, 2, 3 and so on.")
    return draw


def from_namespace(stage: str, namespace: Mapping[str, Any]) -> tuple[Config, dict[str, Any]]:
    """Config and stage parameters from a notebook's variables; UserError names a misspelt one.

    Papermill only warns of a parameter that the notebook does not have, and then runs with the
    default: hours later the reader looks at the wrong result.
    """
    allowed = allowed_parameters(stage)
    for name in namespace:
        if name not in allowed:
            raise UserError(unknown_parameter(name, allowed))
    given = dict(namespace)
    profile = given.pop("profile", "quick")
    own = {name: given.pop(name) for name in STAGE_PARAMETERS[stage] if name in given}
    config = load(profile, **given)
    if "fraction" in own:
        own["fraction"] = check_fraction(config, own["fraction"])
    if "arm" in own:
        own["arm"] = check_arm(own["arm"])
    for what, known in (("generator", methods.GENERATORS), ("segmenter", methods.SEGMENTERS)):
        if what in STAGE_PARAMETERS[stage]:
            usual = config.segmenters[0] if what == "segmenter" else next(iter(known))
            own[what] = check_method(own.get(what) or usual, known, what)
    if "draw" in STAGE_PARAMETERS[stage]:
        own["draw"] = check_draw(own.get("draw", 1))
    return config, own
