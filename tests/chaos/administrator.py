"""An operator who asks workers to leave, through AdminService, until it is answered or done."""

import asyncio
from collections.abc import Callable
from typing import Final

import grpc

from preimage.v1 import admin_service_pb2 as wire
from preimage.v1.admin_service_pb2_grpc import AdminServiceStub
from tests.chaos.patience import PATIENCE_SECONDS

_CALL_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.2
_PASSING: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.NOT_FOUND,  # Redis came back without it; it announces itself again
    }
)


async def drain(target: str, worker: str, gone: Callable[[], bool]) -> None:
    """Ask a worker to finish what it holds and leave, until that was accepted or it is gone."""
    request = wire.DrainWorkerRequest(name=worker)
    async with asyncio.timeout(PATIENCE_SECONDS), grpc.aio.insecure_channel(target) as channel:
        while not gone():
            try:
                await AdminServiceStub(channel).DrainWorker(request, timeout=_CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _PASSING:
                    raise
            else:
                return
            await asyncio.sleep(_PAUSE_SECONDS)
