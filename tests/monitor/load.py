"""A load that makes every number move: jobs of several kinds, audits, and calls that are wrong."""

import contextlib
import io
import itertools
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, final

import numpy as np
from PIL import Image

import preimage
from preimage import Client, Job

_MOST_WAITING: Final = 12
"""Jobs in flight: more than the slots, so that some wait."""
_PAUSE_SECONDS: Final = 0.1
SIDE: Final = 32


@final
class Load:
    """Runs in a thread of its own, inside a `with` statement."""

    def __init__(self, connect: Callable[[], Client]) -> None:
        """Nothing happens yet."""
        self._connect = connect
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self.failure: Exception | None = None
        """What ended the load, if anything but its end did."""

    def __enter__(self) -> Self:
        with self._connect() as client:
            every_kind_of_call(client)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._connect() as client:
                self._submit(client)
        except Exception as error:  # noqa: BLE001 - told by whoever waits for the numbers
            self.failure = error

    def _submit(self, client: Client) -> None:
        jobs: list[Job] = []
        for number in itertools.count():
            while len(jobs) >= _MOST_WAITING and not self._stopping.is_set():
                if jobs[0].refresh().state.terminal:
                    del jobs[0]
                else:
                    time.sleep(_PAUSE_SECONDS)
            if self._stopping.is_set():
                return
            jobs.append(_job(client, number))


def _job(client: Client, number: int) -> Job:
    """Each another one, but for every fourth, which is equal to the one before."""
    own = number - (number % 4 == 3)
    layer = ("features.1", "features.3", "features.4")[own % 3]
    return client.submit(picture(own), model="tiny", layer=layer, seed=own, steps=60)


def every_kind_of_call(client: Client) -> None:
    """Each once: what works, what is refused, what is cancelled, and an audit."""
    client.models()
    client.extract_features(picture(0), "tiny", "features.3")
    job = client.submit(picture(0), model="hog", layer="hog", steps=30, restarts=2)
    for _ in job.watch():
        pass
    job.result().picture  # noqa: B018 - fetched
    endless = client.submit(picture(1), model="tiny", layer="features.3", steps=20000)
    endless.cancel("enough")
    with contextlib.suppress(preimage.NotFound):
        client.cancel("nobody")
    audit = client.audit(
        model="tiny",
        layers=["features.3"],
        targets=[picture(number) for number in range(100, 104)],
        auxiliary=[picture(number) for number in range(200, 240)],
        own_these_pictures=True,
        steps=2,
        doublings=0,
    )
    audit.result()


def picture(seed: int) -> bytes:
    """A smooth coloured picture as PNG; each seed has another."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    smooth.save(buffer, "PNG")
    return buffer.getvalue()
