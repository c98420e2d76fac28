"""Taking in all that a specification brings along: target, codes of further layers, variance."""

from collections.abc import Sequence

from preimage.v1.spec_pb2 import LayerTerm, Objective, PreimageSpec, Target
from preimage_service.backend import Backend
from preimage_service.checks.layers import MOST_FURTHER_LAYERS
from preimage_service.checks.taken import Inputs, Taken
from preimage_service.checks.tensors import check_elements, check_total, check_variances
from preimage_service.errors import Violation
from preimage_service.intake import take_picture, take_tensor

_LAYERS = "spec.representation.further_layers"


async def take_inputs(backend: Backend, tenant: str, spec: PreimageSpec) -> Inputs:
    """Take in everything, unless it is too much together: then nothing is read."""
    terms = spec.representation.further_layers[:MOST_FURTHER_LAYERS]
    faults = _check_together(backend, spec, terms)
    if faults:
        return Inputs(target=Taken(path="spec.target", violations=tuple(faults)))
    target = await _take_target(backend, tenant, spec.target)
    further = [
        await _take_term(backend, tenant, term, f"{_LAYERS}[{index}]")
        for index, term in enumerate(terms)
    ]
    variance = await _take_variance(backend, tenant, spec.objective)
    return Inputs(target=target, further=tuple(further), variance=variance)


def _check_together(
    backend: Backend, spec: PreimageSpec, terms: Sequence[LayerTerm]
) -> list[Violation]:
    holders = (
        ("spec.target", spec.target, ("features", "uploaded_features")),
        *(
            (f"{_LAYERS}[{index}]", term, ("features", "uploaded_features"))
            for index, term in enumerate(terms)
        ),
        ("spec.objective", spec.objective, ("variance", "uploaded_variance")),
    )
    described = [
        (f"{path}.{name}", getattr(holder, name))
        for path, holder, names in holders
        for name in names
        if holder.HasField(name)
    ]
    return list(check_total(described, backend.settings.maximum_tensor_bytes))


async def _take_target(backend: Backend, tenant: str, target: Target) -> Taken:
    path = f"spec.target.{target.WhichOneof('source')}"
    match target.WhichOneof("source"):
        case "picture":
            return await take_picture(backend, tenant, target.picture, path)
        case "features":
            return await take_tensor(backend, tenant, target.features, path, check_elements)
        case "uploaded_features":
            code = target.uploaded_features
            return await take_tensor(backend, tenant, code, path, check_elements)
        case "unit":
            return Taken(path=path)
        case _:
            return Taken(path="spec.target")


async def _take_term(backend: Backend, tenant: str, term: LayerTerm, path: str) -> Taken | None:
    match term.WhichOneof("code"):
        case "features":
            where = f"{path}.features"
            return await take_tensor(backend, tenant, term.features, where, check_elements)
        case "uploaded_features":
            where, code = f"{path}.uploaded_features", term.uploaded_features
            return await take_tensor(backend, tenant, code, where, check_elements)
        case _:
            return None


async def _take_variance(backend: Backend, tenant: str, objective: Objective) -> Taken | None:
    match objective.WhichOneof("variances"):
        case "variance":
            path = "spec.objective.variance"
            return await take_tensor(backend, tenant, objective.variance, path, check_variances)
        case "uploaded_variance":
            path, variance = "spec.objective.uploaded_variance", objective.uploaded_variance
            return await take_tensor(backend, tenant, variance, path, check_variances)
        case _:
            return None
