"""Every metric of a frontend process, declared once.

Calls are counted under the names that gRPC middleware uses everywhere (`grpc_server_*`); what is
the product's own is `preimage_<noun>_<unit>`. No label names a tenant, a job or a model: their
number has no bound. docs/reference/metrics-service.md explains each one, and a test compares.
Counters begin at 0 for every value that a label may have: a rate can only be taken of what was seen
before it grew.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from preimage_queue import Reaped, RejectReason

_METHOD = ("grpc_type", "grpc_service", "grpc_method")
_SECONDS = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""From a lookup in Redis to a watch of a long job."""


@final
class Meters:
    """The metrics of a process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._declare_calls()
        self._declare_queue()
        self._declare_rest()

    def _declare_calls(self) -> None:
        to = self.registry
        self.calls_started = Counter(
            "grpc_server_started", "Calls that have begun.", _METHOD, registry=to
        )
        self.calls_handled = Counter(
            "grpc_server_handled", "Calls that have ended.", (*_METHOD, "grpc_code"), registry=to
        )
        self.calls_seconds = Histogram(
            "grpc_server_handling_seconds",
            "Time from the beginning of a call to its end.",
            _METHOD,
            buckets=_SECONDS,
            registry=to,
        )

    def _declare_queue(self) -> None:
        to = self.registry
        self.queue_jobs = Gauge(
            "preimage_queue_jobs",
            "Jobs by lane and state; running and dead ones under lane 'all'.",
            ("lane", "state"),
            registry=to,
        )
        self.oldest_seconds = Gauge(
            "preimage_queue_oldest_age_seconds", "Age of the longest waiting job.", registry=to
        )
        self.queue_bytes = Gauge(
            "preimage_queue_bytes", "Bytes that waiting jobs and uploads hold.", registry=to
        )
        self.workers = Gauge("preimage_queue_workers", "Live workers.", registry=to)
        self.queue_audits = Gauge("preimage_queue_audits", "Audits that wait.", registry=to)
        self.queue_lane_steps = Gauge(
            "preimage_queue_lane_steps", "Lane-steps that waiting jobs ask for.", registry=to
        )
        self.reaped = self._counter(
            "preimage_queue_reaped_jobs",
            "Jobs that this process found overdue, by what became of them.",
            "fate",
            (fate.name for fate in fields(Reaped)),
        )
        self.cache = self._counter(
            "preimage_cache_requests",
            "Accepted jobs, by what equal jobs meant for them.",
            "outcome",
            ("hit", "shared", "miss", "refresh", "bypass"),
        )
        self.rejections = self._counter(
            "preimage_admission_rejections",
            "Jobs refused at the door.",
            "reason",
            (*(reason.value for reason in RejectReason), "STORAGE"),
        )

    def _counter(self, name: str, text: str, label: str, values: Iterable[str]) -> Counter:
        """A counter with one label that begins at 0 for each of these values."""
        made = Counter(name, text, (label,), registry=self.registry)
        for value in values:
            made.labels(value)
        return made

    def _declare_rest(self) -> None:
        to = self.registry
        self.watchers = Gauge("preimage_watchers", "Watch streams that are open.", registry=to)
        self.upload_bytes = Gauge(
            "preimage_upload_bytes", "Memory promised to uploads in progress.", registry=to
        )
        self.redis_up = Gauge(
            "preimage_redis_up", "1 if Redis answered the last probe.", registry=to
        )
        self.redis_bytes = Gauge(
            "preimage_redis_memory_bytes", "Memory that Redis uses.", registry=to
        )
        self.redis_limit_bytes = Gauge(
            "preimage_redis_memory_limit_bytes", "Redis' maxmemory; 0 for none.", registry=to
        )
        self.redis_safeguards = Gauge(
            "preimage_redis_safeguards",
            "What keeps accepted jobs from being lost: 1 if it holds, else 0.",
            ("safeguard",),
            registry=to,
        )
        self.redis_file_bytes = Gauge(
            "preimage_redis_append_only_bytes", "Size of Redis' append-only file.", registry=to
        )
        self.reloads = Counter(
            "preimage_reloads",
            "Looks at changed files of certificates and tokens, by what became of them.",
            ("what", "outcome"),
            registry=to,
        )
        for what in ("certificates", "tokens"):
            for outcome in ("loaded", "failed"):
                self.reloads.labels(what, outcome)
        self.certificate_expiry = Gauge(
            "preimage_certificate_expiry_timestamp_seconds",
            "When the certificate in force ends, in seconds since 1970.",
            ("certificate",),
            registry=to,
        )
        self.build = Gauge("preimage_build_info", "Always 1.", ("version",), registry=to)
