"""Reads the state in which a storm has left the service: through the API and in the queue."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import grpc

from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1.audit_service_pb2_grpc import AuditServiceStub
from preimage.v1.preimage_pb2 import Preimage
from preimage.v1.preimage_service_pb2_grpc import PreimageServiceStub
from preimage_orders import AUDIT_POOL
from preimage_queue import AsyncQueue, Job, QueueSettings
from tests.chaos.clients import artifact_sizes, digest, download
from tests.chaos.evidence import Change, FinalJob, contents, lengths
from tests.chaos.history import History, digest_of_end
from tests.chaos.reading_audits import read_audit

READER: Final = "reader"
_TENANT: Final = "default"
_AT_ONCE: Final = 8


class Reader:
    """Reads the end state, past all proxies."""

    def __init__(self, target: str, settings: QueueSettings, history: History) -> None:
        self._target, self._settings, self._history = target, settings, history

    async def read(self, ids: Iterable[str]) -> dict[str, FinalJob]:
        """Look at these jobs and audits, and at all that the queue holds."""
        turn = asyncio.Semaphore(_AT_ONCE)
        async with (
            AsyncQueue(self._settings) as queue,
            grpc.aio.insecure_channel(self._target) as channel,
        ):
            look = _Look(queue, channel, self._history)

            async def in_turn(job_id: str) -> FinalJob:
                async with turn:
                    return await look.at(job_id)

            everything = sorted(set(ids) | {job.id for job in await all_jobs(queue)})
            return {job.id: job for job in await asyncio.gather(*map(in_turn, everything))}


class _Look:
    def __init__(self, queue: AsyncQueue, channel: grpc.aio.Channel, history: History) -> None:
        self._queue, self._history = queue, history
        self._preimages, self._audits = PreimageServiceStub(channel), AuditServiceStub(channel)

    async def at(self, job_id: str) -> FinalJob:
        """All that is known of one job, whatever it is."""
        detail = await self._queue.get_job(job_id, _TENANT)
        if detail is None:
            return FinalJob(job_id, code="NOT_FOUND")
        job = detail.job
        is_audit = job.pool == AUDIT_POOL
        found = FinalJob(
            id=job_id,
            request_id=job.request_id,
            state=job.state.value,
            reason=job.reason,
            deliveries=job.deliveries,
            has_result=bool(job.outputs if is_audit else detail.result),
            changes=tuple(await _changes(self._queue, job_id)),
        )
        try:
            if is_audit:
                return await read_audit(self._audits, self._history, READER, found)
            request = wire.GetPreimageRequest(id=job_id)
            reply = await self._preimages.GetPreimage(request)
        except grpc.aio.AioRpcError as error:
            return FinalJob(job_id, code=error.code().name)
        return await self._of_preimage(found, reply.preimage)

    async def _of_preimage(self, found: FinalJob, preimage: Preimage) -> FinalJob:
        sizes = artifact_sizes(preimage)
        served = not sizes and await self._fetch(found.id, "0/picture.png") is not None
        files = {name: await self._fetch(found.id, name) for name in sizes}
        provenance = preimage.result.provenance
        return replace(
            found,
            end=digest_of_end(preimage),
            has_result=preimage.HasField("result") and found.has_result,
            files=lengths(sizes, files),
            served_without_result=served,
            origin=preimage.origin.id,
            cached=preimage.origin.cached,
            result=digest(preimage.result.SerializeToString(deterministic=True)),
            contents=contents(files),
            ran=(provenance.layer, provenance.seed),
        )

    async def _fetch(self, job_id: str, name: str) -> bytes | None:
        return await download(self._preimages, self._history, READER, job_id, name)


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
