"""How workers and auditors start: their queue, their metrics, and the word that they are ready."""

import itertools
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from prometheus_client import REGISTRY

from preimage_exposition import serve
from preimage_queue import Queue, QueueError, QueueRefusedError, QueueSettings
from preimage_queue.misspelt import misspelt
from preimage_worker.errors import SettingsError
from preimage_worker.settings import Settings
from preimage_worker.shutdown import Shutdown

log = logging.getLogger("preimage_worker")

_WAIT_SECONDS = 2.0
"""Between two attempts to reach a queue that is not there yet."""
_TOLD_EVERY = 15
"""Of so many attempts one is told: an outage may last for hours."""
OTHERS = frozenset({
    "PREIMAGE_DRAIN_GRACE_SECONDS", "PREIMAGE_DRAIN_PAUSE_SECONDS", "PREIMAGE_PROBE_SECONDS",
    "PREIMAGE_REAP_SECONDS",
})  # fmt: skip
"""Settings of frontends that resemble ours."""


def warn_of_misspelt() -> None:
    """Warns of variables that are nearly the name of a setting, and none."""
    for variable, meant in misspelt(os.environ, Settings.variables(), OTHERS):
        log.warning("%s is no setting and has no effect: is %s meant?", variable, meant)


def open_queue(settings: Settings) -> Queue:
    """The queue; nothing is sent yet. Raises SettingsError if its address is none."""
    queue_settings = _queue_settings(settings)
    if settings.beat_seconds >= queue_settings.lease_seconds:
        raise SettingsError(
            f"PREIMAGE_BEAT_SECONDS is {settings.beat_seconds:g}, and a lease runs out after "
            f"{queue_settings.lease_seconds:g} s (PREIMAGE_QUEUE_LEASE_SECONDS): every job would "
            "be lost between two beats. Beat twenty times a lease."
        )
    try:
        return Queue(queue_settings)
    except ValueError as error:
        raise SettingsError(f"PREIMAGE_REDIS_URL cannot be used: {error}") from None


def _queue_settings(settings: Settings) -> QueueSettings:
    # The two settings that frontend and worker share by name; the rest is the queue's own.
    own = {
        **os.environ,
        "PREIMAGE_QUEUE_URL": settings.redis_url,
        "PREIMAGE_QUEUE_NAMESPACE": settings.namespace,
    }
    return QueueSettings.from_environment(own)


def wait_for_queue(queue: Queue, settings: Settings, shutdown: Shutdown) -> bool:
    """Waits for the queue; False if the process was told to stop meanwhile."""

    def check() -> None:
        problems = queue.persistence().problems
        if problems and not settings.allow_volatile_redis:
            raise SettingsError(
                f"{' '.join(problems)} Set PREIMAGE_ALLOW_VOLATILE_REDIS=1 to run all the same."
            )

    return wait_for_redis(check, shutdown)


def wait_for_redis(act: Callable[[], object], shutdown: Shutdown) -> bool:
    """Acts, again while Redis is away; False if the process was told to stop meanwhile.

    Redis may go away at any moment, also after it has answered once: that is never a reason to end.
    """
    for failures in itertools.count():
        if shutdown.requested.is_set():
            return False
        try:
            act()
        except QueueRefusedError as error:
            raise SettingsError(
                f"PREIMAGE_REDIS_URL leads to a Redis that refuses us: {error}"
            ) from None
        except QueueError as error:
            if not error.retry_after_seconds:
                raise
            level = logging.DEBUG if failures % _TOLD_EVERY else logging.WARNING
            log.log(level, "waiting for Redis: %s Start it, or set PREIMAGE_REDIS_URL.", error)
            shutdown.requested.wait(_WAIT_SECONDS)
        else:
            break
    return True


def serve_metrics(listen: str, variable: str) -> str | None:
    """Serves the metrics; the address, None where they are off. Raises SettingsError."""
    if listen == "off":
        return None
    host, _, port = listen.rpartition(":")
    try:
        server, _thread = serve(REGISTRY, host, int(port))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{variable}={listen!r} cannot be served: {error}.") from None
    return f"{host}:{server.server_port}"


def tell_ready(file: Path | None, **facts: str | None) -> None:
    """Writes a JSON object that says that this process takes jobs, where a file is asked for.

    Raises SettingsError if it cannot be written.
    """
    if file is None:
        return
    part = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        part.write_text(json.dumps(facts))
        part.replace(file)
    except OSError as error:
        why = f"PREIMAGE_READY_FILE={str(file)!r} cannot be written: {error.strerror}."
        raise SettingsError(why) from None
