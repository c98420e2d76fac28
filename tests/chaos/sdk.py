"""Clients that use the SDK as its users do: hand in, wait for the result, now and then change mind.

`preimage.Client` repeats calls and resumes streams by itself, so here an operation of the history
is a whole method, however often it went over the wire. It blocks: each client has a thread. What
the method raises in the end is written down like the status of a call, and a job that the SDK
submits again because another client has deleted it is written down as created.
"""

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import preimage
from preimage.request import Cache
from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1 import spec_pb2
from tests.chaos.clients import digest
from tests.chaos.history import BY_ITSELF, SEEN, TERMINAL, History, Operation
from tests.chaos.orders import MODEL, Board, KnownJob, Order

_CALL_SECONDS: Final = 3.0
_RESULT_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = (0.05, 0.4)
_TRIES: Final = 30
_UNFINISHED: Final = 5
_OPERATIONS: Final = {"result": 50, "follow": 25, "cancel": 8, "delete": 4, "submit_again": 4}
_CACHE: Final[dict[int, Cache]] = {
    wire.CACHE_CONTROL_REFRESH: "refresh",
    wire.CACHE_CONTROL_BYPASS: "bypass",
}
_SOMETIMES: Final = 0.3


class SdkClient:
    """One of a few; `run` acts until it is told to stop."""

    def __init__(
        self, name: str, target: str, history: History, board: Board, dice: random.Random
    ) -> None:
        self.name, self._history, self._board, self._dice = name, history, board, dice
        self._client = preimage.Client(target, token="", ca="", timeout_seconds=_CALL_SECONDS)
        self._jobs: list[tuple[preimage.Job, Order]] = []
        self._orders = 0
        self._stop = threading.Event()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stop.set()

    async def run(self) -> None:
        """Act until told to stop; whoever cancels this ends the calls that are under way."""
        executor = ThreadPoolExecutor(1, self.name)
        try:
            await asyncio.get_running_loop().run_in_executor(executor, self._act)
        finally:
            self.stop()
            self._client.close()
            executor.shutdown(wait=False)

    def _act(self) -> None:
        while not self._stop.is_set():
            self.submit()
            (name,) = self._dice.choices(list(_OPERATIONS), list(_OPERATIONS.values()))
            if self._jobs:
                getattr(self, name)(*self._choose())
            self._stop.wait(self._dice.uniform(*_PAUSE_SECONDS))

    def _choose(self) -> tuple[preimage.Job, Order]:
        """The oldest job if there are many, so that they do not become too many."""
        crowded = len(self._jobs) >= _UNFINISHED
        return self._jobs[0] if crowded else self._dice.choice(self._jobs)

    def submit(self) -> None:
        """Hand in a job, again until there is an answer."""
        if len(self._jobs) >= _UNFINISHED:
            return
        self._orders += 1
        order = self._board.next_order(self._dice, f"{self.name}-{self._orders}")
        order.through_sdk = True
        for _ in range(_TRIES):
            if job := self._create(order):
                self._jobs.append((job, order))
                return
            self._stop.wait(self._dice.uniform(*_PAUSE_SECONDS))

    def submit_again(self, _: preimage.Job, order: Order) -> None:
        """Repeat the request of a job: it must be the same job."""
        self._create(order)

    def result(self, job: preimage.Job, order: Order) -> None:
        """Wait for the result, as most do."""

        def wait(operation: Operation) -> None:
            result = job.result(timeout_seconds=_RESULT_SECONDS)
            names = {f"{each.restart}/picture.png": each.png for each in result.reconstructions}
            said = " ".join(f"{name} {digest(png)}" for name, png in names.items())
            operation.told(job.info, said)

        self._do("result", job, order, wait)
        self._settle(job, order)

    def follow(self, job: preimage.Job, order: Order) -> None:
        """Watch it to its end."""

        def watch(operation: Operation) -> None:
            for event in job.watch():
                if isinstance(event, preimage.StateChanged):
                    operation.told(job.info, phase=SEEN)
            operation.told(job.info)

        self._do("follow", job, order, watch)
        self._settle(job, order)

    def cancel(self, job: preimage.Job, order: Order) -> None:
        """Change one's mind."""
        self._do("cancel", job, order, lambda operation: operation.told(job.cancel(self.name)))
        self._settle(job, order)

    def delete(self, job: preimage.Job, order: Order) -> None:
        """Wait for the result, and leave nothing behind."""
        self.result(job, order)

        def delete(operation: Operation) -> None:
            job.delete()
            operation.returned()

        if job.id in self._board.jobs:
            self._board.jobs[job.id].deleted = True
        self._do("delete", job, order, delete)

    def _create(self, order: Order) -> preimage.Job | None:
        order.tries += 1
        operation = self._history.call(self.name, "create", order.request.request_id)
        try:
            job = submitted(self._client, order)
        except preimage.PreimageError as error:
            operation.ended(*status_of(error))
            return None
        operation.told(job.info)
        self._learn(job, order)
        return job

    def _do(
        self, name: str, job: preimage.Job, order: Order, act: Callable[[Operation], None]
    ) -> None:
        """Write down what a method did to a job, whatever it ended with."""
        before = job.id
        operation = self._history.call(self.name, name, job=before)
        try:
            act(operation)
        except (preimage.JobFailed, preimage.JobCancelled):
            operation.told(job.info)
        except preimage.PreimageError as error:
            operation.ended(*status_of(error))
        if job.id != before:
            again = self._history.call(self.name, "create", order.request.request_id)
            again.told(job.info, BY_ITSELF)
        self._learn(job, order)

    def _learn(self, job: preimage.Job, order: Order) -> None:
        known = self._board.jobs.setdefault(job.id, KnownJob(job.id, order))
        if known.state not in TERMINAL:
            known.state = job.state.name

    def _settle(self, job: preimage.Job, order: Order) -> None:
        """Forget it if it has ended, or cannot be had."""
        self._jobs = [pair for pair in self._jobs if pair != (job, order)]
        if not job.state.terminal and self._dice.random() < _SOMETIMES:
            self._jobs.append((job, order))


def submitted(client: preimage.Client, order: Order) -> preimage.Job:
    """Hand an order in as a user of the SDK would."""
    spec = order.request.spec
    return client.submit(
        spec.target.picture.encoded if order.code is None else order.code,
        model=MODEL,
        layer=spec.representation.layer,
        preset=spec.optimiser.preset,
        steps=spec.optimiser.steps,
        restarts=spec.restarts,
        seed=spec.seed,
        lane="batch" if spec.lane == spec_pb2.LANE_BATCH else "interactive",
        cache=_CACHE.get(order.request.cache_control, "use"),
        request_id=order.request.request_id,
    )


def status_of(error: preimage.PreimageError) -> tuple[str, str]:
    """The name of the gRPC status that an error of the SDK stands for, and its sentence."""
    if isinstance(error, preimage.DeadlineExceeded):
        return "DEADLINE_EXCEEDED", str(error)
    if isinstance(error, preimage.Unavailable):
        return "UNAVAILABLE", str(error)  # gRPC has several names for a connection that broke
    if isinstance(error, preimage.ServiceError):
        return error.code, str(error)
    return type(error).__name__, str(error)
