"""Clients that go on whatever happens, and write down all that they did and were told.

They speak through the raw stubs and not through the SDK (`sdk` has those that do), because the SDK
repeats calls by itself: here every single attempt is a call of the history. What they do with an
error is what the SDK does: ask again, with the same request_id.
"""

import asyncio
import hashlib
import random
from typing import Final

import grpc

from preimage.connection import Connection
from preimage.tensors import upload_messages
from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1 import preimage_service_pb2_grpc as services
from preimage.v1.preimage_pb2 import Preimage
from tests.chaos.actor import Actor
from tests.chaos.history import TERMINAL, History, state_of
from tests.chaos.orders import Board, KnownJob, Order, name_upload

_CALL_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = (0.02, 0.2)
_UNFINISHED: Final = 5
"""A client with so many jobs under way waits for one of them: the queue stays short."""
_TRIES: Final = 12
_OPERATIONS: Final = {
    "submit": 30,
    "watch": 20,
    "get": 20,
    "download": 14,
    "cancel": 6,
    "submit_again": 3,
    "delete": 1,
}


def channel(target: str) -> grpc.aio.Channel:
    """A channel as the SDK makes it, but with a connection of its own."""
    options = (*Connection(target).options, ("grpc.use_local_subchannel_pool", 1))
    return grpc.aio.insecure_channel(target, options)


