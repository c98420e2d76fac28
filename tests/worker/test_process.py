"""The worker as a process on a real Redis: what it delivers, and what it survives."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2
from PIL import Image
from prometheus_client.metrics import MetricWrapperBase

from preimage.v1 import preimage_pb2, spec_pb2, work_pb2
from preimage_queue import CancelVerdict, Queue, State
from preimage_worker import metrics
from preimage_worker.reference import files
from tests.redis_server import RedisServer
from tests.worker import jobs
from tests.worker.process import (
    TENANT,
    WorkerProcess,
    detail,
    ended,
    queue_at,
    running,
    submit,
    until,
)

LONG = 4000
"""Steps that take longer than anything that a test does meanwhile."""


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer(append_only=True) as running_server:
        yield running_server


@pytest.fixture
def queue(server: RedisServer) -> Queue:
    return queue_at(server.url)


@pytest.fixture
def own_queue(server: RedisServer, request: pytest.FixtureRequest) -> Queue:
    """A queue that only the test's own workers serve."""
    return queue_at(server.url, namespace=request_id(request))


@pytest.fixture(scope="module")
def worker(
    server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProcess]:
    """One worker for all tests that leave it alive."""
    folder = tmp_path_factory.mktemp("worker")
    references = folder / "references.json"
    files.write(references, [jobs.reference()])
    with WorkerProcess(server.url, folder, PREIMAGE_REFERENCES=str(references)) as process:
        yield process


def long_job(**fields: object) -> work_pb2.WorkItem:
    return jobs.inversion(optimiser=jobs.steps(LONG), **fields)


