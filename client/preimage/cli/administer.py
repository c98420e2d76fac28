"""`preimage admin …`: workers, the queue and its dead letters, for operators."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from preimage.cli.admin import Admin
from preimage.cli.options import DEFAULT_ADMIN_TARGET, AdminTarget, JobId, Json
from preimage.cli.output import counted, print_json, print_table, say
from preimage.details import details_of_status
from preimage.enums import State
from preimage.jobinfo import job_from_wire
from preimage.v1 import admin_service_pb2 as wire
from preimage.v1 import preimage_pb2, spec_pb2

__all__ = ["dead", "drain", "queue", "requeue", "workers"]

_MIB = 2**20
_LANES = {
    spec_pb2.LANE_UNSPECIFIED: "instant",
    spec_pb2.LANE_INTERACTIVE: "interactive",
    spec_pb2.LANE_BATCH: "batch",
}

WorkerName = Annotated[
    str, typer.Argument(metavar="NAME", help="A worker, as `preimage admin workers` lists them.")
]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]


def workers(*, admin_target: AdminTarget = DEFAULT_ADMIN_TARGET, as_json: Json = False) -> None:
    """List the live workers."""
    with Admin(admin_target) as admin:
        found = admin.workers()
    if as_json:
        print_json({"workers": [_as_json(each) for each in found]})
        return
    rows = (
        (
            each.name,
            each.device,
            f"{each.active_slots}/{each.slots}",
            "" if each.audits else f"{each.slot_steps_per_second:.0f}",
            each.version,
            ", ".join(_remarks(each)),
        )
        for each in found
    )
    print_table(("name", "device", ">busy", ">steps × lanes / s", "version", ""), rows)


def _remarks(worker: wire.Worker) -> Iterator[str]:
    if worker.audits:
        yield "audits"
    if worker.draining:
        yield "drains"


def drain(
    name: WorkerName,
    *,
    admin_target: AdminTarget = DEFAULT_ADMIN_TARGET,
    as_json: Json = False,
) -> None:
    """Ask a worker to finish what it runs, to take nothing more, and to leave."""
    with Admin(admin_target) as admin:
        worker = admin.drain(name)
    if as_json:
        print_json(_as_json(worker))
        return
    say(f"{worker.name} drains.")


def queue(*, admin_target: AdminTarget = DEFAULT_ADMIN_TARGET, as_json: Json = False) -> None:
    """Show how much waits and runs, and how full Redis is."""
    with Admin(admin_target) as admin:
        stats = admin.queue_stats()
    if as_json:
        print_json(_as_json(stats))
        return
    rows = (
        (
            _LANES.get(each.lane, "?"),
            str(each.queued),
            f"{each.oldest_age.ToMilliseconds() / 1e3:g}",
        )
        for each in stats.lanes
    )
    print_table(("lane", ">queued", ">oldest, s"), rows)
    redis = stats.redis
    limit = f" of {redis.maximum_memory_bytes / _MIB:.0f}" if redis.maximum_memory_bytes else ""
    fleet = f"{counted(stats.workers, 'worker')} with {counted(stats.slots, 'slot')}"
    typer.echo(f"{counted(stats.running, 'runs', 'run')} on {fleet}.")
    dead_letters = counted(stats.dead_letters, "dead letter")
    typer.echo(f"{dead_letters}; {stats.queued_bytes / _MIB:.1f} MiB wait.")
    typer.echo(f"Redis {redis.version}: {redis.used_memory_bytes / _MIB:.1f}{limit} MiB in use.")


def dead(
    *,
    limit: Limit = 20,
    admin_target: AdminTarget = DEFAULT_ADMIN_TARGET,
    as_json: Json = False,
) -> None:
    """List the jobs of all tenants that failed for good, newest first."""
    with Admin(admin_target) as admin:
        found = admin.dead_letters(limit)
    if as_json:
        print_json({"dead_letters": [_as_json(each) for each in found]})
        return
    rows = (
        (
            each.preimage.id,
            each.tenant,
            job_from_wire(each.preimage).representation,
            str(each.deliveries),
            details_of_status(each.preimage.error).reason,
            each.preimage.error.message,
        )
        for each in found
    )
    print_table(("id", "tenant", "representation", ">deliveries", "reason", "error"), rows)


def requeue(
    job_id: JobId, *, admin_target: AdminTarget = DEFAULT_ADMIN_TARGET, as_json: Json = False
) -> None:
    """Put a dead letter back into the queue; it runs alone."""
    with Admin(admin_target) as admin:
        job = admin.requeue(job_id)
    if as_json:
        state = preimage_pb2.State.Name(job.state).removeprefix("STATE_")
        print_json({"id": job.id, "state": str(State(state))})
        return
    say(f"{job.id} waits again.")


def _as_json(message: Message) -> dict[str, Any]:
    """Every field under its name in the wire contract."""
    found: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return found
