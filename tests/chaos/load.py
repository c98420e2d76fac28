"""How busy the machine was during a storm: latencies mean little without it."""

import asyncio
import os
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_SAMPLE_SECONDS: Final = 2.0


@asynccontextmanager
async def watched_load() -> AsyncIterator[list[float]]:
    """The load average over one minute, looked at again and again until the block ends."""
    samples = [os.getloadavg()[0]]

    async def look() -> None:
        while True:
            await asyncio.sleep(_SAMPLE_SECONDS)
            samples.append(os.getloadavg()[0])

    looking = asyncio.ensure_future(look())
    try:
        yield samples
    finally:
        looking.cancel()
        samples.append(os.getloadavg()[0])


def load_figures(samples: list[float]) -> dict[str, float]:
    """As JSON takes it. What ran before the storm shows at its beginning."""
    return {
        "at_the_beginning": round(samples[0], 2),
        "mean": round(statistics.fmean(samples), 2),
        "highest": round(max(samples), 2),
        "processors": os.cpu_count() or 1,
    }
