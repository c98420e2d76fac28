"""Calls as the SDK makes them: repeated when that is safe, and whole, however large they are.

Every call of the service may be repeated: creating a job is idempotent by its request_id, uploads
are named by their content, and the rest only asks or says again what holds already.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar, final

from preimage.errors import PreimageError, ServiceError
from preimage.retry import CALLS
from preimage.tensors import digest_of, tensor_of, upload_messages
from preimage.v1 import preimage_service_pb2, tensor_pb2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import grpc

    from preimage.tensors import Array
    from preimage.transport import Stream, Stubs, Transport

Q = TypeVar("Q")
A = TypeVar("A")

INLINE_BYTES = 3 * 2**20
"""Largest payload that goes inside a request; gRPC servers take messages of 4 MiB by default."""

chance = random.SystemRandom().random
"""Spreads the repetitions of clients that were refused together."""


@final
class Caller:
    """Makes calls over a transport."""

    def __init__(self, transport: Transport, timeout_seconds: float) -> None:
        self.transport = transport
        self._timeout_seconds = timeout_seconds

    @property
    def stubs(self) -> Stubs:
        """The services."""
        return self.transport.stubs

    async def call(
        self, method: Callable[[Stubs], grpc.UnaryUnaryMultiCallable[Q, A]], request: Q
    ) -> A:
        """Makes a unary call, repeated as `retry.CALLS` decides."""
        return await self.repeated(lambda: self.call_once(method, request))

    async def call_once(
        self, method: Callable[[Stubs], grpc.UnaryUnaryMultiCallable[Q, A]], request: Q
    ) -> A:
        """Makes a unary call without repetition."""
        return await self.transport.unary(method(self.stubs), request, self._timeout_seconds)

    def open(
        self, method: Callable[[Stubs], grpc.UnaryStreamMultiCallable[Q, A]], request: Q
    ) -> Stream[A]:
        """Begins a call with many answers, of the same time limit as any call."""
        return self.transport.stream(method(self.stubs), request, self._timeout_seconds)

    async def place(
        self, array: Array, sharing: int = 1
    ) -> tensor_pb2.Tensor | tensor_pb2.TensorReference:
        """Returns how a request names an array: inside it, or, when it is large, sent ahead.

        Args:
            array: as `tensors.wire_array` returns it.
            sharing: how many arrays go inside the same request.
        """
        if array.nbytes <= INLINE_BYTES // sharing:
            return tensor_of(array)
        return await self.repeated(lambda: self._upload(array))

    async def _upload(self, array: Array) -> tensor_pb2.TensorReference:
        response = await self.transport.send(
            self.stubs.preimages.UploadTensor, upload_messages(array), self._timeout_seconds
        )
        if response.tensor.digest != digest_of(array):
            raise PreimageError(
                "The service received other bytes than were uploaded: its digest of the tensor "
                "differs. Submit the request again."
            )
        return response.tensor

    async def download(self, job_id: str, name: str) -> bytes:
        """Downloads a file of a result; a stream that breaks goes on where it broke.

        Raises:
            PreimageError: what came does not have the length that the service states.
        """
        file = _Download(job_id, name)
        await self.repeated(lambda: self._receive(file))
        return file.finished()

    async def _receive(self, file: _Download) -> None:
        if file.complete:
            return
        stream = self.transport.stream(
            self.stubs.preimages.DownloadResult, file.request(), self._timeout_seconds
        )
        try:
            while (chunk := await stream.read()) is not None:
                file.take(chunk)
        finally:
            await stream.close()

    async def repeated(self, attempt: Callable[[], Awaitable[A]]) -> A:
        """Makes an attempt, again as `retry.CALLS` decides."""
        repeated = 0
        while True:
            try:
                return await attempt()
            except ServiceError as error:
                delay_seconds = CALLS.delay_seconds(error, repeated, chance())
                if delay_seconds is None:
                    raise
            await self.transport.sleep(delay_seconds)
            repeated += 1


@final
class _Download:
    """A file that is arriving."""

    def __init__(self, job_id: str, name: str) -> None:
        self._job_id = job_id
        self._name = name
        self._data = bytearray()
        self._total_bytes: int | None = None

    @property
    def complete(self) -> bool:
        return len(self._data) == self._total_bytes

    def request(self) -> preimage_service_pb2.DownloadResultRequest:
        return preimage_service_pb2.DownloadResultRequest(
            id=self._job_id, name=self._name, offset=len(self._data)
        )

    def take(self, chunk: preimage_service_pb2.DownloadResultResponse) -> None:
        if chunk.offset != len(self._data):
            raise self._wrong(f"byte {chunk.offset} came where byte {len(self._data)} was due")
        self._data += chunk.data
        self._total_bytes = chunk.total_bytes

    def finished(self) -> bytes:
        if not self.complete:
            raise self._wrong(f"{len(self._data)} of {self._total_bytes} bytes came")
        return bytes(self._data)

    def _wrong(self, what: str) -> PreimageError:
        return PreimageError(f"{self._name} of job {self._job_id} did not arrive whole: {what}.")
