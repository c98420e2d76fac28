"""A look at the dashboards and alerts, without Docker: python -m tests.monitor [--kill-worker]

Starts a stack with a tiny network, a load on it, and Prometheus with the committed rules. Prints
how many of the panels' queries have data, and the alerts that fire. Ends with status 1 if a query
has none, or if the alert that a dead worker must raise does not fire.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.monitor.asked import Asked, queries
from tests.monitor.binaries import MISSING, find
from tests.monitor.rules import RULES, rules
from tests.monitor.scene import Scene, scene

_ALERT = "PreimageQueueNotDraining"
_SLACK_SECONDS = 120.0
"""For leases to run out, and for a busy machine."""


def main() -> int:
    """Run; returns the exit status."""
    options = _arguments()
    binary = find("prometheus")
    if binary is None:
        _say(MISSING.format(name="prometheus"))
        return 2
    _say("starting a stack, a load and Prometheus …")
    with scene(binary, RULES) as seen:
        _say(f"Prometheus: {seen.prometheus.url}")
        seen.until(lambda: not seen.without_data(), options.seconds)
        complete = _tell_queries(seen.without_data())
        _tell_alerts(seen)
        fired = _kill_worker(seen) if options.kill_worker else True
        if options.stay:
            _stay(seen)
    return 0 if complete and fired else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.monitor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="how long to wait for data at most; 120"
    )
    parser.add_argument(
        "--kill-worker", action="store_true", help="kill the worker and wait for the alert"
    )
    parser.add_argument("--stay", action="store_true", help="go on until Ctrl-C, to look around")
    return parser.parse_args()


def _tell_queries(missing: Sequence[Asked]) -> bool:
    """Print the share of queries with data by dashboard; whether it is all of them."""
    asked, silent = (Counter(each.board for each in some) for some in (queries(), missing))
    for board, number in asked.items():
        _say(f"  {board:10} {number - silent[board]:3} of {number:3} queries have data")
    _say(f"panel queries with data: {1 - silent.total() / asked.total():.0%}")
    for each in missing:
        _say(f"  none: {each}: {each.expression}")
    return not missing


def _tell_alerts(seen: Scene) -> None:
    for state in ("firing", "pending"):
        alerts = seen.prometheus.alerts(state)
        _say(f"alerts {state}: {', '.join(sorted(alerts)) or 'none'}")


def _kill_worker(seen: Scene) -> bool:
    """Kill the worker; whether the alert fires within the time that its rule gives it."""
    (patience,) = (each.patience.total_seconds() for each in rules() if each.name == _ALERT)
    began = time.monotonic()
    seen.stack.kill("worker-0")
    _say(f"worker killed; {_ALERT} waits for {patience:.0f} s …")
    fired = seen.until(lambda: _ALERT in seen.prometheus.alerts(), patience + _SLACK_SECONDS)
    took = time.monotonic() - began
    _say(f"{_ALERT} {'fired' if fired else 'did not fire'} after {took:.0f} s")
    _tell_alerts(seen)
    return fired


def _stay(seen: Scene) -> None:
    _say(f"{seen.prometheus.url}/graph is there until Ctrl-C")
    try:
        seen.until(lambda: False, float("inf"))
    except KeyboardInterrupt:
        _say("ending")


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
