"""Files that change while the process runs: certificates and tokens are renewed without a restart.

What counts is the content, not the time of a file: rotation by a link, as Kubernetes does it, and
two writes within one tick of the clock are seen alike. A broken file changes nothing: what was read
before stays in force, a sentence goes to the log once for each broken content, and the counter of
reloads counts every look that finds it still broken.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, Never, Protocol, TypeVar, final

from preimage_service.errors import StartError
from preimage_service.metrics import Meters

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Renewable(Protocol):
    """What can be looked at again."""

    def renew(self) -> None:
        """Take up what has changed; keep what there is if that is broken."""
        ...


@final
class Renewed(Generic[T]):
    """A value that is read from files, and read again when they change.

    Raises:
        StartError: the files cannot be read, or do not hold what they must.
    """

    def __init__(
        self,
        what: str,
        paths: Sequence[Path],
        read: Callable[[Sequence[bytes]], T],
        told: Callable[[T], str],
        meters: Meters,
    ) -> None:
        """`read` makes the value of the files' contents; `told` puts it into words for the log."""
        self._what = what
        self._told = told
        self._paths = paths
        self._read = read
        self._meters = meters
        self._seen = self._contents()
        self._value = read(self._seen)
        self._broken: tuple[bytes, ...] | None = None

    @property
    def value(self) -> T:
        """What the files held when they were last in order. May be asked from any thread."""
        return self._value

    def renew(self) -> None:
        """Look at the files; what they hold replaces the value, unless it is broken."""
        contents: tuple[bytes, ...] = ()
        try:
            contents = self._contents()
            if contents == self._seen:
                self._broken = None
                return
            self._value = self._read(contents)
        except StartError as error:
            self._meters.reloads.labels(self._what, "failed").inc()
            self._complain(contents, error)
            return
        self._seen, self._broken = contents, None
        self._meters.reloads.labels(self._what, "loaded").inc()
        _log.info("%s: changed files are in force: %s", self._what, self._told(self._value))

    def _complain(self, contents: tuple[bytes, ...], error: StartError) -> None:
        if contents == self._broken:
            return
        self._broken = contents
        _log.error(
            "%s: the change is not taken, what was there stays in force: %s", self._what, error
        )

    def _contents(self) -> tuple[bytes, ...]:
        return tuple(map(_content, self._paths))


async def keep_renewing(renewables: Sequence[Renewable], pause_seconds: float) -> Never:
    """Look at all files every few seconds."""
    while True:
        await asyncio.sleep(pause_seconds)
        for each in renewables:
            await asyncio.to_thread(each.renew)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror}.") from None
