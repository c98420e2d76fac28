"""Jobs for tests of the worker: a small network with random weights, small pictures."""

import io
import itertools
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from preimage.v1 import spec_pb2, work_pb2
from preimage_worker import catalogue, spec
from preimage_worker.jobs import Delivery, Ticket
from preimage_worker.models import Models
from preimage_worker.pictures import Limits
from preimage_worker.reference.sets import Reference
from preimage_worker.settings import Settings

SIDE = 32
CATALOGUE = f"""
[models.tiny]
architecture = "torchvision:squeezenet1_0"
weights = {{ random = 1 }}
input_size = [{SIDE}, {SIDE}]
layers = ["features.*"]

[models.hog]
architecture = "hog"

[models.absent]
architecture = "torchvision:alexnet"
weights = {{ file = "absent.safetensors" }}
input_size = [224, 224]
"""
ENVIRONMENT = {"PREIMAGE_DOWNLOAD_MODELS": "none", "PREIMAGE_THREADS": "1"}

_numbers = itertools.count()


def settings(**environment: str) -> Settings:
    """A worker's settings for tests."""
    return Settings.from_environment({**ENVIRONMENT, **environment})


def models() -> Models:
    """The small catalogue, described and ready."""
    return Models(catalogue.parse(CATALOGUE), settings(), torch.device("cpu"))


def reference(name: str = "tiny", **changes: object) -> Reference:
    """Distances of "features.3" of the small network, that nobody measured."""
    facts = {
        "model": name,
        "model_digest": models().served(name).announcement.digest,
        "layer": "features.3",
        "height": SIDE,
        "width": SIDE,
        "pictures": 3,
        "pictures_digest": "p",
        "mean_distance": 2.0,
        "mean_squared_distance": 8.0,
        "quantiles": (1.0, 2.0, 3.0),
    }
    return Reference(**(facts | changes))  # type: ignore[arg-type]


def catalogue_file(folder: Path) -> Path:
    """The small catalogue as a file."""
    file = folder / "catalogue.toml"
    file.write_text(CATALOGUE)
    return file


def picture(seed: int = 0, height: int = SIDE, width: int = SIDE) -> bytes:
    """A smooth coloured picture as PNG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    smooth.save(buffer, "PNG")
    return buffer.getvalue()


def inversion(
    layer: str = "features.3", model: str = "tiny", **fields: object
) -> work_pb2.WorkItem:
    """A job that inverts the code of the encoded picture "picture"."""
    item = work_pb2.WorkItem(encoded_picture_digest="picture")
    item.invert.MergeFrom(spec_pb2.PreimageSpec(**fields))  # type: ignore[arg-type]
    item.invert.representation.model = model
    item.invert.representation.layer = layer
    item.invert.target.picture.SetInParent()
    return item


def steps(number: int, **fields: object) -> spec_pb2.Optimiser:
    """An optimiser message with so many steps."""
    return spec_pb2.Optimiser(steps=number, **fields)  # type: ignore[arg-type]


def delivery(
    item: work_pb2.WorkItem,
    blobs: dict[str, bytes] | None = None,
    checkpoint: bytes | None = None,
    deadline_at: float | None = None,
) -> Delivery:
    """A claimed job."""
    blobs = {"picture": picture()} if blobs is None else blobs
    return Delivery(
        ticket=Ticket(f"job-{next(_numbers)}", 1, "default"),
        item=item,
        blobs=blobs,
        sent=spec.sent_picture(item, blobs, Limits.of(settings())),
        checkpoint=checkpoint,
        queued_seconds=0.5,
        claimed_at=time.monotonic(),
        deadline_at=deadline_at,
    )
