"""What one tenant may have in the queue, and use of the workers."""

from dataclasses import dataclass
from typing import Final, final

from preimage_queue.call import Argument

__all__ = ["NO_QUOTAS", "Quotas", "named_bytes", "named_limits"]


@final
@dataclass(frozen=True, slots=True)
class Quotas:
    """Bounds of a tenant. None: no bound of its own, only those of the whole queue."""

    jobs_queued: int | None = None
    """Jobs that may wait."""

    bytes_queued: int | None = None
    """Bytes of waiting jobs' specs and blobs, and of uploads that no job uses yet."""

    slot_seconds: float | None = None
    """Slots × seconds between claim and end that attempts may have taken within an hour."""


NO_QUOTAS: Final = Quotas()


def named_bytes(quotas: Quotas) -> dict[str, Argument]:
    """The bound of bytes, as scripts read it: empty for none."""
    most = quotas.bytes_queued
    return {"max_tenant_bytes": "" if most is None else most}


def named_limits(quotas: Quotas, max_jobs: int) -> dict[str, Argument]:
    """All bounds, as scripts read them; `max_jobs` is what holds for every tenant."""
    spent = quotas.slot_seconds
    jobs = max_jobs if quotas.jobs_queued is None else min(quotas.jobs_queued, max_jobs)
    return {
        **named_bytes(quotas),
        "max_tenant_jobs": jobs,
        "max_slot_ms": "" if spent is None else round(spent * 1000),
    }
