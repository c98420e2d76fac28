"""Clients of the steady load: they do everything that a caller may do, well or badly.

They speak through the raw stubs, as those of the storm do: what the SDK would repeat by itself is
to be seen here.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import grpc

from preimage.tensors import upload_messages
from preimage.v1 import model_service_pb2, model_service_pb2_grpc
from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1 import preimage_service_pb2_grpc as services
from preimage.v1.preimage_pb2 import Preimage
from preimage_orders import is_of_an_audit
from tests.chaos.clients import channel
from tests.chaos.history import TERMINAL
from tests.chaos.orders import Order, make_order, name_upload
from tests.soak.auditing import Auditing
from tests.soak.ledger import ABANDONED, Job, Ledger
from tests.soak.refusals import bad_requests, picture_order, torn_upload, wild
from tests.soak.scraping import scrape, tear_scrape

CALL_SECONDS: Final = 60.0
"""The machine may be busy; nothing here is a measurement of time."""
_PAUSE_SECONDS: Final = (0.3, 1.1)
_HESITATION_SECONDS: Final = 2.0
_UNENDED: Final = 30
"""So many jobs under way at most: the queue stays short on a busy machine too."""
_GONE: Final = "NOT_FOUND"
"""What is kept for seconds may be gone before a client asks."""
_SAME_AGAIN: Final = 0.25
OPERATIONS: Final = {
    "submit": 26,
    "submit_wild": 1,
    "invert": 4,
    "abandon_invert": 3,
    "watch": 10,
    "abandon_watch": 8,
    "get": 8,
    "cancel": 5,
    "download": 10,
    "abandon_download": 2,
    "delete": 5,
    "upload_for_nothing": 3,
    "abandon_upload": 3,
    "be_refused": 8,
    "list_all": 5,
    "list_models": 3,
    "reconnect": 3,
    "scrape_metrics": 4,
    "audit": 2,
    "abandon_audit": 1,
    "look_at_audit": 2,
    "cancel_audit": 1,
    "delete_audit": 1,
}


class Client:
    """One of a few; `run` acts until it is told to stop."""

    def __init__(
        self, name: str, target: str, metrics: list[str], ledger: Ledger, dice: random.Random
    ) -> None:
        self.name, self._target, self._metrics = name, target, metrics
        self._ledger, self._dice = ledger, dice
        self._orders = 0
        self._last: Order | None = None
        self._stop = asyncio.Event()
        self._connect()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stop.set()

    async def run(self) -> None:
        """Act until told to stop."""
        while not self._stop.is_set():
            (name,) = self._dice.choices(list(OPERATIONS), list(OPERATIONS.values()))
            await getattr(self, name)()
            await asyncio.sleep(self._dice.uniform(*_PAUSE_SECONDS))
        await self._channel.close()

    async def do_everything_once(self) -> None:
        """Every operation, one after the other."""
        for name in OPERATIONS:
            await getattr(self, name)()

    async def submit(self) -> None:
        """Hand in a job; some bring a code that is uploaded, some equal an earlier one."""
        if len(self._ledger.unended()) >= _UNENDED:
            return
        order = self._next_order()
        if order.code is not None:
            with self._ledger.call("upload"):
                reply = await self._stub.UploadTensor(
                    upload_messages(order.code), timeout=CALL_SECONDS
                )
                name_upload(order, reply.tensor)
        await self._create("submit", order.request)

    async def submit_wild(self) -> None:
        """Hand in a job that will fail."""
        await self._create("submit_wild", wild(self._dice))

    async def invert(self) -> None:
        """A job and its pictures in one call."""
        with self._ledger.call("invert"):
            reply = await self._stub.Invert(self._invert_request(), timeout=CALL_SECONDS)
            self._ledger.learn(reply.preimage)

    async def abandon_invert(self) -> None:
        """Go away while the job runs."""
        call = self._stub.Invert(self._invert_request(), timeout=CALL_SECONDS)
        await self._abandon("invert", call, 0.3)

    async def watch(self) -> None:
        """Follow a job to its end."""
        if job := self._ledger.pick(self._dice, "QUEUED", "RUNNING", *TERMINAL):
            with self._ledger.call("watch", _GONE):
                async for event in self._watching(job):
                    if event.HasField("finished"):
                        self._ledger.learn(event.finished)

    async def abandon_watch(self) -> None:
        """Follow a job for some events, and go away."""
        if job := self._ledger.pick(self._dice, "QUEUED", "RUNNING", *TERMINAL):
            call = self._watching(job)
            with self._ledger.call("watch", _GONE):
                async for _ in call:
                    break
            await self._abandon("watch", call, 0.2)

    async def get(self) -> None:
        """Look at a job."""
        if job := self._ledger.pick(self._dice, "QUEUED", "RUNNING", *TERMINAL):
            await look(self._stub, self._ledger, job)

    async def cancel(self) -> None:
        """Cancel a job."""
        if job := self._ledger.pick(self._dice, "QUEUED", "RUNNING"):
            with self._ledger.call("cancel", _GONE):
                request = wire.CancelPreimageRequest(id=job.id, reason=self.name)
                reply = await self._stub.CancelPreimage(request, timeout=CALL_SECONDS)
                self._ledger.learn(reply.preimage)

    async def download(self) -> None:
        """Fetch a file of a result."""
        if request := self._download_request():
            with self._ledger.call("download", _GONE):
                async for _ in self._stub.DownloadResult(request, timeout=CALL_SECONDS):
                    pass

    async def abandon_download(self) -> None:
        """Begin to fetch a file, and go away."""
        if request := self._download_request():
            call = self._stub.DownloadResult(request, timeout=CALL_SECONDS)
            await self._abandon("download", call, 0.02)

    async def delete(self) -> None:
        """Delete a job that has ended."""
        if job := self._ledger.pick(self._dice, *TERMINAL):
            job.deleted = True
            with self._ledger.call("delete", _GONE):
                request = wire.DeletePreimageRequest(id=job.id)
                await self._stub.DeletePreimage(request, timeout=CALL_SECONDS)

    async def upload_for_nothing(self) -> None:
        """Upload what no job will need."""
        with self._ledger.call("upload"):
            await self._stub.UploadTensor(upload_messages(self._code()), timeout=CALL_SECONDS)

    async def abandon_upload(self) -> None:
        """Go away in the middle of an upload."""
        messages = list(upload_messages(self._code()))[:1]

        async def endless() -> AsyncIterator[wire.UploadTensorRequest]:
            for message in messages:
                yield message
            yield wire.UploadTensorRequest(chunk=bytes(1000))
            await asyncio.sleep(_HESITATION_SECONDS)  # gRPC waits for it, also after a cancel

        call = self._stub.UploadTensor(endless(), timeout=CALL_SECONDS)
        await self._abandon("upload", call, 0.1)

    async def be_refused(self) -> None:
        """Ask for what cannot be: wrong jobs, a torn upload, a job that is not there."""
        for request, code in bad_requests(self._dice):
            with self._ledger.refused("bad submit", code):
                await self._stub.CreatePreimage(request, timeout=CALL_SECONDS)
        with self._ledger.refused("torn upload", "INVALID_ARGUMENT"):
            await self._stub.UploadTensor(torn_upload(), timeout=CALL_SECONDS)
        with self._ledger.refused("get nothing", "NOT_FOUND"):
            await self._stub.GetPreimage(wire.GetPreimageRequest(id="f" * 32))

    async def list_all(self) -> None:
        """Turn all pages."""
        request = wire.ListPreimagesRequest(page_size=10)
        while True:
            with self._ledger.call("list"):
                reply = await self._stub.ListPreimages(request, timeout=CALL_SECONDS)
                for preimage in reply.preimages:
                    if not is_of_an_audit(preimage.request_id):  # its auditor looks after it
                        self._ledger.learn(preimage)
                request.page_token = reply.next_page_token
            if not request.page_token:
                return

    async def list_models(self) -> None:
        """Ask what is served."""
        with self._ledger.call("list models"):
            request = model_service_pb2.ListModelsRequest()
            await self._models.ListModels(request, timeout=CALL_SECONDS)

    async def reconnect(self) -> None:
        """Leave, and come back over a new connection."""
        await self._channel.close()
        self._connect()

    async def scrape_metrics(self) -> None:
        """Read metrics as Prometheus does; some go away in the middle of their question."""
        address = self._dice.choice(self._metrics)
        await tear_scrape(address)
        text = await scrape(address)
        self._ledger.calls["scrape OK"] += 1
        if "preimage_" not in text:
            self._ledger.surprises.append(f"the metrics at {address} were {text[:100]!r}")

    async def audit(self) -> None:
        """Audit something small, and wait for the report."""
        await self._auditing.audit()

    async def abandon_audit(self) -> None:
        """Go away while an audit is asked for."""
        await self._auditing.abandon()

    async def look_at_audit(self) -> None:
        """Look at an audit, and read its report if there is one."""
        await self._auditing.look()

    async def cancel_audit(self) -> None:
        """Cancel an audit."""
        await self._auditing.cancel()

    async def delete_audit(self) -> None:
        """Delete an audit that has ended."""
        await self._auditing.delete()

    def _connect(self) -> None:
        self._channel = channel(self._target)
        self._auditing = Auditing(self._channel, self._ledger, self._dice)
        self._stub = services.PreimageServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def _next_order(self) -> Order:
        self._orders += 1
        request_id = f"{self.name}-{self._orders}"
        if self._last and self._dice.random() < _SAME_AGAIN:
            self._last.request.request_id = request_id
        else:
            self._last = make_order(self._dice, request_id)
        return self._last

    def _invert_request(self) -> wire.InvertRequest:
        return wire.InvertRequest(spec=picture_order(self._dice, "").request.spec)

    def _code(self) -> Any:  # noqa: ANN401  an array of numpy
        while (order := make_order(self._dice, "")).code is None:
            pass
        return order.code

    def _watching(self, job: Job) -> grpc.aio.UnaryStreamCall[Any, Any]:
        return self._stub.WatchPreimage(wire.WatchPreimageRequest(id=job.id), timeout=CALL_SECONDS)

    def _download_request(self) -> wire.DownloadResultRequest | None:
        job = self._ledger.pick(self._dice, "SUCCEEDED")
        if not job or not job.files:
            return None
        return wire.DownloadResultRequest(id=job.id, name=self._dice.choice(job.files))

    async def _create(self, operation: str, request: wire.CreatePreimageRequest) -> None:
        with self._ledger.call(operation):
            reply = await self._stub.CreatePreimage(request, timeout=CALL_SECONDS)
            self._ledger.learn(reply.preimage)

    async def _abandon(self, operation: str, call: Any, after: float) -> None:  # noqa: ANN401
        await asyncio.sleep(self._dice.uniform(0, after))
        call.cancel()
        self._ledger.calls[f"{operation} {ABANDONED}"] += 1


async def look(stub: services.PreimageServiceStub, ledger: Ledger, job: Job) -> Preimage | None:
    """Ask for a job; None if it is not there any more."""
    with ledger.call("get", _GONE):
        request = wire.GetPreimageRequest(id=job.id)
        reply = await stub.GetPreimage(request, timeout=CALL_SECONDS)
        ledger.learn(reply.preimage)
        return reply.preimage
    ledger.gone(job)
    return None


def burst(stub: services.PreimageServiceStub, number: int) -> Iterator[Any]:
    """So many calls at one time: pools of threads and connections grow to what they may be."""
    request = wire.ListPreimagesRequest(page_size=1)
    return (stub.ListPreimages(request, timeout=CALL_SECONDS) for _ in range(number))
