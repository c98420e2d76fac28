"""What has to hold before a frontend serves: a Redis that can be reached and keeps what it accepts.

Processes of one service start in any order, so a Redis that is away is waited for. One that refuses
the credentials, or would lose accepted jobs, is a mistake of whoever set it up: that ends the
process with a sentence.
"""

import asyncio
import itertools
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from preimage_queue import (
    AsyncQueue,
    QueueBrokenError,
    QueueRefusedError,
    QueueSettings,
    QueueUnavailableError,
)
from preimage_queue.settings import ENVIRONMENT_PREFIX
from preimage_service.errors import SettingsError, StartError
from preimage_service.settings import Settings

_RETRY_SECONDS = 1.0
_TOLD_EVERY = 25
"""Of so many attempts one is told: an outage may last for hours."""

_log = logging.getLogger(__name__)


def open_queue(settings: Settings, environment: Mapping[str, str]) -> AsyncQueue:
    """The queue of this process; nothing is sent yet.

    What frontend and workers call by the same name comes from our settings, the rest from the
    queue's own variables.

    Raises:
        StartError: a variable of the queue, or the URL, cannot be used.
    """
    own = {
        **environment,
        f"{ENVIRONMENT_PREFIX}URL": settings.redis_url,
        f"{ENVIRONMENT_PREFIX}NAMESPACE": settings.namespace,
    }
    try:
        queue_settings = QueueSettings.from_environment(own)
    except ValueError as error:
        raise StartError(f"The settings of the queue cannot be used: {error}.") from None
    try:
        return AsyncQueue(queue_settings)
    except ValueError as error:
        raise StartError(f"PREIMAGE_REDIS_URL cannot be used: {error}.") from None


async def wait_for_redis(queue: AsyncQueue, settings: Settings) -> None:
    """Wait until Redis answers, and see that it keeps what it accepts.

    Raises:
        StartError: it refuses us, or it would lose jobs and nobody has allowed that.
    """
    for failures in itertools.count():
        try:
            persistence = await queue.persistence()
            break
        except QueueUnavailableError as error:
            level = logging.DEBUG if failures % _TOLD_EVERY else logging.WARNING
            _log.log(level, "waiting for Redis: %s Start it, or set PREIMAGE_REDIS_URL.", error)
        except (QueueRefusedError, QueueBrokenError) as error:
            raise StartError(
                f"PREIMAGE_REDIS_URL leads to a Redis that refuses us: {error}"
            ) from None
        await asyncio.sleep(_RETRY_SECONDS)
    if persistence.problems and not settings.allow_volatile_redis:
        raise StartError(
            f"{' '.join(persistence.problems)} To start nevertheless, set"
            " PREIMAGE_ALLOW_VOLATILE_REDIS=1."
        )
    for problem in persistence.problems:
        _log.warning("%s", problem)


def write_ready(path: Path, addresses: dict[str, str | None]) -> None:
    """Write the ready file in one piece: whoever sees it sees all of it.

    Raises:
        SettingsError: it cannot be written.
    """
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.write_text(json.dumps(addresses) + "\n", "utf-8")
        draft.replace(path)
    except OSError as error:
        why = f"PREIMAGE_READY_FILE={str(path)!r} cannot be written: {error.strerror}."
        raise SettingsError(why) from None
