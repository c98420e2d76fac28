"""The service as all tabs of the page see it: one connection, and one who asks how it is.

The models are asked for again and again, so that a page finds out by itself when the service goes,
comes back, or serves something else.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, final

from preimage.ui.words import in_words

if TYPE_CHECKING:
    from preimage.aio import AsyncClient
    from preimage.models import ModelInfo

__all__ = ["Service"]

_LOOK_SECONDS = 3.0


@final
class Service:
    """A client, and what was last heard of the service.

    Attributes:
        client: the connection.
        target: where it leads, in words.
        models: what the service offers, without layers.
        trouble: why there is nothing to be had from it now, and what to do; empty: all is well.
        version: counts the changes of `models` and `trouble`.
    """

    def __init__(self, client: AsyncClient, target: str) -> None:
        self.client = client
        self.target = target
        self.models: tuple[ModelInfo, ...] = ()
        self.trouble = ""
        self.version = 0
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to look after the service, in this event loop."""
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Closes the connection."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await self.client.close()

    async def _look(self) -> None:
        while True:
            try:
                self._heard(await self.client.models(), "")
            except Exception as error:  # noqa: BLE001  whatever it is, the page goes on and says so
                self._heard(self.models, in_words(error, self.target))
            await asyncio.sleep(_LOOK_SECONDS)

    def _heard(self, models: tuple[ModelInfo, ...], trouble: str) -> None:
        if (models, trouble) != (self.models, self.trouble) or self.version == 0:
            self.models, self.trouble = models, trouble
            self.version += 1
