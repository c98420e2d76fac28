"""Whole campaigns against processes, and what they leave behind there."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import grpc
from google.rpc.error_details_pb2 import ErrorInfo

from preimage.v1 import preimage_pb2 as preimages
from preimage.v1 import preimage_service_pb2 as calls
from preimage.v1.preimage_service_pb2_grpc import PreimageServiceStub
from tests.e2e.stacks import tiny_stack
from tests.fuzz import garbage as attacks
from tests.fuzz import seeds
from tests.fuzz.messages import mutate_message
from tests.fuzz.process import Frontend, frontend
from tests.fuzz.wire import Caller
from tests.worker import jobs as small
from tests.worker.process import until

GROWTH_BYTES: Final = 50 * 2**20
"""That a frontend may have grown by after it is warm."""
_FLOODED_MIB: Final = 600
"""That it may hold after floods: gRPC's core keeps some of what they needed, more while they follow
each other quickly."""
_MOST_DESCRIPTORS_MORE: Final = 20
_WARM_CALLS: Final = 0.2
_BAD_REASONS: Final = frozenset({"MAX_DELIVERIES", "WORKER_ERROR"})


async def wire(count: int, seed: int, least_warm: int = 500) -> dict[str, Any]:
    """Mutated calls against one frontend."""
    with frontend() as running:
        await Caller(running, seed + 1_000_000).run(max(least_warm, int(count * _WARM_CALLS)))
        before = _held(running)
        answers = await Caller(running, seed).run(count)
        findings = [*answers.wrong[:20], *_left(running, before)]
        return {
            "calls": answers.calls,
            "seconds": round(answers.seconds, 1),
            "codes": dict(answers.codes.most_common()),
            "methods": {name: dict(each) for name, each in sorted(answers.by_method.items())},
            "before": before,
            "after": _held(running),
            "findings": findings,
        }


def garbage(seed: int, rounds: int = 2) -> dict[str, Any]:
    """Every kind of garbage on every port, and then what stays of it."""
    began, findings, sent = time.perf_counter(), list[str](), Counter[str]()
    with frontend() as running:
        before = _held(running)
        for number in range(rounds):
            sent += Counter(_attack_all(running, seed + number, findings))
        findings += _left(running, {**before, "rss_mib": _FLOODED_MIB})
        return {
            "connections": dict(sent),
            "seconds": round(time.perf_counter() - began, 1),
            "before": before,
            "after": _held(running),
            "findings": findings,
        }


def _attack_all(running: Frontend, seed: int, findings: list[str]) -> Iterator[str]:
    for port, address in (
        ("calls", running.target),
        ("operators", running.admin),
        ("metrics", running.metrics),
    ):
        for kind in attacks.KINDS:
            yield from [f"{port}: {kind}"] * attacks.attack(address, kind, seed)
            if running.process.poll() is not None:
                findings.append(f"{port}: {kind} ended the process")
                return
            until(running.answers)


def _held(running: Frontend) -> dict[str, int]:
    """What the frontend holds, in memory and otherwise."""
    return {
        "rss_mib": running.rss_bytes() // 2**20,
        "descriptors": running.descriptors(),
        "threads": running.threads(),
        "calls_in_progress": running.calls_in_progress(),
    }


def _left(running: Frontend, before: dict[str, int]) -> list[str]:
    """What a frontend has not let go of, in words; it gets a while to do so."""
    if running.process.poll() is not None:
        return [f"the process ended with {running.process.returncode}"]
    findings = []
    for name, more in (
        ("rss_mib", GROWTH_BYTES // 2**20),
        ("descriptors", _MOST_DESCRIPTORS_MORE),
        ("calls_in_progress", 0),
    ):
        most = before[name] + more
        try:
            until(lambda name=name, most=most: _held(running)[name] <= most)  # type: ignore[misc]
        except AssertionError:
            findings.append(f"{name} went from {before[name]} to {_held(running)[name]}")
    if b"Traceback" in running.log.read_bytes():
        findings.append("there is a traceback in the log")
    return findings


def jobs(count: int, seed: int) -> dict[str, Any]:
    """Mutated jobs that a frontend accepts, on a real worker with small networks."""
    began, dice = time.perf_counter(), Random(f"{seed} jobs")
    with tempfile.TemporaryDirectory() as folder, tiny_stack(Path(folder)) as stack:
        with grpc.insecure_channel(stack.target) as channel:
            stub = PreimageServiceStub(channel)
            accepted, asked = _accepted(stub, dice, count)
            ended = [_ended(stub, job) for job in accepted]
        reasons = Counter(_reason(each) for each in ended)
    findings = [f"{reason}: {number}" for reason, number in reasons.items() if _bad(reason)]
    if len(ended) < count:
        findings.append(f"only {len(ended)} of {asked} jobs were accepted")
    return {
        "asked": asked,
        "jobs": len(ended),
        "seconds": round(time.perf_counter() - began, 1),
        "ended": dict(reasons.most_common()),
        "findings": findings,
    }


def _accepted(stub: Any, dice: Random, count: int) -> tuple[list[str], int]:  # noqa: ANN401
    """The ids of so many accepted jobs, and how many were asked for."""
    ids, asked = list[str](), 0
    while len(ids) < count and asked < 50 * count:
        asked += 1
        request = calls.CreatePreimageRequest()
        request.CopyFrom(dice.choice(_requests()))
        mutate_message(dice, request)
        request.ClearField("request_id")
        request.spec.optimiser.steps = min(max(request.spec.optimiser.steps, 1), 12)
        request.spec.restarts = min(request.spec.restarts, 3)
        try:
            ids.append(stub.CreatePreimage(request, timeout=60).preimage.id)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                time.sleep(0.5)
    return ids, asked


def _requests() -> list[calls.CreatePreimageRequest]:
    """Requests for the small network and for HOG."""
    found = []
    for item in seeds.items():
        request = calls.CreatePreimageRequest(spec=item.invert)
        if item.encoded_picture_digest:
            request.spec.target.picture.encoded = small.picture()
        elif request.spec.target.HasField("uploaded_features"):
            continue
        if request.spec.objective.HasField("uploaded_variance"):
            reference = request.spec.objective.uploaded_variance
            variance = request.spec.objective.variance
            variance.dtype, variance.data = reference.dtype, seeds.blobs()["variance"]
            variance.shape.extend([128, 6, 6])
        found.append(request)
    return found


def _ended(stub: Any, job: str) -> preimages.Preimage:  # noqa: ANN401
    found: list[preimages.Preimage] = []

    def over() -> bool:
        found[:] = [stub.GetPreimage(calls.GetPreimageRequest(id=job), timeout=60).preimage]
        return found[0].state not in (preimages.STATE_QUEUED, preimages.STATE_RUNNING)

    until(over)
    return found[0]


def _reason(job: preimages.Preimage) -> str:
    """How a job ended, in a word or two; its sentence where that shows a bug."""
    name = preimages.State.Name(job.state).removeprefix("STATE_")
    if job.state != preimages.STATE_FAILED:
        return name
    reason = _reason_of(job)
    shown = reason in _BAD_REASONS or "Traceback" in job.error.message
    return f"{name} {reason}" + (f" {job.error.message}" if shown else "")


def _reason_of(job: preimages.Preimage) -> str:
    """The reason of a failed job's own status."""
    info = ErrorInfo()
    for each in job.error.details:
        each.Unpack(info)
    return str(info.reason)


def _bad(reason: str) -> bool:
    return any(word in reason for word in _BAD_REASONS) or "Traceback" in reason
