"""The models that workers have announced: what a request is checked against.

A frontend has no torch and no catalogue file of its own. Workers publish what they serve; this is
the frontend's memory of it, a second old at most, and renewed at once for a name it does not know.
"""

import asyncio
from collections.abc import Mapping
from typing import final

from preimage.v1.model_service_pb2 import Availability, Model
from preimage_queue import AsyncQueue
from preimage_service.checks.fields import suggest
from preimage_service.errors import ModelNotFoundError, ModelNotServedError

_FRESH_SECONDS = 1.0
_SHOWN_CHARACTERS = 64


@final
class Catalogue:
    """Announced models by name. Made once a process, within its event loop."""

    def __init__(self, queue: AsyncQueue) -> None:
        self._queue = queue
        self._models: Mapping[str, Model] = {}
        self._read_at_seconds = float("-inf")

    async def models(self) -> Mapping[str, Model]:
        """All announced models. Not to be changed: they are shared."""
        now_seconds = asyncio.get_running_loop().time()
        if now_seconds - self._read_at_seconds > _FRESH_SECONDS:
            published = await self._queue.list_models()
            self._models = {one.name: Model.FromString(one.info) for one in published}
            self._read_at_seconds = now_seconds
        return self._models

    async def model(self, name: str) -> Model:
        """One model.

        Raises:
            ModelNotFoundError: workers have announced others, not this one.
            ModelNotServedError: no worker has announced any.
        """
        known = await self.models()
        if name not in known:
            self._read_at_seconds = float("-inf")
            known = await self.models()
        if name in known:
            return known[name]
        shown = name[:_SHOWN_CHARACTERS]
        if not known:
            sentence = f"No worker has announced any model, so {shown!r} is not served: start one."
            raise ModelNotServedError(sentence, f"models/{shown}")
        hint = suggest(name, sorted(known))
        raise ModelNotFoundError(f"There is no model {shown!r}; {hint}", {"model": shown})

    async def served(self, name: str) -> Model:
        """One model that can be used now.

        Raises:
            ModelNotFoundError: see `model`.
            ModelNotServedError: also when its weights cannot be had; the worker's own sentence.
        """
        model = await self.model(name)
        if model.availability != Availability.AVAILABILITY_SERVED:
            reason = model.unavailable_reason or f"{name!r} is not served by any worker now."
            raise ModelNotServedError(reason, f"models/{name}")
        return model
