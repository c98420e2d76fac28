"""`python -m tests.fuzz {parsers,wire,garbage,jobs}`: campaigns; the tests run short ones.

Findings end it with status 1, and are printed with what led to them.
"""

import argparse
import asyncio
import json
import sys
import warnings
from pathlib import Path
from typing import Any

from tests.fuzz import campaigns, feed
from tests.fuzz.parsers import targets


def main() -> int:
    """Run a campaign; returns the exit status."""
    asked = _arguments()
    warnings.simplefilter("error", RuntimeWarning)
    match asked.what:
        case "parsers":
            wanted = [each for each in targets() if asked.target in each.name]
            found = feed.summary(feed.run(wanted, asked.inputs, asked.seed))
        case "wire":
            found = asyncio.run(campaigns.wire(asked.inputs, asked.seed))
        case "garbage":
            found = campaigns.garbage(asked.seed)
        case _:
            found = campaigns.jobs(asked.inputs, asked.seed)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    if asked.json:
        _keep(asked.json, asked.what, {"seed": asked.seed, **found})
    return 1 if found["findings"] else 0


def _keep(file: Path, what: str, found: dict[str, Any]) -> None:
    """Write the numbers beside those of the other campaigns."""
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(known | {what: found}, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("what", choices=["parsers", "wire", "garbage", "jobs"])
    parser.add_argument("--inputs", type=int, default=100_000, help="inputs, calls or jobs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", default="", help="a part of the names of parsers")
    parser.add_argument("--json", type=Path, help="where to keep the numbers")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
