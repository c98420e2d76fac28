"""Who calls: a name, a tenant, scopes, and what the tenant may use. Values without any decision."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, final


@final
class Scope(StrEnum):
    """What a caller may do. None includes another."""

    SUBMIT = "submit"
    """Bring work in, and end it: create, upload, extract, cancel, delete."""

    READ = "read"
    """Look at models, jobs and results."""

    ADMIN = "admin"
    """Look after workers, dead letters and the queue."""


@final
@dataclass(frozen=True, slots=True)
class Quotas:
    """What a tenant may use. None: no bound of its own, only those of the whole queue."""

    jobs_queued: int | None = None
    """Jobs that may wait."""

    bytes_queued: int | None = None
    """Bytes of waiting jobs' specifications, pictures and codes."""

    slot_seconds: float | None = None
    """Slots of workers × seconds of run time that may be used within an hour."""


@final
@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever makes a call."""

    name: str
    """Of the token or the certificate: for the audit log, never a secret."""

    tenant: str
    """Whose jobs it sees, and who pays."""

    scopes: frozenset[Scope]

    weight: float = 1.0
    """Share of the tenant relative to others while the queue is busy."""

    quotas: Quotas = field(default_factory=Quotas)


ANONYMOUS: Final = Caller("anonymous", "default", frozenset(Scope))
"""Everybody, where nothing is configured that could tell callers apart."""
