"""What workers were told by the queue: a second record, independent of what the queue stores.

The history knows what clients saw and the queue knows what it stored; both would agree after a
second worker had finished a job unnoticed. So every worker and auditor of the harness writes down
each answer to a claim and to a finish, and auditors which inversions they brought, most of which
they remove before anybody looks. It only looks: arguments and answers pass unchanged. A line is one
write to a file that was opened for appending, so `kill -9` leaves whole lines.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from preimage_queue import Call, FinishVerdict, Queue, Submitted

_WATCHED: Final = ("claim", "finish", "submit")


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that a worker sent."""

    sent: float
    """Seconds since 1970, as all times here."""
    answered: float | None
    """None: the worker died before it heard the answer."""
    attempts: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Deposition:
    """What all workers wrote."""

    claims: tuple[Claim, ...]
    finishes: tuple[str, ...]
    """Ids, once for each finish that was accepted."""
    brought: frozenset[tuple[str, str]] = frozenset()
    """Inversions of audits: id and request_id."""


def watch(file: Path) -> None:
    """Write down what this process hears from now on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    run = Queue.run

    def write(**facts: Any) -> None:
        os.write(descriptor, (json.dumps({"at": time.time(), **facts}) + "\n").encode())

    def witnessed(queue: Queue, call: Call[Any]) -> Any:  # noqa: ANN401  whatever the call answers
        if call.script not in _WATCHED:
            return run(queue, call)
        if call.script == "claim":
            write(what="sent")
        answer = run(queue, call)
        if call.script == "claim":
            write(what="claimed", attempts=[(each.id, each.attempt) for each in answer])
        elif call.script == "finish":
            write(what="finished", id=_argument(call, "id"), verdict=answer.verdict)
        elif isinstance(answer, Submitted):
            write(what="brought", id=answer.job_id, request_id=_argument(call, "request_id"))
        return answer

    Queue.run = witnessed  # type: ignore[assignment,method-assign]


def _argument(call: Call[Any], name: str) -> str:
    return str(call.args[call.args.index(name) + 1])


def read(files: Iterable[Path]) -> Deposition:
    """What was written."""
    claims, finishes, brought = [], [], set()
    for file in files:
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        claims += _claims(lines)
        finishes += [
            line["id"] for line in lines if line.get("verdict") == FinishVerdict.ACCEPTED.value
        ]
        brought |= {(line["id"], line["request_id"]) for line in lines if line["what"] == "brought"}
    return Deposition(tuple(claims), tuple(finishes), frozenset(brought))


def _claims(lines: list[dict[str, Any]]) -> Iterator[Claim]:
    """A worker asks once at a time: a line `claimed` answers all that were sent before it.

    A claim that failed is sent again with its token, so the first of them may be the one whose
    effect the last one reports.
    """
    sent: float | None = None
    for line in lines:
        if line["what"] == "sent" and sent is None:
            sent = line["at"]
        elif line["what"] == "claimed":
            assert sent is not None
            yield Claim(sent, line["at"], frozenset((job, n) for job, n in line["attempts"]))
            sent = None
    if sent is not None:
        yield Claim(sent, None, frozenset())
