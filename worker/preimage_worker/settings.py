"""The worker's settings: one frozen value, read once from the environment."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, final

from preimage_logging import FORMATS, LEVELS
from preimage_worker.errors import SettingsError


def _whole(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise ValueError("must be a whole number of at least 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e9:  # noqa: PLR2004 - far beyond any sensible time, and false for NaN
        raise ValueError("must be a positive number of seconds")
    return number


def _yes(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"", "0", "false", "no", "off"}:
        return False
    raise ValueError("must be 1 or 0, yes or no")


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _one_of(words: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return read


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _there(text: str) -> Path | None:
    try:
        if text:
            Path(text).stat()
    except OSError as error:
        raise ValueError(error.strerror) from None
    return _path(text)


def _folder(text: str) -> Path | None:
    path = _there(text)
    if path and not path.is_dir():
        raise ValueError("must be a folder")
    return path


def _from(variable: str, default: str, read: Callable[[str], Any]) -> Any:  # noqa: ANN401 - each field states its type
    metadata = {"variable": variable, "default": default, "read": read}
    return field(default_factory=lambda: read(default), metadata=metadata)


@final
@dataclass(frozen=True)
class Settings:
    """Everything that an operator can set, with its default."""

    redis_url: str = _from("PREIMAGE_REDIS_URL", "redis://127.0.0.1:6379/0", str)
    """Where the queue is: redis://, rediss:// or unix://, with user and password if it has them."""
    namespace: str = _from("PREIMAGE_NAMESPACE", "preimage", str)
    """Hash tag of every key: stacks with different names can share one Redis."""
    allow_volatile_redis: bool = _from("PREIMAGE_ALLOW_VOLATILE_REDIS", "0", _yes)
    """Start although Redis would lose jobs in a crash (no append-only file, or eviction)."""
    metrics_listen: str = _from("PREIMAGE_WORKER_METRICS_LISTEN", "127.0.0.1:8793", str)
    """HOST:PORT of the Prometheus metrics; port 0 takes a free one, "off" serves none."""
    auditor_metrics_listen: str = _from("PREIMAGE_AUDITOR_METRICS_LISTEN", "127.0.0.1:8794", str)
    """The same of an auditor."""
    device: str = _from("PREIMAGE_DEVICE", "auto", str)
    """auto, cpu, cuda or cuda:N. auto takes the first GPU, else the CPU."""
    threads: int = _from("PREIMAGE_THREADS", str(os.cpu_count() or 1), _whole)
    """Threads of torch on the CPU."""
    slots: int = _from("PREIMAGE_SLOTS", "16", _whole)
    """Lanes that the running batch can hold."""
    boundary_steps: int = _from("PREIMAGE_BOUNDARY_STEPS", "10", _whole)
    """At most so many steps between two boundaries, where lanes join and leave."""
    boundary_seconds: float = _from("PREIMAGE_BOUNDARY_SECONDS", "1", _seconds)
    """Fewer steps where they would take longer than this; never less than one."""
    beat_seconds: float = _from("PREIMAGE_BEAT_SECONDS", "1", _seconds)
    """Time between two beats: leases renewed, progress written, cancellations heard."""
    stall_seconds: float = _from("PREIMAGE_STALL_SECONDS", "300", _seconds)
    """A job whose step has not moved for this long is no longer renewed: the device hangs."""
    checkpoint_seconds: float = _from("PREIMAGE_CHECKPOINT_SECONDS", "30", _seconds)
    """Time between two checkpoints of a running job."""
    drain_seconds: float = _from("PREIMAGE_DRAIN_SECONDS", "8", _seconds)
    """After SIGTERM, jobs are handed back and the process ends within this time."""
    maximum_picture_pixels: int = _from("PREIMAGE_MAXIMUM_PICTURE_PIXELS", "33554432", _whole)
    """Largest picture, height × width, that is decoded."""
    maximum_picture_seconds: int = _from("PREIMAGE_MAXIMUM_PICTURE_SECONDS", "10", _whole)
    """Processor time that decoding one picture may take."""
    maximum_pixels: int = _from("PREIMAGE_MAXIMUM_PIXELS", "4194304", _whole)
    """Largest picture, height × width, that is looked for."""
    catalogue: Path | None = _from("PREIMAGE_CATALOGUE", "", _path)
    """The catalogue file (TOML). Unset: the built-in catalogue."""
    weights_dir: Path | None = _from("PREIMAGE_WEIGHTS_DIR", "", _folder)
    """Folder of weights files that the catalogue names."""
    download_models: frozenset[str] = _from("PREIMAGE_DOWNLOAD_MODELS", "squeezenet1_0", _names)
    """Models whose weights torchvision may download, comma-separated; "all" or "none"."""
    references: Path | None = _from("PREIMAGE_REFERENCES", "", _there)
    """A reference set, or a folder of them: see `preimage reference`. Unset: errors are given
    relative to the target alone."""
    ready_file: Path | None = _from("PREIMAGE_READY_FILE", "", _path)
    """The process writes a JSON object here once it takes jobs."""
    log_level: str = _from("PREIMAGE_LOG_LEVEL", "INFO", _one_of(LEVELS))
    """DEBUG, INFO, WARNING or ERROR."""
    log_format: str = _from("PREIMAGE_LOG_FORMAT", "human", _one_of(FORMATS))
    """human, or json: one JSON object a line."""
    tracing: bool = _from("PREIMAGE_TRACING", "0", _yes)
    """Send spans where the OTEL_* variables say. Needs the extra [tracing]."""

    @classmethod
    def variables(cls) -> frozenset[str]:
        """The variables that are read."""
        return frozenset(each.metadata["variable"] for each in fields(cls))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads the variables that are set; raises SettingsError naming the one that is wrong."""
        values = {}
        for each in fields(cls):
            variable, read = each.metadata["variable"], each.metadata["read"]
            text = environment.get(variable, each.metadata["default"])
            try:
                values[each.name] = read(text)
            except ValueError as error:
                raise SettingsError(f"{variable}={text!r} cannot be used: {error}.") from None
        return cls(**values)
