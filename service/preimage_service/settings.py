"""What an operator can set: one frozen record, read once from `PREIMAGE_*` variables.

The variable of a field is its name in capitals behind `PREIMAGE_`. Every limit that keeps a request
from allocating without bound stands here, so that no other module holds a number of its own. What
the queue may hold, and for how long, is the queue's own affair: `preimage_queue.settings`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import final

from preimage_logging import FORMATS, LEVELS
from preimage_service.errors import SettingsError

PREFIX = "PREIMAGE_"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})
_WORDS = {"PREIMAGE_LOG_LEVEL": LEVELS, "PREIMAGE_LOG_FORMAT": FORMATS}
_WRITTEN = frozenset({"PREIMAGE_READY_FILE"})
"""Files that the process makes. Every other one must be there."""
_MIB = 2**20


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a frontend process."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    """Where the queue is: redis://, rediss:// or unix://, with user:password@ for an ACL."""

    namespace: str = "preimage"
    """Prefix of every key in Redis. Frontends and workers of one service share it."""

    allow_volatile_redis: bool = False
    """Start even if Redis may lose accepted jobs: no append-only file, or keys get evicted."""

    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""

    log_format: str = "human"
    """human, or json: one JSON object a line."""

    tracing: bool = False
    """Send spans where the OTEL_* variables say. Needs the extra [tracing]."""

    ready_file: Path | None = None
    """Where to write one JSON object with the bound addresses as soon as calls are served."""

    listen: str = "127.0.0.1:8790"
    """Address of PreimageService, ModelService and AuditService. Port 0 takes any free one."""

    admin_listen: str = "127.0.0.1:8791"
    """Address of AdminService; "off" for none. Keep it out of the callers' reach."""

    service_metrics_listen: str = "127.0.0.1:8792"
    """Address of the Prometheus endpoint; "off" for none."""

    tls_certificate: Path | None = None
    """Certificate of both gRPC servers with its chain (PEM); switches TLS on."""

    tls_key: Path | None = None
    """Private key of the certificate (PEM)."""

    tls_client_ca: Path | None = None
    """Authorities of clients' certificates (PEM); callers must then have one."""

    tokens: Path | None = None
    """File of bearer tokens (TOML); every call but health checks must then carry one."""

    admin_names: str = ""
    """Names of certificates, with commas, that may administer where no tokens are set."""

    allow_anonymous: bool = False
    """Listen beyond loopback although nothing says who may call."""

    allow_plaintext_tokens: bool = False
    """Take tokens without TLS beyond loopback, for instance behind a proxy that ends TLS."""

    renewal_seconds: float = 2.0
    """How often certificates and tokens are looked at for changes."""

    audit_log: str = "stderr"
    """Where the audit log goes: "stderr", "off", or the path of a file."""

    maximum_message_bytes: int = 64 * _MIB
    """Largest message that is received. Larger tensors go through UploadTensor."""

    maximum_concurrent_rpcs: int = 512
    """Calls in progress, watchers included; the next one is refused with RESOURCE_EXHAUSTED."""

    maximum_tensor_bytes: int = 256 * _MIB
    """Largest tensor that can be uploaded."""

    maximum_upload_bytes_in_flight: int = 1024 * _MIB
    """Memory that uploads may hold at one time; the next one is told to come back."""

    concurrent_checks: int = 4
    """Pictures and codes that are decoded or read through at one time; others wait for a turn."""

    maximum_picture_pixels: int = 32 * _MIB
    """Largest picture, height × width, that a caller may send. Workers read it as well."""

    maximum_picture_seconds: int = 10
    """Processor time that decoding one picture may take. Workers read it as well."""

    maximum_pixels: int = 4 * _MIB
    """Largest picture, height × width, that is looked for. Workers read it as well."""

    maximum_restarts: int = 16
    """Most pre-images that one job may ask for; no more than a worker's slots."""

    maximum_steps: int = 20_000
    """Most optimisation steps that one job may ask for."""

    maximum_audit_pictures: int = 2_000
    """Most pictures of one audit, targets and auxiliary ones together."""

    maximum_audit_bytes: int = 256 * _MIB
    """Most bytes that the encoded pictures of one audit have together."""

    maximum_audit_passes: int = 100_000_000
    """Most passes through a network, at worst, that one audit may ask for."""

    maximum_audit_memory_bytes: int = 10_240 * _MIB
    """Most memory that pictures and codes of one audit may take of its auditor, estimated."""

    upload_idle_seconds: float = 30.0
    """An upload that sends nothing for so long is given up, and its memory freed."""

    upload_least_bytes_per_second: int = 4096
    """So is one that is slower than this for so long."""

    invert_limit_seconds: float = 600.0
    """The longest that Invert waits for its job."""

    extract_limit_seconds: float = 120.0
    """The longest that ExtractFeatures waits for its job."""

    outage_seconds: float = 30.0
    """How long a watcher, or a call that waits for its job, bridges an outage of Redis."""

    probe_seconds: float = 2.0
    """How often the health of Redis is looked at and the gauges of the queue are renewed."""

    reap_seconds: float = 5.0
    """How often expired leases and deadlines are looked for."""

    drain_pause_seconds: float = 0.5
    """Between NOT_SERVING and the first refusal, for load balancers to look away."""

    drain_grace_seconds: float = 5.0
    """How long calls that are running get to end after a signal to stop."""

    @classmethod
    def variables(cls) -> frozenset[str]:
        """The variables that are read."""
        return frozenset(PREFIX + field.name.upper() for field in fields(cls))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings that `environment` describes; what it leaves out has its default.

        Raises:
            SettingsError: a variable cannot be read; the message names it.
        """
        given: dict[str, object] = {}
        for field in fields(cls):
            variable = PREFIX + field.name.upper()
            if variable in environment:
                given[field.name] = _read(variable, environment[variable].strip(), field.default)
        return cls(**given)  # type: ignore[arg-type]  # _read keeps each field's own type


def _read(variable: str, text: str, default: object) -> object:
    """The value of one variable, in the type of the field's default."""
    if isinstance(default, bool):
        return _read_switch(variable, text)
    if isinstance(default, int | float):
        return _read_number(variable, text, default)
    if default is None:
        return _read_path(variable, text) if text else None
    if variable in _WORDS and text not in _WORDS[variable]:
        raise SettingsError(f"{variable} is {text!r}: write one of {', '.join(_WORDS[variable])}.")
    if not text:
        raise SettingsError(f"{variable} is empty: give it a value, or unset it for the default.")
    return text


def _read_switch(variable: str, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise SettingsError(f"{variable} is {text!r}: write 1 or 0.")
    return text.lower() in _TRUE


def _read_path(variable: str, text: str) -> Path:
    path = Path(text)
    try:
        if variable not in _WRITTEN:
            path.stat()
    except OSError as error:
        raise SettingsError(f"{variable} is {text!r}: {error.strerror}.") from None
    return path


def _read_number(variable: str, text: str, default: float) -> float:
    kind, least = (int, 1) if isinstance(default, int) else (float, 0)
    word = "a whole number" if kind is int else "a number"
    try:
        number = kind(text)
    except ValueError:
        raise SettingsError(f"{variable} is {text!r}: write {word}.") from None
    if not (math.isfinite(number) and number >= least):
        raise SettingsError(f"{variable} is {text}: write {word} of at least {least}.")
    return number
