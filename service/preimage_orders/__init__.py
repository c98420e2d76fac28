"""Orders: what a job of the queue is made of, for whoever brings jobs there."""

from preimage_orders.fit import Fit, Size
from preimage_orders.jobs import Order, deadline_seconds, lane_of, new_job, pool_of, steps_ahead
from preimage_orders.presets import AUTO, INVERTING, preset_of, presets_for, steps_of

__all__ = [
    "AUTO",
    "INVERTING",
    "Fit",
    "Order",
    "Size",
    "deadline_seconds",
    "lane_of",
    "new_job",
    "pool_of",
    "preset_of",
    "presets_for",
    "steps_ahead",
    "steps_of",
]
