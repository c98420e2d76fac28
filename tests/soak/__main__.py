"""Endurance of a whole stack: python -m tests.soak --minutes 30 --seed 1 --json FILE.

Prints what every process had and has, and one sentence for everything that has grown or was lost.
Ends with status 1 if there is such a sentence.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.soak.judging import Limits, breaches
from tests.soak.report import summary, table
from tests.soak.run import Plan, soak


def main() -> int:
    """Run; returns the exit status."""
    options = _arguments()
    record = soak(Plan(seconds=options.minutes * 60, seed=options.seed, clients=options.clients))
    found = breaches(record, Limits())
    figures = summary(record, found)
    sys.stdout.write("\n".join([table(figures), *(f"BREACH {each}" for each in found)]) + "\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="how long the load lasts; 30")
    parser.add_argument("--seed", type=int, default=1, help="decides who asks for what; 1")
    parser.add_argument("--clients", type=int, default=5, help="clients at one time; 5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
