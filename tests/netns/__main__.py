"""Cut every link of a service on hosts of its own: unshare --net python -m tests.netns.

Prints one JSON object; ends with status 1 if a promise was broken. Needs root.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter

from tests.netns.cutting import Verdict, run


def main() -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.netns", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides what clients ask for; 1")
    verdict = asyncio.run(run(parser.parse_args().seed))
    sys.stdout.write(json.dumps(_figures(verdict), indent=2) + "\n")
    return 1 if verdict.violations else 0


def _figures(verdict: Verdict) -> dict[str, object]:
    jobs = verdict.evidence.jobs.values()
    return {
        "violations": verdict.sentences(),
        "workers": sorted(verdict.workers),
        "recovered_after_seconds": {name: round(s, 1) for name, s in verdict.cuts.items()},
        "ends": Counter(job.state or job.code for job in jobs),
        "redelivered": sum(job.deliveries > 0 for job in jobs),
        "failed_calls": verdict.failed_calls(),
    }


if __name__ == "__main__":
    sys.exit(main())
