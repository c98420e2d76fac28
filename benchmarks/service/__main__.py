"""The service measured: its queue, its door, and what it leaves of the engine's speed.

    python -m benchmarks.service [--parts queue,depth,door,floor,overload,…] [--json FILE] …

- queue: jobs per second that are submitted, claimed and finished, with nothing computed;
- depth: what a submission and a claim cost with 10, 1,000 and 100,000 jobs waiting;
- door: an open-model load generator on CreatePreimage with codes of 600 KB. Calls begin when they
  are due, whether or not earlier ones were answered, and times count from then;
- floor: what the parts of such a call cost by themselves, without a service around them;
- overload: ten times as many calls as a stand-in worker takes: how fast refusals are, and whether
  every accepted job ends by its deadline;
- fairness: how long jobs of small tenants wait, alone and beside a greedy one;
- fleet: what each of 1, 100 and 1,000 stand-in workers costs Redis, by operation; how even the
  shares of twenty tenants are; which keys are touched most;
- share: inversions per second end to end over those of the bare engine on the same jobs;
- occupancy: how many of the batch's slots step with jobs of mixed lengths and a full queue, beside
  batches that are filled once and run to their end.

Every part starts what it needs: a Redis with an append-only file, a frontend, a worker.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import surroundings, table
from benchmarks.service import computing, door, fairness, fleet, floor, overload, queue_alone

Row = dict[str, object]

PARTS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "queue": queue_alone.rates,
    "depth": queue_alone.depths,
    "door": door.measure,
    "floor": floor.measure,
    "overload": overload.measure,
    "fairness": fairness.measure,
    "fleet": fleet.measure,
    "share": computing.share,
    "occupancy": computing.occupancy,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--processes", default="1,2,3", help="clients of the queue")
    parser.add_argument("--depths", default="10,1000,100000", help="waiting jobs")
    parser.add_argument("--workers", default="1,10,100,1000", help="of a fleet")
    parser.add_argument(
        "--per-second", default="50,100,200", help="calls at the door, rates in turn"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of calls at the door")
    parser.add_argument("--jobs", type=int, default=64, help="inversions of one run")
    parser.add_argument("--rounds", type=int, default=3, help="runs, engine and service in turn")
    parser.add_argument("--json", type=Path, help="with --parts the other parts of a file stay")
    options = parser.parse_args()
    found: dict[str, list[Row]] = {}
    for part in options.parts.split(","):
        rows = found[part] = PARTS[part](options)
        print(f"\n{part}\n{table(list(rows[0]), [list(row.values()) for row in rows])}", flush=True)
    if options.json:
        before = json.loads(options.json.read_text()) if options.json.exists() else {}
        facts = before | {"surroundings": surroundings("cpu")} | found
        options.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
