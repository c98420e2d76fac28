"""A frontend in this process: real servers on loopback, real channels, a real Redis."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from preimage.v1.admin_service_pb2_grpc import AdminServiceStub
from preimage.v1.audit_service_pb2_grpc import AuditServiceStub
from preimage.v1.model_service_pb2_grpc import ModelServiceStub
from preimage.v1.preimage_service_pb2_grpc import PreimageServiceStub
from preimage_queue import AsyncQueue, QueueSettings
from preimage_service.backend import Backend
from preimage_service.housekeeping import keep_probing, keep_reaping
from preimage_service.metrics import Meters
from preimage_service.renewal import keep_renewing
from preimage_service.serving import Server, make_servers
from preimage_service.settings import Settings

if TYPE_CHECKING:  # the generated modules have the stubs for type checkers only
    from collections.abc import AsyncIterator

    from preimage.v1.admin_service_pb2_grpc import AdminServiceAsyncStub
    from preimage.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from preimage.v1.model_service_pb2_grpc import ModelServiceAsyncStub
    from preimage.v1.preimage_service_pb2_grpc import PreimageServiceAsyncStub


@dataclass
class Stack:
    """A running frontend and the stubs that reach it."""

    backend: Backend
    servers: list[Server]
    channel: grpc.aio.Channel
    operator_channel: grpc.aio.Channel
    preimages: PreimageServiceAsyncStub
    models: ModelServiceAsyncStub
    audits: AuditServiceAsyncStub
    admin: AdminServiceAsyncStub

    def metric(self, name: str, **labels: str) -> float | None:
        """The value of a metric now."""
        return self.backend.meters.registry.get_sample_value(name, labels)


def open_channel(
    target: str, credentials: grpc.ChannelCredentials | None = None
) -> grpc.aio.Channel:
    """A channel with a connection of its own, which no other channel shares."""
    own = [("grpc.use_local_subchannel_pool", 1)]
    if credentials is None:
        return grpc.aio.insecure_channel(target, own)
    return grpc.aio.secure_channel(target, credentials, own)


@asynccontextmanager
async def running(
    queue_settings: QueueSettings,
    credentials: grpc.ChannelCredentials | None = None,
    **changes: Any,
) -> AsyncIterator[Stack]:
    """A frontend with these settings, and channels with these credentials."""
    quick: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "admin_listen": "127.0.0.1:0",
        "probe_seconds": 0.05,
        "reap_seconds": 0.05,
        "drain_pause_seconds": 0.0,
        "drain_grace_seconds": 0.2,
        "renewal_seconds": 0.05,
    }
    backend = Backend(Settings(**(quick | changes)), AsyncQueue(queue_settings), Meters())
    servers = make_servers(backend)
    chores = [
        asyncio.create_task(keep_probing(backend, servers)),
        asyncio.create_task(keep_reaping(backend)),
        asyncio.create_task(keep_renewing(backend.renewables, backend.settings.renewal_seconds)),
    ]
    for server in servers:
        await server.start()
    try:
        async with (
            open_channel(servers[0].target, credentials) as channel,
            open_channel(servers[-1].target, credentials) as operator_channel,
        ):
            yield Stack(
                backend,
                servers,
                channel,
                operator_channel,
                PreimageServiceStub(channel),
                ModelServiceStub(channel),
                AuditServiceStub(channel),
                AdminServiceStub(operator_channel),
            )
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        for server in servers:
            await server.stop(0.0)
        await backend.close()
