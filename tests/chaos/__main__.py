"""A storm over a whole stack: python -m tests.chaos --minutes 10 --seed 1 --json FILE.

Prints what was broken and what became of the jobs, and every violation with the history of its job.
Ends with status 1 if there is a violation.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from tests.chaos.report import explanations, summary, table
from tests.chaos.storm import Options, storm


def main() -> int:
    """Run a storm; returns the exit status."""
    options = _arguments()
    verdict = asyncio.run(
        storm(
            Options(
                seconds=options.minutes * 60,
                seed=options.seed,
                workers=options.workers,
                clients=options.clients,
                sdk_clients=options.sdk_clients,
                auditors=options.auditors,
                owners=options.owners,
                history=options.history,
            )
        )
    )
    figures = summary(verdict)
    lines = [table(figures), *explanations(verdict)]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if verdict.violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long; 10")
    parser.add_argument("--seed", type=int, default=1, help="decides which fault happens when; 1")
    parser.add_argument("--workers", type=int, default=3, help="worker processes; 3")
    parser.add_argument("--clients", type=int, default=16, help="clients at one time; 16")
    parser.add_argument("--sdk-clients", type=int, default=4, help="so many of them use the SDK; 4")
    parser.add_argument("--auditors", type=int, default=2, help="auditor processes; 2")
    parser.add_argument("--owners", type=int, default=2, help="clients that audit, beside; 2")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument(
        "--history", type=Path, metavar="FILE", help="write every call and return here, a line each"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
