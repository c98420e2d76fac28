"""Every metric of the worker, declared once. docs/reference/metrics-worker.md explains them.

Labels whose values are known are there from the start, with 0: a rate can only be taken of what was
seen before it grew, and "none yet" looks different from "nobody counts".
"""

from collections.abc import Iterable
from dataclasses import fields

from prometheus_client import Counter, Gauge, Histogram, Info

from preimage_queue import Reaped

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600)
_STEP_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_STEPS = (10, 30, 100, 200, 300, 500, 1000, 2000, 5000, 20000)
_ERRORS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1)


def _counter(name: str, text: str, label: str, values: Iterable[str]) -> Counter:
    """A counter with one label that begins at 0 for each of these values."""
    made = Counter(name, text, [label])
    for value in values:
        made.labels(value)
    return made


BUILD = Info("preimage_worker_build", "Versions and device of this worker.")
SLOTS = Gauge("preimage_batch_slots", "Lanes that the batch can hold now.")
SLOTS_ACTIVE = Gauge("preimage_batch_slots_active", "Lanes that are running.")
SLOTS_PREFETCHED = Gauge(
    "preimage_batch_slots_prefetched", "Lanes of claimed jobs that join once there is room."
)
JOBS_ACTIVE = Gauge("preimage_jobs_active", "Jobs that this worker holds a lease on.")
STEP_SECONDS = Histogram(
    "preimage_step_seconds", "Time of one step of the whole batch.", buckets=_STEP_SECONDS
)
BATCH_LANES = Histogram(
    "preimage_batch_lanes", "Lanes that shared a round of steps.", buckets=(1, 2, 4, 8, 16, 32, 64)
)
LOOP_SECONDS = _counter(
    "preimage_loop_seconds",
    "What the computing thread did with its time.",
    "activity",
    ("steps", "boundary", "waiting"),
)
LANE_STEPS = Counter("preimage_lane_steps", "Optimisation steps, summed over the lanes.")
SLOT_STEPS = Counter("preimage_slot_steps", "Optimisation steps, times the slots that there were.")
STEP_RATE = Gauge("preimage_lane_steps_per_second", "Steps times lanes, lately.")
CLAIMED = Counter("preimage_jobs_claimed", "Jobs taken from the queue.")
REDELIVERED = Counter("preimage_jobs_redelivered", "Claims of jobs that had an attempt before.")
REAPED = _counter(
    "preimage_queue_reaped_jobs",
    "Jobs that this process found overdue, by what became of them.",
    "fate",
    (fate.name for fate in fields(Reaped)),
)
RESUMED = Counter("preimage_jobs_resumed", "Jobs that went on from a checkpoint.")
SETTLED = _counter(
    "preimage_jobs_settled",
    "Jobs settled, by how they ended.",
    "outcome",
    ("succeeded", "failed", "cancelled", "handed_back", "crashed"),
)
STALE = Counter("preimage_stale_settlements", "Settlements refused: another attempt holds the job.")
JOINED = _counter(
    "preimage_lanes_joined", "Lanes that joined the batch.", "reason", ("new", "resumed")
)
LEFT = _counter(
    "preimage_lanes_left",
    "Lanes that left the batch, by why.",
    "reason",
    (
        *("converged", "target_reached", "step_limit", "deadline", "diverged"),
        *("failed", "cancelled", "lost", "handed_back"),
    ),
)
FINISHED_STEPS = Histogram(
    "preimage_finished_lane_steps", "Steps that delivered pre-images took.", buckets=_STEPS
)
QUEUE_SECONDS = Histogram(
    "preimage_job_queue_seconds", "From acceptance to the last claim.", buckets=_SECONDS
)
RUN_SECONDS = Histogram("preimage_job_run_seconds", "From claim to settlement.", buckets=_SECONDS)
RELATIVE_ERROR = Histogram(
    "preimage_relative_error",
    "Relative error of delivered 8-bit pictures.",
    ["model", "layer"],
    buckets=_ERRORS,
)
LOST = Counter("preimage_leases_lost", "Jobs whose lease was lost while they ran.")
STALLED = Counter("preimage_jobs_stalled", "Jobs that were not renewed: their step did not move.")
CHECKPOINTS = Counter("preimage_checkpoints", "Checkpoints written.")
CHECKPOINT_BYTES = Counter("preimage_checkpoint_bytes", "Bytes of checkpoints written.")
OUT_OF_MEMORY = Counter("preimage_out_of_memory", "Rounds that the device had no memory for.")
QUEUE_ERRORS = _counter(
    "preimage_queue_errors",
    "Calls to the queue that failed.",
    "kind",
    ("QueueUnavailableError", "QueueFullError", "QueueRefusedError", "QueueBrokenError"),
)
BEAT_SECONDS = Histogram("preimage_beat_seconds", "Round trip of a beat.", buckets=_STEP_SECONDS)
DEVICE_MEMORY = Gauge("preimage_device_memory_bytes", "Memory that torch holds on the device.")
DEVICE_MEMORY_LIMIT = Gauge(
    "preimage_device_memory_limit_bytes", "Memory that the device has; 0 on a CPU."
)
MODELS = Gauge("preimage_models", "Models of the catalogue, by availability.", ["availability"])
AUDIT_CELLS = Counter("preimage_audit_cells", "Cells of audits finished.")
AUDITS_ACTIVE = Gauge("preimage_audits_active", "Audits that this auditor carries out.")
AUDITS_SETTLED = _counter(
    "preimage_audits_settled",
    "Audits settled, by how they ended.",
    "outcome",
    ("succeeded", "failed", "cancelled", "handed_back", "lost", "crashed"),
)
