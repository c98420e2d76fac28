"""The state in which a storm has left the service: all that the checks look at."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import redis

from preimage_orders import is_of_an_audit
from preimage_queue import Queue, QueueSettings
from preimage_queue.keys import LASTING
from tests.chaos.clients import digest
from tests.chaos.history import OK, OWNER, Entry
from tests.chaos.orders import Wanted
from tests.chaos.witness import Deposition

_BEYOND_EVERYTHING_MS: Final = 30 * 24 * 3600 * 1000
_CLOCK: Final = "clock_offset"
_REGISTERS: Final = frozenset({"tenant", "retained", "dead", "uploads", "sums", "tenants"})
"""Keys that list ended jobs and idle uploads, for the reaper, which takes them out again."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state in a job's stream of events."""

    state: str
    attempt: int
    at: float
    """Seconds since 1970, by the clock of Redis."""


@dataclass(frozen=True, slots=True)
class FinalJob:
    """All that is known of a job at the end."""

    id: str
    request_id: str = ""
    code: str = OK
    """Of GetPreimage."""
    state: str = ""
    reason: str = ""
    deliveries: int = 0
    end: str = ""
    has_result: bool = False
    changes: tuple[Change, ...] = ()
    files: tuple[tuple[str, int, int | None], ...] = ()
    """Name, stated length and downloaded length; None: the download failed."""
    served_without_result: bool = False
    """Whether a file could be downloaded although the job did not succeed."""
    origin: str = ""
    """Id of the job whose run it shares, or whose result it has."""
    cached: bool = False
    """Whether that result was there when the job was submitted."""
    result: str = ""
    """A digest of the result."""
    contents: str = ""
    """A digest of the names and bytes of all files; empty if any is missing."""
    ran: tuple[str, int] = ("", 0)
    """Layer and seed, as the result says."""
    audit: bool = False
    """Whether it is an audit: then its files are its reports."""


@dataclass(frozen=True)
class Evidence:
    """What the checks look at."""

    entries: tuple[Entry, ...]
    jobs: dict[str, FinalJob]
    """Every job that a client knows or the queue holds."""
    testimony: Deposition = field(default_factory=lambda: Deposition((), ()))
    leftovers: tuple[str, ...] = ()
    """Keys that should be gone after everything has been forgotten, each with why."""
    lease_seconds: float = 1.0
    began: float = 0.0
    """When the history began, seconds since 1970."""
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    """What each request_id asks for."""

    @property
    def found(self) -> Iterator[FinalJob]:
        """The jobs that are there."""
        return (job for job in self.jobs.values() if job.code == OK)

    def computation(self, request_id: str) -> str:
        """The name that equal requests have in common; empty if nobody compares them.

        Equal audits ask for equal inversions, by names that begin with the audit's id.
        """
        audit, attempt = of_audit(request_id)
        wanted = self.wanted.get(self._requests_of_audits.get(audit, request_id))
        return f"{wanted.computation}{attempt}" if wanted else ""

    @cached_property
    def _requests_of_audits(self) -> Mapping[str, str]:
        """By the ids of audits, deleted ones included."""
        return {
            entry.id: entry.request_id
            for entry in self.entries
            if entry.operation == "create" and entry.client.startswith(OWNER) and entry.id
        }


def of_audit(request_id: str) -> tuple[str, str]:
    """The audit's id and the attempt of one of its inversions; nothing of other requests."""
    if not is_of_an_audit(request_id):
        return "", ""
    _, audit, attempt = request_id.split("-", 2)
    return audit, attempt


Found = Iterator[tuple[str, str, str]]
"""What a check finds: a sentence, the job's id and the request's."""


def lengths(
    stated: Mapping[str, int], files: Mapping[str, bytes | None]
) -> tuple[tuple[str, int, int | None], ...]:
    """Of each file, what was said of it and what came."""
    return tuple(
        (name, size, None if (data := files[name]) is None else len(data))
        for name, size in stated.items()
    )


def contents(files: Mapping[str, bytes | None]) -> str:
    """A digest of whole files; empty if one is missing, or there are none."""
    whole = {name: digest(data) for name, data in files.items() if data is not None}
    return digest(repr(sorted(whole.items())).encode()) if len(whole) == len(files) > 0 else ""


def find_leftovers(settings: QueueSettings) -> list[str]:
    """Let a month pass and forget everything; returns the keys that `keys.py` does not allow then.

    Nothing that uses the queue may run any more, and every job has ended: so each of its keys has
    an expiry already. In the end only that may be left which expires by itself.
    """
    root = settings.root
    with Queue(settings) as queue, redis.Redis.from_url(settings.url) as raw:
        lasting = [
            f"{name} of an ended job has no expiry"
            for kind, name in _without_expiry(raw, root)
            if kind not in _REGISTERS
        ]
        raw.set(f"{root}:{_CLOCK}", _BEYOND_EVERYTHING_MS)
        while queue.reap(1000).count:
            pass
        queue.list_workers()
        raw.delete(f"{root}:{_CLOCK}")
        return sorted([*lasting, *_objections(raw, root)])


def _objections(raw: redis.Redis, root: str) -> Iterable[str]:
    for _, name in _without_expiry(raw, root):
        yield f"{name} would stay for ever"
    for kind, name, expires in _keys(raw, root):
        if expires and kind in LASTING and kind != "blob":
            yield f"{name} belongs to a job or an upload, and there are none left"


def _without_expiry(raw: redis.Redis, root: str) -> Iterator[tuple[str, str]]:
    return ((kind, name) for kind, name, expires in _keys(raw, root) if not expires)


def _keys(raw: redis.Redis, root: str) -> Iterator[tuple[str, str, bool]]:
    """The first word of each key, the key, and whether it expires."""
    for key in raw.scan_iter(count=1000):
        name = key.decode()
        yield name.removeprefix(f"{root}:").partition(":")[0], name, raw.ttl(key) != -1
