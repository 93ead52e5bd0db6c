"""`python -m tools.faults`: see the package."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import pandas as pd
from tqdm import tqdm

import tools.faults
from lcgan_core.run.artefacts import REPOSITORY
from tools.faults import campaign
from tools.faults.campaign import Outcome
from tools.faults.works import WORKS


def main() -> int:
    """Do what is not done yet, count, and print what went wrong; 1 if anything did."""
    parser = argparse.ArgumentParser(
        description=tools.faults.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--works", nargs="*", default=list(WORKS), choices=list(WORKS))
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "_build" / "faults")
    asked = parser.parse_args()
    path = asked.folder / f"seed-{asked.seed}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text().splitlines() if path.exists() else []
    found = [Outcome(**json.loads(line)) for line in lines]
    left = [k for k in range(asked.faults) if k not in {each.fault for each in found}]
    with tempfile.TemporaryDirectory(prefix="faults-") as place, path.open("a") as file:
        os.environ |= {"LCGAN_SALT": f"{place}/salt", "LCGAN_RUNS": f"{place}/runs"}
        whole = campaign.undisturbed(Path(place), asked.works)
        doing = campaign.run(asked.seed, left, Path(place), whole)
        for each in tqdm(doing, total=len(left), disable=None):
            found.append(each)
            file.write(json.dumps(each._asdict()) + "\n")
            file.flush()
    print(table(found).to_string())
    for each in (each for each in found if each.wrong):
        print(f"\n{each.fault}: {each.work}, {each.mishap}\n{each.wrong}")
    return int(any(each.wrong for each in found))


def table(found: list[Outcome]) -> pd.DataFrame:
    """Faults counted by work and mishap, those after which something was wrong, and orphans."""
    frame = pd.DataFrame(found)
    frame["mishap"] = frame.mishap.str.removesuffix(" again")
    counts = pd.crosstab(frame.work, frame.mishap, margins=True, margins_name="all")
    sums = frame.assign(wrong=frame.wrong != "").groupby("work")[["wrong", "orphans"]].sum()
    sums.loc["all"] = sums.sum()
    return counts.join(sums)


if __name__ == "__main__":
    sys.exit(main())
