"""The dashboard of the queue and its Redis: leases, deliveries, dead letters, memory, safety."""

from deploy.grafana.source.board import Board, Row, choice
from deploy.grafana.source.panels import lines, number, quantile, rates

_LEASES = Row(
    "Leases",
    (
        lines(
            "Leases",
            "short",
            "As the queue counts them, and as the workers do. Audits count as one each.",
            ("preimage:running_jobs:max", "queue"),
            ("sum(preimage_jobs_active)", "workers"),
            ("sum(preimage_audits_active)", "auditors"),
        ),
        lines(
            "Leases that ran out",
            "cps",
            "requeued: somebody found it and gave the job to others; lost: its worker heard of it; "
            "stalled: its worker gave it up because nothing moved.",
            (rates("preimage_queue_reaped_jobs_total", where='fate="requeued"'), "requeued"),
            (rates("preimage_leases_lost_total"), "lost"),
            (rates("preimage_jobs_stalled_total"), "stalled"),
            alerts=("PreimageLeasesExpire",),
        ),
        lines(
            "Deliveries",
            "cps",
            "Redeliveries are claims of jobs that had an attempt before, whatever ended it.",
            (rates("preimage_jobs_claimed_total"), "claims"),
            (rates("preimage_jobs_redelivered_total"), "redeliveries"),
            (rates("preimage_jobs_resumed_total"), "from a checkpoint"),
            (rates("preimage_checkpoints_total"), "checkpoints written"),
        ),
        lines(
            "Dead letters",
            "short",
            "Jobs that were given up after too many bad ends; an operator can requeue them.",
            ('max(preimage_queue_jobs{state="dead"})', "dead"),
            alerts=("PreimageDeadLetters",),
        ),
        lines(
            "Writes that came too late",
            "cps",
            "Settlements that the queue refused because another attempt held the job.",
            (rates("preimage_stale_settlements_total", "instance"), "{{instance}}"),
            alerts=("PreimageStaleWrites",),
        ),
        lines(
            "Overdue jobs, by fate",
            "cps",
            "What frontends, workers and auditors found overdue.",
            (rates("preimage_queue_reaped_jobs_total", "fate"), "{{fate}}"),
        ),
    ),
    per_line=3,
)

_WAITING = Row(
    "Waiting",
    (
        lines(
            "Jobs by lane",
            "short",
            "Jobs that wait.",
            ('preimage:queued_jobs:max{lane=~"$lane"}', "{{lane}}"),
            alerts=("PreimageQueueNotDraining", "PreimageQueueOld"),
            stacked=True,
        ),
        lines(
            "Work",
            "s",
            "How long one worker of the present speed would take for all that waits.",
            ("preimage:queued_work_seconds:max", "one worker"),
            alerts=("PreimageQueueOld",),
        ),
        lines(
            "Bytes",
            "bytes",
            "What waiting jobs hold, and uploads that no job uses yet.",
            ("max(preimage_queue_bytes)", "held"),
        ),
    ),
)

_REDIS = Row(
    "Redis",
    (
        number(
            "Memory",
            "percentunit",
            "Share of maxmemory; at the limit Redis refuses new jobs.",
            ("preimage:redis_memory:ratio", "share"),
            marks=((0.7, "orange"), (0.85, "red")),
            alerts=("PreimageRedisMemory",),
        ),
        lines(
            "Memory",
            "bytes",
            "What Redis uses, and its maxmemory.",
            ("max(preimage_redis_memory_bytes)", "used"),
            ("max(preimage_redis_memory_limit_bytes)", "maxmemory"),
            alerts=("PreimageRedisMemory",),
        ),
        lines(
            "Safeguards",
            "bool_yes_no",
            "Whether accepted jobs survive a crash: append_only, last_write, no_eviction.",
            ("min by (safeguard) (preimage_redis_safeguards)", "{{safeguard}}"),
            alerts=("PreimageRedisUnsafe",),
        ),
        lines(
            "Append-only file",
            "bytes",
            "Its size; it shrinks when Redis writes it anew.",
            ("max(preimage_redis_append_only_bytes)", "size"),
            alerts=("PreimageRedisUnsafe",),
        ),
        lines(
            "Redis answers",
            "bool_yes_no",
            "Whether the last probe of each frontend was answered.",
            ("preimage_redis_up", "{{instance}}"),
            alerts=("PreimageRedisDown",),
        ),
        lines(
            "Calls that failed",
            "cps",
            "Calls of workers and auditors to the queue that failed, by kind.",
            (rates("preimage_queue_errors_total", "kind"), "{{kind}}"),
            alerts=("PreimageRedisDown",),
        ),
        lines(
            "Round trip of a beat",
            "s",
            "Leases renewed and progress written, by the workers.",
            (quantile(0.5, "preimage_beat_seconds"), "median"),
            (quantile(0.99, "preimage_beat_seconds"), "99 %"),
        ),
    ),
    per_line=4,
)

BOARD = Board(
    slug="queue",
    title="queue and Redis",
    description="Leases, deliveries, dead letters, and the Redis that holds them.",
    rows=(_LEASES, _WAITING, _REDIS),
    variables=(choice("lane", "Lane", 'label_values(preimage_queue_jobs{state="queued"}, lane)'),),
)
