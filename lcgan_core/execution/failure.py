"""Why a run stopped: the one sentence among all that Snakemake and its jobs wrote."""

from __future__ import annotations

import re
from pathlib import Path

REFUSED = (
    r"sbatch failed\. The error message was '(.*?)'\.\n",
    r"Job submission failed with exception: (.*)",
)
ENDED = r"SLURM-job '(\d+)' failed, SLURM status is: '(\w+)'"


def sentence(snakemake_log: Path, job_logs: Path, since: float) -> str:
    """What the user can mend, from Snakemake's log and the jobs' logs written after `since`."""
    said = snakemake_log.read_text(errors="replace")
    refusals = [found for pattern in REFUSED for found in re.findall(pattern, said, re.S)]
    if refusals:
        reason = " ".join(refusals[-1].splitlines()[0].removeprefix("sbatch: error: ").split())
        return _sentence(f"the cluster refused a job ({reason})", "what the rule asks for")
    for log in sorted(job_logs.glob("*.log"), key=lambda path: -path.stat().st_mtime):
        errors = re.findall(r"^UserError: (.*)", log.read_text(errors="replace"), re.M)
        if errors and log.stat().st_mtime >= since:
            return f"The run stopped: {errors[-1]}"
    if ended := re.findall(ENDED, said):
        job, state = ended[-1]
        return _sentence(f"SLURM ended job {job} ({state})", "its runtime or mem_mb")
    return f"The run stopped; {snakemake_log} tells at which job."


def _sentence(what: str, change: str) -> str:
    return (
        f"The run stopped: {what}; change {change} in the cluster's profile "
        "(profiles/.../config.yaml) and run the same command again, what is finished is kept."
    )
