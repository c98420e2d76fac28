"""The door under an open load: calls begin when they are due, however long earlier ones take."""

import argparse
import asyncio
import statistics
import time
from collections import Counter
from multiprocessing.synchronize import Event
from typing import Any

import grpc
import numpy as np

from benchmarks.service.loading import begin_when_due, served
from benchmarks.service.processor import per_call, used_ms
from preimage.v1 import admin_service_pb2, model_service_pb2, preimage_service_pb2, tensor_pb2
from preimage.v1.preimage_service_pb2_grpc import PreimageServiceStub
from preimage_queue import Finish, Queue, QueueSettings, State, WorkerNotice, new_id

SHAPE = (256, 24, 24)
"""Of a code of 590 KB: a middle layer of a network at 200 pixels."""
MODEL, DIGEST, LAYER = "standin", "0", "layer"
SLOTS, STEPS = 64, 200
POLL_SECONDS, ANNOUNCE_SECONDS, PATIENCE_SECONDS = 0.02, 5.0, 10.0
RETENTION_SECONDS = 5.0
"""Of results and their codes: at 200 calls a second a day of them is 10 TB."""


def measure(options: argparse.Namespace) -> list[dict[str, object]]:
    """Milliseconds of CreatePreimage and its status codes, at each rate in turn."""
    kept = {"PREIMAGE_QUEUE_RESULT_RETENTION_SECONDS": str(RETENTION_SECONDS)}
    with served(_settle_everything, kept) as (target, _):
        asyncio.run(_load(target, 20, 1.0))  # first calls open what later ones use
        return [
            _row(target, rate, options.seconds)
            for rate in map(float, options.per_second.split(","))
        ]


def _row(target: str, per_second: float, seconds: float) -> dict[str, object]:
    before = used_ms()
    took, codes = asyncio.run(_load(target, per_second, seconds))
    cuts = statistics.quantiles(took, n=1000)
    return {
        "per_second": per_second,
        "seconds": seconds,
        "code_kb": round(np.prod(SHAPE) * 4 / 1000),
        "p50_ms": round(1e3 * cuts[499], 1),
        "p95_ms": round(1e3 * cuts[949], 1),
        "p99_ms": round(1e3 * cuts[989], 1),
        "worst_ms": round(1e3 * max(took), 1),
        "answers": ", ".join(f"{count} {code}" for code, count in sorted(codes.items())),
        **per_call(before, len(took)),
    }


async def _load(target: str, per_second: float, seconds: float) -> tuple[list[float], Counter[str]]:
    """Calls from when they were due to their answers, and how they ended."""
    took: list[float] = []
    codes: Counter[str] = Counter()
    code = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    async with grpc.aio.insecure_channel(target) as channel:
        stub: Any = PreimageServiceStub(channel)

        async def call(number: int, due: float) -> None:
            code[0, 0, 0] = number  # codes are stored by content: each its own
            try:
                await stub.CreatePreimage(request_for(code), timeout=PATIENCE_SECONDS)
                codes["OK"] += 1
            except grpc.aio.AioRpcError as error:
                codes[error.code().name] += 1
            took.append(time.perf_counter() - due)

        await begin_when_due(per_second, seconds, call)
    return took, codes


def request_for(code: np.ndarray[Any, Any]) -> preimage_service_pb2.CreatePreimageRequest:
    """A job of its own, from a code."""
    request = preimage_service_pb2.CreatePreimageRequest(request_id=new_id())
    request.spec.representation.model = MODEL
    request.spec.representation.layer = LAYER
    features = request.spec.target.features
    features.dtype = tensor_pb2.DATA_TYPE_FLOAT32
    features.shape.extend(code.shape)
    features.data = code.tobytes()
    return request


def _settle_everything(url: str, ready: Event, over: Event) -> None:
    """A worker that computes nothing: the queue neither fills nor runs dry."""
    announced = 0.0
    settings = QueueSettings(url=url, result_retention_seconds=RETENTION_SECONDS)
    with Queue(settings) as queue:
        while not over.is_set():
            if time.monotonic() - announced > ANNOUNCE_SECONDS:
                announced = time.monotonic()
                announce(queue)
                queue.reap()
                ready.set()
            jobs = queue.claim(
                MODEL,
                new_id(),
                pools=(f"{MODEL}@{DIGEST}",),
                free_slots=SLOTS,
                capacity_slots=SLOTS,
            )
            for job in jobs:
                queue.finish(Finish(id=job.id, attempt=job.attempt, state=State.SUCCEEDED))
            if not jobs:
                over.wait(POLL_SECONDS)


def announce(queue: Queue, cost_per_second: float = 1e9) -> None:
    """What a worker of a model says that computes nothing."""
    model = model_service_pb2.Model(
        name=MODEL, digest=DIGEST, availability=model_service_pb2.AVAILABILITY_SERVED
    )
    model.preprocessing.input_size.height = model.preprocessing.input_size.width = 200
    model.preprocessing.minimum_side, model.preprocessing.channels = 32, 3
    model.layers.add(name=LAYER, kind="Conv2d", code_shape=SHAPE, stride=8)
    model.presets.add(name="auto", steps=STEPS)
    queue.publish_model(MODEL, model.SerializeToString())
    info = admin_service_pb2.Worker(name=MODEL, device="none", slots=SLOTS)
    queue.announce(
        WorkerNotice(
            name=MODEL,
            slots=SLOTS,
            cost_per_second=cost_per_second,
            pools=(f"{MODEL}@{DIGEST}",),
            models=(MODEL,),
            info=info.SerializeToString(),
        )
    )
