"""What a stack uses: read from the kernel and from Redis, from outside and by a thread of its own.

A process is known by its name in the stack; the children that decode pictures by their parent's
name and their order of age, `frontend/decoder-0`. Sizes are bytes, times seconds.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import psutil
import redis

SAMPLER_CONNECTIONS: Final = 1
"""Connections to Redis that are the sampler's own."""
_DECODER: Final = "preimage_pictures.child"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process uses."""

    pid: int
    rss_bytes: int
    uss_bytes: int
    """What would be free if it ended: without pages that it shares."""
    descriptors: int
    threads: int
    cpu_seconds: float
    """Since it began."""


@dataclass(frozen=True, slots=True)
class Store:
    """What Redis holds."""

    connections: int
    used_bytes: int
    keys: Mapping[str, int]
    """Number of keys by the first word behind the namespace."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at everything."""

    at: float
    """Seconds, on a clock that only counts forwards."""
    processes: Mapping[str, Usage]
    store: Store


def use_of(process: psutil.Process) -> Usage:
    """What a process uses now; raises `psutil.NoSuchProcess` if it is gone."""
    with process.oneshot():
        memory, times = process.memory_full_info(), process.cpu_times()
        return Usage(
            pid=process.pid,
            rss_bytes=memory.rss,
            uss_bytes=memory.uss,
            descriptors=process.num_fds(),
            threads=process.num_threads(),
            cpu_seconds=times.user + times.system,
        )


def uses(roots: Mapping[str, int]) -> dict[str, Usage]:
    """What these processes and their children use. One that ends meanwhile is left out."""
    found = {}
    for name, pid in roots.items():
        root = psutil.Process(pid)
        found[name] = use_of(root)
        numbers: Counter[str] = Counter()
        for child in sorted(root.children(recursive=True), key=psutil.Process.create_time):
            try:
                kind = "decoder" if _DECODER in child.cmdline() else "other"
                found[f"{name}/{kind}-{numbers[kind]}"] = use_of(child)
            except psutil.NoSuchProcess:
                continue
            numbers[kind] += 1
    return found


def look_into(store: redis.Redis, root: str) -> Store:
    """What Redis holds now. Keys of others than this namespace count as `other`."""
    kinds: Counter[str] = Counter()
    for key in store.scan_iter(count=1000):
        mine, _, rest = key.decode().partition(":")
        kinds[rest.partition(":")[0] if mine == root else "other"] += 1
    facts = store.info()
    return Store(facts["connected_clients"], facts["used_memory"], dict(kinds))


class Sampler:
    """Looks every so many seconds, from `with` to its end; `samples` grows."""

    def __init__(self, roots: Mapping[str, int], url: str, root: str, every: float) -> None:
        self.samples: list[Sample] = []
        self._roots, self._root, self._every = dict(roots), root, every
        self._redis = redis.Redis.from_url(url, max_connections=SAMPLER_CONNECTIONS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_again, name="sampler")
        self._one_at_a_time = threading.Lock()
        self.failure: Exception | None = None
        """Set when a process of the stack is gone."""

    def look(self) -> Sample:
        """Look now, and keep what was seen."""
        with self._one_at_a_time:
            seen = uses(self._roots)
            sample = Sample(time.monotonic(), seen, look_into(self._redis, self._root))
            self.samples.append(sample)
            return sample

    def _look_again(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.look()
            except (psutil.Error, redis.RedisError) as error:
                self.failure = error
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._redis.close()
