# The grid of a run: every stage's notebook through papermill, then the book of what came out.
#   snakemake --cores 2 --config profile=quick lcgan_width=4 cohort=/data/heads

import sys
import time

from lcgan_core.book import build as book
from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.run import artefacts as runs
from lcgan_core.run import failure, plan, warm
from lcgan_core.errors import UserError
from lcgan_core.run.requests import request

STARTED = time.time()

PROFILE = config.get("profile", "quick")
OVERRIDES = {name: value for name, value in config.items() if name != "profile" and value != ""}
CONFIG = profiles.load(PROFILE, **OVERRIDES)
FRACTIONS = CONFIG.fractions
RUN = runs.root() / CONFIG.name
SOURCES = {stage: str(book.source(stage)) for stage in profiles.STAGE_PARAMETERS}


def executed(stage, share=None, arm=None):
    """The executed notebook of a job; jobs follow each other by these files."""
    name = "-".join(part for part in (stage, share, arm) if part)
    return str(RUN / "notebooks" / f"{name}.ipynb")


def job(stage, share="", what=None):
    """The job of a share as files have it in their names: 0.25, or 0.25-draw2."""
    fraction, _, draw = share.partition("-draw")
    return plan.Job(stage, float(fraction) if fraction else None, what, int(draw or 1))


def stamp(*named):
    """All that the job's result follows from: a job whose stamp changed runs again."""
    return plan.fingerprint(CONFIG, job(*named))


def of_share(w):
    """The parameters of a notebook that its share stands for."""
    named = job("", w.share)
    return f"-p fraction {named.fraction:g} -p draw {named.draw}"


def papermill(own=""):
    """Shell command that executes a stage's notebook with this run's parameters."""
    given = {"profile": PROFILE, **OVERRIDES}
    passed = " ".join(f"-p {name} '{value}'" for name, value in given.items())
    return (
        f"{sys.executable} -m lcgan_core.run.warm {{input.notebook}} {{output}} {passed} {own} "
        "-k python3 --no-progress-bar 2> {log} || {{ tail -n 4 {log} >&2; exit 1; }}"
    )


def options():
    """This run's profile and overrides as options of the command line."""
    numbers = " ".join(f"--set '{name}={value}'" for name, value in OVERRIDES.items())
    return f"--profile {PROFILE} {numbers}"


if workflow.is_main_process and not runs.claimed(CONFIG):
    book.forget_broken(CONFIG)


onstart:
    try:
        runs.claim(CONFIG)
    except UserError as error:
        sys.exit(f"The run stopped: {error}")
    if workflow.local_exec:  # a cluster's job runs elsewhere, and within what it asked for
        warm.start()


onerror:
    print(f"\n{failure.sentence(log, RUN / 'logs', STARTED)}", file=sys.stderr)


localrules:
    book,
    evaluated,
    all,


wildcard_constraints:
    share=r"[0-9.]+(-draw[0-9]+)?",
    arm="|".join(CONFIG.arms),


rule all:
    input:
        book.html(CONFIG) / "index.html",


rule evaluated:
    input:
        executed("evaluation"),
        [book.executed(CONFIG, job) for job in book.STAGE_PAGES],


rule cohort:
    input:
        notebook=SOURCES["cohort"],
    output:
        executed("cohort"),
    params:
        stamp=stamp("cohort"),
    log:
        RUN / "logs" / "cohort.log",
    threads: workflow.cores
    resources:
        **request(CONFIG, "cohort"),
    shell:
        papermill()


rule training:
    input:
        notebook=SOURCES["training"],
        cohort=executed("cohort"),
    output:
        executed("training", "{share}"),
    params:
        stamp=lambda w: [
            stamp("training", w.share, "lcgan"),
            stamp("training", str(FRACTIONS[-1]), "judge"),
        ],
        share=of_share,
    log:
        RUN / "logs" / "training-{share}.log",
    priority: 2  # everything but the original arms waits for these
    resources:
        **request(CONFIG, "training"),
    shell:
        papermill("{params.share}")


rule selection:
    input:
        notebook=SOURCES["selection"],
        training=executed("training", "{share}"),
        subset_judge=executed("segmentation", "{share}", "original"),
    output:
        executed("selection", "{share}"),
    params:
        stamp=lambda w: stamp("selection", w.share),
        share=of_share,
    log:
        RUN / "logs" / "selection-{share}.log",
    priority: 2
    resources:
        **request(CONFIG, "selection"),
    shell:
        papermill("{params.share}")


rule augmentation:
    input:
        notebook=SOURCES["augmentation"],
        selection=executed("selection", "{share}"),
    output:
        executed("augmentation", "{share}"),
    params:
        stamp=lambda w: [stamp("augmentation", w.share, kind) for kind in plan.SHOWN_COPIES],
        share=of_share,
    log:
        RUN / "logs" / "augmentation-{share}.log",
    priority: 2
    resources:
        **request(CONFIG, "augmentation"),
    shell:
        papermill("{params.share}")


rule segmentation:
    input:
        notebook=SOURCES["segmentation"],
        images=lambda w: (
            executed("cohort")
            if not set(plan.GENERATORS) & set(ARMS[w.arm].copies)
            else executed("augmentation", w.share)
        ),
    output:
        executed("segmentation", "{share}", "{arm}"),
    params:
        stamp=lambda w: stamp("segmentation", w.share, w.arm),
        share=of_share,
    log:
        RUN / "logs" / "segmentation-{share}-{arm}.log",
    # the selections wait for the original arms; of the others the longest first, so that none is
    # left over at the end
    priority: lambda w: 2 if w.arm == "original" else job("", w.share).fraction
    resources:
        **request(CONFIG, "segmentation"),
    shell:
        papermill("{params.share} -p arm {wildcards.arm}")


rule evaluation:
    input:
        notebook=SOURCES["evaluation"],
        scores=[book.executed(CONFIG, job) for job in plan.segmentations(CONFIG)],
    output:
        executed("evaluation"),
    params:
        stamp=stamp("evaluation"),
    log:
        RUN / "logs" / "evaluation.log",
    resources:
        **request(CONFIG, "evaluation"),
    shell:
        papermill()


rule book:
    input:
        pages=book.pages(),
        code=sorted(map(str, plan.PACKAGE.rglob("*.py"))),  # the API reference is of all of it
        notebooks=[book.executed(CONFIG, job) for job in book.STAGE_PAGES],
    output:
        book.html(CONFIG) / "index.html",
    threads: workflow.cores
    shell:
        f"{sys.executable} -m lcgan_core.cli book {options()}"
