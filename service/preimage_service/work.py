"""From a checked request to a job of the queue. The only module that knows how both name things."""

import hashlib
from dataclasses import dataclass
from typing import final

from preimage.v1 import spec_pb2, tensor_pb2, work_pb2
from preimage_queue import Lane, NewJob, new_id
from preimage_service.checks.fields import seconds_of
from preimage_service.checks.fitting import Fit
from preimage_service.checks.taken import Taken

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
    digests: tuple[str, ...]
    """The blobs that it needs."""


def invert_item(
    spec: spec_pb2.PreimageSpec, fit: Fit, taken: Taken, digest: str
) -> work_pb2.WorkItem:
    """The work of an inversion. Bytes that came inline are named by their digest."""
    item = work_pb2.WorkItem(invert=spec, model_digest=fit.model.digest)
    item.DiscardUnknownFields()
    if taken.code_shape:
        item.invert.target.uploaded_features.CopyFrom(_reference(taken, digest))
    else:
        item.invert.target.picture.CopyFrom(_picture(taken, digest))
        item.encoded_picture_digest = _encoded_digest(taken, digest)
    return item


def extract_item(
    representation: spec_pb2.Representation, fit: Fit, taken: Taken, digest: str
) -> work_pb2.WorkItem:
    """The work of an extraction."""
    extraction = work_pb2.FeatureExtraction(
        picture=_picture(taken, digest), representation=representation
    )
    extraction.representation.ClearField("mask")
    item = work_pb2.WorkItem(
        extract=extraction,
        model_digest=fit.model.digest,
        encoded_picture_digest=_encoded_digest(taken, digest),
    )
    item.DiscardUnknownFields()
    return item


def new_job(order: Order) -> NewJob:
    """The job as the queue sees it."""
    return _extraction(order) if order.item.HasField("extract") else _inversion(order)


def steps_of(spec: spec_pb2.PreimageSpec, fit: Fit) -> int:
    """Steps of the whole schedule."""
    if spec.optimiser.HasField("steps"):
        return spec.optimiser.steps
    name = preset_of(spec, fit)
    return next((preset.steps for preset in fit.model.presets if preset.name == name), 0)


def preset_of(spec: spec_pb2.PreimageSpec, fit: Fit) -> str:
    """The preset that was asked for, else the model's first."""
    return spec.optimiser.preset or fit.model.presets[0].name


def _inversion(order: Order) -> NewJob:
    spec, fit, job_id = order.item.invert, order.fit, new_id()
    slots = max(spec.restarts, 1)
    key = ("invert", fit.layer.name, str(fit.size), _PRECISIONS[spec.optimiser.precision])
    return NewJob(
        id=job_id,
        tenant=order.tenant,
        request_id=order.request_id or job_id,
        fingerprint=_fingerprint(order.item),
        lane=_LANES[spec.lane],
        pool=_pool(fit),
        batch_key="|".join((_pool(fit), *key, preset_of(spec, fit), "invert")),
        slots=slots,
        cost=float(slots * max(steps_of(spec, fit), 1)),
        spec=order.item.SerializeToString(deterministic=True),
        blobs=order.digests,
        model=fit.model.name,
        layer=fit.layer.name,
        deadline_seconds=_deadline_seconds(spec),
    )


def _extraction(order: Order) -> NewJob:
    fit, job_id = order.fit, new_id()
    return NewJob(
        id=job_id,
        tenant=order.tenant,
        request_id=order.request_id or job_id,
        fingerprint=_fingerprint(order.item),
        lane=Lane.INSTANT,
        pool=_pool(fit),
        batch_key=f"{_pool(fit)}|extract",
        slots=0,
        cost=_EXTRACTION_COST,
        spec=order.item.SerializeToString(deterministic=True),
        blobs=order.digests,
        model=fit.model.name,
        layer=fit.layer.name,
    )


def _deadline_seconds(spec: spec_pb2.PreimageSpec) -> float | None:
    """The queue counts in milliseconds, and takes 0 for none."""
    return max(seconds_of(spec.deadline), 0.001) if spec.HasField("deadline") else None


def _pool(fit: Fit) -> str:
    return f"{fit.model.name}@{fit.model.digest}"


def _fingerprint(item: work_pb2.WorkItem) -> str:
    return hashlib.sha256(item.SerializeToString(deterministic=True)).hexdigest()


def _picture(taken: Taken, digest: str) -> tensor_pb2.Picture:
    """What stands for a picture that is stored: nothing at all for an encoded one."""
    if taken.tensor is None:
        return tensor_pb2.Picture()
    return tensor_pb2.Picture(uploaded=_reference(taken, digest))


def _encoded_digest(taken: Taken, digest: str) -> str:
    return digest if taken.tensor is None else ""


def _reference(taken: Taken, digest: str) -> tensor_pb2.TensorReference:
    assert taken.tensor is not None
    return tensor_pb2.TensorReference(
        digest=digest, dtype=taken.tensor.dtype, shape=taken.tensor.shape
    )
