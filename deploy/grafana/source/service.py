"""The first dashboard: what callers notice."""

from deploy.grafana.source.board import Board, Row, choice
from deploy.grafana.source.panels import lines, number, pick, quantile, rate, rates, rows

_OF = 'instance=~"$instance", grpc_method=~"$method"'
_SHORT = (
    f'{_OF}, grpc_method!~"Watch.*|Invert|ExtractFeatures|Download.*|Upload.*|ServerReflection.*"'
)
_FRONTEND = 'instance=~"$instance"'
_ONLY = " and on (instance) preimage_redis_up"
"""Processes that have this metric are frontends."""


def _by_method(counter: str) -> str:
    return f"sum by (grpc_method) ({pick(counter, _OF)})"


_NOW = Row(
    "Now",
    (
        number(
            "Frontends",
            "short",
            "Frontends whose Redis answers.",
            ("sum(preimage_redis_up)", "frontends"),
            alerts=("PreimageNoFrontend", "PreimageRedisDown"),
        ),
        number(
            "Workers",
            "short",
            "Workers and auditors that the queue knows as alive.",
            ("max(preimage_queue_workers)", "workers"),
            alerts=("PreimageTargetDown",),
        ),
        number(
            "Waiting jobs",
            "short",
            "Jobs that wait, over all lanes.",
            ("sum(preimage:queued_jobs:max)", "jobs"),
            alerts=("PreimageQueueNotDraining",),
        ),
        number(
            "Oldest",
            "s",
            "How long the job that has waited longest has been waiting.",
            ("preimage:queue_oldest_age_seconds:max", "age"),
            marks=((300, "orange"), (600, "red")),
            alerts=("PreimageQueueOld",),
        ),
        number(
            "Running jobs",
            "short",
            "Jobs that some worker or auditor holds a lease on.",
            ("preimage:running_jobs:max", "jobs"),
        ),
        number(
            "Failed calls",
            "percentunit",
            "Share of calls that ended by the service's own fault, over five minutes.",
            ("preimage:failed_calls:ratio_rate5m", "share"),
            marks=((0.01, "orange"), (0.05, "red")),
            alerts=("PreimageCallsFail",),
        ),
        number(
            "Refused work",
            "percentunit",
            "Share of calls that bring work and were refused for want of room, over five minutes.",
            ("preimage:rejected_calls:ratio_rate5m", "share"),
            marks=((0.02, "orange"), (0.1, "red")),
            alerts=("PreimageRejectsMany",),
        ),
        number(
            "Certificates",
            "s",
            "Time until the first certificate in force ends; without TLS there is none.",
            ("min(preimage_certificate_expiry_timestamp_seconds) - time()", "left"),
            alerts=("PreimageCertificateExpires",),
        ),
    ),
    height=4,
)

_CALLS = Row(
    "Calls",
    (
        lines(
            "Calls",
            "reqps",
            "Calls that ended, by method.",
            (rates("grpc_server_handled_total", "grpc_method", _OF), "{{grpc_method}}"),
        ),
        lines(
            "Calls without success, by code",
            "reqps",
            "INVALID_ARGUMENT and NOT_FOUND are the callers' own; INTERNAL is a bug.",
            (
                rates("grpc_server_handled_total", "grpc_code", f'{_OF}, grpc_code!="OK"'),
                "{{grpc_code}}",
            ),
            alerts=("PreimageCallsFail", "PreimageRejectsMany"),
        ),
        lines(
            "Latency of short calls",
            "s",
            "Without calls that last as long as a job or a transfer.",
            *(
                (quantile(share, "grpc_server_handling_seconds", where=_SHORT), name)
                for share, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
            ),
        ),
        lines(
            "Latency by method, 95 %",
            "s",
            "Watches and Invert last as long as their jobs.",
            (quantile(0.95, "grpc_server_handling_seconds", "grpc_method", _OF), "{{grpc_method}}"),
        ),
        lines(
            "Calls in progress",
            "short",
            "Begun and not ended, by method.",
            (
                f"{_by_method('grpc_server_started_total')} - "
                + _by_method("grpc_server_handled_total"),
                "{{grpc_method}}",
            ),
        ),
        lines(
            "Open watches",
            "short",
            "Streams that wait for news of jobs.",
            (f"sum(preimage_watchers{{{_FRONTEND}}})", "watches"),
        ),
    ),
    per_line=3,
)

