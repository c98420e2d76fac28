"""The worker process: `python -m preimage_worker`.

Wiring only. SIGTERM and SIGINT hand every job back with a checkpoint and end the process with
status 0; impossible settings end it with one sentence and status 2; a device that needs a new
process ends it with status 3, its jobs handed back to be tried again one by one.
"""

import itertools
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

from preimage_exposition import serve
from preimage_queue import Queue, QueueError, QueueRefusedError, QueueSettings
from preimage_queue.misspelt import misspelt
from preimage_worker import announcing, catalogue, device, metrics
from preimage_worker.batching import DeviceLostError
from preimage_worker.courier import Courier
from preimage_worker.engine import Engine
from preimage_worker.errors import SettingsError, WorkerError
from preimage_worker.loop import Loop
from preimage_worker.mailbox import Mailbox
from preimage_worker.models import Models
from preimage_worker.reference.known import References
from preimage_worker.results.provenance import versions
from preimage_worker.settings import Settings
from preimage_worker.shutdown import Shutdown

log = logging.getLogger("preimage_worker")

OTHERS = frozenset({
    "PREIMAGE_DRAIN_GRACE_SECONDS", "PREIMAGE_DRAIN_PAUSE_SECONDS", "PREIMAGE_PROBE_SECONDS",
    "PREIMAGE_REAP_SECONDS",
})  # fmt: skip
"""Settings of frontends that resemble ours."""

_WAIT_SECONDS = 2.0
"""Between two attempts to reach a queue that is not there yet."""
_TOLD_EVERY = 15
"""Of so many attempts one is told: an outage may last for hours."""


def main() -> int:
    """Runs a worker until it is told to stop; returns the exit status."""
    shutdown = Shutdown()
    try:
        settings = Settings.from_environment(os.environ)
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)s %(levelname)s worker: %(message)s"
        )
        for variable, meant in misspelt(os.environ, Settings.variables(), OTHERS):
            log.warning("%s is no setting and has no effect: is %s meant?", variable, meant)
        return _serve(settings, shutdown)
    except (WorkerError, QueueError, ValueError) as error:
        print(f"preimage worker: {error}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 2


def _serve(settings: Settings, shutdown: Shutdown) -> int:
    chosen = device.choose(settings.device)
    device.set_up(settings.threads)
    queue = _queue(settings)
    if not _reachable(queue, settings, shutdown):
        return 0
    models = Models(catalogue.load(settings.catalogue), settings, chosen)
    references = References.load(settings.references, models.announcements())
    profile = announcing.Profile(
        announcing.make_name(), device.name(chosen), settings.slots, time.time()
    )
    mailbox = Mailbox()
    courier = Courier(queue, mailbox, models, settings, profile)
    engine = Engine(models, settings, chosen, references=references)
    loop = Loop(engine, courier, mailbox, shutdown.requested)
    address = _serve_metrics(settings)
    _describe(models, profile)
    if not _wait_for_redis(courier.start, shutdown):
        return 0
    shutdown.watch(mailbox.wake, courier.abandon, settings.drain_seconds)
    _tell_ready(settings.ready_file, profile, address)
    log.info("%s takes jobs on %s, %d slots", profile.name, profile.device, settings.slots)
    return _run(loop, courier, settings)


def _run(loop: Loop, courier: Courier, settings: Settings) -> int:
    status = 0
    try:
        loop.run()
    except DeviceLostError as error:
        log.critical("the device needs a new process: %s", error)
        courier.accuse(f"The device failed while this job ran: {error}")
        status = 3
    courier.close(settings.drain_seconds)
    log.info("left")
    return status


def _queue(settings: Settings) -> Queue:
    queue_settings = _queue_settings(settings)
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


def _reachable(queue: Queue, settings: Settings, shutdown: Shutdown) -> bool:
    """Waits for the queue; False if the process was told to stop meanwhile."""

    def check() -> None:
        problems = queue.persistence().problems
        if problems and not settings.allow_volatile_redis:
            raise SettingsError(
                f"{' '.join(problems)} Set PREIMAGE_ALLOW_VOLATILE_REDIS=1 to run all the same."
            )

    return _wait_for_redis(check, shutdown)


def _wait_for_redis(act: Callable[[], None], shutdown: Shutdown) -> bool:
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


def _serve_metrics(settings: Settings) -> str | None:
    if settings.metrics_listen == "off":
        return None
    host, _, port = settings.metrics_listen.rpartition(":")
    try:
        server, _thread = serve(REGISTRY, host, int(port))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"PREIMAGE_WORKER_METRICS_LISTEN={settings.metrics_listen!r} cannot be served: {error}."
        ) from None
    return f"{host}:{server.server_port}"


def _describe(models: Models, profile: announcing.Profile) -> None:
    metrics.BUILD.info({**versions(), "device": profile.device})
    for model in models.announcements():
        served = not model.unavailable_reason
        metrics.MODELS.labels("served" if served else "weights_missing").inc()


def _tell_ready(file: Path | None, profile: announcing.Profile, address: str | None) -> None:
    if file is None:
        return
    facts: dict[str, Any] = {
        "worker": profile.name,
        "device": profile.device,
        "metrics": address,
    }
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_text(json.dumps(facts))
    part.replace(file)


if __name__ == "__main__":
    sys.exit(main())
