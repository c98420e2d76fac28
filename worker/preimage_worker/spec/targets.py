"""Φ₀ and m of a job: what its lanes are after, by the objective and layer by layer.

Every objective comes to a target, and a table m of weights that the loss sees it through: 0 and 1
for a mask, 1/√v for a variance v, √w / ‖m∘Φ₀‖ to bring several layers to one scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from torch import Tensor

from preimage.v1 import model_service_pb2 as models_wire
from preimage.v1 import spec_pb2 as wire
from preimage_worker import masks
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.parts import Part, parts_of
from preimage_worker.spec.inputs import Blobs, Input, canvas_of, encode, tensor_of
from preimage_worker.spec.units import direction

_SQUARED = {wire.OBJECTIVE_KIND_UNSPECIFIED, wire.OBJECTIVE_KIND_INVERT}


@final
@dataclass(frozen=True, eq=False)
class _LayerTarget:
    """What one layer shall give."""

    part: Part
    """Name, shape, and where the layer's code lies in the whole one."""
    code: Tensor
    """Φ₀ of the layer, in its own shape."""
    mask: Tensor | None
    """Which elements count, boolean, of the same shape; None for all."""
    weight: float
    """Among the layers; above 0."""

    @property
    def norm(self) -> float:
        """‖m∘Φ₀‖ of the layer alone."""
        code = self.code.double()
        return float((code if self.mask is None else code * self.mask).norm())


class Aim(NamedTuple):
    """What all lanes of a job are after."""

    target: Tensor
    """Φ₀, in the shape of the representation's code."""
    mask: Tensor | None
    """m, of the same shape."""
    start: Tensor | None
    """The canvas to start from, of a caricature."""


class Subject(NamedTuple):
    """What a job is about: Φ, as announced and as computed."""

    model: models_wire.Model
    representation: Representation
    device: torch.device


def aim(spec: wire.PreimageSpec, given: Input, blobs: Blobs, subject: Subject) -> Aim:
    """What the job is after.

    Raises:
        InvalidSpecError: target, mask and objective do not go together.
        InversionError: the representation takes no pictures of this size.
    """
    _check_source(spec)
    layers = _layers(spec, given, subject)
    start = None
    if spec.objective.kind == wire.OBJECTIVE_KIND_CARICATURE and given.original is not None:
        start = canvas_of(subject.representation, given.original)
    if len(layers) > 1:
        return Aim(*_joint(layers), start)
    return Aim(layers[0].code, _emphasis(layers[0], spec.objective, blobs), start)


def _check_source(spec: wire.PreimageSpec) -> None:
    """That the objective takes the target, and as many layers."""
    kind, source = spec.objective.kind, spec.target.WhichOneof("source")
    if source is None:
        raise InvalidSpecError("The job has no target.")
    if source == "features":
        raise InvalidSpecError("The job's code is in no blob; create the job anew.")
    if (source == "unit") and kind != wire.OBJECTIVE_KIND_MAXIMISE:
        raise InvalidSpecError("A unit is what OBJECTIVE_KIND_MAXIMISE raises; name that kind.")
    if kind == wire.OBJECTIVE_KIND_CARICATURE and source != "picture":
        raise InvalidSpecError("A caricature starts from a picture; send one as the target.")
    if spec.representation.further_layers and kind not in _SQUARED:
        raise InvalidSpecError(
            "Several layers are for OBJECTIVE_KIND_INVERT; leave further_layers out."
        )


def _layers(spec: wire.PreimageSpec, given: Input, subject: Subject) -> tuple[_LayerTarget, ...]:
    asked = spec.representation
    parts = parts_of(subject.representation, given.height, given.width)
    layouts = {layer.name: layer.layout for layer in subject.model.layers}
    if spec.target.HasField("unit"):
        codes = [direction(spec.target.unit, parts[0].shape, layouts[parts[0].layer])]
    elif given.codes:
        pairs = zip(given.codes, parts, strict=True)
        codes = [_fitting(code, part, asked.model) for code, part in pairs]
    else:
        codes = _computed(spec, given, parts, subject)
    weights = (asked.layer_weight, *(each.weight for each in asked.further_layers))
    wanted = (asked.mask, *(each.mask for each in asked.further_layers))
    return tuple(
        _LayerTarget(part, code, masks.build(mask, part.shape, layouts[part.layer]), weight or 1.0)
        for part, code, mask, weight in zip(parts, codes, wanted, weights, strict=True)
    )


def _computed(
    spec: wire.PreimageSpec, given: Input, parts: Sequence[Part], subject: Subject
) -> list[Tensor]:
    """Φ₀ of every layer, of the picture that was sent."""
    assert given.original is not None
    whole = encode(subject.representation, given.original, subject.device)
    if spec.objective.kind == wire.OBJECTIVE_KIND_CARICATURE:
        whole = whole.clamp(min=0)
        if not whole.any():
            raise InvalidSpecError(
                "The layer gives nothing above zero for this picture, so there is nothing to "
                "exaggerate; choose another layer."
            )
    flat = whole.flatten()
    return [flat[part.where].reshape(part.shape) for part in parts]


def _fitting(code: Tensor, part: Part, model: str) -> Tensor:
    if tuple(code.shape) != part.shape:
        raise InvalidSpecError(
            f"The code has the shape {tuple(code.shape)}, but layer {part.layer!r} of {model} "
            f"gives {part.shape} for pictures of this size; send a code of that layer and size."
        )
    return code


def _emphasis(layer: _LayerTarget, objective: wire.Objective, blobs: Blobs) -> Tensor | None:
    """M of one layer: its mask, over √v where the objective has a variance."""
    if objective.kind != wire.OBJECTIVE_KIND_MAHALANOBIS:
        return layer.mask
    if not objective.HasField("uploaded_variance"):
        raise InvalidSpecError("OBJECTIVE_KIND_MAHALANOBIS needs a variance; send one.")
    variance = tensor_of(objective.uploaded_variance, blobs).double()
    if tuple(variance.shape) != layer.part.shape:
        raise InvalidSpecError(
            f"The variance has the shape {tuple(variance.shape)}, but the code has "
            f"{layer.part.shape}; send one number for each element."
        )
    if not (variance.isfinite() & (variance > 0)).all():
        raise InvalidSpecError("The variance has elements that are not above 0; send others.")
    # Only ratios matter: with a mean square of 1, no variance is too small for float32.
    weights = (variance / variance.min()).rsqrt()
    weights = (weights / weights.square().mean().sqrt()).float()
    return weights if layer.mask is None else weights * layer.mask


def _joint(layers: Sequence[_LayerTarget]) -> tuple[Tensor, Tensor]:
    """Target and m of several layers, flat: ‖m∘(Φ − Φ₀)‖² is the mean of their own terms."""
    if not all(0 < layer.weight < math.inf for layer in layers):
        raise InvalidSpecError("The weights of layers must be numbers above 0.")
    total = sum(layer.weight for layer in layers)
    tables = []
    for layer in layers:
        if not 0 < layer.norm < math.inf:
            raise InvalidSpecError(
                f"The masked code of layer {layer.part.layer!r} is zero, so that no error of it "
                "exists; leave the layer out, or change its mask."
            )
        table = torch.ones(layer.part.shape) if layer.mask is None else layer.mask.float()
        tables.append(table * (math.sqrt(layer.weight / total) / layer.norm))
    codes = [layer.code.float().flatten() for layer in layers]
    return torch.cat(codes), torch.cat([table.flatten() for table in tables])
