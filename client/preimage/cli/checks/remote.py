"""What the service says: reachable, which models, which workers, how its queue and Redis are."""

from collections.abc import Iterator

from preimage.cli.admin import Admin
from preimage.cli.checks.finding import Finding, Verdict
from preimage.cli.output import counted
from preimage.cli.session import session
from preimage.enums import Availability
from preimage.errors import (
    BadInput,
    HandshakeFailed,
    NotAllowed,
    PreimageError,
    ServiceError,
)
from preimage.models import ModelInfo
from preimage.v1 import admin_service_pb2 as wire

__all__ = ["admin_findings", "queue_findings", "service_findings", "unseen", "worker_findings"]

_MIB = 2**20
_NEARLY_FULL = 0.9


def service_findings(target: str) -> Iterator[Finding]:
    """Asks the service for its models."""
    try:
        with session(target) as client:
            models = client.models()
    except PreimageError as error:
        yield Finding("service", Verdict.WRONG, str(error))
        return
    yield Finding("service", Verdict.FINE, f"It answers at {target}.")
    yield from map(_model, models)
    if not any(model.availability is Availability.SERVED for model in models):
        yield Finding(
            "models", Verdict.WRONG, "No model is served.", "Start a worker: `preimage work`."
        )


def admin_findings(target: str, *, was_named: bool = True) -> Iterator[Finding]:
    """Asks the AdminService for workers, queue and Redis.

    One that does not answer is wrong where its address was named: callers need none.
    """
    try:
        with Admin(target) as admin:
            workers, stats = admin.workers(), admin.queue_stats()
    except PreimageError as error:
        yield _refused(error, target, was_named=was_named)
        return
    yield from worker_findings(workers)
    yield from queue_findings(stats)


def unseen(why: str, verdict: Verdict = Verdict.NOTE) -> Finding:
    """That nothing is known of workers, queue and Redis."""
    return Finding(
        "admin",
        verdict,
        f"{why} So workers and Redis cannot be seen.",
        "Name its address with --admin-target, or PREIMAGE_ADMIN_TARGET.",
    )


def _refused(error: PreimageError, target: str, *, was_named: bool) -> Finding:
    """Why the AdminService told nothing: a refusal with a reason comes from itself."""
    reason = error.reason if isinstance(error, ServiceError) else ""
    if reason == "PERMISSION_DENIED":  # as it is for every caller who is no operator
        return Finding("admin", Verdict.NOTE, str(error))
    if reason or (was_named and isinstance(error, BadInput | NotAllowed | HandshakeFailed)):
        return Finding("admin", Verdict.WRONG, str(error))
    verdict = Verdict.WRONG if was_named else Verdict.NOTE
    return unseen(f"The AdminService does not answer at {target}.", verdict)


def worker_findings(workers: list[wire.Worker]) -> Iterator[Finding]:
    """Judges the live workers; auditors need others that invert."""
    if all(worker.audits for worker in workers):
        yield Finding(
            "workers", Verdict.WRONG, "No worker is alive.", "Start one: `preimage work`."
        )
    for worker in workers:
        role = "auditor" if worker.audits else "worker"
        note = Verdict.NOTE if worker.draining else Verdict.FINE
        draining = "; it drains" if worker.draining else ""
        yield Finding(
            f"{role} {worker.name}",
            note,
            f"{worker.device}, {_work(worker)}, preimage {worker.version}{draining}.",
        )


def _work(worker: wire.Worker) -> str:
    if worker.audits:
        return "carries out an audit" if worker.active_slots else "waits for an audit"
    busy = f"{worker.active_slots} of {worker.slots} lanes busy"
    rate = worker.slot_steps_per_second
    return f"{busy}, {rate:.0f} steps × lanes a second" if rate else busy


def queue_findings(stats: wire.GetQueueStatsResponse) -> Iterator[Finding]:
    """Judges the queue and the Redis under it."""
    queued = sum(lane.queued for lane in stats.lanes)
    waiting = counted(queued, "job waits", "jobs wait")
    running = counted(stats.running, "runs", "run")
    yield Finding("queue", Verdict.FINE, f"{waiting}, {running}.")
    if stats.dead_letters:
        yield Finding(
            "dead letters",
            Verdict.NOTE,
            f"{counted(stats.dead_letters, 'job')} failed for good.",
            "`preimage admin dead` says why; `preimage admin requeue ID` tries one again.",
        )
    yield from _redis(stats.redis)


def _model(model: ModelInfo) -> Finding:
    if model.availability is Availability.SERVED:
        return Finding(f"model {model.name}", Verdict.FINE, "Served.")
    return Finding(
        f"model {model.name}", Verdict.NOTE, model.unavailable_reason or "It is not served."
    )


def _redis(redis: wire.RedisStats) -> Iterator[Finding]:
    limit = redis.maximum_memory_bytes
    bound = f" of {limit / _MIB:.0f}" if limit else ""
    memory = f"{redis.used_memory_bytes / _MIB:.1f}{bound} MiB in use"
    yield Finding("redis", Verdict.FINE, f"Version {redis.version}, {memory}.")
    if not redis.append_only:
        yield Finding(
            "redis persistence",
            Verdict.WRONG,
            "The append-only file is off: accepted jobs are lost when Redis stops.",
            "Run `redis-cli CONFIG SET appendonly yes` now and write it into Redis' configuration: "
            "restarted without its file, Redis has lost what it holds.",
        )
    if redis.eviction_policy != "noeviction":
        yield Finding(
            "redis eviction",
            Verdict.WRONG,
            f"The eviction policy is {redis.eviction_policy}: Redis may throw jobs away.",
            "Run `redis-cli CONFIG SET maxmemory-policy noeviction` now, and write it into Redis' "
            "configuration.",
        )
    if limit and redis.used_memory_bytes > _NEARLY_FULL * limit:
        yield Finding(
            "redis memory",
            Verdict.WRONG,
            "Redis is nearly full: new jobs are refused.",
            "Delete results, or raise maxmemory.",
        )
