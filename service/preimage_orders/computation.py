"""When two jobs are equal: the digest of everything that a pre-image depends on.

It holds the caller's specification with what is left out resolved, as far as a frontend can know,
so that an explicit default equals an absent one; the digests of all inputs; the model, what is
announced of the layer, and the version of the engine. It leaves out what changes no picture: lane,
deadline, progress. The device is left out too: no caller can ask for one, so equal requests never
could count on the same, and the provenance names it.

Not to be taken for the fingerprint of `jobs`, which tells whether a request_id was used for
literally the same request.
"""

import hashlib
from typing import Final

from preimage.v1 import spec_pb2 as wire
from preimage.v1 import work_pb2
from preimage_orders.fit import Fit
from preimage_orders.presets import preset_of, steps_of

_WITHOUT_EFFECT: Final = ("lane", "deadline", "progress")
_NOISE_MULTIPLE, _LEAST_ERROR = 2.0, 0.02
_MINIMUM_DECREASE, _WINDOW_STEPS = 0.001, 50


def computation_of(item: work_pb2.WorkItem, fit: Fit) -> str:
    """The digest; empty if the model's worker does not say what engine it has.

    Args:
        item: the work, all of its inputs named by their digests.
        fit: the model as it is announced, and the size that was found for the picture.
    """
    if not item.engine:
        return ""
    equal = work_pb2.WorkItem()
    equal.CopyFrom(item)
    _resolve(equal.invert, fit)
    parts = (equal, fit.layer)
    texts = (part.SerializeToString(deterministic=True) for part in parts)
    return hashlib.sha256(b"|".join(hashlib.sha256(text).digest() for text in texts)).hexdigest()


def _resolve(spec: wire.PreimageSpec, fit: Fit) -> None:
    for name in _WITHOUT_EFFECT:
        spec.ClearField(name)
    spec.restarts = max(spec.restarts, 1)
    spec.objective.kind = spec.objective.kind or wire.OBJECTIVE_KIND_INVERT
    _resolve_representation(spec.representation, fit)
    _resolve_optimiser(spec, fit)
    _resolve_priors(spec.priors)
    if spec.stopping.HasField("plateau"):
        plateau = spec.stopping.plateau
        plateau.minimum_decrease = plateau.minimum_decrease or _MINIMUM_DECREASE
        plateau.window_steps = plateau.window_steps or _WINDOW_STEPS
    if spec.restarts == 1:
        spec.ClearField("repulsion")
    elif spec.HasField("repulsion"):
        spec.repulsion.weight = spec.repulsion.weight or 1.0
    _drop_empty(spec, "priors", "stopping")


def _resolve_representation(representation: wire.Representation, fit: Fit) -> None:
    size = representation.input_size
    size.height, size.width = fit.size.height, fit.size.width
    several = bool(representation.further_layers)
    representation.layer_weight = (representation.layer_weight or 1.0) if several else 0.0
    _drop_empty(representation, "mask")
    for term in representation.further_layers:
        term.weight = term.weight or 1.0
        _drop_empty(term, "mask")


def _resolve_optimiser(spec: wire.PreimageSpec, fit: Fit) -> None:
    optimiser = spec.optimiser
    optimiser.steps = steps_of(spec, fit.model)
    optimiser.preset = preset_of(spec, fit.model)
    optimiser.precision = optimiser.precision or wire.PRECISION_FLOAT32
    if optimiser.rate_factor == 1:
        optimiser.ClearField("rate_factor")


def _resolve_priors(priors: wire.Priors) -> None:
    _drop_empty(priors, "alpha_norm", "total_variation")
    if priors.HasField("automatic"):
        strength = priors.automatic
        strength.noise_multiple = strength.noise_multiple or _NOISE_MULTIPLE
        strength.least_error = strength.least_error or _LEAST_ERROR
    elif priors.factor == 1:
        priors.ClearField("factor")


def _drop_empty(
    message: wire.PreimageSpec | wire.Representation | wire.LayerTerm | wire.Priors, *names: str
) -> None:
    """Parts that are there and say nothing are as good as absent."""
    for name in names:
        if message.HasField(name) and not getattr(message, name).ByteSize():  # type: ignore[arg-type]
            message.ClearField(name)  # type: ignore[arg-type]
