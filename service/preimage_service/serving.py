"""The gRPC servers of a process: one for callers, one for operators, and their health."""

from collections.abc import Iterable, Sequence
from typing import Any, final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from preimage.v1 import admin_service_pb2 as admin
from preimage.v1 import audit_service_pb2 as audits
from preimage.v1 import model_service_pb2 as models
from preimage.v1 import preimage_service_pb2 as preimages
from preimage.v1.admin_service_pb2_grpc import add_AdminServiceServicer_to_server
from preimage.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from preimage.v1.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from preimage.v1.preimage_service_pb2_grpc import add_PreimageServiceServicer_to_server
from preimage_service.addresses import OFF
from preimage_service.backend import Backend
from preimage_service.binding import bind
from preimage_service.exposure import check_exposure
from preimage_service.interceptor import CallInterceptor
from preimage_service.secrecy import warn_of_open_files
from preimage_service.servicers import Admin, Audits, Models, Preimages
from preimage_service.settings import Settings

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
LIVENESS = "liveness"
"""A health check of this name is answered with SERVING for as long as the process answers at all.
The others follow Redis: an orchestrator that restarted frontends by those would restart all of them
in an outage of Redis, and help nobody."""
_CALLERS = tuple(
    file.services_by_name[name].full_name
    for file, name in (
        (preimages.DESCRIPTOR, "PreimageService"),
        (models.DESCRIPTOR, "ModelService"),
        (audits.DESCRIPTOR, "AuditService"),
    )
)
_OPERATORS = (admin.DESCRIPTOR.services_by_name["AdminService"].full_name,)


@final
class Server:
    """A gRPC server with health and reflection. Bound when made, silent until started.

    Raises:
        StartError: the address cannot be bound.
    """

    def __init__(
        self,
        server: grpc.aio.Server,
        listen: str,
        variable: str,
        services: Sequence[str],
        credentials: grpc.ServerCredentials | None,
    ) -> None:
        self._server = server
        self._services = ("", *services)
        self._health: Any = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        self.target = bind(server, listen, variable, credentials)

    async def start(self) -> None:
        """Answer calls from now on, as NOT_SERVING until told otherwise."""
        await self.set_serving(serving=False)
        await self._health.set(LIVENESS, _SERVING)
        await self._server.start()

    async def set_serving(self, *, serving: bool) -> None:
        """Tell health checks."""
        for service in self._services:
            await self._health.set(service, _SERVING if serving else _NOT_SERVING)

    async def enter_shutdown(self) -> None:
        """Tell health checks that it will never serve again."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        """Take no calls, and end those that are left after the grace."""
        await self._server.stop(grace_seconds)


def make_servers(backend: Backend) -> list[Server]:
    """The server for callers and, unless it is off, the one for operators.

    Raises:
        StartError: an address cannot be bound, or is open to others without protection.
    """
    settings = backend.settings
    check_exposure(settings)
    warn_of_open_files(settings)
    tls = backend.certificates.credentials() if backend.certificates else None
    callers = _bare_server(backend)
    add_PreimageServiceServicer_to_server(Preimages(backend), callers)
    add_ModelServiceServicer_to_server(Models(backend), callers)
    add_AuditServiceServicer_to_server(Audits(backend), callers)
    servers = [Server(callers, settings.listen, "PREIMAGE_LISTEN", _CALLERS, tls)]
    if settings.admin_listen != OFF:
        operators = _bare_server(backend)
        add_AdminServiceServicer_to_server(Admin(backend), operators)
        servers.append(
            Server(operators, settings.admin_listen, "PREIMAGE_ADMIN_LISTEN", _OPERATORS, tls)
        )
    return servers


def _bare_server(backend: Backend) -> grpc.aio.Server:
    return grpc.aio.server(
        interceptors=[CallInterceptor(backend)],
        options=list(_options(backend.settings)),
        maximum_concurrent_rpcs=backend.settings.maximum_concurrent_rpcs,
    )


def _options(settings: Settings) -> Iterable[tuple[str, int]]:
    """Channel arguments: what is received, who may ping how often, and one owner for a port."""
    yield "grpc.max_receive_message_length", settings.maximum_message_bytes
    yield "grpc.max_send_message_length", -1
    # Beyond the calls in progress as many can be refused at one time; without a bound a single
    # connection makes this process hold thousands, and others' calls are cancelled.
    yield "grpc.max_concurrent_streams", 2 * settings.maximum_concurrent_rpcs
    yield "grpc.keepalive_time_ms", 60_000
    yield "grpc.keepalive_timeout_ms", 20_000
    yield "grpc.keepalive_permit_without_calls", 1
    # Without these, a client that pings every minute through a quiet watch is sent away (GOAWAY).
    yield "grpc.http2.max_pings_without_data", 0
    yield "grpc.http2.min_ping_interval_without_data_ms", 10_000
    yield "grpc.http2.min_recv_ping_interval_without_data_ms", 10_000
    # Two processes on one port would answer calls in turns, and neither would notice.
    yield "grpc.so_reuseport", 0
