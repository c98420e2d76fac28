"""What a person reads of a scene: shares, alerts, and whether a dead worker is noticed."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from tests.monitor.asked import Asked, queries
from tests.monitor.scene import Scene

Say = Callable[[str], object]
NOT_DRAINING: Final = "PreimageQueueNotDraining"
_SLACK_SECONDS: Final = 240.0
"""For leases to run out, and for a busy machine."""


def tell_queries(missing: Sequence[Asked], say: Say) -> bool:
    """Say how many queries of each dashboard have data; whether all of them do."""
    asked, silent = (Counter(each.board for each in some) for some in (queries(), missing))
    for board, number in asked.items():
        say(f"  {board:10} {number - silent[board]:3} of {number:3} queries have data")
    share = 1 - silent.total() / asked.total()
    say(f"panel queries with data: {share:.{0 if share == 1 else 1}%}")
    for each in missing:
        say(f"  none: {each}: {each.expression}")
    return not missing


def tell_alerts(seen: Scene, say: Say) -> None:
    """Say which alerts fire, and which will unless something changes."""
    for state in ("firing", "pending"):
        alerts = seen.prometheus.alerts(state)
        say(f"alerts {state}: {', '.join(sorted(alerts)) or 'none'}")


def kill_worker(seen: Scene, patience_seconds: float, say: Say) -> bool:
    """Kill the worker; whether the alert fires that has so much patience."""
    began = time.monotonic()
    seen.stack.kill("worker-0")
    say(f"worker killed; {NOT_DRAINING} waits for {patience_seconds:g} s …")
    fired = seen.until(
        lambda: NOT_DRAINING in seen.prometheus.alerts(), patience_seconds + _SLACK_SECONDS
    )
    took = time.monotonic() - began
    say(f"{NOT_DRAINING} {'fired' if fired else 'did not fire'} after {took:.0f} s")
    tell_alerts(seen, say)
    return fired
