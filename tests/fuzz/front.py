"""A frontend's checks without a network: what CreatePreimage and ExtractFeatures do to a request.

The methods are coroutines that wait for a queue, threads and a catalogue; here all three answer at
once, so that a call is a function.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar, final

from preimage.v1.model_service_pb2 import ExtractFeaturesRequest, Model
from preimage.v1.preimage_service_pb2 import CreatePreimageRequest
from preimage.v1.work_pb2 import WorkItem
from preimage_orders import Order, new_job
from preimage_pictures import Decoded
from preimage_pictures.reading import read_rgb
from preimage_service import work
from preimage_service.doubts import Doubts
from preimage_service.errors import ModelNotFoundError, ServiceError, UnexpectedError
from preimage_service.methods import creating, extracting
from preimage_service.settings import Settings

T = TypeVar("T")
MOST_PIXELS = 2**16


@final
class Front:
    """Everything that a request meets before it is stored."""

    def __init__(self, models: dict[str, Model], blobs: dict[str, bytes]) -> None:
        self._models = models
        self._blobs = blobs
        self._backend: Any = SimpleNamespace(
            settings=Settings(maximum_picture_pixels=MOST_PIXELS, maximum_pixels=MOST_PIXELS),
            decoder=SimpleNamespace(size=read_size),
            catalogue=SimpleNamespace(served=self._served),
            queue=SimpleNamespace(read_blob=self._blob),
            blob_readers=asyncio.Semaphore(1),
            doubts=Doubts(time.monotonic),
            in_thread=_at_once,
        )

    async def _served(self, name: str) -> Model:
        if name not in self._models:
            raise ModelNotFoundError(f"There is no model {name[:128]!r}.")
        return self._models[name]

    async def _blob(self, tenant: str, digest: str) -> bytes | None:
        return self._blobs.get(digest)

    def create(self, data: bytes) -> tuple[WorkItem, dict[str, bytes]] | None:
        """The work and the blobs of a request that is accepted; None if it is refused."""
        request = CreatePreimageRequest.FromString(data)
        checked = _answer(creating.check(self._backend, "default", request))
        if checked is None:
            return None
        stored = {taken.path: taken.data for taken in checked.inputs}
        digests = {path: path if data is not None else "" for path, data in stored.items()}
        item = work.invert_item(request.spec, checked.fit, checked.inputs, digests)
        new_job(Order("default", request.request_id, checked.fit, item, {}))
        return item, {path: data for path, data in stored.items() if data is not None}

    def extract(self, data: bytes) -> None:
        """Check a request for a code."""
        request = ExtractFeaturesRequest.FromString(data)
        checked = _answer(extracting._check(self._backend, "default", request))
        if checked is not None:
            fit, taken = checked
            item = work.extract_item(request.representation, fit, taken, taken.path)
            new_job(Order("default", "", fit, item, {}))


def read_size(data: bytes) -> Decoded:
    """A picture's size, decoded in this process: the files are small, and it is quick."""
    picture = read_rgb(data, MOST_PIXELS)
    return Decoded(picture.height, picture.width)


async def _at_once(check: Callable[..., T], *arguments: object) -> T:
    return check(*arguments)


def _answer(coroutine: Coroutine[Any, Any, T]) -> T | None:
    """What a coroutine that never waits returns; None where it refuses, as it should."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    except UnexpectedError:
        raise
    except ServiceError as error:
        if not (error.message and all(each.ByteSize() for each in error.details())):
            raise AssertionError("it says nothing") from error
        return None
    raise AssertionError("it waits for something")
