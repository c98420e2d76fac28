"""A look at the dashboards and alerts, without Docker: python -m tests.monitor [--kill-worker]

Starts a stack with a tiny network, a load on it, and Prometheus with the committed rules. Prints
how many of the panels' queries have data, and the alerts that fire. Ends with status 1 if a query
has none, or if the alert that a dead worker must raise does not fire.
"""

import argparse
import sys

from tests.monitor.binaries import MISSING, find
from tests.monitor.report import NOT_DRAINING, kill_worker, tell_alerts, tell_queries
from tests.monitor.rules import RULES, rules
from tests.monitor.scene import Scene, scene


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
        complete = tell_queries(seen.without_data(), _say)
        tell_alerts(seen, _say)
        fired = not options.kill_worker or kill_worker(seen, _patience(), _say)
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


def _patience() -> float:
    (rule,) = (each for each in rules() if each.name == NOT_DRAINING)
    return rule.patience.total_seconds()


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
