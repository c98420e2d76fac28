"""A client of the AdminService, as small as the command line needs it."""

from typing import Self, TypeVar, final

import grpc

from preimage.answering import Options, answer_of
from preimage.apart import apart
from preimage.connection import Connection
from preimage.v1 import admin_service_pb2 as wire
from preimage.v1 import preimage_pb2
from preimage.v1.admin_service_pb2_grpc import AdminServiceStub

__all__ = ["Admin"]

Q = TypeVar("Q")
A = TypeVar("A")

_PATIENCE_SECONDS = 10.0
_LARGEST_PAGE = 200


@final
class Admin:
    """Calls of the AdminService; each raises `PreimageError` when it fails."""

    def __init__(self, target: str) -> None:
        """Takes token and certificates from the same variables as `Client`."""
        self._connection = Connection.resolve(target=target)
        target, credentials, options = (
            self._connection.target,
            self._connection.credentials,
            self._connection.options,
        )
        self._channel = (
            grpc.secure_channel(target, credentials, options)
            if credentials
            else grpc.insecure_channel(target, options)
        )
        self._stub = AdminServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        apart(self._channel.close)

    def workers(self) -> list[wire.Worker]:
        """The live workers by name."""
        response = self._call(self._stub.ListWorkers, wire.ListWorkersRequest())
        return list(response.workers)

    def queue_stats(self) -> wire.GetQueueStatsResponse:
        """Depth, age and storage of the queue."""
        return self._call(self._stub.GetQueueStats, wire.GetQueueStatsRequest())

    def drain(self, name: str) -> wire.Worker:
        """Asks a worker to leave."""
        return self._call(self._stub.DrainWorker, wire.DrainWorkerRequest(name=name)).worker

    def dead_letters(self, limit: int) -> list[wire.DeadLetter]:
        """At most so many dead letters, newest first."""
        found: list[wire.DeadLetter] = []
        token = ""
        while True:
            size = min(limit - len(found), _LARGEST_PAGE)
            request = wire.ListDeadLettersRequest(page_size=size, page_token=token)
            page = self._call(self._stub.ListDeadLetters, request)
            found += page.dead_letters
            token = page.next_page_token
            if not token or len(found) >= limit:
                return found

    def requeue(self, job_id: str) -> preimage_pb2.Preimage:
        """Puts a dead letter back into the queue."""
        request = wire.RequeueDeadLetterRequest(id=job_id)
        return self._call(self._stub.RequeueDeadLetter, request).preimage

    def _call(self, method: "grpc.UnaryUnaryMultiCallable[Q, A]", request: Q) -> A:
        options = Options(_PATIENCE_SECONDS, self._connection.metadata)
        return answer_of(method, request, options, self._connection)