_WORK = Row(
    "Work",
    (
        lines(
            "Queue depth",
            "short",
            "Jobs that wait, by lane.",
            ("preimage:queued_jobs:max", "{{lane}}"),
            alerts=("PreimageQueueNotDraining",),
            stacked=True,
        ),
        lines(
            "Oldest waiting job",
            "s",
            "Age of the job that has waited longest.",
            ("preimage:queue_oldest_age_seconds:max", "age"),
            alerts=("PreimageQueueOld",),
        ),
        lines(
            "Refusals at the door",
            "reqps",
            "Requests that the queue had no room for, by reason.",
            (
                rates("preimage_admission_rejections_total", "reason", _FRONTEND),
                "{{reason}}",
            ),
            alerts=("PreimageRejectsMany",),
        ),
        lines(
            "From acceptance to claim",
            "s",
            "How long jobs waited that were claimed.",
            (quantile(0.5, "preimage_job_queue_seconds"), "median"),
            (quantile(0.95, "preimage_job_queue_seconds"), "95 %"),
        ),
        lines(
            "From claim to result",
            "s",
            "How long delivered jobs ran.",
            (quantile(0.5, "preimage_job_run_seconds"), "median"),
            (quantile(0.95, "preimage_job_run_seconds"), "95 %"),
        ),
        lines(
            "Jobs by end",
            "cps",
            "Jobs that workers settled, by outcome.",
            (rates("preimage_jobs_settled_total", "outcome"), "{{outcome}}"),
            alerts=("PreimageFailuresMany",),
        ),
    ),
    per_line=3,
)

_PROCESSES = Row(
    "Frontend processes",
    (
        lines(
            "Processor time",
            "percentunit",
            "Share of one core.",
            (rate("process_cpu_seconds_total", _FRONTEND) + _ONLY, "{{instance}}"),
        ),
        lines(
            "Memory",
            "bytes",
            "Resident memory.",
            (pick("process_resident_memory_bytes", _FRONTEND) + _ONLY, "{{instance}}"),
        ),
        lines(
            "Memory promised to uploads",
            "bytes",
            "Up to PREIMAGE_MAXIMUM_UPLOAD_BYTES_IN_FLIGHT.",
            (f"preimage_upload_bytes{{{_FRONTEND}}}", "{{instance}}"),
        ),
        lines(
            "Open files",
            "percentunit",
            "Share of what the process may have open.",
            (
                f"process_open_fds{{{_FRONTEND}}} / process_max_fds{{{_FRONTEND}}}{_ONLY}",
                "{{instance}}",
            ),
        ),
        lines(
            "Looks at changed certificates and tokens",
            "cps",
            "failed: a file is broken, and what was in force before stays so; the log says why.",
            (rates("preimage_reloads_total", "what, outcome", _FRONTEND), "{{what}} {{outcome}}"),
            alerts=("PreimageCertificateExpires",),
        ),
        rows(
            "Versions",
            "Of the frontends.",
            (pick("preimage_build_info", _FRONTEND), "{{instance}}"),
        ),
    ),
    per_line=3,
)

BOARD = Board(
    slug="service",
    title="service",
    description="Calls and their ends, latency, what waits and what is refused.",
    rows=(_NOW, _CALLS, _WORK, _PROCESSES),
    variables=(
        choice("instance", "Frontend", "label_values(preimage_redis_up, instance)"),
        choice("method", "Method", "label_values(grpc_server_started_total, grpc_method)"),
    ),
)
