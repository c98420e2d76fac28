"""What the clients do, once for `Client` and `AsyncClient`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, final

from preimage.calls import INLINE_BYTES, Caller
from preimage.enums import State
from preimage.errors import BadInput
from preimage.features import Features
from preimage.handle import Handle
from preimage.models import model_from_wire
from preimage.pictures import encoded_or_pixels
from preimage.placing import place_inputs, place_picture
from preimage.provenance import provenance_from_wire
from preimage.sources import read_code, read_source
from preimage.spec import cache_control_of, representation_of, spec_of
from preimage.tensors import float32_array
from preimage.tracing import JOB_ID, about, operation
from preimage.v1 import (
    model_service_pb2,
    preimage_pb2,
    preimage_service_pb2,
)

if TYPE_CHECKING:
    from preimage.models import ModelInfo
    from preimage.pictures import PictureSource
    from preimage.request import Request
    from preimage.transport import Transport

_LARGEST_PAGE = 200


@final
class Core:
    """The calls behind the methods of a client."""

    def __init__(self, transport: Transport, timeout_seconds: float) -> None:
        self._caller = Caller(transport, timeout_seconds)

    @property
    def caller(self) -> Caller:
        """Makes the calls."""
        return self._caller

    async def close(self) -> None:
        """Closes the channel."""
        await self._caller.transport.close()

    async def submit(self, request: Request) -> Handle:
        """Hands in a job."""
        content = read_source(request.source, INLINE_BYTES)
        variance = request.variance
        given = None if variance is None else read_code(variance, "The variance")
        spec = spec_of(request, content)
        creation = preimage_service_pb2.CreatePreimageRequest(
            request_id=request.request_id or str(uuid.uuid4()),
            cache_control=cache_control_of(request),
        )

        async def create() -> preimage_pb2.Preimage:
            await place_inputs(self._caller, spec, content, given)
            creation.spec.CopyFrom(spec)
            response = await self._caller.call(
                lambda stubs: stubs.preimages.CreatePreimage, creation
            )
            return response.preimage

        with operation("submit", about(request)) as span:
            message = await create()
            span.note({JOB_ID: message.id})
        return Handle(self._caller, message, create, span.traceparent)

    async def job(self, job_id: str) -> Handle:
        """Takes up a job by its id."""
        handle = self.named(job_id)
        await handle.refresh()
        return handle

    def named(self, job_id: str) -> Handle:
        """Takes up a job without asking for it, which another scope allows than changing it."""
        return Handle(self._caller, preimage_pb2.Preimage(id=job_id))

    def pages(
        self, state: State | str | None, model: str | None, layer: str | None, limit: int | None
    ) -> Pages:
        """Begins a listing of jobs, newest first."""
        wanted = preimage_service_pb2.PreimageFilter(
            states=() if state is None else (_wire_state(state),),
            model=model or "",
            layer=layer or "",
        )
        return Pages(self._caller, wanted, limit)

    async def models(self) -> tuple[ModelInfo, ...]:
        """Lists the models."""
        response = await self._caller.call(
            lambda stubs: stubs.models.ListModels, model_service_pb2.ListModelsRequest()
        )
        return tuple(model_from_wire(each) for each in response.models)

    async def model(self, name: str) -> ModelInfo:
        """Returns one model."""
        response = await self._caller.call(
            lambda stubs: stubs.models.GetModel, model_service_pb2.GetModelRequest(name=name)
        )
        return model_from_wire(response.model)

    async def extract_features(
        self,
        picture: PictureSource,
        model: str,
        layer: str,
        input_size: tuple[int, int] | None,
    ) -> Features:
        """Computes a code."""
        with operation("extract", {"preimage.model": model, "preimage.layer": layer}) as span:
            content = await place_picture(self._caller, encoded_or_pixels(picture, INLINE_BYTES))
            response = await self._caller.call(
                lambda stubs: stubs.models.ExtractFeatures,
                model_service_pb2.ExtractFeaturesRequest(
                    picture=content, representation=representation_of(model, layer, input_size)
                ),
            )
            span.note({JOB_ID: response.id})
            data = response.features.data
            if not response.HasField("features"):
                data = await self._caller.download(response.id, "code.f32")
        provenance = provenance_from_wire(response.provenance)
        return Features(
            float32_array(data, response.shape),
            input_size=(response.input_size.height, response.input_size.width),
            model=model,
            layer=layer,
            model_digest=provenance.model_digest,
            provenance=provenance,
            job_id=response.id,
        )


@final
class Pages:
    """A listing, fetched page by page."""

    def __init__(
        self,
        caller: Caller,
        wanted: preimage_service_pb2.PreimageFilter,
        limit: int | None,
    ) -> None:
        self._caller = caller
        self._wanted = wanted
        self._left = limit
        self._token = ""
        self._ended = False

    async def read(self) -> list[Handle] | None:
        """Returns the next page; None: the one before was the last."""
        if self._ended or self._left == 0:
            return None
        size = _LARGEST_PAGE if self._left is None else min(self._left, _LARGEST_PAGE)
        response = await self._caller.call(
            lambda stubs: stubs.preimages.ListPreimages,
            preimage_service_pb2.ListPreimagesRequest(
                page_size=size, page_token=self._token, filter=self._wanted
            ),
        )
        self._token = response.next_page_token
        self._ended = not self._token
        page = [Handle(self._caller, each) for each in response.preimages[:size]]
        if self._left is not None:
            self._left -= len(page)
        return page


def _wire_state(state: State | str) -> preimage_pb2.State.ValueType:
    name = str(state).upper()
    if name not in State.__members__ or name == State.UNSPECIFIED:
        known = ", ".join(repr(str(each)) for each in State if each is not State.UNSPECIFIED)
        raise BadInput(f"state must be one of {known}, not {state!r}.")
    return preimage_pb2.State.Value(f"STATE_{name}")
