"""What one tab of the browser holds. Tabs know nothing of each other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from preimage.ui.given import Given
    from preimage.ui.service import Service

__all__ = ["Session"]

T = TypeVar("T")


@final
class Session:
    """A tab: what it was given, and what it waits for.

    Attributes:
        service: the service, shared with all tabs.
        given: the picture or code to invert, once there is one.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.given: Given | None = None
        self._told: list[Callable[[Given], None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def take(self, given: Given) -> None:
        """Takes a picture or code, and tells everybody who wants to know."""
        self.given = given
        for tell in self._told:
            tell(given)

    def tell(self, tell: Callable[[Given], None]) -> None:
        """Has `tell` called with everything that the tab is given."""
        self._told.append(tell)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begins work that ends with the tab, at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Ends all work; jobs that the tab has ordered are cancelled."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
