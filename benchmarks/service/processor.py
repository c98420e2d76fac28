"""Processor time by process, in milliseconds: what counts where a machine does other things too."""

import psutil

_KINDS = {"redis-server": "redis", "preimage_service": "frontend"}
"""Words of command lines, and what their processes are."""


def used_ms() -> dict[str, float]:
    """Of this process as "client", of the frontend, of Redis, and of all other children."""
    own = psutil.Process()
    used = {"client": _of(own), "frontend": 0.0, "redis": 0.0, "others": 0.0}
    for child in own.children(recursive=True):
        words = " ".join(child.cmdline())
        kind = next((kind for word, kind in _KINDS.items() if word in words), "others")
        used[kind] += _of(child)
    return used


def per_call(before: dict[str, float], calls: int) -> dict[str, object]:
    """What each has used since then, for one call."""
    spent = {kind: ms - before[kind] for kind, ms in used_ms().items()}
    spent["all"] = sum(spent.values())
    return {f"{kind}_cpu_ms": round(ms / calls, 2) for kind, ms in spent.items()}


def _of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return 1e3 * float(times.user + times.system)
