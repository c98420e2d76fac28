"""A frontend process from its first line to its last."""

import asyncio
import logging
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from preimage_exposition import serve
from preimage_service.addresses import OFF, split_address
from preimage_service.backend import Backend
from preimage_service.binding import unusable
from preimage_service.draining import drain
from preimage_service.exposure import told_protection
from preimage_service.housekeeping import keep_probing, keep_reaping
from preimage_service.metrics import Meters
from preimage_service.renewal import keep_renewing
from preimage_service.serving import Server, make_servers
from preimage_service.settings import Settings
from preimage_service.starting import open_queue, wait_for_redis, write_ready

_METRICS_VARIABLE = "PREIMAGE_SERVICE_METRICS_LISTEN"
_log = logging.getLogger(__name__)


async def run(settings: Settings, environment: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Raises:
        StartError: something that only an operator can change keeps it from serving.
    """
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    meters = Meters()
    meters.build.labels(version("preimage")).set(1)
    backend = Backend(settings, open_queue(settings, environment), meters)
    try:
        with _metrics_endpoint(settings.service_metrics_listen, meters.registry) as metrics:
            await _serve(backend, metrics, told_to_stop)
    finally:
        await backend.close()


async def _serve(backend: Backend, metrics: str | None, told_to_stop: asyncio.Event) -> None:
    """Serve until told to stop, or until a chore finds that this process must not serve."""
    servers = make_servers(backend)
    for server in servers:
        await server.start()
    targets = ", ".join(server.target for server in servers)
    _log.info("listening on %s; %s", targets, told_protection(backend.settings))
    chores = asyncio.create_task(_keep_all(backend, servers, metrics))
    stop = asyncio.create_task(told_to_stop.wait())
    try:
        await asyncio.wait({chores, stop}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            await drain(backend, servers)
    finally:
        stop.cancel()
        chores.cancel()
        (outcome,) = await asyncio.gather(chores, return_exceptions=True)
        await asyncio.gather(*(server.stop(0.0) for server in servers))
    if isinstance(outcome, Exception):
        raise outcome
    _log.info("stopped")


async def _keep_all(backend: Backend, servers: Sequence[Server], metrics: str | None) -> None:
    """Look after files from the start: they may change while Redis is waited for."""
    await asyncio.gather(
        keep_renewing(backend.renewables, backend.settings.renewal_seconds),
        _keep_house(backend, servers, metrics),
    )


async def _keep_house(backend: Backend, servers: Sequence[Server], metrics: str | None) -> None:
    """Wait for Redis, tell everybody that this process serves, and look after it from then on."""
    settings = backend.settings
    await wait_for_redis(backend.queue, settings)
    for server in servers:
        await server.set_serving(serving=True)
    if settings.ready_file is not None:
        admin = servers[1].target if len(servers) > 1 else None
        addresses = {"target": servers[0].target, "admin": admin, "metrics": metrics}
        write_ready(settings.ready_file, addresses)
    _log.info("serving")
    await asyncio.gather(keep_probing(backend, servers), keep_reaping(backend))


@contextmanager
def _metrics_endpoint(listen: str, registry: CollectorRegistry) -> Iterator[str | None]:
    """Serve the metrics on an address of their own; yields it, None where they are off."""
    if listen == OFF:
        yield None
        return
    try:
        host, port = split_address(listen)
        server, thread = serve(registry, host, port)
    except (OSError, ValueError) as error:
        raise unusable(listen, _METRICS_VARIABLE, error) from None
    try:
        yield f"{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
