"""The dashboard of the running batches: how well slots, steps and memory are used."""

from deploy.grafana.source.board import Board, Row, choice
from deploy.grafana.source.panels import heat, lines, quantile, rate, rates, rows

_OF = 'instance=~"$worker"'

_SLOTS = Row(
    "Slots",
    (
        lines(
            "Occupancy",
            "percentunit",
            "Share of the slots that took part in steps, while there were steps.",
            (f"preimage:occupancy:ratio_rate5m{{{_OF}}}", "{{instance}}"),
            alerts=("PreimageOccupancyLow",),
            top=1,
        ),
        lines(
            "Slots",
            "short",
            "Lanes that run, lanes of claimed jobs that join next, and room for lanes.",
            (f"sum(preimage_batch_slots_active{{{_OF}}})", "running"),
            (f"sum(preimage_batch_slots_prefetched{{{_OF}}})", "prefetched"),
            (f"sum(preimage_batch_slots{{{_OF}}})", "all"),
            alerts=("PreimageSlotsWithoutSteps",),
        ),
        heat(
            "Lanes in a round",
            "short",
            "How many lanes shared a round of steps.",
            "preimage_batch_lanes",
            _OF,
        ),
        lines(
            "Lanes that join, by reason",
            "cps",
            "New ones, and ones that go on from a checkpoint.",
            (rates("preimage_lanes_joined_total", "reason", _OF), "{{reason}}"),
        ),
        lines(
            "Lanes that leave, by reason",
            "cps",
            "lost: the lease was; handed_back: for want of memory, or because of a drain.",
            (rates("preimage_lanes_left_total", "reason", _OF), "{{reason}}"),
            alerts=("PreimageLeasesExpire",),
        ),
        lines(
            "Jobs held",
            "short",
            "Jobs that a worker holds a lease on.",
            (f"preimage_jobs_active{{{_OF}}}", "{{instance}}"),
        ),
    ),
    per_line=3,
)

_STEPS = Row(
    "Steps",
    (
        heat("Time of a step", "s", "One step of the whole batch.", "preimage_step_seconds", _OF),
        lines(
            "Time of a step, by worker",
            "s",
            "Medians, and what one step in twenty takes longer than.",
            (quantile(0.5, "preimage_step_seconds", "instance", _OF), "{{instance}} median"),
            (quantile(0.95, "preimage_step_seconds", "instance", _OF), "{{instance}} 95 %"),
        ),
        lines(
            "Steps",
            "ops",
            "Optimisation steps a second, summed over the lanes.",
            (rates("preimage_lane_steps_total", "instance", _OF), "{{instance}}"),
            alerts=("PreimageSlotsWithoutSteps",),
        ),
        lines(
            "Boundary share",
            "percentunit",
            "Share of the busy time that goes into joining, leaving, measuring and checkpoints.",
            (f"preimage:boundary:ratio_rate5m{{{_OF}}}", "{{instance}}"),
            top=1,
        ),
        lines(
            "Time of the loop",
            "percentunit",
            "What the computing threads do, as a share of one thread.",
            (rates("preimage_loop_seconds_total", "activity", _OF), "{{activity}}"),
            stacked=True,
        ),
        lines(
            "Checkpoints",
            "Bps",
            "Bytes of checkpoints written to Redis.",
            (rates("preimage_checkpoint_bytes_total", where=_OF), "written"),
        ),
    ),
    per_line=3,
)

_DEVICES = Row(
    "Devices",
    (
        lines(
            "Memory on the device",
            "bytes",
            "What torch holds, and what the GPU has; 0 on a CPU.",
            (f"preimage_device_memory_bytes{{{_OF}}}", "{{instance}}"),
            (f"preimage_device_memory_limit_bytes{{{_OF}}}", "{{instance}} has"),
        ),
        lines(
            "Memory of the processes",
            "bytes",
            "Resident memory of workers and auditors.",
            (
                f"process_resident_memory_bytes{{{_OF}}} and on (instance) preimage_batch_slots",
                "{{instance}}",
            ),
        ),
        lines(
            "Processor time",
            "percentunit",
            "Share of one core.",
            (
                rate("process_cpu_seconds_total", _OF) + " and on (instance) preimage_batch_slots",
                "{{instance}}",
            ),
        ),
        lines(
            "Rounds without memory",
            "cps",
            "The batch is halved, and what does not fit goes back to the queue.",
            (rates("preimage_out_of_memory_total", "instance", _OF), "{{instance}}"),
        ),
        lines(
            "Models",
            "short",
            "Models of the workers' catalogues, by availability.",
            (f"max by (availability) (preimage_models{{{_OF}}})", "{{availability}}"),
        ),
        rows(
            "Workers",
            "Devices and versions.",
            (f"preimage_worker_build_info{{{_OF}}}", "{{instance}}"),
        ),
    ),
    per_line=3,
)

BOARD = Board(
    slug="batching",
    title="batching and GPU",
    description="How well workers use their slots, their time and their memory.",
    rows=(_SLOTS, _STEPS, _DEVICES),
    variables=(choice("worker", "Worker", "label_values(preimage_batch_slots, instance)"),),
)
