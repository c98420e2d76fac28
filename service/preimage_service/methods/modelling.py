"""ListModels and GetModel: what workers have announced."""

from preimage.v1.model_service_pb2 import (
    GetModelRequest,
    GetModelResponse,
    ListModelsResponse,
    Model,
)
from preimage_service.backend import Backend


async def list_models(backend: Backend) -> ListModelsResponse:
    """Return all models, by name, without their layers."""
    models = await backend.catalogue.models()
    return ListModelsResponse(models=[_without_layers(models[name]) for name in sorted(models)])


async def get_model(backend: Backend, request: GetModelRequest) -> GetModelResponse:
    """Return a model with its layers, also one whose weights cannot be had.

    Raises:
        ModelNotFoundError: no worker has announced it.
        ModelNotServedError: no worker has announced any.
    """
    return GetModelResponse(model=await backend.catalogue.model(request.name))


def _without_layers(model: Model) -> Model:
    brief = Model()
    brief.CopyFrom(model)
    brief.ClearField("layers")
    return brief
