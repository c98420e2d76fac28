"""From a work item to a job of the queue. The only module that knows how both name things."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from preimage.v1 import preimage_service_pb2, spec_pb2, work_pb2
from preimage.v1.model_service_pb2 import Model
from preimage_orders.computation import computation_of
from preimage_orders.fit import Fit
from preimage_orders.presets import preset_of, steps_of
from preimage_queue import Lane, NewJob, new_id

_LANES = {
    spec_pb2.LANE_UNSPECIFIED: Lane.INTERACTIVE,
    spec_pb2.LANE_INTERACTIVE: Lane.INTERACTIVE,
    spec_pb2.LANE_BATCH: Lane.BATCH,
}
_PRECISIONS = {
    spec_pb2.PRECISION_UNSPECIFIED: "float32",
    spec_pb2.PRECISION_FLOAT32: "float32",
    spec_pb2.PRECISION_TF32: "tf32",
    spec_pb2.PRECISION_BFLOAT16: "bfloat16",
}
_PARAMETRISATIONS = {
    spec_pb2.PARAMETRISATION_UNSPECIFIED: "own",
    spec_pb2.PARAMETRISATION_PIXELS: "pixels",
    spec_pb2.PARAMETRISATION_DCT: "dct",
    spec_pb2.PARAMETRISATION_FOURIER: "fourier",
}
_LOSSES = {
    spec_pb2.OBJECTIVE_KIND_UNSPECIFIED: "squared",
    spec_pb2.OBJECTIVE_KIND_INVERT: "squared",
    spec_pb2.OBJECTIVE_KIND_MAHALANOBIS: "squared",
    spec_pb2.OBJECTIVE_KIND_COSINE: "cosine",
    spec_pb2.OBJECTIVE_KIND_MAXIMISE: "inner",
    spec_pb2.OBJECTIVE_KIND_CARICATURE: "inner",
}
_LONGEST_LAYERS = 128
"""Characters of a batch key that layers may take: the queue takes keys of 512."""
_STRENGTHS_WALKED = 2
"""Schedules that a walk over strengths takes at most: half of one, and seven times a fifth."""
_EXTRACTION_COST = 1.0
"""One forward pass. It stands in a lane of its own, so nothing is compared with it."""


@final
@dataclass(frozen=True, slots=True)
class Order:
    """A request for a job, checked and stored: all but the queue's consent."""

    tenant: str
    request_id: str
    """Empty: not idempotent."""

    fit: Fit
    item: work_pb2.WorkItem
    blobs: Mapping[str, str]
    """Digests of the blobs that it needs, and the fields that brought them."""

    cache: preimage_service_pb2.CacheControl.ValueType = preimage_service_pb2.CACHE_CONTROL_USE
    """What equal jobs mean for it. Of an extraction nothing: it is one pass."""


def new_job(order: Order) -> NewJob:
    """The job as the queue sees it."""
    return _extraction(order) if order.item.HasField("extract") else _inversion(order)


def _inversion(order: Order) -> NewJob:
    spec, fit, job_id = order.item.invert, order.fit, new_id()
    slots = max(spec.restarts, 1)
    shares = order.cache != preimage_service_pb2.CACHE_CONTROL_BYPASS
    return NewJob(
        id=job_id,
        tenant=order.tenant,
        request_id=order.request_id or job_id,
        fingerprint=_fingerprint(order.item),
        lane=lane_of(spec),
        pool=pool_of(fit.model),
        batch_key=_batch_key(order.item, fit),
        slots=slots,
        cost=float(slots * steps_ahead(spec, fit)),  # lane-steps: waiting times are told by them
        spec=order.item.SerializeToString(deterministic=True),
        blobs=tuple(order.blobs),
        model=fit.model.name,
        layer=fit.layer.name,
        deadline_seconds=deadline_seconds(spec),
        computation=computation_of(order.item, fit) if shares else "",
        refresh=order.cache == preimage_service_pb2.CACHE_CONTROL_REFRESH,
    )


def steps_ahead(spec: spec_pb2.PreimageSpec, fit: Fit) -> int:
    """Steps of a slot, as far as they can be known before the work."""
    schedules = _STRENGTHS_WALKED if spec.priors.HasField("automatic") else 1
    return schedules * max(steps_of(spec, fit.model), 1)


def _batch_key(item: work_pb2.WorkItem, fit: Fit) -> str:
    """What lanes of one batch share. The worker's own key has the same parts."""
    spec = item.invert
    optimiser = spec.optimiser
    parts = (
        pool_of(fit.model),
        "invert",
        _layers(spec.representation),
        str(fit.size),
        _PRECISIONS[optimiser.precision],
        preset_of(spec, fit.model),
        _coordinates(optimiser),
        _LOSSES[spec.objective.kind],
        *_defence(item),
    )
    return "|".join(parts)


def _defence(item: work_pb2.WorkItem) -> tuple[str, ...]:
    """Of a job whose target stands behind a defence."""
    if not item.HasField("defence"):
        return ()
    return (hashlib.sha256(item.defence.SerializeToString(deterministic=True)).hexdigest(),)


def _layers(representation: spec_pb2.Representation) -> str:
    """All layers in the order of the request; many long names as their digest."""
    names = (representation.layer, *(term.layer for term in representation.further_layers))
    joined = "+".join(names)
    if len(joined) <= _LONGEST_LAYERS:
        return joined
    return hashlib.sha256(joined.encode()).hexdigest()


def _coordinates(optimiser: spec_pb2.Optimiser) -> str:
    """What the steps are taken in; "own" where the preset decides."""
    words = [_PARAMETRISATIONS[optimiser.parametrisation]]
    if optimiser.HasField("decorrelate_colour"):
        words.append("decorrelated" if optimiser.decorrelate_colour else "correlated")
    return "+".join(words)


def _extraction(order: Order) -> NewJob:
    fit, job_id = order.fit, new_id()
    return NewJob(
        id=job_id,
        tenant=order.tenant,
        request_id=order.request_id or job_id,
        fingerprint=_fingerprint(order.item),
        lane=Lane.INSTANT,
        pool=pool_of(fit.model),
        batch_key=f"{pool_of(fit.model)}|extract",
        slots=0,
        cost=_EXTRACTION_COST,
        spec=order.item.SerializeToString(deterministic=True),
        blobs=tuple(order.blobs),
        model=fit.model.name,
        layer=fit.layer.name,
    )


def deadline_seconds(spec: spec_pb2.PreimageSpec) -> float | None:
    """The queue counts in milliseconds, and takes 0 for none."""
    if not spec.HasField("deadline"):
        return None
    return max(float(spec.deadline.seconds) + float(spec.deadline.nanos) / 1e9, 0.001)


def lane_of(spec: spec_pb2.PreimageSpec) -> Lane:
    """Where an inversion waits."""
    return _LANES[spec.lane]


def pool_of(model: Model) -> str:
    """What a worker must serve."""
    return f"{model.name}@{model.digest}"


def _fingerprint(item: work_pb2.WorkItem) -> str:
    """What a request_id stands for: all that the caller said, and the model that it was said of."""
    said = work_pb2.WorkItem()
    said.CopyFrom(item)
    said.ClearField("engine")
    return hashlib.sha256(said.SerializeToString(deterministic=True)).hexdigest()
