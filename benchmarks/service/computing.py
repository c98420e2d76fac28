"""What the service leaves of the engine's speed, and of the batch's slots.

Jobs are the same in every run: a picture each, SqueezeNet's features.5 with random weights at 96
pixels, 20 to 160 steps. The engine alone gets them all at once, in a process of its own, with the
same thread of torch and no courier; the service gets them through the SDK, frontend and Redis.
"""

import argparse
import multiprocessing
import os
import random
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import preimage
from preimage.embedded import Stack, StackOptions
from preimage.v1 import tensor_pb2, work_pb2
from preimage_worker import catalogue, device
from preimage_worker.engine import Engine
from preimage_worker.jobs import Delivery, Ticket
from preimage_worker.models import Models
from preimage_worker.settings import Settings

MODEL, LAYER, SIDE, SLOTS = "net", "features.5", 96, 16
STEPS = (20, 40, 80, 160)
CATALOGUE = f"""
[models.{MODEL}]
architecture = "torchvision:squeezenet1_0"
weights = {{ random = 1 }}
input_size = [{SIDE}, {SIDE}]
layers = ["features.*"]
"""
POLL_SECONDS = 0.25


class Run(NamedTuple):
    """One run over all jobs."""

    inversions_per_second: float
    occupancy: float
    """Lane-steps over the steps of all slots, from when all jobs were there until none waited."""


def share(options: argparse.Namespace) -> list[dict[str, object]]:
    """Inversions per second of the engine alone and end to end, in turn."""
    alone, served = [], []
    with _variables():
        for _ in range(options.rounds):
            alone.append(_engine(options.jobs, static=False).inversions_per_second)
            served.append(_service(options.jobs).inversions_per_second)
    ratios = [ours / bare for ours, bare in zip(served, alone, strict=True)]
    return [
        {
            "jobs": options.jobs,
            "engine_per_second": round(statistics.median(alone), 3),
            "service_per_second": round(statistics.median(served), 3),
            "share": round(statistics.median(ratios), 3),
            "shares": ", ".join(f"{ratio:.3f}" for ratio in ratios),
        }
    ]


def occupancy(options: argparse.Namespace) -> list[dict[str, object]]:
    """Slots in use while jobs wait: of the service, and of batches filled once."""
    with _variables():
        runs = {
            "the service": _service(options.jobs).occupancy,
            "static batches": _engine(options.jobs, static=True).occupancy,
        }
    return [{"jobs": options.jobs, "by": by, "occupancy": round(of, 3)} for by, of in runs.items()]


@contextmanager
def _variables() -> Iterator[None]:
    """The environment of every process of a run."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "catalogue.toml"
        catalogue.write_text(CATALOGUE)
        mine = {
            "OMP_NUM_THREADS": "1",
            "PREIMAGE_THREADS": "1",
            "PREIMAGE_SLOTS": str(SLOTS),
            "PREIMAGE_CATALOGUE": str(catalogue),
            "PREIMAGE_DOWNLOAD_MODELS": "none",
        }
        before = {name: os.environ.get(name) for name in mine}
        os.environ.update(mine)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})


def _steps(jobs: int) -> list[int]:
    return random.Random(0).choices(STEPS, k=jobs)


def _picture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def _service(jobs: int) -> Run:
    """From the first submission to the last end, by Redis' clock."""
    with Stack(StackOptions(workers=1)) as stack, preimage.Client(stack.target) as client:
        fixed: dict[str, Any] = {"model": MODEL, "layer": LAYER, "preset": "mv2016"}
        client.invert(_picture(), steps=STEPS[0], seed=jobs, **fixed)  # loads the model
        address = stack.announcements["worker-0"]["metrics"]
        handles = [
            client.submit(_picture(), steps=steps, seed=seed, **fixed)
            for seed, steps in enumerate(_steps(jobs))
        ]
        before = full = _counters(address)
        while any(job.state is preimage.State.QUEUED for job in client.jobs()):
            full = _counters(address)
            time.sleep(POLL_SECONDS)
        for handle in handles:
            handle.result()
        infos = [handle.refresh() for handle in handles]
    begun = min(info.created for info in infos if info.created)
    ended = max(info.ended for info in infos if info.ended)
    lanes, slots = (after - first for after, first in zip(full, before, strict=True))
    return Run(jobs / (ended - begun).total_seconds(), lanes / max(slots, 1))


def _counters(address: str) -> tuple[float, float]:
    """Lane-steps and slot-steps of a worker so far."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines())
    return float(lines["preimage_lane_steps_total"]), float(lines["preimage_slot_steps_total"])


def _engine(jobs: int, *, static: bool) -> Run:
    """The engine in a process of its own."""
    start = multiprocessing.get_context("spawn")
    answers = start.Queue()
    process = start.Process(target=_run_engine, args=(jobs, static, answers))
    process.start()
    run = Run(*answers.get())
    process.join()
    return run


def _run_engine(jobs: int, static: bool, answers: "multiprocessing.Queue[Run]") -> None:  # noqa: FBT001
    """All jobs at once; with `static`, nobody joins a batch that has begun."""
    settings = Settings.from_environment(os.environ)
    device.set_up(settings.threads)
    place = torch.device("cpu")
    engine = Engine(Models(catalogue.load(settings.catalogue), settings, place), settings, place)
    _warm_up(engine)
    left = [_delivery(steps, seed) for seed, steps in enumerate(_steps(jobs))]
    lane_steps = slot_steps = 0
    begun = time.perf_counter()
    while left or engine.active:
        room = 0 if static and engine.active else engine.free
        for delivery in left[:room]:
            engine.admit(delivery)
        del left[:room]
        for lanes, steps, _ in engine.boundary().batches:
            lane_steps += lanes * steps
            slot_steps += SLOTS * steps
    answers.put(Run(jobs / (time.perf_counter() - begun), lane_steps / slot_steps))


def _warm_up(engine: Engine) -> None:
    """Load the network."""
    engine.admit(_delivery(STEPS[0], 2**20))
    while engine.active:
        engine.boundary()


def _delivery(steps: int, seed: int) -> Delivery:
    """A job as the courier hands it over."""
    pixels = _picture()
    item = work_pb2.WorkItem()
    item.invert.representation.model, item.invert.representation.layer = MODEL, LAYER
    item.invert.optimiser.preset, item.invert.optimiser.steps = "mv2016", steps
    item.invert.seed = seed
    uploaded = item.invert.target.picture.uploaded
    uploaded.digest, uploaded.dtype = "picture", tensor_pb2.DATA_TYPE_UINT8
    uploaded.shape.extend(pixels.shape)
    return Delivery(
        ticket=Ticket(f"job-{seed}", 1, "default"),
        item=item,
        blobs={"picture": pixels.tobytes()},
        sent=pixels,
        checkpoint=None,
        queued_seconds=0.0,
        claimed_at=time.monotonic(),
        deadline_at=None,
    )
