"""What a worker is told to do. Bytes that came inline are named by their digest."""

from collections.abc import Mapping

from preimage.v1 import spec_pb2, tensor_pb2, work_pb2
from preimage_orders import Fit
from preimage_service.checks.taken import Inputs, Taken


def invert_item(
    spec: spec_pb2.PreimageSpec, fit: Fit, inputs: Inputs, digests: Mapping[str, str]
) -> work_pb2.WorkItem:
    """The work of an inversion. Bytes that came inline are named by their digest.

    Args:
        spec: what was asked for.
        fit: the model and the size.
        inputs: what came with it.
        digests: of all inputs, by their paths.
    """
    item = work_pb2.WorkItem(invert=spec, model_digest=fit.model.digest, engine=fit.model.engine)
    item.DiscardUnknownFields()
    target, digest = inputs.target, digests[inputs.target.path]
    if target.code_shape:
        item.invert.target.uploaded_features.CopyFrom(_reference(target, digest))
    elif target.picture is not None:
        item.invert.target.picture.CopyFrom(_picture(target, digest))
        item.encoded_picture_digest = _encoded_digest(target, digest)
    for term, code in zip(item.invert.representation.further_layers, inputs.further, strict=True):
        if code is not None:
            term.uploaded_features.CopyFrom(_reference(code, digests[code.path]))
    if inputs.variance is not None:
        variance = _reference(inputs.variance, digests[inputs.variance.path])
        item.invert.objective.uploaded_variance.CopyFrom(variance)
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
