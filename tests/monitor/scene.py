"""The whole scene: a stack with TLS, a worker and an auditor, a load on it, and Prometheus."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, final

import redis

from preimage import Client
from preimage.embedded import Stack
from tests.authority import Authority
from tests.e2e.stacks import tiny_stack
from tests.monitor.asked import Asked, queries
from tests.monitor.load import Load
from tests.monitor.prometheus import Prometheus

T = TypeVar("T")

_SLOTS: Final = "4"
_MAXIMUM_MEMORY: Final = "1gb"
_LOOK_BACK_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.5


@final
@dataclass(frozen=True)
class Scene:
    """What runs."""

    stack: Stack
    prometheus: Prometheus
    load: Load

    def without_data(self) -> list[Asked]:
        """Queries of panels that have no number within the last half a minute."""
        return [each for each in queries() if not self._has_data(each)]

    def until(self, look: Callable[[], T], seconds: float) -> T:
        """What `look` sees once that is something, or after so many seconds.

        Raises:
            RuntimeError: the load has ended.
        """
        limit = time.monotonic() + seconds
        while not (seen := look()) and time.monotonic() < limit:
            if self.load.failure is not None:
                raise RuntimeError("the load ended") from self.load.failure
            time.sleep(_PAUSE_SECONDS)
        return seen

    def configure_redis(self, name: str, value: str) -> None:
        """Change a setting of its Redis, as an operator may by mistake."""
        _configure_redis(self.stack, name, value)

    def _has_data(self, asked: Asked) -> bool:
        seconds = None if asked.instant else _LOOK_BACK_SECONDS
        return self.prometheus.has_data(asked.expression, seconds)


@contextlib.contextmanager
def scene(binary: str, rules: Sequence[Path]) -> Iterator[Scene]:
    """Run it; `binary` is Prometheus, `rules` are its rule files."""
    with contextlib.ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        authority = Authority(folder / "authority")
        stack = held.enter_context(_stack(folder, authority))
        # As a deployment has it: a share of the memory can only be told of a limit.
        _configure_redis(stack, "maxmemory", _MAXIMUM_MEMORY)
        prometheus = held.enter_context(Prometheus(binary, _targets(stack), rules))
        prometheus.await_targets()
        load = held.enter_context(Load(lambda: Client(stack.target, ca=authority.file)))
        yield Scene(stack, prometheus, load)


def _stack(folder: Path, authority: Authority) -> Stack:
    pair = authority.server()
    environment = {
        "PREIMAGE_TLS_CERTIFICATE": str(pair.certificate),
        "PREIMAGE_TLS_KEY": str(pair.key),
        "PREIMAGE_AUDIT_LOG": "off",
        "PREIMAGE_SLOTS": _SLOTS,
        "PREIMAGE_PROBE_SECONDS": "0.5",
        "PREIMAGE_REAP_SECONDS": "1",
    }
    return tiny_stack(folder, auditors=1, **environment)


def _configure_redis(stack: Stack, name: str, value: str) -> None:
    url = stack.children["frontend"].environment["PREIMAGE_REDIS_URL"]
    with redis.Redis.from_url(url) as client:
        client.config_set(name, value)


def _targets(stack: Stack) -> dict[str, list[str]]:
    kinds = {"frontend": "preimage-service", "worker": "preimage-worker"}
    kinds["auditor"] = "preimage-auditor"
    return {
        job: [
            said["metrics"]
            for name, said in stack.announcements.items()
            if name.partition("-")[0] == kind
        ]
        for kind, job in kinds.items()
    }