def request_id(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def result_of(done: bytes) -> preimage_pb2.PreimageResult:
    return work_pb2.WorkResult.FromString(done).invert


def test_a_job_ends_with_its_pictures_errors_and_provenance(
    worker: WorkerProcess, queue: Queue, request: pytest.FixtureRequest
) -> None:
    item = jobs.inversion(optimiser=jobs.steps(60), restarts=2, seed=4)
    job = submit(queue, item, request_id(request), slots=2)
    done = ended(queue, job)
    assert done.job.state is State.SUCCEEDED
    result = result_of(done.result)
    assert [each.restart for each in result.reconstructions] == [0, 1]
    assert result.provenance.seed == 4
    assert result.provenance.worker == worker.facts["worker"]
    best = result.reconstructions[result.best]
    assert best.outcome == preimage_pb2.OUTCOME_SCHEDULE_COMPLETED
    assert best.errors.relative_delivered == min(
        each.errors.relative_delivered for each in result.reconstructions
    )
    assert len(best.loss_curve.objective) == 60
    assert best.loss_curve.objective[-1] < best.loss_curve.objective[0]
    assert best.fidelity.psnr_db > 0
    assert best.HasField("fidelity")
    png = queue.read_output(job, TENANT, "0/picture.png")
    raw = queue.read_output(job, TENANT, "0/picture.f32")
    assert png is not None
    assert raw is not None
    pixels = np.asarray(Image.open(io.BytesIO(png.data)))
    levels = np.frombuffer(raw.data, "<f4").reshape(3, jobs.SIDE, jobs.SIDE).transpose(1, 2, 0)
    assert np.array_equal(pixels, np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def test_a_result_says_what_its_errors_mean_and_how_its_restarts_differ(
    worker: WorkerProcess, queue: Queue, request: pytest.FixtureRequest
) -> None:
    reference = jobs.reference()
    item = jobs.inversion(optimiser=jobs.steps(10), restarts=2)
    job = submit(queue, item, request_id(request), slots=2)
    result = result_of(ended(queue, job).result)
    for each in result.reconstructions:
        distance = each.errors.relative_delivered * each.errors.target_norm
        expected = distance / reference.mean_distance
        assert each.errors.reference_delivered.paper_2015 == pytest.approx(expected)
        assert each.errors.reference_delivered.digest == reference.digest
        assert each.HasField("classes")
        assert each.network_passes == 10 + 2 + 2 + 1
    raw = queue.read_output(job, TENANT, result.diversity.spread.name)
    png = queue.read_output(job, TENANT, result.diversity.spread_picture.name)
    assert raw is not None
    assert png is not None
    spread = np.frombuffer(raw.data, "<f4").reshape(jobs.SIDE, jobs.SIDE)
    (distance,) = result.diversity.picture_distances
    assert 0 < spread.mean() <= distance / 2 + 1e-3
    with Image.open(io.BytesIO(png.data)) as picture:
        assert picture.size == (jobs.SIDE, jobs.SIDE)


def test_an_extraction_ends_with_the_code(
    worker: WorkerProcess, queue: Queue, request: pytest.FixtureRequest
) -> None:
    item = work_pb2.WorkItem(encoded_picture_digest="picture")
    item.extract.representation.model = "tiny"
    item.extract.representation.layer = "features.3"
    job = submit(queue, item, request_id(request))
    features = work_pb2.WorkResult.FromString(ended(queue, job).result).extract
    assert list(features.code.shape) == [128, 6, 6]
    code = queue.read_output(job, TENANT, "code.f32")
    assert code is not None
    assert code.total_bytes == 128 * 6 * 6 * 4


def test_an_impossible_job_fails_with_its_reason_and_the_worker_goes_on(
    worker: WorkerProcess, queue: Queue, request: pytest.FixtureRequest
) -> None:
    job = submit(queue, jobs.inversion(layer="features.77"), request_id(request))
    failed = ended(queue, job)
    status = status_pb2.Status.FromString(failed.error)
    info = error_details_pb2.ErrorInfo()
    assert failed.job.state is State.FAILED
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("INVALID_SPEC", "preimage")
    assert "has no layer 'features.77'" in status.message
    again = submit(queue, jobs.inversion(optimiser=jobs.steps(5)), "again")
    assert ended(queue, again).job.state is State.SUCCEEDED


def test_a_killed_workers_job_goes_on_from_its_checkpoint_elsewhere(
    server: RedisServer, own_queue: Queue, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    queue, namespace = own_queue, request_id(request)
    with WorkerProcess(server.url, tmp_path, PREIMAGE_NAMESPACE=namespace) as first:
        item = jobs.inversion(optimiser=jobs.steps(1500))
        job = submit(queue, item, request_id(request))
        until(lambda: first.metric("preimage_checkpoints_total") >= 1)
        running(queue, job)
        first.kill()
    with WorkerProcess(server.url, tmp_path, PREIMAGE_NAMESPACE=namespace) as second:
        done = ended(queue, job)
        assert second.metric("preimage_jobs_resumed_total") == 1
        assert second.metric("preimage_lane_steps_total") < 1500
    assert done.job.state is State.SUCCEEDED
    assert (done.job.attempt, done.job.deliveries) == (2, 1)
    assert result_of(done.result).reconstructions[0].steps == 1500


@pytest.mark.parametrize("threads", ["1", "4"])
def test_sigterm_hands_back_uncounted_with_a_checkpoint(
    threads: str,
    server: RedisServer,
    own_queue: Queue,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    queue, namespace = own_queue, request_id(request)
    libraries = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    with WorkerProcess(server.url, tmp_path, PREIMAGE_NAMESPACE=namespace, **libraries) as worker:
        job = submit(queue, long_job(), request_id(request))
        running(queue, job)
        assert worker.stop() == 0
        assert "did not return in time" not in worker.log.read_text()
        assert worker.log.read_text().count("absent.safetensors is not in") == 1
    left = detail(queue, job).job
    assert (left.state, left.deliveries, left.attempt) == (State.QUEUED, 0, 1)
    assert queue.list_workers() == ()
    with WorkerProcess(server.url, tmp_path, PREIMAGE_NAMESPACE=namespace) as other:
        running(queue, job, left.step + 1)
        assert other.metric("preimage_jobs_resumed_total") == 1
        assert queue.cancel(job, TENANT, "enough").verdict is CancelVerdict.REQUESTED
        assert ended(queue, job).job.state is State.CANCELLED


def test_a_cancelled_job_leaves_the_batch_and_its_mates_go_on(
    worker: WorkerProcess, queue: Queue, request: pytest.FixtureRequest
) -> None:
    doomed = submit(queue, long_job(), request_id(request))
    mate = submit(queue, jobs.inversion(optimiser=jobs.steps(400)), "mate")
    running(queue, doomed)
    queue.cancel(doomed, TENANT, "changed my mind")
    over = ended(queue, doomed).job
    assert (over.state, over.cancel_reason) == (State.CANCELLED, "changed my mind")
    assert ended(queue, mate).job.state is State.SUCCEEDED


def test_a_killed_redis_costs_nothing_but_time(
    server: RedisServer, queue: Queue, worker: WorkerProcess, request: pytest.FixtureRequest
) -> None:
    job = submit(queue, jobs.inversion(optimiser=jobs.steps(1500)), request_id(request))
    running(queue, job)
    server.kill()
    server.start()
    done = ended(queue, job).job
    assert done.state is State.SUCCEEDED
    assert worker.process.poll() is None


def test_a_worker_that_is_drained_finishes_what_it_holds_and_leaves(
    server: RedisServer, own_queue: Queue, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    queue, namespace = own_queue, request_id(request)
    with WorkerProcess(server.url, tmp_path, PREIMAGE_NAMESPACE=namespace) as worker:
        job = submit(queue, jobs.inversion(optimiser=jobs.steps(600)), request_id(request))
        running(queue, job)
        assert queue.drain_worker(worker.facts["worker"])
        assert worker.process.wait(120) == 0
    assert detail(queue, job).job.state is State.SUCCEEDED


def test_previews_and_progress_are_events_of_the_job(
    worker: WorkerProcess, queue: Queue, request: pytest.FixtureRequest
) -> None:
    progress = spec_pb2.ProgressOptions(preview_every_steps=50)
    item = jobs.inversion(optimiser=jobs.steps(600), progress=progress)
    job = submit(queue, item, request_id(request))
    ended(queue, job)
    page = queue.read_events(job, TENANT)
    assert page is not None
    events = [work_pb2.WorkEvent.FromString(event.payload) for event in page.events]
    steps = [event.progress.step for event in events if event.HasField("progress")]
    assert steps == sorted(steps)
    previews = [event.preview for event in events if event.HasField("preview")]
    assert Image.open(io.BytesIO(previews[0].png)).size == (jobs.SIDE, jobs.SIDE)


def start_expecting_failure(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preimage_worker"],
        env={
            **os.environ,
            **jobs.ENVIRONMENT,
            "PREIMAGE_WORKER_METRICS_LISTEN": "off",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PREIMAGE_SLOTS": "none"}, "PREIMAGE_SLOTS='none' cannot be used: must be a whole"),
        (
            {"PREIMAGE_WEIGHTS_DIR": "/nowhere"},
            "PREIMAGE_WEIGHTS_DIR='/nowhere' cannot be used: No",
        ),
        ({"PREIMAGE_DEVICE": "tpu"}, "PREIMAGE_DEVICE='tpu' is no device"),
        ({"PREIMAGE_DEVICE": "cuda:99"}, "CUDA devices"),
        ({"PREIMAGE_BEAT_SECONDS": "-1"}, "PREIMAGE_BEAT_SECONDS='-1' cannot be used"),
        ({"PREIMAGE_BEAT_SECONDS": "60"}, "PREIMAGE_BEAT_SECONDS is 60, and a lease runs out"),
        ({"PREIMAGE_READY_FILE": "/nowhere/x"}, "PREIMAGE_READY_FILE='/nowhere/x' cannot be"),
        ({"PREIMAGE_QUEUE_LEASE_SECONDS": "inf"}, "PREIMAGE_QUEUE_LEASE_SECONDS"),
        ({"PREIMAGE_CATALOGUE": "/nowhere.toml"}, "PREIMAGE_CATALOGUE=/nowhere.toml"),
        ({"PREIMAGE_REDIS_URL": "http://x"}, "PREIMAGE_REDIS_URL cannot be used"),
        ({"PREIMAGE_REFERENCES": "/nowhere.json"}, "PREIMAGE_REFERENCES='/nowhere.json' cannot be"),
    ],
)
def test_an_impossible_setting_ends_the_process_with_one_sentence(
    environment: dict[str, str], words: str, server: RedisServer
) -> None:
    ended_process = start_expecting_failure(**{"PREIMAGE_REDIS_URL": server.url, **environment})
    assert ended_process.returncode == 2
    assert words in ended_process.stderr
    assert "Traceback" not in ended_process.stderr


def test_a_catalogue_of_which_nothing_can_be_served_is_refused_with_the_reasons(
    server: RedisServer, tmp_path: Path
) -> None:
    catalogue = tmp_path / "catalogue.toml"
    table = '[models.{0}]\narchitecture = "export:{0}.pt2"\ninput_size = [32, 32]\n'
    catalogue.write_text(table.format("one") + table.format("two"))
    ended_process = start_expecting_failure(
        PREIMAGE_REDIS_URL=server.url, PREIMAGE_CATALOGUE=str(catalogue)
    )
    assert ended_process.returncode == 2
    assert "Nothing that the catalogue names can be served here." in ended_process.stderr
    assert ended_process.stderr.count("one.pt2 is not in PREIMAGE_WEIGHTS_DIR") == 1
    assert "two.pt2 is not in PREIMAGE_WEIGHTS_DIR" in ended_process.stderr


def test_a_redis_that_would_lose_jobs_is_refused(redis_url: str) -> None:
    ended_process = start_expecting_failure(PREIMAGE_REDIS_URL=redis_url)
    assert ended_process.returncode == 2
    assert "appendonly" in ended_process.stderr
    assert "PREIMAGE_ALLOW_VOLATILE_REDIS=1" in ended_process.stderr


def test_a_redis_that_refuses_the_credentials_is_named_by_its_setting(
    redis_server: RedisServer,
) -> None:
    url = f"unix://nobody@{redis_server.socket}?password=wrong"
    ended_process = start_expecting_failure(PREIMAGE_REDIS_URL=url)
    assert ended_process.returncode == 2
    assert "PREIMAGE_REDIS_URL leads to a Redis that refuses us" in ended_process.stderr


def test_a_device_that_does_not_return_is_left_in_time() -> None:
    code = (
        "import ctypes, threading, time\n"
        # As libraries of mathematics do when they are imported: a thread that blocks no signal.
        "threading.Thread(target=time.sleep, args=(300,), daemon=True).start()\n"
        "from preimage_worker.shutdown import Shutdown\n"
        "shutdown = Shutdown()\n"
        "shutdown.watch(lambda: None, lambda: print('handed back', flush=True), 0.2)\n"
        "print('ready', flush=True)\n"
        "while True: ctypes.CDLL(None).sleep(300)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as stuck:
        assert stuck.stdout is not None
        assert stuck.stdout.readline() == "ready\n"
        stuck.terminate()
        assert stuck.stdout.readline() == "handed back\n"
        assert stuck.wait(120) == 0


def test_every_metric_is_documented_and_every_documented_metric_exists() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "metrics-worker.md"
    documented = set(re.findall(r"^\| `(preimage_\w+)`", page.read_text(), re.MULTILINE))
    declared = set()
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            declared.add(family.name + suffix)
    assert declared == documented


def test_jobs_of_a_broken_device_are_tried_again_one_by_one(
    server: RedisServer, own_queue: Queue, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    queue, namespace = own_queue, request_id(request)
    code = (
        "import sys\n"
        "from preimage_worker import __main__\n"
        "from preimage_worker.inversion.lanes import LaneBatch\n"
        "honest = LaneBatch.run\n"
        "def run(batch, steps):\n"
        "    if len(batch) == 2:\n"
        "        raise RuntimeError('CUDA error: an illegal memory access was encountered')\n"
        "    return honest(batch, steps)\n"
        "LaneBatch.run = run\n"
        "sys.exit(__main__.main())\n"
    )
    process = WorkerProcess(server.url, tmp_path, PREIMAGE_NAMESPACE=namespace)
    process.command = [sys.executable, "-c", code]
    with process as worker:
        jobs_held = [submit(queue, long_job(seed=n), f"{namespace}-{n}") for n in range(2)]
        assert worker.process.wait(120) == 3
    for job in jobs_held:
        left = detail(queue, job).job
        assert (left.state, left.deliveries, left.solo) == (State.QUEUED, 1, True)
        assert left.last_failure == "WORKER_ERROR"
