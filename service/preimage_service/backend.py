"""What every method works with: settings, queue, catalogue, and the bounds they share."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, final

from preimage_pictures import Bounds, Decoder
from preimage_queue import AsyncQueue
from preimage_service.audit import AuditLog
from preimage_service.budget import ByteBudget
from preimage_service.catalogue import Catalogue
from preimage_service.certificates import load_certificates
from preimage_service.doubts import Doubts
from preimage_service.gate import Gate
from preimage_service.identity import Guard
from preimage_service.metrics import Meters
from preimage_service.settings import Settings
from preimage_service.tokens import load_tokens

T = TypeVar("T")


@final
class Backend:
    """The inside of a frontend process. Made once, within its event loop.

    Raises:
        StartError: certificates or tokens cannot be used, or the audit log cannot be written.
    """

    def __init__(self, settings: Settings, queue: AsyncQueue, meters: Meters) -> None:
        self.settings = settings
        self.certificates = load_certificates(settings, meters)
        tokens = load_tokens(settings.tokens, meters) if settings.tokens else None
        certified = settings.tls_client_ca is not None
        self.guard = Guard(tokens, certified=certified, admins=settings.admin_names)
        self.renewables = [each for each in (self.certificates, tokens) if each is not None]
        self.audit = AuditLog(settings.audit_log)
        self.queue = queue
        self.meters = meters
        self.gate = Gate()
        self.doubts = Doubts(time.monotonic)
        self.catalogue = Catalogue(queue)
        self.uploads = ByteBudget(settings.maximum_upload_bytes_in_flight, meters)
        self.blob_readers = asyncio.Semaphore(settings.concurrent_checks)
        bounds = Bounds(settings.maximum_picture_pixels, settings.maximum_picture_seconds)
        self.decoder = Decoder(bounds, settings.concurrent_checks)
        self._threads = ThreadPoolExecutor(settings.concurrent_checks, "check")
        self._afterwards: set[asyncio.Task[None]] = set()

    async def in_thread(self, check: Callable[..., T], *arguments: object) -> T:
        """Run a check that takes its time, while the event loop serves others."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, check, *arguments)

    def afterwards(self, errand: Coroutine[Any, Any, None]) -> None:
        """Run an errand that must be done although the call that caused it is gone."""
        task = asyncio.get_running_loop().create_task(errand)
        self._afterwards.add(task)
        task.add_done_callback(self._afterwards.discard)

    async def close(self) -> None:
        """Finish the errands, then let go of threads and connections."""
        await asyncio.gather(*self._afterwards, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.decoder.close()
        await self.queue.close()
        self.audit.close()
