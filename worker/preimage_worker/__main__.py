"""The worker process: `python -m preimage_worker`.

Wiring only. SIGTERM and SIGINT hand every job back with a checkpoint and end the process with
status 0; impossible settings end it with one sentence and status 2; a device that needs a new
process ends it with status 3, its jobs handed back to be tried again one by one.
"""

import logging
import os
import sys
import time

from preimage_logging import configure, end_while_loading, last_words

if __name__ == "__main__":
    end_while_loading()  # torch takes seconds

from preimage_queue import QueueError
from preimage_tracing import start, stop
from preimage_worker import announcing, catalogue, device, metrics
from preimage_worker.batching import DeviceLostError
from preimage_worker.courier import Courier
from preimage_worker.engine import Engine
from preimage_worker.errors import CatalogueError, WorkerError
from preimage_worker.loop import Loop
from preimage_worker.mailbox import Mailbox
from preimage_worker.models import Models
from preimage_worker.reference.known import References
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

log = logging.getLogger("preimage_worker")


def main() -> int:
    """Runs a worker until it is told to stop; returns the exit status."""
    shutdown = Shutdown()
    try:
        settings = Settings.from_environment(os.environ)
        configure("worker", settings.log_level, settings.log_format)
        if settings.tracing:
            start("worker")
        warn_of_misspelt()
        return _serve(settings, shutdown)
    except (WorkerError, QueueError, ValueError) as error:
        last_words("worker", str(error))
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
    _check_that_something_is_served(models)
    models.warn_of_missing()
    references = References.load(settings.references, models.announcements())
    profile = announcing.Profile(
        announcing.make_name(), device.name(chosen), settings.slots, time.time()
    )
    mailbox = Mailbox()
    courier = Courier(queue, mailbox, models, settings, profile)
    engine = Engine(models, settings, chosen, references=references)
    loop = Loop(engine, courier, mailbox, shutdown.requested)
    address = serve_metrics(settings.metrics_listen, "PREIMAGE_WORKER_METRICS_LISTEN")
    metrics.DEVICE_MEMORY_LIMIT.set(device.memory_bytes(chosen))
    _describe(models, profile)
    if not wait_for_redis(courier.start, shutdown):
        return 0
    shutdown.watch(mailbox.wake, courier.abandon, settings.drain_seconds)
    tell_ready(settings.ready_file, worker=profile.name, device=profile.device, metrics=address)
    log.info("%s takes jobs on %s, %d slots", profile.name, profile.device, settings.slots)
    return _run(loop, courier, settings)


def _check_that_something_is_served(models: Models) -> None:
    """Without a single model a worker would wait for jobs that nobody can send."""
    if not models.pools():
        reasons = " ".join(model.unavailable_reason for model in models.announcements())
        raise CatalogueError(f"Nothing that the catalogue names can be served here. {reasons}")


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


def _describe(models: Models, profile: announcing.Profile) -> None:
    metrics.BUILD.info({**versions(), "device": profile.device})
    for model in models.announcements():
        served = not model.unavailable_reason
        metrics.MODELS.labels("served" if served else "weights_missing").inc()


if __name__ == "__main__":
    sys.exit(main())
