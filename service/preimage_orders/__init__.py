"""Orders: what a job of the queue is made of, for whoever brings jobs there."""

from preimage_orders.audits import (
    AUDIT_KEY,
    AUDIT_POOL,
    allowance_of,
    audit_job,
    inversion_prefix,
    is_of_an_audit,
    plan_of,
)
from preimage_orders.defences import DefenceFault, read_chain
from preimage_orders.fit import Fit, Size
from preimage_orders.jobs import Order, deadline_seconds, lane_of, new_job, pool_of, steps_ahead
from preimage_orders.presets import AUTO, INVERTING, preset_of, presets_for, steps_of
from preimage_orders.profiles import EFFORTS, Effort, effort_of
from preimage_orders.rungs import inverts, rung_name, rungs_of

__all__ = [
    "AUDIT_KEY",
    "AUDIT_POOL",
    "AUTO",
    "EFFORTS",
    "INVERTING",
    "DefenceFault",
    "Effort",
    "Fit",
    "Order",
    "Size",
    "allowance_of",
    "audit_job",
    "deadline_seconds",
    "effort_of",
    "inversion_prefix",
    "inverts",
    "is_of_an_audit",
    "lane_of",
    "new_job",
    "plan_of",
    "pool_of",
    "preset_of",
    "presets_for",
    "read_chain",
    "rung_name",
    "rungs_of",
    "steps_ahead",
    "steps_of",
]
