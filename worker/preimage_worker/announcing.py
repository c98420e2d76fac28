"""What a worker says of itself: to the queue's registry, and through it to operators."""

import os
import secrets
import socket
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import final

from preimage.v1 import admin_service_pb2 as admin
from preimage.v1 import model_service_pb2 as wire
from preimage_queue import WorkerNotice
from preimage_worker.models import Models


def make_name() -> str:
    """A name that no other process has: host, process and a random part."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


@final
@dataclass(frozen=True)
class Profile:
    """What stays the same while the process lives."""

    name: str
    device: str
    slots: int
    started_at: float
    """Seconds since 1970, for people only."""


def about(profile: Profile, active: int) -> admin.Worker:
    """What workers and auditors say alike; `active` is the number of lanes, or audits, that run."""
    info = admin.Worker(
        name=profile.name,
        device=profile.device,
        slots=profile.slots,
        active_slots=active,
        version=version("preimage"),
    )
    info.start_time.FromNanoseconds(int(profile.started_at * 1e9))
    info.seen_time.FromNanoseconds(time.time_ns())
    return info


def notice(
    profile: Profile, models: Models, *, active: int, batch_key: str, rate: float
) -> WorkerNotice:
    """What the worker announces now; `rate` is lane-steps a second with every slot taken."""
    names = [model.name for model in models.announcements()]
    served = [
        model.name
        for model in models.announcements()
        if model.availability == wire.AVAILABILITY_SERVED
    ]
    info = about(profile, active)
    info.models.extend(served)
    info.batch_key, info.slot_steps_per_second = batch_key, rate
    return WorkerNotice(
        name=profile.name,
        slots=profile.slots,
        cost_per_second=rate,
        pools=tuple(models.pools()),
        models=tuple(names),
        info=info.SerializeToString(),
    )
