"""A real worker process on a real queue, and jobs for it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Self

from preimage.v1 import work_pb2
from preimage_queue import JobDetail, Lane, NewJob, Queue, QueueSettings, State, Submitted
from tests.worker import jobs

TENANT = "default"
PATIENCE_SECONDS = 120.0


class WorkerProcess:
    """`python -m preimage_worker` with quick leases. Use it in a `with` statement."""

    def __init__(self, redis_url: str, folder: Path, **environment: str) -> None:
        self._ready = folder / "ready.json"
        self.log = folder / "worker.log"
        self._ready.unlink(missing_ok=True)
        self._environment = {
            **os.environ,
            **jobs.ENVIRONMENT,
            "OMP_NUM_THREADS": "1",
            "PREIMAGE_REDIS_URL": redis_url,
            "PREIMAGE_CATALOGUE": str(jobs.catalogue_file(folder)),
            "PREIMAGE_READY_FILE": str(self._ready),
            "PREIMAGE_WORKER_METRICS_LISTEN": "127.0.0.1:0",
            "PREIMAGE_QUEUE_LEASE_SECONDS": "3",
            "PREIMAGE_BEAT_SECONDS": "0.2",
            "PREIMAGE_CHECKPOINT_SECONDS": "0.3",
            "PREIMAGE_DRAIN_SECONDS": "60",
            **environment,
        }
        self.facts: dict[str, str] = {}
        self.command = [sys.executable, "-m", "preimage_worker"]

    def start(self) -> Self:
        """Starts the process without waiting for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self._environment,
                stderr=log,
                stdout=log,
            )
        return self

    def __enter__(self) -> Self:
        self.start()
        until(lambda: self._ready.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        self.facts = json.loads(self._ready.read_text())
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def kill(self) -> None:
        """Ends it without a chance to say anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Asks it to end, and returns its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        return metric(self.facts["metrics"], name)


def metric(address: str, name: str) -> float:
    """The value of a metric without labels, from where it is served."""
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def queue_at(url: str, namespace: str = "preimage") -> Queue:
    """The queue, with the lease that the worker has."""
    return Queue(QueueSettings(url=url, namespace=namespace, lease_seconds=3))


def until(holds: Callable[[], object]) -> None:
    """Waits, patiently, for something to become true."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.05)


def submit(queue: Queue, item: work_pb2.WorkItem, request_id: str = "one", slots: int = 1) -> str:
    """Submits a job on the picture, and returns its id."""
    ref = queue.put_blob(TENANT, jobs.picture())
    assert not isinstance(ref, tuple)
    if item.encoded_picture_digest:
        item.encoded_picture_digest = ref.digest  # type: ignore[union-attr]
    extraction = item.WhichOneof("work") == "extract"
    wanted = item.extract.representation if extraction else item.invert.representation
    pools = [pool for worker in queue.list_workers() for pool in worker.pools]
    pool = next(each for each in pools if each.startswith(f"{wanted.model}@"))
    reply = queue.submit(
        NewJob(
            tenant=TENANT,
            request_id=request_id,
            fingerprint=request_id,
            lane=Lane.INSTANT if extraction else Lane.INTERACTIVE,
            pool=pool,
            batch_key=f"{pool}|{wanted.layer}|{item.invert.optimiser.preset}",
            slots=0 if extraction else slots,
            cost=1.0,
            spec=item.SerializeToString(),
            blobs=(ref.digest,),  # type: ignore[union-attr]
        )
    )
    assert isinstance(reply, Submitted), reply
    return reply.job_id


def detail(queue: Queue, job: str) -> JobDetail:
    """A job with its payloads."""
    found = queue.get_job(job, TENANT)
    assert found is not None
    return found


def ended(queue: Queue, job: str) -> JobDetail:
    """Waits for a job's end."""
    until(lambda: detail(queue, job).job.state.terminal)
    return detail(queue, job)


def running(queue: Queue, job: str, step: int = 1) -> None:
    """Waits until a job has taken some steps."""
    until(lambda: detail(queue, job).job.step >= step)
    assert detail(queue, job).job.state is State.RUNNING
