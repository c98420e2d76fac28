"""The auditor process: `python -m preimage_worker.auditor`.

Wiring only. SIGTERM and SIGINT hand the audit at hand back, with what is finished of it, and end
the process with status 0; impossible settings end it with one sentence and status 2; a device that
needs a new process ends it with status 3, its audit handed back.
"""

import logging
import os
import sys
import time

from preimage_logging import configure, end_while_loading, last_words

if __name__ == "__main__":
    end_while_loading()  # torch takes seconds

from preimage_queue import Queue, QueueError
from preimage_tracing import start, stop
from preimage_worker import catalogue, device, metrics
from preimage_worker.announcing import Profile, make_name
from preimage_worker.auditor.auditing import Tools
from preimage_worker.auditor.loop import Auditor
from preimage_worker.batching import DeviceLostError
from preimage_worker.errors import WorkerError
from preimage_worker.models import Models
from preimage_worker.pictures import Limits
from preimage_worker.results.provenance import versions
from preimage_worker.settings import Settings
from preimage_worker.shutdown import Shutdown
from preimage_worker.starting import (
    open_queue,
    serve_metrics,
    tell_ready,
    wait_for_queue,
    wait_for_redis,
    warn_of_misspelt,
)

log = logging.getLogger("preimage_worker.auditor")


def main() -> int:
    """Runs an auditor until it is told to stop; returns the exit status."""
    shutdown = Shutdown()
    try:
        settings = Settings.from_environment(os.environ)
        configure("auditor", settings.log_level, settings.log_format)
        if settings.tracing:
            start("auditor")
        warn_of_misspelt()
        return _serve(settings, shutdown)
    except (WorkerError, QueueError, ValueError) as error:
        last_words("auditor", str(error))
        return 2
    finally:
        stop()


def _serve(settings: Settings, shutdown: Shutdown) -> int:
    chosen = device.choose(settings.device)
    device.set_up(settings.threads)
    queue = open_queue(settings)
    if not wait_for_queue(queue, settings, shutdown):
        return 0
    models = Models(catalogue.load(settings.catalogue), settings, chosen)
    models.warn_of_missing()
    profile = Profile(make_name(), device.name(chosen), slots=1, started_at=time.time())
    auditor = Auditor(
        Tools(queue, models, chosen, Limits.of(settings)),
        profile,
        shutdown.requested,
        settings.beat_seconds,
    )
    metrics.BUILD.info({**versions(), "device": device.name(chosen)})
    address = serve_metrics(settings.auditor_metrics_listen, "PREIMAGE_AUDITOR_METRICS_LISTEN")
    if not wait_for_redis(auditor.announce, shutdown):
        return 0
    shutdown.watch(lambda: None, lambda: _leave(queue, profile), settings.drain_seconds)
    tell_ready(settings.ready_file, auditor=profile.name, metrics=address)
    log.info("%s takes audits", profile.name)
    return _run(auditor)


def _run(auditor: Auditor) -> int:
    status = 0
    try:
        auditor.run()
    except DeviceLostError as error:
        log.critical("the device needs a new process: %s", error)
        status = 3
    log.info("left")
    return status


def _leave(queue: Queue, profile: Profile) -> None:
    """A step that takes too long: the lease runs out, and another auditor takes over."""
    queue.retire(profile.name)


if __name__ == "__main__":
    sys.exit(main())
