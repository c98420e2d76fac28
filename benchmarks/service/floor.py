"""What a call with a code cannot do without: receiving, naming, checking and storing 590 KB.

Each part alone, as bare as it can be had, in processor time of both ends: what is left of a call at
the door beyond their sum is the service's own.
"""

import argparse
import asyncio
import multiprocessing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np

from benchmarks.service.door import SHAPE
from benchmarks.service.processor import used_ms
from benchmarks.service.queue_alone import own_redis
from preimage.v1.tensor_pb2 import DataType
from preimage_queue import QueueSettings, blob_digest
from preimage_queue.connections import connect
from preimage_service.checks.tensors import check_elements

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

ROUNDS, WARM = 300, 5
SERVICE, METHOD = "bare.Service", "Take"
KEYS = 20
"""Values that Redis holds at one time."""


def measure(_: argparse.Namespace) -> list[dict[str, object]]:
    """Processor milliseconds of each part, of who asks and of who answers."""
    code = np.random.default_rng(0).random(SHAPE, dtype=np.float32).tobytes()
    kind = DataType.DATA_TYPE_FLOAT32
    return [
        _received(code),
        _row("SHA-256", lambda _: blob_digest(code)),
        _row("check of elements", lambda _: list(check_elements(kind, code, ""))),
        _stored(code),
    ]


def _row(part: str, step: Callable[[int], object]) -> dict[str, object]:
    for number in range(WARM):
        step(number)
    before = used_ms()
    for number in range(ROUNDS):
        step(number)
    return _spent(part, before)


def _spent(part: str, before: dict[str, float]) -> dict[str, object]:
    spent = {end: (ms - before[end]) / ROUNDS for end, ms in used_ms().items()}
    asks = spent.pop("client")
    answers = sum(spent.values())
    return {"part": part, "asks_cpu_ms": round(asks, 2), "answers_cpu_ms": round(answers, 2)}


def _stored(code: bytes) -> dict[str, object]:
    with own_redis() as url, connect(QueueSettings(url=url)) as client:
        return _row("SET in Redis", lambda number: client.set(f"{number % KEYS}", code))


def _received(code: bytes) -> dict[str, object]:
    start = multiprocessing.get_context("spawn")
    ports = start.Queue()
    server = start.Process(target=_serve, args=(ports,))
    server.start()
    try:
        return asyncio.run(_ask(ports.get(), code))
    finally:
        server.terminate()
        server.join()


async def _ask(port: int, code: bytes) -> dict[str, object]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_unary(f"/{SERVICE}/{METHOD}")
        for _ in range(WARM):
            await call(code)
        before = used_ms()
        for _ in range(ROUNDS):
            await call(code)
        return _spent("gRPC, to a server that does nothing", before)


def _serve(ports: "Queue[int]") -> None:
    asyncio.run(_answer(ports))


async def _answer(ports: "Queue[int]") -> None:
    async def take(_: bytes, __: object) -> bytes:
        return b""

    server = grpc.aio.server()
    handlers: dict[str, Any] = {METHOD: grpc.unary_unary_rpc_method_handler(take)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    ports.put(server.add_insecure_port("127.0.0.1:0"))
    await server.start()
    await server.wait_for_termination()
