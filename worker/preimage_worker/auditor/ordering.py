"""An attempt as a job of the queue: its specification, and the bytes that it refers to."""

import hashlib
import math
from typing import NamedTuple

import numpy as np
import safetensors.torch
from torch import Tensor

from preimage.v1 import model_service_pb2, spec_pb2, tensor_pb2, work_pb2
from preimage_orders import Fit, Order, Size, inversion_prefix
from preimage_worker.audit.inverter import BOUND, Attempt
from preimage_worker.axes import WIRE_LAYOUTS
from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.fitted import Fitted
from preimage_worker.inversion.defences.grammar import spell

_RESTART_STREAM = 0x52455354
_BOUND = 0.0 if math.isinf(BOUND) else BOUND
"""As the wire says it: 0 is none."""


class Asked(NamedTuple):
    """A job that has not been brought to the queue yet."""

    order: Order
    blobs: tuple[bytes, ...]
    """What the order names by digests."""


def order(
    attempt: Attempt, model: model_service_pb2.Model, tenant: str, audit_id: str, learnt: bytes
) -> Asked:
    """The job of an attempt.

    Args:
        attempt: what is to be tried.
        model: as it is announced.
        tenant: of the audit.
        audit_id: the audit's job.
        learnt: `statistics` of the attempt's defence.
    """
    item = work_pb2.WorkItem(model_digest=model.digest, engine=model.engine)
    _describe(item.invert, attempt, model.name)
    blobs = [_tensor(item.invert.target.uploaded_features, attempt.target)]
    if attempt.bounds is not None:
        blobs.append(_tensor(item.bounds.low, attempt.bounds.low))
        blobs.append(_tensor(item.bounds.high, attempt.bounds.high))
    if attempt.weights is not None:
        blobs.append(_tensor(item.weights, attempt.weights))
    if attempt.defence is not None:
        _know(item.defence, attempt.defence, learnt)
        blobs += [learnt] if learnt else []
    (layer,) = [each for each in model.layers if each.name == attempt.layer]
    fit = Fit(model, layer, Size(attempt.height, attempt.width))
    digests = {_digest(blob): attempt.name for blob in blobs}
    return Asked(
        Order(tenant, request_id(audit_id, attempt.name, model.engine), fit, item, digests),
        tuple(blobs),
    )


def request_id(audit_id: str, attempt: str, engine: str) -> str:
    """The same whenever the audit is run again by this engine: no inversion is asked for twice."""
    return inversion_prefix(audit_id) + _digest(f"{engine} {attempt}".encode())[:20]


def statistics(defence: Fitted) -> bytes:
    """What a defence has learnt, as safetensors; empty for nothing."""
    tensors = {name: tensor.contiguous() for name, tensor in sorted(defence.tensors().items())}
    return safetensors.torch.save(tensors) if tensors else b""


def _describe(spec: spec_pb2.PreimageSpec, attempt: Attempt, model: str) -> None:
    spec.representation.model, spec.representation.layer = model, attempt.layer
    size = spec.representation.input_size
    size.height, size.width = attempt.height, attempt.width
    spec.optimiser.preset, spec.optimiser.steps = attempt.preset, attempt.steps
    spec.priors.factor = attempt.prior_factor
    spec.priors.bound = _BOUND
    spec.lane = spec_pb2.LANE_BATCH
    # Restarts of one picture are jobs of their own, so that all of them can run at a time.
    again = hash64(attempt.seed, attempt.restart, _RESTART_STREAM)
    spec.seed = again if attempt.restart else attempt.seed


def _know(known: work_pb2.KnownDefence, defence: Fitted, learnt: bytes) -> None:
    known.chain = spell(Chain(tuple(each.stage for each in defence.stages)))
    known.code_shape.extend(defence.form.shape)
    known.layout = WIRE_LAYOUTS[defence.form.layout]
    known.statistics_digest = _digest(learnt) if learnt else ""


def _tensor(reference: tensor_pb2.TensorReference, tensor: Tensor) -> bytes:
    data: bytes = np.ascontiguousarray(tensor.numpy(), "<f4").tobytes()
    reference.digest, reference.dtype = _digest(data), tensor_pb2.DATA_TYPE_FLOAT32
    reference.shape.extend(tensor.shape or (1,))
    return data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
