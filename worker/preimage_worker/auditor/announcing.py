"""What an auditor says of itself: to the queue's registry, and through it to operators."""

from preimage_orders import AUDIT_POOL
from preimage_queue import WorkerNotice
from preimage_worker.announcing import Profile, about


def notice(profile: Profile, *, active: int) -> WorkerNotice:
    """What it announces now; `active` is the number of audits that it carries out."""
    info = about(profile, active)
    info.audits = True
    return WorkerNotice(
        name=profile.name,
        slots=profile.slots,
        cost_per_second=0.0,
        pools=(AUDIT_POOL,),
        models=(),
        info=info.SerializeToString(),
    )
