"""Who calls: a name, a tenant, scopes, and what the tenant may use. Values without any decision."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, final

from preimage_queue import Quotas


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
    """What the tenant may have in the queue, and use of the workers."""


ANONYMOUS: Final = Caller("anonymous", "default", frozenset(Scope))
"""Everybody, where nothing is configured that could tell callers apart."""
