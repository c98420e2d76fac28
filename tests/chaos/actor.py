"""What all have in common that act on the raw stubs until they are told to stop."""

import asyncio
import random
from collections.abc import Mapping, Sequence

import grpc


class Actor:
    """Draws one of its operations, carries it out, pauses, and so on; `run` ends with `stop`."""

    def __init__(
        self,
        channels: Sequence[grpc.aio.Channel],
        operations: Mapping[str, int],
        pause_seconds: tuple[float, float],
        dice: random.Random,
    ) -> None:
        """Operations are methods without arguments, by name with their weights."""
        self._channels, self._operations, self._dice = channels, operations, dice
        self._pause_seconds = pause_seconds
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stop.set()

    async def run(self) -> None:
        """Act until told to stop."""
        names, weights = list(self._operations), list(self._operations.values())
        while not self._stop.is_set():
            (name,) = self._dice.choices(names, weights)
            await getattr(self, name)()
            await self._pause()
        for each in self._channels:
            await each.close()

    async def _pause(self, slower: float = 1.0) -> None:
        await asyncio.sleep(self._dice.uniform(*self._pause_seconds) * slower)
