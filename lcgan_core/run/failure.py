"""Why a run stopped: the one sentence that matters of all that Snakemake and its jobs wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

REFUSED = r"sbatch failed\. The error message was '(.*?)'\.\n"
NOT_HANDED_OVER = r"Exception in run_job for rule [\w.-]+: (.*)"
ENDED = r"SLURM-job '(\d+)' failed, SLURM status is: '(\w+)'"
TOLD_TO_END = ("Will exit after finishing currently running jobs", "Terminating processes on user")
FAILED = "Error in "
"""What Snakemake writes at SIGTERM and Ctrl-C; the first also after a job that has failed."""
PROFILE = "the cluster's profile (profiles/.../config.yaml)"
AGAIN = "run the same command again; finished parts are kept."


def sentence(snakemake_logs: Iterable[str | Path], job_logs: Path, since: float) -> str:
    """What the user can correct, from Snakemake's logs and the jobs' logs written after `since`."""
    return f"The run stopped: {_why(snakemake_logs, job_logs, since)}"


def _why(snakemake_logs: Iterable[str | Path], job_logs: Path, since: float) -> str:
    said = "".join(Path(log).read_text(errors="replace") for log in snakemake_logs)
    if refusals := re.findall(REFUSED, said, re.S):
        reason = refusals[-1].splitlines()[0].removeprefix("sbatch: error: ").rstrip(".")
        return (
            f"the cluster refused a job ({reason}); change what its rule requests in {PROFILE} "
            f"and {AGAIN}"
        )
    if exceptions := re.findall(NOT_HANDED_OVER, said):
        return (
            f"no job could be submitted to the cluster ({exceptions[-1]}); check that sinfo works "
            f"here and that {PROFILE} fits, and {AGAIN}"
        )
    for log in sorted(job_logs.glob("*.log"), key=lambda path: -path.stat().st_mtime):
        errors = re.findall(r"^UserError: (.*)", log.read_text(errors="replace"), re.M)
        if errors and log.stat().st_mtime >= since:
            return errors[-1]
    if ended := re.findall(ENDED, said):
        job, state = ended[-1]
        return (
            f"the cluster ended job {job} ({state}) too many times; raise its runtime or mem_mb in "
            f"{PROFILE} and {AGAIN}"
        )
    if any(words in said for words in TOLD_TO_END) and FAILED not in said:
        return f"it was told to end before all jobs were done; {AGAIN}"
    return f"a job failed without a reason in its log in {job_logs}; {AGAIN}"
