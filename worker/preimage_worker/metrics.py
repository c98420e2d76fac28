"""Every metric of the worker, declared once. docs/reference/metrics.md says what they mean."""

from prometheus_client import Counter, Gauge, Histogram, Info

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600)
_STEP_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_ERRORS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1)

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
LANE_STEPS = Counter("preimage_lane_steps", "Optimisation steps, summed over the lanes.")
SLOT_STEPS = Counter("preimage_slot_steps", "Optimisation steps, times the slots that there were.")
CLAIMED = Counter("preimage_jobs_claimed", "Jobs taken from the queue.")
RESUMED = Counter("preimage_jobs_resumed", "Jobs that went on from a checkpoint.")
SETTLED = Counter("preimage_jobs_settled", "Jobs settled, by how they ended.", ["outcome"])
STALE = Counter("preimage_stale_settlements", "Settlements refused: another attempt holds the job.")
LEFT = Counter("preimage_lanes_left", "Finished lanes, by how they ended.", ["outcome"])
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
QUEUE_ERRORS = Counter("preimage_queue_errors", "Calls to the queue that failed.", ["kind"])
BEAT_SECONDS = Histogram("preimage_beat_seconds", "Round trip of a beat.", buckets=_STEP_SECONDS)
DEVICE_MEMORY = Gauge("preimage_device_memory_bytes", "Memory that torch holds on the device.")
MODELS = Gauge("preimage_models", "Models of the catalogue, by availability.", ["availability"])
AUDIT_CELLS = Counter("preimage_audit_cells", "Cells of audits finished.")
AUDITS_SETTLED = Counter(
    "preimage_audits_settled", "Audits settled, by how they ended.", ["outcome"]
)
