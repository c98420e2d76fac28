"""The orderly end: look unhealthy, refuse new work, give the rest time, send away who waits."""

import asyncio
import logging
from collections.abc import Sequence

from preimage_service.backend import Backend
from preimage_service.serving import Server

_STOP_SECONDS = 1.0
"""For streams to send the error that tells them to go elsewhere."""

_log = logging.getLogger(__name__)


async def drain(backend: Backend, servers: Sequence[Server]) -> None:
    """Bring a process that serves to its end, within pause + grace + a second."""
    settings = backend.settings
    _log.info("draining")
    for server in servers:
        await server.enter_shutdown()
    await asyncio.sleep(settings.drain_pause_seconds)
    backend.gate.refuse()
    await backend.gate.wait_until_idle(settings.drain_grace_seconds)
    backend.gate.close()
    await asyncio.gather(*(server.stop(_STOP_SECONDS) for server in servers))
