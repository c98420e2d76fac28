"""What happened: every call, every answer and every fault, in memory and as lines of JSON."""

import asyncio
import hashlib
import itertools
import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self

import grpc

from preimage.jobinfo import JobInfo
from preimage.v1.audit_pb2 import Audit
from preimage.v1.preimage_pb2 import Preimage, State

TERMINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
OK = "OK"
CALL, SEEN, RETURN = "call", "seen", "return"
NEMESIS = "nemesis"
SDK, OWNER = "sdk-", "owner-"
"""What the names of clients begin with that use the SDK, and of those that audit."""
BY_ITSELF = "by the SDK itself"
"""Detail of a submission that was made within another operation: when is not known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history."""

    at: float
    """Seconds since the history began."""
    client: str
    number: int
    """Of the operation: its call, what it saw on the way, and its return have the same."""
    phase: str
    """`call`, `seen` (on the way, in a stream) or `return`."""
    operation: str
    request_id: str = ""
    id: str = ""
    code: str = ""
    """In a return: the gRPC status, or what became of a fault."""
    state: str = ""
    attempt: int = 0
    end: str = ""
    """Of a terminal job: a digest of its result, its error and its time of end."""
    detail: str = ""

    @property
    def terminal(self) -> bool:
        """Whether a terminal job was seen."""
        return self.state in TERMINAL

    def line(self) -> str:
        """The entry for people."""
        facts = (self.request_id, self.id, self.code, self.state, self.end, self.detail)
        words = " ".join(fact for fact in facts if fact)
        attempt = f" attempt {self.attempt}" if self.attempt else ""
        return f"{self.at:9.3f} {self.client} {self.operation} {self.phase} {words}{attempt}"


class History:
    """The record. Its entries are in the order of their times, whichever thread writes them."""

    def __init__(self, file: Path | None = None) -> None:
        self.entries: list[Entry] = []
        self.began = time.time()
        self._began = time.monotonic()
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()
        self._file: IO[str] | None = file.open("w", encoding="utf-8") if file else None

    def now(self) -> float:
        """Seconds since the history began."""
        return time.monotonic() - self._began

    def add(self, **facts: Any) -> None:
        """Write a line, as of now."""
        with self._turn:
            entry = Entry(at=self.now(), **facts)
            self.entries.append(entry)
            if self._file:
                said = {key: value for key, value in asdict(entry).items() if value not in ("", 0)}
                self._file.write(json.dumps(said) + "\n")

    def call(self, client: str, operation: str, request_id: str = "", job: str = "") -> "Operation":
        """Begin an operation."""
        names = {"operation": operation, "request_id": request_id, "id": job}
        return Operation(self, client, next(self._numbers), names)

    def close(self) -> None:
        """Finish the file."""
        if self._file:
            self._file.close()


class Operation:
    """A call that was made. Its return is written when it is known how it ended, and only then."""

    def __init__(self, history: History, client: str, number: int, names: dict[str, str]) -> None:
        self._history = history
        self._fixed = {"client": client, "number": number, **names}
        self._write(CALL)

    def seen(self, resource: Preimage | Audit) -> None:
        """A stream told the state of the job."""
        self._write(SEEN, **_facts(resource))

    def returned(self, resource: Preimage | Audit | None = None, detail: str = "") -> None:
        """The call succeeded."""
        facts = _facts(resource) if resource is not None else {}
        self._write(RETURN, code=OK, detail=detail, **facts)

    def told(self, info: JobInfo, detail: str = "", phase: str = RETURN) -> None:
        """The SDK told how a job stands: in a return, or on the way."""
        code = OK if phase == RETURN else ""
        facts = {"id": info.id, "state": info.state.name, "attempt": info.attempt}
        self._write(phase, code=code, detail=detail, **facts)

    def failed(self, error: grpc.aio.AioRpcError) -> None:
        """The call ended with a status; whether it had its effect is unknown."""
        self._write(RETURN, code=error.code().name, detail=error.details() or "")

    def ended(self, code: str, detail: str = "") -> None:
        """A fault was done, or not."""
        self._write(RETURN, code=code, detail=detail)

    def _write(self, phase: str, **facts: object) -> None:
        self._history.add(**{**self._fixed, **facts}, phase=phase)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Write the status that ended the call; other errors are mistakes and go on."""
        if isinstance(error, grpc.aio.AioRpcError):
            self.failed(error)
            return True
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and not task.cancelling():
            # gRPC ends a call so whose connection is lost between its parts: nobody cancelled us.
            self.ended("CANCELLED", "ended by gRPC")
            return True
        return False


def state_of(resource: Preimage | Audit) -> str:
    """The state of a job, as the queue calls it."""
    return State.Name(resource.state).removeprefix("STATE_")


def _facts(resource: Preimage | Audit) -> dict[str, object]:
    state = state_of(resource)
    # A change of state in a stream tells no more than the state.
    told = state in TERMINAL and resource.HasField("end_time")
    return {
        "id": resource.id,
        "state": state,
        "attempt": resource.attempt if isinstance(resource, Preimage) else 0,
        "end": digest_of_end(resource) if told else "",
    }


def digest_of_end(resource: Preimage | Audit) -> str:
    """A short name for all that must never change any more, once a job has ended."""
    parts = [resource.error, resource.end_time, resource.expire_time]
    if isinstance(resource, Preimage):
        parts.append(resource.result)
    data = b"|".join(part.SerializeToString(deterministic=True) for part in parts)
    return hashlib.sha256(data).hexdigest()[:12]
