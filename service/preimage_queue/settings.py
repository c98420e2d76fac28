"""Settings of the queue: one frozen value, made once a process from `PREIMAGE_QUEUE_*`."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Self, final

__all__ = ["ENVIRONMENT_PREFIX", "QueueSettings"]

ENVIRONMENT_PREFIX: Final = "PREIMAGE_QUEUE_"

_HOUR: Final = 3600.0
_MAY_BE_ZERO: Final = ("cache_seconds", "kept_share")
_MOST_SECONDS: Final = 315_360_000
"""Ten years: Redis' own expiry and the times that the wire can say end somewhere."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """How the queue behaves. All processes of one deployment should agree on it."""

    url: str = field(default="redis://127.0.0.1:6379/0", repr=False)
    """`redis://`, `rediss://` or `unix://`, with user and password of an ACL user if it has one.
    Not shown in the settings' repr, because it may hold a password."""

    password_file: str = ""
    """File that holds the password of the URL's user, which the URL then leaves out. A file can be
    mounted as a secret; variables are shown by many tools. Read once."""

    namespace: str = "preimage"
    """Hash tag of every key, so that all keys live on one slot of a cluster."""

    lease_seconds: float = 20.0
    """A worker that is silent for so long has lost its jobs. Twenty beats of a worker
    (`PREIMAGE_BEAT_SECONDS`)."""

    max_deliveries: int = 3
    """After so many attempts that ended badly a job is a dead letter."""

    skew_cost: float = 4000.0
    """How much work another batch key may be owed before a running batch stops taking jobs of its
    own key, in the unit of `NewJob.cost`. Small is fair, large changes the batch rarely."""

    presence_seconds: float = 60.0
    """How long after its last job of a batch key a tenant counts as present: workers that run the
    key keep a slot for it if it holds less of theirs than who asks for more."""

    kept_share: float = 0.25
    """Part of a worker's slots, at most, that it keeps for tenants who are present. 0: none, and a
    tenant that asks for much may hold all of them."""

    interactive_weight: float = 8.0
    """Shares of the lane `interactive` while both lanes are busy."""

    batch_weight: float = 1.0
    """Shares of the lane `batch` while both lanes are busy."""

    max_queued_jobs: int = 100_000
    """Jobs that may wait, over all tenants."""

    max_queued_bytes: int = 2 * 1024**3
    """Bytes of waiting jobs' specs and blobs, and of uploads that no job uses yet."""

    max_queued_jobs_per_tenant: int = 10_000
    """Jobs of one tenant that may wait."""

    result_retention_seconds: float = 24 * _HOUR
    """How long an ended job and its outputs can be read. Its inputs go when it ends."""

    dead_retention_seconds: float = 7 * 24 * _HOUR
    """How long a dead letter is kept."""

    cache_seconds: float = 24 * _HOUR
    """How long after its run a result is given to equal jobs too, at most as long as results are
    kept. 0: never, and equal jobs do not share a run either."""

    upload_retention_seconds: float = _HOUR
    """How long an upload is kept at least, whether jobs use it or not."""

    output_grace_seconds: float = _HOUR
    """How long outputs of an attempt are kept that has not finished."""

    claim_memory_seconds: float = 60.0
    """How long a claim can be repeated with the same token. Three leases: later it is pointless."""

    max_events: int = 400
    """About how many events of a job are kept, the newest."""

    worker_ttl_seconds: float = 15.0
    """A worker that has not announced itself for so long is not listed."""

    model_ttl_seconds: float = 60.0
    """A model that no worker has announced for so long is not listed."""

    socket_timeout_seconds: float = 5.0
    """For one answer of Redis, and for connecting to it."""

    connections: int = 32
    """Connections of one process at most; more callers wait for a free one."""

    connection_wait_seconds: float = 5.0
    """How long a caller waits for a free connection."""

    tries: int = 4
    """How often an operation is sent in all while Redis cannot be reached."""

    backoff_seconds: float = 0.05
    """Pause before the second try, doubled for each further one, with jitter."""

    def __post_init__(self) -> None:
        """Refuse values that would stop the queue from working."""
        if not self.namespace or any(mark in self.namespace for mark in "{}"):
            raise ValueError("namespace must not be empty nor contain braces")
        if self.kept_share >= 1:
            raise ValueError("kept_share must be below 1")
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, int | float):
                _check(item.name, value)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read `PREIMAGE_QUEUE_<FIELD>`; a variable that is missing or empty leaves the default.

        Raises `ValueError` that names the variable if its value is not of the field's type.
        """
        environment = os.environ if environment is None else environment
        found: dict[str, str | int | float] = {}
        for item in fields(cls):
            variable = ENVIRONMENT_PREFIX + item.name.upper()
            if text := environment.get(variable, ""):
                found[item.name] = _read(variable, text, type(getattr(_DEFAULT, item.name)))
        return cls(**found)  # type: ignore[arg-type]  # each value has the type of its default

    @property
    def shared_seconds(self) -> float:
        """How long after its run a result is given to equal jobs too; 0: never."""
        return min(self.cache_seconds, self.result_retention_seconds)

    @property
    def root(self) -> str:
        """The prefix of every key: the namespace as a hash tag."""
        return f"{{{self.namespace}}}"


def _check(name: str, value: float) -> None:
    words = f"{name} ({ENVIRONMENT_PREFIX}{name.upper()}) is {value:g} and must"
    if not value >= 0 or (value == 0 and name not in _MAY_BE_ZERO):
        raise ValueError(f"{words} {'not be below' if name in _MAY_BE_ZERO else 'be above'} 0")
    if name.endswith("_seconds") and value > _MOST_SECONDS:
        raise ValueError(f"{words} be at most {_MOST_SECONDS}, ten years")
    if not math.isfinite(value):
        raise ValueError(f"{words} be a finite number")


_DEFAULT: Final = QueueSettings()


def _read(variable: str, text: str, kind: type[str | int | float]) -> str | int | float:
    try:
        return kind(text)
    except ValueError as error:
        raise ValueError(f"{variable} must be a {kind.__name__}, not {text!r}") from error
