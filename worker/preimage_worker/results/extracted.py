"""The result of an extraction: the raw code."""

from preimage.v1 import spec_pb2, tensor_pb2, work_pb2
from preimage_worker.jobs import Extracted
from preimage_worker.models import Served
from preimage_worker.results.parcel import Files, Parcel, put_floats
from preimage_worker.results.provenance import Surroundings, of_model


def extracted(done: Extracted, served: Served, where: Surroundings) -> Parcel:
    """The code of one picture, as numbers."""
    files: Files = {}
    provenance = of_model(served, where)
    provenance.layer = done.delivery.item.extract.representation.layer
    provenance.precision = spec_pb2.PRECISION_FLOAT32
    features = work_pb2.ExtractedFeatures(
        code=put_floats(files, "code.f32", done.code),
        input_size=tensor_pb2.PictureSize(height=done.height, width=done.width),
        provenance=provenance,
    )
    return Parcel(work_pb2.WorkResult(extract=features), files)
