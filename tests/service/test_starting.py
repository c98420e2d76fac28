"""A frontend that starts before its Redis waits for it, and does not fill the log meanwhile."""

import logging
from typing import cast

import pytest

from preimage_queue import AsyncQueue, Persistence, QueueUnavailableError
from preimage_service import starting
from preimage_service.settings import Settings


class AwayAtFirst:
    """A queue whose Redis does not answer for so many times."""

    def __init__(self, failures: int, persistence: Persistence) -> None:
        self.failures, self._answer = failures, persistence

    async def persistence(self) -> Persistence:
        self.failures -= 1
        if self.failures >= 0:
            raise QueueUnavailableError("Redis cannot be reached.")
        return self._answer


@pytest.mark.parametrize(("failures", "told"), [(0, 0), (1, 1), (25, 1), (26, 2)])
async def test_an_outage_is_told_at_once_and_then_once_in_a_while(
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failures: int,
    told: int,
) -> None:
    monkeypatch.setattr(starting, "_RETRY_SECONDS", 0.0)
    settings = Settings(redis_url=redis_url, allow_volatile_redis=True)
    async with starting.open_queue(settings, {}) as queue:
        away = AwayAtFirst(failures, await queue.persistence())
    with caplog.at_level(logging.INFO):
        await starting.wait_for_redis(cast("AsyncQueue", away), settings)
    assert sum("waiting for Redis" in each for each in caplog.messages) == told
