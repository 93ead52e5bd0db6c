"""The paper's six stages, and the preparation of their data: head CTs in, a slice store out."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from lcgan_core.errors import UserError, plain
from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.run import artefacts, ending, few, plan
from lcgan_core.run.overrides import overrides
from lcgan_core.takeaway import commands


def _one_of(known: Iterable[str]) -> str:
    return f"One of {', '.join(known)}."


app = typer.Typer(add_completion=False, rich_markup_mode=None)

Profile = Annotated[
    str, typer.Option(help=f"One of {', '.join(profiles.names())}, or the path of a .yaml file.")
]
Cohort = Annotated[
    str, typer.Option(help="Folder of head CTs or a slice store; default: in silico.")
]
Numbers = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one setting, as in lcgan_width=4; may be repeated."),
]


@app.command()
def run(
    stage: Annotated[str, typer.Argument(help=f"One of {', '.join(profiles.STAGE_PARAMETERS)}.")],
    profile: Profile = "quick",
    cohort: Cohort = "",
    fraction: Annotated[float | None, typer.Option(help="Fraction of the patients.")] = None,
    arm: Annotated[str | None, typer.Option(help=f"One of {', '.join(ARMS)}.")] = None,
    generator: Annotated[str | None, typer.Option(help=_one_of(methods.GENERATORS))] = None,
    segmenter: Annotated[str | None, typer.Option(help=_one_of(methods.SEGMENTERS))] = None,
    draw: Annotated[
        int | None, typer.Option(help="Which draw of patients and seeds; default 1.")
    ] = None,
    numbers: Numbers = None,
) -> None:
    """Run one stage and whatever it needs; finished results are reused."""
    if stage not in profiles.STAGE_PARAMETERS:
        known = ", ".join(profiles.STAGE_PARAMETERS)
        raise UserError(f"Unknown stage '{stage}'; allowed: {known}.")
    given = {"fraction": fraction, "arm": arm, "draw": draw}
    given |= {"generator": generator, "segmenter": segmenter}
    config, own = profiles.from_namespace(
        stage,
        {"profile": profile, "cohort": cohort, **overrides(numbers or [])}
        | {name: value for name, value in given.items() if value is not None},
    )
    for name in profiles.STAGE_PARAMETERS[stage]:
        if name not in own:
            raise UserError(f"Stage '{stage}' needs --{name}.")
    if few.warning(config):
        print(f"lcgan: {few.warning(config)}", file=sys.stderr)
    shown = plan.page(config, stage, own)
    artefacts.make(config, *shown.values())
    for job in shown.values():
        print(f"{job.name}: {artefacts.folder(config, job)}")


@app.command()
def book(
    profile: Profile = "quick",
    cohort: Cohort = "",
    numbers: Numbers = None,
    where: Annotated[bool, typer.Option(help="Only print where the pages are.")] = False,
) -> None:
    """Build the book of a finished run (`make book` computes what is missing first)."""
    from lcgan_core.book import places

    _in_a_checkout()
    config = profiles.load(profile, **{"cohort": cohort, **overrides(numbers or [])})
    if not where:
        from lcgan_core.book import build  # it takes seconds to import what reads the results
        from lcgan_core.book.pages import commands as page

        build.build(config, page.text(app))
    print(places.html(places.staging(config.name)))


@app.command()
def publish(
    profile: Profile = "quick",
    cohort: Cohort = "",
    numbers: Numbers = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Slices of your head CTs may be published: do not ask.")
    ] = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Publish the generators of simulated heads too.")
    ] = False,
) -> None:
    """Collect a finished run in results/, from which its book can be built anywhere."""
    from lcgan_core.book import bundle, collect, places

    _in_a_checkout()
    config = profiles.load(profile, **{"cohort": cohort, **overrides(numbers or [])})
    out = places.RESULTS / config.profile
    if collect.shows_people(config) and not yes:
        _ask(f"{out} will hold slices of your head CTs")
    made = collect.collect(config, out, public=True, models=weights)
    if not bundle.opened(made).pictures:
        print(f"{made} has numbers only: these scans may not be shown.", file=sys.stderr)
    print(made)


@app.command()
def render(
    published: Annotated[str, typer.Argument(help="A folder of results/; default: compact.")] = "",
) -> None:
    """Build the book of a published run without computing anything: no training, no GPU."""
    from lcgan_core.book import build
    from lcgan_core.book.pages import commands as page

    _in_a_checkout()
    made = build.render(published, page.text(app))
    print(f"Book of a published run: {made / 'index.html'}")


@app.command()
def status(profile: Profile = "quick", cohort: Cohort = "", numbers: Numbers = None) -> None:
    """Show the progress of a run and how long the rest will take."""
    from lcgan_core.run import status as report

    config = profiles.load(profile, **{"cohort": cohort, **overrides(numbers or [])})
    print(report.text(report.status(config)))


@app.command()
def ingest(
    source: Annotated[Path, typer.Argument(help="Folder of head CTs.")],
    out: Annotated[Path, typer.Option(help="Slice store to make.")],
    form: Annotated[
        str, typer.Option("--format", help="See the data guide; detected if left out.")
    ] = "",
    size: Annotated[int, typer.Option(help="Pixels of a slice's side: 64, 128, 256 or 512.")] = 256,
    labels: Annotated[
        str, typer.Option(help="What the masks' labels mean: 1=EDH,2=PHE:oedema, or a JSON file.")
    ] = "",
    as_class: Annotated[
        str, typer.Option("--as", help="What binary masks show: a class, as in --labels.")
    ] = "",
    class_table: Annotated[
        str, typer.Option("--classes", help="CSV of the class that each scan's binary mask shows.")
    ] = "",
    images: Annotated[str, typer.Option(help="Pattern of image files with {patient}.")] = "",
    masks: Annotated[str, typer.Option(help="Pattern of mask files with {patient}.")] = "",
    window: Annotated[
        str, typer.Option(help="Pictures: level and width of their window in HU, as in 40/120.")
    ] = "",
    spacing: Annotated[
        str, typer.Option(help="Pictures: mm from pixel to pixel and slice to slice, as in 0.45/5.")
    ] = "",
    as_given: Annotated[
        bool,
        typer.Option(
            "--as-given", help="Take masks as they lie, also where they seem mirrored or turned."
        ),
    ] = False,
    allow_refused: Annotated[
        bool, typer.Option(help="Exit with 0 even if some are refused.")
    ] = False,
) -> None:
    """Make a slice store of head CTs; exit code 3 if a series or file is refused."""
    from lcgan_core.cohort import formats, report
    from lcgan_core.cohort.ingest import CONTACT_SHEET, REPORT, ingest_folder
    from lcgan_core.cohort.label_map import LabelMap

    # a shell leaves a "~" that is quoted or follows an equals sign
    source, out = source.expanduser(), out.expanduser()
    given = {
        "labels": LabelMap.parse(labels) if labels else None,
        "as_class": as_class,
        "class_table": Path(class_table).expanduser() if class_table else None,
        "images": images,
        "masks": masks,
        "window": window,
        "spacing": spacing,
    }
    done = ingest_folder(
        source,
        form or formats.detect(source),
        out,
        size,
        {name: value for name, value in given.items() if value},
        tell=lambda sentence: tqdm.write(sentence, file=sys.stderr),
        as_given=as_given,
    )
    print(report.text(done.report, done.store.classes))
    print(f"\nMade {plain(out)}; look at {plain(out / CONTACT_SHEET)}.")
    if (done.report.status == report.REFUSED).any() and not allow_refused:
        print(
            f"lcgan: some series or files were refused, see above and {plain(out / REPORT)}; the "
            "store holds the rest, and with --allow-refused the exit code is 0.",
            file=sys.stderr,
        )
        raise typer.Exit(3)


@app.command()
def check(store: Annotated[Path, typer.Argument(help="Slice store.")]) -> None:
    """Read all of a slice store: does its table say what its labels show?"""
    from lcgan_core.cohort.store import SliceStore

    opened = SliceStore.open(store.expanduser())
    opened.check()
    print(f"{plain(store)}: {len(opened.slices)} slices, every label as slices.csv says.")


@app.command()
def join(
    stores: Annotated[list[Path], typer.Argument(help="Two or more slice stores.")],
    out: Annotated[Path, typer.Option(help="Slice store to make.")],
) -> None:
    """Join slice stores; a patient who is in several of them stays one patient."""
    from lcgan_core.cohort.join import join as join_stores

    out = out.expanduser()
    joined = join_stores([store.expanduser() for store in stores], out)
    print(
        f"Made {plain(out)}; {len(joined.shared)} pairs of shared patients, see "
        f"{plain(out / 'join.csv')}; "
        f"{joined.dropped} slices were in more than one store and are kept once."
    )


for command in commands.ALL:
    app.command()(command)


@app.callback(invoke_without_command=True)
def lcgan(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Only show the version.")] = False,
) -> None:
    """The paper's six stages, the preparation of their data, and what is taken away from a run."""
    if version:
        print(f"lcgan {importlib.metadata.version('lcgan-core')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(ending.USAGE)


def _ask(what: str) -> None:
    """Go on only if the user says so; without a terminal UserError."""
    if not sys.stdin.isatty():
        raise UserError(
            f"{what}; if they may be published, run the same command with --yes (make publish "
            "YES=1); nothing was written."
        )
    if not typer.confirm(f"{what}: may they be published?", err=True):
        raise UserError("Nothing was written.")


def _in_a_checkout() -> None:
    if not (artefacts.REPOSITORY / "book").is_dir():
        raise UserError(
            "A book is made from the pages of the repository, which this installation lacks; clone "
            "the repository and run the command there."
        )


def main() -> None:
    """Run the command line; `run.ending` says how it ends."""
    sys.exit(ending.of(lambda: app(standalone_mode=False)))


if __name__ == "__main__":
    main()
