"""`make bench`: measure everything, print it side by side, write results/bench/<device>.json."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "results" / "bench"


def main() -> None:
    """Run all benchmarks, or with --only NAME one of them, which is printed and not written."""
    # imported here: the processes that `lcgan ingest` starts import this file and need none of it
    from benchmarks import measure
    from lcgan_core.book.pages import performance

    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=measure.ALL, help="one benchmark; nothing is written")
    only = parser.parse_args().only
    started = time.perf_counter()
    result = measure.measure([only] if only else list(measure.ALL))
    for title, table in performance.tables(result).items():
        measure.show(title, table)
    if not only:
        RESULTS.mkdir(parents=True, exist_ok=True)
        path = RESULTS / f"{measure.file_name(result['device'])}.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
        print(f"Wrote {path.relative_to(Path.cwd())}.", end=" ")
    print(f"{time.perf_counter() - started:.0f} s in all.", file=sys.stdout)


if __name__ == "__main__":
    main()
