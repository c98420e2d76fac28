"""A whole worker in threads of this process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from preimage_queue import Queue, QueueSettings
from preimage_worker.announcing import Profile
from preimage_worker.courier import Courier
from preimage_worker.engine import Engine
from preimage_worker.loop import Loop
from preimage_worker.mailbox import Mailbox
from tests.worker import jobs


@contextmanager
def working(queue_settings: QueueSettings, name: str = "worker-in-threads") -> Iterator[None]:
    """A worker that takes jobs of the tests' small networks, until the block ends."""
    settings = jobs.settings(PREIMAGE_BEAT_SECONDS="0.1")
    models, mailbox, stop = jobs.models(), Mailbox(), threading.Event()
    with Queue(queue_settings) as queue:
        profile = Profile(name, "cpu", settings.slots, time.time())
        courier = Courier(queue, mailbox, models, settings, profile)
        loop = Loop(Engine(models, settings, torch.device("cpu")), courier, mailbox, stop)
        courier.start()
        thread = threading.Thread(target=loop.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            mailbox.wake()
            thread.join()
            courier.close(10.0)
