"""Refusals as the service sends them: status code, sentence, google.rpc details, trailers."""

from dataclasses import dataclass, field
from typing import Never, final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2


@final
@dataclass(frozen=True)
class Refusal:
    """One refusal of a call."""

    code: grpc.StatusCode
    sentence: str = "No."
    reason: str = ""
    more: tuple[Message, ...] = ()
    trailers: dict[str, str] = field(default_factory=dict)

    def status(self) -> status_pb2.Status:
        status = status_pb2.Status(code=self.code.value[0], message=self.sentence)
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain="preimage")
        for message in ((info,) if self.reason else ()) + self.more:
            status.details.add().Pack(message)
        return status

    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        status = self.status()
        details = ("grpc-status-details-bin", status.SerializeToString())
        return (*((details,) if status.details else ()), *self.trailers.items())

    def raise_in(self, context: grpc.ServicerContext) -> Never:
        context.set_trailing_metadata(self.metadata())
        context.abort(self.code, self.sentence)
        raise AssertionError


def retry_info(seconds: float) -> Message:
    delay = Duration()
    delay.FromNanoseconds(int(seconds * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def unavailable(seconds: float | None = None) -> Refusal:
    more = () if seconds is None else (retry_info(seconds),)
    return Refusal(
        grpc.StatusCode.UNAVAILABLE, "The queue cannot be reached.", "QUEUE_UNAVAILABLE", more
    )


def full(seconds: float) -> Refusal:
    return Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "Too many jobs wait.",
        "QUEUE_FULL",
        (retry_info(seconds),),
    )


def not_found() -> Refusal:
    return Refusal(grpc.StatusCode.NOT_FOUND, "There is no such pre-image.", "PREIMAGE_NOT_FOUND")
