"""Values that are kept while they are in use: what was used longest ago leaves first."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar, final

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@final
class Recent(Generic[Key, Value]):
    """At most so many values by key, made when they are first asked for. Not thread-safe."""

    def __init__(self, most: int, left: Callable[[Key], None] = lambda _: None) -> None:
        """`left` is told the key of every value that had to leave."""
        self._most = most
        self._left = left
        self._values: dict[Key, Value] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of this key; a new one is made after room has been made for it."""
        if key in self._values:
            value = self._values.pop(key)
        else:
            while len(self._values) >= self._most:
                self._leave(next(iter(self._values)))
            value = make()
        self._values[key] = value
        return value

    def drop(self, which: Callable[[Key], bool]) -> None:
        """Lets go of the values whose keys are like this."""
        for key in [key for key in self._values if which(key)]:
            self._leave(key)

    def _leave(self, key: Key) -> None:
        del self._values[key]
        self._left(key)
