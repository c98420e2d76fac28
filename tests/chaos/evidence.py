"""The state in which a storm has left the service: read through the API and in the queue itself."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import grpc
import redis

from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1 import preimage_service_pb2_grpc as services
from preimage_queue import AsyncQueue, Job, JobDetail, Queue, QueueSettings
from preimage_queue.keys import LASTING
from tests.chaos.clients import artifact_sizes, digest, download
from tests.chaos.history import OK, Entry, History, digest_of_end
from tests.chaos.orders import Wanted
from tests.chaos.witness import Deposition

READER: Final = "reader"
_TENANT: Final = "default"
_AT_ONCE: Final = 8
_BEYOND_EVERYTHING_MS: Final = 30 * 24 * 3600 * 1000
_CLOCK: Final = "clock_offset"


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks look at."""

    entries: tuple[Entry, ...]
    jobs: dict[str, FinalJob]
    """Every job that a client knows or the queue holds."""
    testimony: Deposition = field(default_factory=lambda: Deposition((), ()))
    leftovers: tuple[str, ...] = ()
    """Keys that should be gone after everything has been forgotten, each with why."""
    lease_seconds: float = 1.0
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    """What each request_id asks for."""

    @property
    def found(self) -> Iterator[FinalJob]:
        """The jobs that are there."""
        return (job for job in self.jobs.values() if job.code == OK)

    def computation(self, request_id: str) -> str:
        """The name that equal requests have in common; empty if nobody compares them."""
        wanted = self.wanted.get(request_id)
        return wanted.computation if wanted else ""


Found = Iterator[tuple[str, str, str]]
"""What a check finds: a sentence, the job's id and the request's."""


class Reader:
    """Reads the end state, past all proxies."""

    def __init__(self, target: str, settings: QueueSettings, history: History) -> None:
        self._target, self._settings, self._history = target, settings, history

    async def read(self, ids: Iterable[str]) -> dict[str, FinalJob]:
        """Look at these jobs and at all that the queue holds."""
        turn = asyncio.Semaphore(_AT_ONCE)
        async with AsyncQueue(self._settings) as queue, self._channel() as channel:
            stub = services.PreimageServiceStub(channel)

            async def look(job_id: str) -> FinalJob:
                async with turn:
                    return await self._look(queue, stub, job_id)

            everything = sorted(set(ids) | {job.id for job in await all_jobs(queue)})
            return {job.id: job for job in await asyncio.gather(*map(look, everything))}

    def _channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self._target)

    async def _look(
        self, queue: AsyncQueue, stub: services.PreimageServiceStub, job_id: str
    ) -> FinalJob:
        try:
            reply = await stub.GetPreimage(wire.GetPreimageRequest(id=job_id))
        except grpc.aio.AioRpcError as error:
            return FinalJob(job_id, code=error.code().name)
        preimage = reply.preimage
        detail = await queue.get_job(job_id, _TENANT)
        if detail is None:
            return FinalJob(job_id, code="NOT_FOUND in the queue")
        sizes = artifact_sizes(preimage)
        served = False
        if not sizes:
            served = await self._fetch(stub, job_id, "0/picture.png") is not None
        files = {name: await self._fetch(stub, job_id, name) for name in sizes}
        provenance = preimage.result.provenance
        return FinalJob(
            id=job_id,
            request_id=detail.job.request_id,
            state=detail.job.state.value,
            reason=_reason(detail),
            deliveries=detail.job.deliveries,
            end=digest_of_end(preimage),
            has_result=preimage.HasField("result") and bool(detail.result),
            changes=tuple(await _changes(queue, job_id)),
            files=tuple(
                (name, size, None if (data := files[name]) is None else len(data))
                for name, size in sizes.items()
            ),
            served_without_result=served,
            origin=preimage.origin.id,
            cached=preimage.origin.cached,
            result=digest(preimage.result.SerializeToString(deterministic=True)),
            contents=_contents(files),
            ran=(provenance.layer, provenance.seed),
        )

    async def _fetch(
        self, stub: services.PreimageServiceStub, job_id: str, name: str
    ) -> bytes | None:
        return await download(stub, self._history, READER, job_id, name)


def _contents(files: Mapping[str, bytes | None]) -> str:
    whole = {name: digest(data) for name, data in files.items() if data is not None}
    return digest(repr(sorted(whole.items())).encode()) if len(whole) == len(files) > 0 else ""


def _reason(detail: JobDetail) -> str:
    return detail.job.reason


async def all_jobs(queue: AsyncQueue) -> list[Job]:
    """Every job that the queue holds."""
    jobs: list[Job] = []
    cursor = ""
    while True:
        page = await queue.list_jobs(_TENANT, limit=200, cursor=cursor)
        jobs += page.jobs
        cursor = page.next_cursor
        if not cursor:
            return jobs


async def _changes(queue: AsyncQueue, job_id: str) -> list[Change]:
    changes, after = [], ""
    while True:
        page = await queue.read_events(job_id, _TENANT, after, 100)
        assert page is not None
        changes += [
            Change(event.state.value, event.attempt, int(event.id.partition("-")[0]) / 1000)
            for event in page.events
            if event.state
        ]
        after = page.next_after
        if not page.more:
            return changes


def find_leftovers(settings: QueueSettings) -> list[str]:
    """Let a month pass and forget everything; returns the keys that `keys.py` does not allow then.

    Nothing that uses the queue may run any more. What is left may only be what expires by itself.
    """
    root = settings.root
    with Queue(settings) as queue, redis.Redis.from_url(settings.url) as raw:
        raw.set(f"{root}:{_CLOCK}", _BEYOND_EVERYTHING_MS)
        while queue.reap(1000).count:
            pass
        queue.list_workers()
        raw.delete(f"{root}:{_CLOCK}")
        return sorted(_objections(raw, root))


def _objections(raw: redis.Redis, root: str) -> Iterable[str]:
    for key in raw.scan_iter(count=1000):
        name = key.decode()
        kind = name.removeprefix(f"{root}:").partition(":")[0]
        if raw.ttl(key) == -1:
            yield f"{name} would stay for ever"
        elif kind in LASTING and kind != "blob":
            yield f"{name} belongs to a job or an upload, and there are none left"
