"""What an auditor says of itself: to the queue's registry, and through it to operators."""

import time
from importlib.metadata import version

from preimage.v1 import admin_service_pb2 as admin
from preimage_orders import AUDIT_POOL
from preimage_queue import WorkerNotice
from preimage_worker.announcing import Profile


def notice(profile: Profile, *, active: int) -> WorkerNotice:
    """What it announces now; `active` is the number of audits that it carries out."""
    info = admin.Worker(
        name=profile.name,
        device=profile.device,
        slots=profile.slots,
        active_slots=active,
        version=version("preimage"),
        audits=True,
    )
    info.start_time.FromNanoseconds(int(profile.started_at * 1e9))
    info.seen_time.FromNanoseconds(time.time_ns())
    return WorkerNotice(
        name=profile.name,
        slots=profile.slots,
        cost_per_second=0.0,
        pools=(AUDIT_POOL,),
        models=(),
        info=info.SerializeToString(),
    )