class Client(Actor):
    """One of many; `run` acts until it is told to stop."""

    def __init__(
        self, name: str, target: str, history: History, board: Board, dice: random.Random
    ) -> None:
        channels = [channel(target), channel(target)]
        super().__init__(channels, _OPERATIONS, _PAUSE_SECONDS, dice)
        self.name, self._history, self._board = name, history, board
        self._stubs = [services.PreimageServiceStub(each) for each in channels]
        self._mine: list[KnownJob] = []
        self._orders = 0

    async def submit(self) -> None:
        """Hand in a job, or wait for an earlier one; some are handed in twice at one time."""
        self._mine = [job for job in self._mine if job.state not in TERMINAL]
        if len(self._mine) >= _UNFINISHED:
            await self.watch(self._mine[0])
            return
        self._orders += 1
        order = self._board.next_order(self._dice, f"{self.name}-{self._orders}")
        twice = self._dice.random() < 0.15
        await asyncio.gather(self.place(order), *([self.place(order, 1)] if twice else []))

    async def submit_again(self) -> None:
        """Repeat the request of a job that was accepted: it must be the same job, always."""
        job = self._board.pick(self._dice, "QUEUED", "RUNNING", *TERMINAL)
        if job and not job.order.through_sdk:
            await self._create(job.order, self._stubs[0])

    async def watch(self, job: KnownJob | None = None) -> None:
        """Follow a job for a while, over streams that break."""
        job = job or self._board.pick(self._dice, "QUEUED", "RUNNING")
        if job is None:
            return
        token = ""
        for _ in range(3):
            with self._history.call(self.name, "watch", job=job.id) as operation:
                request = wire.WatchPreimageRequest(id=job.id, resume_token=token)
                seconds = self._dice.uniform(0.5, _CALL_SECONDS)
                async for event in self._stubs[0].WatchPreimage(request, timeout=seconds):
                    token = event.resume_token
                    if event.HasField("state"):
                        operation.seen(Preimage(id=job.id, state=event.state))
                    if event.HasField("finished"):
                        operation.seen(event.finished)
                        self._learn(event.finished)
                operation.returned()
                return

    async def get(self) -> None:
        """Look at a job."""
        if job := self._board.pick(self._dice, "QUEUED", "RUNNING", *TERMINAL):
            with self._history.call(self.name, "get", job=job.id) as operation:
                request = wire.GetPreimageRequest(id=job.id)
                reply = await self._stubs[0].GetPreimage(request, timeout=_CALL_SECONDS)
                operation.returned(reply.preimage)
                self._learn(reply.preimage)

    async def cancel(self) -> None:
        """Cancel a job: of equal ones, whoever leads or follows."""
        if job := self._board.pick_equal(self._dice, "QUEUED", "RUNNING"):
            with self._history.call(self.name, "cancel", job=job.id) as operation:
                request = wire.CancelPreimageRequest(id=job.id, reason=self.name)
                reply = await self._stubs[0].CancelPreimage(request, timeout=_CALL_SECONDS)
                operation.returned(reply.preimage)
                self._learn(reply.preimage)

    async def delete(self) -> None:
        """Delete a job that has ended, whoever has its result too."""
        if job := self._board.pick_equal(self._dice, *TERMINAL):
            job.deleted = True
            with self._history.call(self.name, "delete", job=job.id) as operation:
                request = wire.DeletePreimageRequest(id=job.id)
                await self._stubs[0].DeletePreimage(request, timeout=_CALL_SECONDS)
                operation.returned()

    async def download(self) -> None:
        """Fetch a file of a result."""
        job = self._board.pick(self._dice, "SUCCEEDED")
        if job and job.artifacts:
            name = self._dice.choice(job.artifacts)
            await download(self._stubs[0], self._history, self.name, job.id, name)

    async def place(self, order: Order, channel_number: int = 0) -> None:
        """Hand an order in, and again until there is an answer."""
        stub = self._stubs[channel_number]
        for _ in range(_TRIES):
            if order.code is not None and not await self._upload(order, stub):
                await self._pause()
                continue
            if await self._create(order, stub):
                return
            await self._pause(slower=5)
        self._board.unanswered.append(order)

    async def _create(self, order: Order, stub: services.PreimageServiceStub) -> bool:
        order.tries += 1
        request_id = order.request.request_id
        with self._history.call(self.name, "create", request_id) as operation:
            reply = await stub.CreatePreimage(order.request, timeout=_CALL_SECONDS)
            operation.returned(reply.preimage)
            self._accept(order, reply.preimage)
            return True
        return False

    async def _upload(self, order: Order, stub: services.PreimageServiceStub) -> bool:
        assert order.code is not None
        with self._history.call(self.name, "upload", order.request.request_id) as operation:
            messages = upload_messages(order.code)
            reply = await stub.UploadTensor(messages, timeout=_CALL_SECONDS)
            operation.returned(detail=reply.tensor.digest)
            name_upload(order, reply.tensor)
            return True
        return False

    def _accept(self, order: Order, preimage: Preimage) -> None:
        if preimage.id not in self._board.jobs:
            job = self._board.jobs[preimage.id] = KnownJob(preimage.id, order)
            self._mine.append(job)
        self._learn(preimage)

    def _learn(self, preimage: Preimage) -> None:
        job = self._board.jobs[preimage.id]
        state = state_of(preimage)
        if job.state not in TERMINAL:
            job.state = state
        if state == "SUCCEEDED":
            job.artifacts = tuple(artifact_sizes(preimage))


def digest(data: bytes) -> str:
    """A short name for a file's content."""
    return hashlib.sha256(data).hexdigest()[:12]


def artifact_sizes(preimage: Preimage) -> dict[str, int]:
    """The files of a result, and how long they shall be."""
    return {
        artifact.name: artifact.size_bytes
        for each in preimage.result.reconstructions
        for artifact in each.artifacts
    }


async def download(
    stub: services.PreimageServiceStub, history: History, client: str, job: str, name: str
) -> bytes | None:
    """Fetch a whole file; None if the call failed."""
    with history.call(client, "download", job=job) as operation:
        data = bytearray()
        request = wire.DownloadResultRequest(id=job, name=name)
        async for chunk in stub.DownloadResult(request, timeout=_CALL_SECONDS):
            data += chunk.data
        operation.returned(detail=f"{name} {digest(bytes(data))}")
        return bytes(data)
    return None
