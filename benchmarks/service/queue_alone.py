"""The queue with nothing around it: real scripts on a real Redis that writes its file."""

import argparse
import multiprocessing
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redis.exceptions import RedisError

from preimage.embedded import redis as embedded
from preimage_queue import Claimed, Finish, Lane, NewJob, Queue, QueueSettings, State, new_id
from preimage_queue.calls import producing
from preimage_queue.connections import connect
from preimage_queue.lua import load_scripts

JOBS, AT_ONCE = 3000, 16
TENANTS, KEYS, POOL = 50, 40, "model@digest"
TIMED = 300
SPEC, RESULT = bytes(300), bytes(300)
"""As long as a plain inversion's."""


def rates(options: argparse.Namespace) -> list[dict[str, object]]:
    """Jobs per second, submitted, claimed by sixteens and finished, by numbers of clients."""
    rows: list[dict[str, object]] = []
    for count in map(int, options.processes.split(",")):
        with own_redis() as url:
            start = multiprocessing.get_context("spawn")
            answers = start.Queue()
            clients = [start.Process(target=_work, args=(url, answers)) for _ in range(count)]
            for client in clients:
                client.start()
            spans = [answers.get() for _ in clients]
            for client in clients:
                client.join()
            begun, ended = min(first for first, _ in spans), max(last for _, last in spans)
            per_second = count * JOBS / (ended - begun)
            rows.append(
                {
                    "clients": count,
                    "jobs_per_second": round(per_second),
                    "operations_per_second": round(per_second * (2 + 1 / AT_ONCE)),
                    "redis_microseconds_per_job": round(
                        _script_seconds(_settings(url)) / count / JOBS * 1e6
                    ),
                }
            )
    return rows


def depths(options: argparse.Namespace) -> list[dict[str, object]]:
    """Milliseconds of a submission and of a claim, as medians, by jobs that wait already."""
    rows: list[dict[str, object]] = []
    first: tuple[float, float] | None = None
    with own_redis() as url, Queue(_settings(url)) as queue:
        for depth in map(int, options.depths.split(",")):
            _fill(queue.settings, depth - queue.stats().queued)
            submitting = _median(lambda: queue.submit(_job()))
            claiming = _median(lambda: _claim(queue, "worker", 1))
            first = first or (submitting, claiming)
            rows.append(
                {
                    "waiting": depth,
                    "submit_ms": round(1e3 * submitting, 3),
                    "submit_over_first": round(submitting / first[0], 2),
                    "claim_ms": round(1e3 * claiming, 3),
                    "claim_over_first": round(claiming / first[1], 2),
                }
            )
    return rows


def _fill(settings: QueueSettings, count: int) -> None:
    """Submits so many jobs, a thousand at a time without waiting for answers."""
    script, left = load_scripts()["submit"], count
    with connect(settings) as client:
        client.script_load(script.text)
        while left > 0:
            with client.pipeline(transaction=False) as pipeline:
                for _ in range(min(left, 1000)):
                    call = producing.submit(settings, _job())
                    pipeline.evalsha(script.sha, len(call.keys), *call.keys, *call.args)
                answers = pipeline.execute(raise_on_error=False)
            # While its disk is busy Redis takes nothing that it promises to keep.
            left -= sum(not isinstance(answer, RedisError) for answer in answers)


@contextmanager
def own_redis() -> Iterator[str]:
    """A private server, as the embedded stack runs it; yields its address."""
    with tempfile.TemporaryDirectory(prefix="pq-", dir="/tmp") as folder:
        socket, log = Path(folder) / "s", Path(folder) / "log"
        command = embedded.server_command(embedded.find_server(), socket, Path(folder))
        with log.open("wb") as out:
            server = subprocess.Popen(command, stdout=out, stderr=out)  # noqa: S603  our own words
        try:
            while not embedded.answers(socket):
                if server.poll() is not None:
                    raise RuntimeError(log.read_text("utf-8", "replace"))
                time.sleep(0.02)
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.wait()


def _settings(url: str) -> QueueSettings:
    return QueueSettings(url=url, max_queued_jobs=1_000_000, max_queued_jobs_per_tenant=1_000_000)


def _work(url: str, answers: "multiprocessing.Queue[tuple[float, float]]") -> None:
    """One client: what a frontend and a worker send, without what they do between."""
    name, done = new_id(), 0
    with Queue(_settings(url)) as queue:
        queue.stats()
        begun = time.time()
        while done < JOBS:
            for _ in range(min(AT_ONCE, JOBS - done)):
                queue.submit(_job())
            for job in _claim(queue, name, AT_ONCE):
                end = Finish(id=job.id, attempt=job.attempt, state=State.SUCCEEDED, result=RESULT)
                queue.finish(end)
                done += 1
        answers.put((begun, time.time()))


def _job() -> NewJob:
    job_id, number = new_id(), random.randrange(TENANTS)
    return NewJob(
        id=job_id,
        tenant=f"tenant-{number}",
        request_id=job_id,
        fingerprint=job_id,
        lane=Lane.BATCH,
        pool=POOL,
        batch_key=f"{POOL}|{number % KEYS}",
        slots=1,
        cost=100.0,
        spec=SPEC,
    )


def _claim(queue: Queue, worker: str, free: int) -> tuple[Claimed, ...]:
    return queue.claim(worker, new_id(), pools=(POOL,), free_slots=free, capacity_slots=AT_ONCE)


def _median(action: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TIMED):
        begun = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def _script_seconds(settings: QueueSettings) -> float:
    """What Redis has spent in scripts so far."""
    with connect(settings) as client:
        spent = client.info("commandstats")
    return sum(int(spent[name]["usec"]) for name in spent if name.startswith("cmdstat_eval")) / 1e6


def interactive_job(tenant: str, pool: str, batch_key: str, cost: float) -> NewJob:
    """A job of one slot that equals no other."""
    job_id = new_id()
    return NewJob(
        id=job_id,
        tenant=tenant,
        request_id=job_id,
        fingerprint=job_id,
        lane=Lane.INTERACTIVE,
        pool=pool,
        batch_key=batch_key,
        slots=1,
        cost=cost,
        spec=SPEC,
    )
