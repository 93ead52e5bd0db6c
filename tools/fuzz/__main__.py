"""`python -m tools.fuzz`: see the package."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

import tools.fuzz
from lcgan_core.run.artefacts import REPOSITORY
from tools.fuzz import campaign, corpus
from tools.fuzz.campaign import FAILED, Outcome
from tools.fuzz.kinds import KINDS


def main() -> int:
    """Do what is not done yet, count the outcomes, and print failures; 1 if there is one."""
    parser = argparse.ArgumentParser(
        description=tools.fuzz.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--only", type=int, help="the number of one case, to repeat it")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "_build" / "fuzz")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        right = Path(place) / "right"
        right.mkdir()
        os.environ["LCGAN_SALT"] = f"{place}/salt"
        corpus.make(right)
        if asked.only is not None:
            found = [campaign.outcome(asked.seed, asked.only, right, Path(place))]
        else:
            found = _all(asked, right, Path(place))
    print(table(found).to_string())
    slowest = max(found, key=lambda each: each.seconds)
    print(f"slowest: case {slowest.case} ({slowest.kind}), {slowest.seconds:.2f} s {slowest.said}")
    failures = [each for each in found if each.outcome == FAILED]
    for each in failures:
        again = f"python -m tools.fuzz --seed {asked.seed} --only {each.case}"
        print(f"\n{each.kind}: {again}\n{each.said}")
    return int(bool(failures))


def _all(asked: argparse.Namespace, right: Path, place: Path) -> list[Outcome]:
    path = asked.folder / f"seed-{asked.seed}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    found = campaign.journal(path)
    known = {each.case for each in found}
    wanted = (case for case in range(asked.cases) if campaign.kind_of(case) in asked.kinds)
    left = [case for case in wanted if case not in known]
    parts = [left[k :: asked.jobs] for k in range(asked.jobs)]
    queue: multiprocessing.Queue = multiprocessing.get_context("fork").Queue()
    work = partial(_part, queue, asked.seed, right, place)
    doers = [
        multiprocessing.get_context("fork").Process(target=work, args=(part,)) for part in parts
    ]
    for doer in doers:
        doer.start()
    with path.open("a") as file, tqdm(total=len(left), file=sys.stderr, disable=None) as bar:
        for _ in left:
            found.append(queue.get())
            file.write(json.dumps(found[-1]._asdict()) + "\n")
            file.flush()
            bar.update()
    for doer in doers:
        doer.join()
    return sorted(each for each in found if each.case < asked.cases)


def _part(queue, seed: int, right: Path, place: Path, cases: list[int]) -> None:
    for each in campaign.run(seed, cases, right, place):
        queue.put(each)


def table(found: list[Outcome]) -> pd.DataFrame:
    """Outcomes counted: a row per kind and one for all, with the median and the longest time."""
    frame = pd.DataFrame(found)
    counts = pd.crosstab(frame.kind, frame.outcome, margins=True, margins_name="all")
    seconds = frame.groupby("kind").seconds
    return counts.join(pd.DataFrame({"median s": seconds.median(), "longest s": seconds.max()}))


if __name__ == "__main__":
    sys.exit(main())
