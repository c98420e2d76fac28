"""Feeding targets with mutated inputs, and keeping what they choke on."""

import resource
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import FrameType
from typing import Any, final

from tests.fuzz.parsers import Target

_MOST_KEPT = 5
"""Findings of one target: more of the same teach nothing."""
_PATIENCE_SECONDS = 20.0
"""Of a processor's time for one input: thousands of times what any takes."""


class HangError(Exception):
    """An input takes far longer than any should."""


@contextmanager
def _watched() -> Iterator[None]:
    """Interrupt an input that keeps the processor busy for too long."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise HangError(f"still busy after {_PATIENCE_SECONDS:g} s")

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, _PATIENCE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@final
@dataclass
class Fed:
    """What came of a target."""

    name: str
    inputs: int = 0
    seconds: float = 0.0
    findings: list[tuple[bytes, str]] = field(default_factory=list)
    """Inputs and the tracebacks that they led to, one for each place of the code."""
    places: set[str] = field(default_factory=set)

    def feed(self, target: Target, data: bytes) -> None:
        """One input."""
        self.inputs += 1
        try:
            with _watched():
                target.run(data)
        except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} {place.filename}:{place.lineno}"
            if where not in self.places and len(self.findings) < _MOST_KEPT:
                self.places.add(where)
                self.findings.append((data, traceback.format_exc()))


def run(targets: Sequence[Target], inputs: int, seed: int) -> list[Fed]:
    """Feed all targets, each with its share of the inputs and with its seeds as they are."""
    shares, all_fed = sum(target.share for target in targets), []
    for target in targets:
        dice, fed, began = Random(f"{seed} {target.name}"), Fed(target.name), time.perf_counter()
        for data in target.valid():
            fed.feed(target, data)
        for _ in range(inputs * target.share // shares):
            fed.feed(target, target.input(dice))
        fed.seconds = time.perf_counter() - began
        all_fed.append(fed)
    return all_fed


def summary(all_fed: Sequence[Fed]) -> dict[str, Any]:
    """For people and for JSON."""
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "inputs": sum(fed.inputs for fed in all_fed),
        "seconds": round(sum(fed.seconds for fed in all_fed), 1),
        "findings": sum(len(fed.findings) for fed in all_fed),
        "peak_mib": peak_kib // 1024,
        "targets": {
            fed.name: {
                "inputs": fed.inputs,
                "seconds": round(fed.seconds, 1),
                "findings": [text for _, text in fed.findings],
            }
            for fed in all_fed
        },
    }
