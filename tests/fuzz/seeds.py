"""Valid inputs, which mutations start from."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from preimage.v1 import preimage_service_pb2 as calls
from preimage.v1 import spec_pb2 as specs
from preimage.v1 import tensor_pb2 as tensors
from preimage.v1 import work_pb2 as works
from preimage_worker.checkpoints import collect, pack
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.report import LayerError, Measurement
from preimage_worker.inversion.walk import Waypoint
from preimage_worker.jobs import LaneResult
from preimage_worker.reference.files import write
from preimage_worker.reference.sets import Reference
from tests.pictures.bombs import HOSTILE, ODD, SLOW
from tests.service.specs import code, create, from_code, from_picture, png
from tests.worker import jobs

KINDS = (
    specs.OBJECTIVE_KIND_INVERT,
    specs.OBJECTIVE_KIND_COSINE,
    specs.OBJECTIVE_KIND_MAHALANOBIS,
    specs.OBJECTIVE_KIND_MAXIMISE,
    specs.OBJECTIVE_KIND_CARICATURE,
)


def pictures() -> list[bytes]:
    """Files of every kind that is taken, and small ones that are not."""
    honest = [make() for make in ODD.values()]
    hostile = [make() for name, make in HOSTILE.items() if name not in SLOW]
    return honest + [data for data in hostile if len(data) < 2**12]


def code_tensors() -> list[tensors.Tensor]:
    """Codes of every type."""
    plain = [code(4, 8, 8), code(10, dtype="<f8"), code(5, 6, dtype="<f2")]
    half = tensors.Tensor(dtype=tensors.DATA_TYPE_BFLOAT16, shape=[5], data=b"\0\x40" * 5)
    pixels = tensors.Tensor(dtype=tensors.DATA_TYPE_UINT8, shape=[2, 3, 3], data=bytes(18))
    return [*plain, half, pixels]


def _specs() -> list[specs.PreimageSpec]:
    several = from_picture()
    several.representation.further_layers.add(layer="fc", weight=2.0)
    masked = from_picture()
    masked.representation.mask.channels.add(begin=0, end=2)
    masked.representation.mask.boxes.add(top=1, left=1, height=2, width=2)
    masked.representation.mask.centre = 3
    tuned = from_picture(png(40, 40), "hog")
    tuned.priors.total_variation.weight = 0.5
    tuned.priors.alpha_norm.exponent = 6
    tuned.priors.automatic.noise_multiple = 2.0
    tuned.optimiser.steps, tuned.optimiser.preset = 30, "mv2016"
    tuned.stopping.target_error, tuned.stopping.plateau.window_steps = 0.1, 20
    tuned.deadline.seconds = 60
    tuned.restarts = 3
    tuned.repulsion.error_budget = 0.1
    unit = from_code()
    unit.target.unit.channel = 2
    every = [from_code(), from_picture(), several, masked, tuned, unit]
    for kind in KINDS:
        spec = from_picture()
        spec.objective.kind = kind
        if kind == specs.OBJECTIVE_KIND_MAHALANOBIS:
            ones = np.ones((4, 8, 8), "<f4").tobytes()
            spec.objective.variance.CopyFrom(
                tensors.Tensor(dtype=tensors.DATA_TYPE_FLOAT32, shape=[4, 8, 8], data=ones)
            )
        every.append(spec)
    unit.objective.kind = specs.OBJECTIVE_KIND_MAXIMISE
    return every


def requests() -> list[calls.CreatePreimageRequest]:
    """Requests for jobs, with every part that a specification can have."""
    return [create(spec, f"seed-{number}") for number, spec in enumerate(_specs())]


def items() -> list[works.WorkItem]:
    """Jobs as workers get them, for the small catalogue of the worker's tests.

    Their blobs are "picture", "code" and "variance".
    """
    found = [jobs.inversion(), jobs.inversion(model="hog", layer="hog", restarts=2)]
    several = jobs.inversion()
    several.invert.representation.further_layers.add(layer="features.2", weight=2.0)
    bare = jobs.inversion()
    bare.encoded_picture_digest = ""
    bare.invert.target.uploaded_features.CopyFrom(_reference("code", 128, 6, 6))
    unit = jobs.inversion(objective=specs.Objective(kind=specs.OBJECTIVE_KIND_MAXIMISE))
    unit.encoded_picture_digest = ""
    unit.invert.target.unit.channel = 3
    for kind in KINDS:
        item = jobs.inversion(objective=specs.Objective(kind=kind))
        if kind == specs.OBJECTIVE_KIND_MAHALANOBIS:
            item.invert.objective.uploaded_variance.CopyFrom(_reference("variance", 128, 6, 6))
        found.append(item)
    tuned = jobs.inversion(optimiser=jobs.steps(7, preset="mv2016", rate_factor=0.5), restarts=2)
    tuned.invert.priors.automatic.noise_multiple = 2.0
    tuned.invert.repulsion.error_budget = 0.1
    tuned.invert.representation.mask.centre = 3
    tuned.invert.representation.mask.channels.add(begin=0, end=2)
    return [*found, several, bare, unit, tuned]


def _reference(digest: str, *shape: int) -> tensors.TensorReference:
    return tensors.TensorReference(digest=digest, dtype=tensors.DATA_TYPE_FLOAT32, shape=shape)


def blobs() -> dict[str, bytes]:
    """What the jobs of `items` refer to."""
    values = np.random.default_rng(0).uniform(0.5, 1, (128, 6, 6)).astype("<f4").tobytes()
    return {"picture": jobs.picture(), "code": values, "variance": values}


def checkpoint() -> bytes:
    """A checkpoint of a job with a lane that runs and one that has ended."""
    result = LaneResult(
        restart=1,
        outcome=Outcome.STEP_LIMIT,
        measurement=Measurement(0.1, 0.2, 30, (LayerError(0.1, 0.2),)),
        steps=30,
        curve=np.zeros((30, 4), np.float32),
        levels=np.zeros((3, 4, 4), np.float32),
        walked=(Waypoint(1.0, 0.5, 0.01),),
    )
    running = {0: {"x": torch.zeros(3, 4, 4), "step": torch.tensor(3)}}
    return pack(collect(running, {1: result}))


def reference_set() -> bytes:
    """A file with distances of one layer."""
    facts = ("tiny", "d", "features.3", 32, 32, 3, "p", 2.0, 8.0, (1.0, 2.0, 3.0))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "set.json")
        write(file, [Reference(*facts)])
        return file.read_bytes()
