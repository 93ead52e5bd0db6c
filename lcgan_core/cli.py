"""`lcgan run STAGE`: the six stages from the command line, without Jupyter."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any

import typer
import yaml

from lcgan_core import profiles
from lcgan_core.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
Profile = Annotated[str, typer.Option(help=f"One of {', '.join(profiles.names())}.")]
Cohort = Annotated[str, typer.Option(help="Folder of head CTs, or a slice store; else in silico.")]
Numbers = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one number, as in lcgan_width=4; may be repeated."),
]


@app.command()
def run(
    stage: Annotated[str, typer.Argument(help=f"One of {', '.join(profiles.STAGE_PARAMETERS)}.")],
    profile: Profile = "quick",
    cohort: Cohort = "",
    fraction: Annotated[float | None, typer.Option(help="Share of the training patients.")] = None,
    arm: Annotated[str | None, typer.Option(help=f"One of {', '.join(profiles.ARMS)}.")] = None,
    numbers: Numbers = None,
) -> None:
    """Compute one stage and what it needs; what is finished is reused."""
    if stage not in profiles.STAGE_PARAMETERS:
        known = ", ".join(profiles.STAGE_PARAMETERS)
        raise UserError(f"Unknown stage '{stage}'; allowed: {known}.")
    given = {"fraction": fraction, "arm": arm}
    config, own = profiles.from_namespace(
        stage,
        {"profile": profile, "cohort": cohort, **_overrides(numbers or [])}
        | {name: value for name, value in given.items() if value is not None},
    )
    for name in profiles.STAGE_PARAMETERS[stage]:
        if name not in own:
            raise UserError(f"Stage '{stage}' needs --{name}.")
    made = importlib.import_module(f"lcgan_core.stages.{stage}").run(config, **own)
    print(f"{stage}: {made.folder}")


@app.command()
def book(
    profile: Profile = "quick",
    cohort: Cohort = "",
    numbers: Numbers = None,
    where: Annotated[bool, typer.Option(help="Only tell where the pages lie.")] = False,
) -> None:
    """Build the book of a finished run (`make book` computes what is missing first)."""
    from lcgan_core import book as builder

    config = profiles.load(profile, **{"cohort": cohort, **_overrides(numbers or [])})
    if not where:
        builder.build(config)
    print(builder.html(config))


def _overrides(numbers: list[str]) -> dict[str, Any]:
    overrides = {}
    for number in numbers:
        name, equals, value = number.partition("=")
        if not equals:
            raise UserError(f"--set {number} is not understood; write it as name=value.")
        overrides[name] = yaml.safe_load(value)
    return overrides


def main() -> None:
    """Run the command line; a UserError is one sentence on stderr and exit code 1."""
    try:
        sys.exit(app(standalone_mode=False))
    except UserError as error:
        sys.exit(f"lcgan: {error}")
    except KeyboardInterrupt:
        print("lcgan: interrupted; run the same command again to go on.", file=sys.stderr)
        sys.exit(130)
    except typer.Exit as done:
        sys.exit(done.exit_code)


if __name__ == "__main__":
    main()
