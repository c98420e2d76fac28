"""What clients were told: how each call ended, and which jobs were accepted and how they ended."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import grpc

from preimage.v1.audit_pb2 import Audit
from preimage.v1.preimage_pb2 import Preimage
from tests.chaos.clients import artifact_sizes
from tests.chaos.history import OK, TERMINAL, state_of

ABANDONED: Final = "ABANDONED"
"""How a call ends whose caller has gone away."""
_REMEMBERED: Final = 60
"""Ended jobs that clients may still ask for: about what is kept at the load's pace."""


@dataclass(eq=False)
class Job:
    """A job, as far as any client knows."""

    id: str
    audit: bool = False
    state: str = "QUEUED"
    files: tuple[str, ...] = ()
    deleted: bool = False
    """Whether anybody has tried to delete it."""

    @property
    def ended(self) -> bool:
        """Whether its end was seen."""
        return self.state in TERMINAL


@dataclass(eq=False)
class Ledger:
    """The clients' common record. One event loop writes it. Ended jobs are forgotten in the end."""

    calls: Counter[str] = field(default_factory=Counter)
    """By operation and code, `get NOT_FOUND`."""
    ends: Counter[str] = field(default_factory=Counter)
    jobs: dict[str, Job] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    """Answers that no right service gives, as sentences."""
    _seen: set[str] = field(default_factory=set)

    @property
    def accepted(self) -> int:
        """Jobs that the service has spoken of."""
        return len(self._seen)

    @contextmanager
    def call(self, operation: str, *codes: str) -> Iterator[None]:
        """A call that ends well or with one of these codes; anything else is a surprise."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            code = error.code().name
            self.calls[f"{operation} {code}"] += 1
            if code not in codes:
                self.surprises.append(f"{operation} ended with {code}: {error.details()}")
        else:
            self.calls[f"{operation} {OK}"] += 1

    @contextmanager
    def refused(self, operation: str, code: str) -> Iterator[None]:
        """A call that must be refused with this code."""
        before = self.calls[f"{operation} {OK}"]
        with self.call(operation, code):
            yield
        if self.calls[f"{operation} {OK}"] > before:
            self.surprises.append(f"{operation} was answered and should have been {code}")

    def learn(self, resource: Preimage | Audit) -> Job:
        """Note what a resource says."""
        fresh = Job(resource.id, audit=isinstance(resource, Audit))
        if resource.id not in self._seen:
            self._seen.add(resource.id)
            self.jobs[resource.id] = fresh
            self._forget()
        job = self.jobs.get(resource.id, fresh)  # an answer may be late
        if not job.ended:
            job.state = state_of(resource)
            kind = "audit " if job.audit else ""
            self.ends[kind + job.state] += job.ended and resource.id in self.jobs
        if isinstance(resource, Preimage) and resource.HasField("result"):
            job.files = tuple(artifact_sizes(resource))
        return job

    def gone(self, job: Job) -> None:
        """Note that the service knows the job no more."""
        if not job.ended and not job.deleted:
            self.lost.append(job.id)
        self.jobs.pop(job.id, None)

    def unended(self) -> list[Job]:
        """Jobs whose end nobody has seen yet."""
        return [job for job in self.jobs.values() if not job.ended]

    def pick(self, dice: random.Random, *states: str, audit: bool = False) -> Job | None:
        """One of the jobs, or of the audits, in these states that nobody has deleted."""
        there = [job for job in self.jobs.values() if job.audit is audit and not job.deleted]
        fitting = [job for job in there if job.state in states]
        return dice.choice(fitting) if fitting else None

    def _forget(self) -> None:
        if len(self.jobs) > _REMEMBERED:
            oldest = next((job for job in self.jobs.values() if job.ended), None)
            if oldest:
                del self.jobs[oldest.id]
