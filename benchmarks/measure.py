"""Honest timing on shared machines: alternate, take medians, report ratios."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import torch

Action = Callable[[], object]
Clock = Callable[[], float]


def alternate(
    actions: Mapping[str, Action], rounds: int, clock: Clock = time.perf_counter
) -> dict[str, float]:
    """The median seconds of each action; one of each in turn, so that all see the same machine."""
    for action in actions.values():
        action()
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            started = clock()
            action()
            seconds[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def surroundings(device: str) -> dict[str, str]:
    """What a figure depends on."""
    return {
        "device": device,
        "threads": str(torch.get_num_threads()),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "preimage": version("preimage"),
        "torch": version("torch"),
    }


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows as aligned text."""
    cells = [list(map(str, row)) for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
