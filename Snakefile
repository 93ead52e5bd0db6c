# The grid of a run: one rule per job of lcgan_core/run/plan.py, then the six notebooks and the book.
#   snakemake --cores 2 --config profile=quick lcgan_width=4 cohort=/data/heads

import json
import sys
import time

from lcgan_core.book import places
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, asked, failure, few, pages, plan, warm
from lcgan_core.run.code import PACKAGE
from lcgan_core.run.requests import request

STARTED = time.time()

OVERRIDES = {k: value for k, value in asked.settings(config).items() if value != ""}
CONFIG = profiles.load(OVERRIDES.pop("profile", "quick"), **OVERRIDES)
PROFILE = CONFIG.file or CONFIG.profile
if "cohort" in OVERRIDES:  # a path is meant from here, and pages are executed elsewhere
    OVERRIDES["cohort"] = CONFIG.cohort.source
RUN = artefacts.run_folder(CONFIG)
for folder in (RUN, artefacts.REPOSITORY):
    if set("{}") & set(str(folder)):
        sys.exit(
            f"Snakemake cannot work in {folder}: a path with a brace means a pattern to it; move or "
            "rename the folder, or set LCGAN_RUNS to another one."
        )
JOBS = plan.jobs(CONFIG)
try:
    REQUEST = str(warm.write_request(CONFIG, {"profile": PROFILE, **OVERRIDES}))
except artefacts.UserError as error:
    sys.exit(f"The run stopped: {error}")
OPTIONS = ["--profile", PROFILE]
for name, value in OVERRIDES.items():
    OPTIONS += ["--set", f"{name}={json.dumps(value, ensure_ascii=False)}"]
STAGES = list(profiles.STAGE_PARAMETERS)
WORK = (
    "{params.python:q} -m lcgan_core.run.warm {params.request:q} {params.job:q} 2> {log:q} "
    "&& touch {output:q} || {{ tail -n 4 {log:q} >&2; exit 1; }}"
)


def done(job):
    """The mark of a finished job; jobs follow each other by these files."""
    return str(pages.mark(CONFIG, job))


def page(stage):
    """The executed notebook of a stage."""
    return str(pages.executed(CONFIG, stage))


def urgency(job):
    """The pictures' jobs before the arms that wait for them; of the arms the longest first, so that
    none is left over at the end."""
    if job.stage != "segmentation" or job.what == "original":
        return 2
    return job.fraction


if workflow.is_main_process and not artefacts.claimed(CONFIG):
    pages.forget_undone(CONFIG)


onstart:
    try:
        artefacts.claim(CONFIG)
        if few.warning(CONFIG):
            print(f"lcgan: {few.warning(CONFIG)}", file=sys.stderr)
    except artefacts.UserError as error:
        sys.exit(f"The run stopped: {error}")
    if workflow.local_exec:  # a cluster's job runs elsewhere, and within what it asked for
        warm.start()


onerror:
    print(f"\n{failure.sentence(log, RUN / 'logs', STARTED)}", file=sys.stderr)


localrules:
    all,
    evaluated,
    book,


rule all:
    input:
        places.html(places.staging(CONFIG.name)) / "index.html",


rule evaluated:
    input:
        done(plan.EVALUATION),
        [page(stage) for stage in STAGES],


for job in JOBS:

    rule:
        name:
            job.name
        input:
            [done(needed) for needed in plan.inputs(CONFIG, job).values()],
        output:
            done(job),
        params:
            stamp=plan.fingerprint(CONFIG, job),
            # functions: in a text a brace, as a path may hold, would be a wildcard
            python=lambda _: sys.executable,
            request=lambda _: REQUEST,
            job=job.name,
        log:
            RUN / "logs" / f"{job.name}.log",
        threads: workflow.cores if job.stage == "cohort" else 1
        priority: urgency(job)
        resources:
            **request(CONFIG, job),
        shell:
            WORK


for stage in STAGES:

    rule:
        name:
            f"page-{stage}"
        input:
            notebook=pages.source(stage),
            jobs=[done(job) for job in pages.shown(CONFIG, stage)],
        output:
            page(stage),
        params:
            stamp=[plan.fingerprint(CONFIG, job) for job in pages.shown(CONFIG, stage)],
            # functions: in a text a brace, as a path may hold, would be a wildcard
            python=lambda _: sys.executable,
            request=lambda _: REQUEST,
            job=f"page-{stage}",
        log:
            RUN / "logs" / f"page-{stage}.log",
        resources:
            mem_mb=2000,
        shell:
            WORK


rule book:
    input:
        pages=places.prose(),
        code=sorted(map(str, PACKAGE.rglob("*.py"))),  # the API reference is of all of it
        jobs=[done(job) for job in JOBS],
        notebooks=[page(stage) for stage in STAGES],
    output:
        places.html(places.staging(CONFIG.name)) / "index.html",
    params:
        python=lambda _: sys.executable,
        options=lambda _: OPTIONS,
    threads: workflow.cores
    shell:
        "{params.python:q} -m lcgan_core.cli book {params.options:q}"
