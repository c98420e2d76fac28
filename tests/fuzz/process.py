"""A frontend as its operator runs it, with something that looks like a worker behind it.

The frontend is a process of its own, so that what it holds can be read from /proc.
"""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, final

import grpc

from preimage.v1.model_service_pb2 import ListModelsRequest
from preimage.v1.model_service_pb2_grpc import ModelServiceStub
from preimage_queue import Claimed, Queue, QueueError, QueueSettings
from tests.e2e.processes import children_of
from tests.redis_server import RedisServer
from tests.service.auditor import FakeAuditor
from tests.service.worker import CHANNELS, FakeWorker
from tests.worker.process import until

_IDLE_SECONDS: Final = 0.01
_ANNOUNCE_EVERY: Final = 200
_KIB: Final = 1024
_FAILED_PRECONDITION: Final = 9


@final
@dataclass(frozen=True)
class Frontend:
    """A frontend that serves."""

    process: "subprocess.Popen[bytes]"
    target: str
    admin: str
    metrics: str
    log: Path

    def rss_bytes(self) -> int:
        """Memory of the process and of those that it started."""
        return sum(_rss_bytes(pid) for pid in (self.process.pid, *children_of(self.process.pid)))

    def descriptors(self) -> int:
        """Open files and connections of the process."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self) -> int:
        """Threads of the process."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def calls_in_progress(self) -> int:
        """Calls that have begun and not ended, watchers included."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=30) as page:
            lines = page.read().decode().splitlines()
        begun, ended = (
            sum(float(line.split()[-1]) for line in lines if line.startswith(name))
            for name in ("grpc_server_started_total{", "grpc_server_handled_total{")
        )
        return int(begun - ended)

    def answers(self) -> bool:
        """Whether it is there, and answers a normal call."""
        if self.process.poll() is not None:
            return False
        with grpc.insecure_channel(self.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            call = ModelServiceStub(channel).ListModels
            try:
                models = call(ListModelsRequest(), timeout=30, wait_for_ready=True).models
            except grpc.RpcError:
                return False
        return "toy" in {model.name for model in models}


def _rss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line.split()[1] for line in lines if line.startswith("VmRSS")]
    return int(found[0]) * _KIB if found else 0


@contextmanager
def frontend(**environment: str) -> Iterator[Frontend]:
    """A frontend, its Redis and its worker, for as long as the block takes."""
    with TemporaryDirectory() as folder, RedisServer() as server, _worker(server.url):
        log, ready = Path(folder, "log"), Path(folder, "ready")
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "preimage_service"],
                env=_environment(server.url, ready, environment),
                stderr=sink,
            )
        try:
            until(lambda: ready.exists() or process.poll() is not None)
            facts = json.loads(ready.read_text())
            running = Frontend(process, facts["target"], facts["admin"], facts["metrics"], log)
            until(running.answers)
            yield running
        finally:
            process.kill()
            process.wait()


def _environment(url: str, ready: Path, more: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREIMAGE_")}
    return kept | {
        "PREIMAGE_REDIS_URL": url,
        "PREIMAGE_ALLOW_VOLATILE_REDIS": "1",
        "PREIMAGE_LISTEN": "127.0.0.1:0",
        "PREIMAGE_ADMIN_LISTEN": "127.0.0.1:0",
        "PREIMAGE_SERVICE_METRICS_LISTEN": "127.0.0.1:0",
        "PREIMAGE_READY_FILE": str(ready),
        "PREIMAGE_AUDIT_LOG": "off",
        "PREIMAGE_UPLOAD_IDLE_SECONDS": "1",
        "PREIMAGE_INVERT_LIMIT_SECONDS": "2",
        "PREIMAGE_EXTRACT_LIMIT_SECONDS": "2",
        **more,
    }


@contextmanager
def _worker(url: str) -> Iterator[None]:
    """Ends whatever is queued, at once."""
    over = threading.Event()
    with Queue(QueueSettings(url=url)) as queue:
        worker = FakeWorker(queue, catalogue=(*FakeWorker.catalogue, CHANNELS))
        worker.pools = (*worker.pools, "channels@d4")
        worker.announce()
        auditor = FakeAuditor(queue)
        auditor.announce()
        thread = threading.Thread(target=_work, args=(worker, auditor, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _work(worker: FakeWorker, auditor: FakeAuditor, over: threading.Event) -> None:
    rounds = 0
    while not over.is_set():
        rounds += 1
        try:
            if rounds % _ANNOUNCE_EVERY == 0:
                worker.announce()
                auditor.announce()
            if (audit := auditor.claim()) is not None:
                auditor.progress(audit, 1)
                auditor.succeed(audit)
            claimed = worker.claim()
            if claimed is None:
                over.wait(_IDLE_SECONDS)
            else:
                _end(worker, claimed)
        except (AssertionError, QueueError):
            continue  # cancelled or deleted meanwhile: there is nobody to tell


def _end(worker: FakeWorker, claimed: Claimed) -> None:
    if claimed.lane == "instant":
        code = bytes(4 * 4 * 8 * 8)
        worker.succeed_extraction(claimed, code, [4, 8, 8])
    elif claimed.created_ms % 7 == 0:
        worker.fail(claimed, "DIVERGED", _FAILED_PRECONDITION)
    else:
        worker.progress(claimed, 10, preview=b"png")
        worker.succeed(claimed)
