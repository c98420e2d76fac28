"""Reading what travels with an error: the details of google.rpc, and the trailers."""

from collections.abc import Awaitable
from dataclasses import dataclass

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from grpc_status import rpc_status


@dataclass(frozen=True)
class Rich:
    """An error as a client sees it."""

    code: grpc.StatusCode
    message: str
    info: details.ErrorInfo
    fields: dict[str, str]
    preconditions: list[tuple[str, str]]
    quotas: list[str]
    retry_seconds: float | None
    pushback_ms: int | None

    @property
    def reason(self) -> str:
        return str(self.info.reason)


async def refused(call: Awaitable[object]) -> Rich:
    """The error of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return read(caught.value)


def read(error: grpc.aio.AioRpcError) -> Rich:
    """Decode an error; its details must begin with our ErrorInfo."""
    status = rpc_status.from_call(error)
    assert status is not None, f"{error.code()} without details: {error.details()}"
    info, bad, unmet = details.ErrorInfo(), details.BadRequest(), details.PreconditionFailure()
    quota, retry = details.QuotaFailure(), details.RetryInfo()
    found = {
        kind.DESCRIPTOR.name: any(each.Unpack(kind) for each in status.details)
        for kind in (info, bad, unmet, quota, retry)
    }
    assert status.details[0].Is(details.ErrorInfo.DESCRIPTOR)
    assert info.domain == "preimage"
    trailers = dict(error.trailing_metadata() or ())
    pushback = trailers.get("grpc-retry-pushback-ms")
    return Rich(
        code=error.code(),
        message=error.details() or "",
        info=info,
        fields={v.field: v.description for v in bad.field_violations},
        preconditions=[(v.type, v.subject) for v in unmet.violations],
        quotas=[v.subject for v in quota.violations],
        retry_seconds=retry.retry_delay.ToTimedelta().total_seconds()
        if found["RetryInfo"]
        else None,
        pushback_ms=None if pushback is None else int(pushback),
    )
