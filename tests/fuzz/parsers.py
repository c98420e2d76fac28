"""Everything that reads what others wrote, each as a target: seeds, and what may come of them.

A target gets bytes and must return; whatever it raises is a finding. What a parser may answer with
(a violation, InvalidSpecError, …) is caught by the target itself.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any, final

import torch
from google.protobuf.message import DecodeError, Message

from preimage.v1.model_service_pb2 import ExtractFeaturesRequest
from preimage.v1.preimage_service_pb2 import CreatePreimageRequest
from preimage.v1.tensor_pb2 import Picture, Tensor, TensorReference
from preimage.v1.work_pb2 import WorkItem
from preimage_pictures import PictureError
from preimage_pictures.reading import read_rgb
from preimage_service import tokens
from preimage_service.checks.tensors import (
    FLOATS,
    check_elements,
    check_header,
    check_length,
    check_total,
    check_variances,
)
from preimage_service.errors import InvalidRequestError, StartError
from preimage_service.methods.watching import Position
from preimage_worker import catalogue, checkpoints, tensors
from preimage_worker.engine import Engine
from preimage_worker.errors import CatalogueError, JobError, ReferenceSetError
from preimage_worker.jobs import Crashed
from preimage_worker.models import Models
from preimage_worker.reference import files
from tests.fuzz import seeds
from tests.fuzz.front import MOST_PIXELS, Front
from tests.fuzz.messages import mutated_bytes
from tests.fuzz.mutate import mutated
from tests.service.worker import CHANNELS, HOG, TOY
from tests.worker import jobs

_MOST_TENSOR_BYTES = 2**20
_CPU = torch.device("cpu")


@final
@dataclass(frozen=True)
class Target:
    """A parser and what it is fed with."""

    name: str
    run: Callable[[bytes], object]
    seeds: Sequence[bytes] = ()
    messages: Sequence[Message] = ()
    """Instead of seeds: valid messages, which are mutated by their fields."""
    share: int = 1
    """Of all inputs, in relation to other targets: cheap ones get more."""

    def input(self, dice: Random) -> bytes:
        """The next input."""
        if self.messages:
            message = type(seed := dice.choice(self.messages))()
            message.CopyFrom(seed)
            return mutated_bytes(dice, message)
        return mutated(dice, dice.choice(self.seeds), self.seeds)

    def valid(self) -> list[bytes]:
        """The seeds as they are: none of them may fail either."""
        return [*self.seeds, *(message.SerializeToString() for message in self.messages)]


def _picture(data: bytes) -> None:
    try:
        picture = read_rgb(data, MOST_PIXELS)
    except PictureError as error:
        if not str(error):
            raise AssertionError("it says nothing") from error
        return
    assert picture.mode == "RGB"
    assert picture.height * picture.width <= MOST_PIXELS


def _frontend_tensor(data: bytes) -> None:
    tensor = _message(Tensor, data)
    faults = list(check_header(tensor, "t", FLOATS, _MOST_TENSOR_BYTES))
    faults += check_length(tensor, len(tensor.data), "t")
    faults += check_total([("t", tensor), ("u", tensor)], _MOST_TENSOR_BYTES)
    if not faults:
        list(check_elements(tensor.dtype, tensor.data, "t"))
        list(check_variances(tensor.dtype, tensor.data, "t"))


def _worker_tensor(data: bytes) -> None:
    tensor = _message(Tensor, data)
    reference = TensorReference(dtype=tensor.dtype, shape=tensor.shape)
    try:
        tensors.read(reference, tensor.data)
    except JobError:
        return


def _create(data: bytes) -> None:
    try:
        _front().create(data)
    except DecodeError:
        return


def _extract(data: bytes) -> None:
    try:
        _front().extract(data)
    except DecodeError:
        return


def _plan(data: bytes) -> None:
    """A job of the queue, admitted by an engine as its only one."""
    item, engine = _message(WorkItem, data), _engine()
    _log().last = None
    try:
        delivery = jobs.delivery(item, seeds.blobs())
    except JobError:
        return  # what the courier refuses before the engine sees it
    settled = engine.admit(delivery)
    engine.drop(delivery.ticket)
    engine.boundary()
    if isinstance(settled, Crashed):
        raise _log().last or AssertionError(settled.words)


def _accepted(data: bytes) -> None:
    """What a frontend accepts, a worker can begin or refuse in words."""
    try:
        accepted = _front().create(data)
    except DecodeError:
        return
    if accepted and accepted[0].invert.representation.model == "tiny":
        _plan(accepted[0].SerializeToString())


def _checkpoint(data: bytes) -> None:
    checkpoints.unpack(data)


def _catalogue(data: bytes) -> None:
    try:
        catalogue.parse(data.decode("utf-8", "replace"))
    except CatalogueError:
        return


def _tokens(data: bytes) -> None:
    try:
        tokens._parse(Path("tokens.toml"), data)
    except StartError:
        return


def _references(data: bytes) -> None:
    with NamedTemporaryFile(dir="/dev/shm") as file:
        Path(file.name).write_bytes(data)
        try:
            files.read(Path(file.name))
        except ReferenceSetError:
            return


def _resume_token(data: bytes) -> None:
    try:
        position = Position.read(data.decode("utf-8", "replace"))
    except InvalidRequestError:
        return
    assert Position.read(position.token) == position
    assert position.token.isascii()  # the queue takes nothing else


def _message(kind: Any, data: bytes) -> Any:  # noqa: ANN401  the generated classes share no base
    try:
        return kind.FromString(data)
    except DecodeError:
        return kind()


@final
class _Log(logging.Handler):
    """Keeps the last exception that was logged, and shows nothing."""

    last: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.exc_info[1] if record.exc_info else self.last


@cache
def _log() -> _Log:
    keeper, log = _Log(), logging.getLogger("preimage_worker")
    log.addHandler(keeper)
    log.propagate = False
    return keeper


@cache
def _models() -> Models:
    return jobs.models()


@cache
def _engine() -> Engine:
    return Engine(_models(), jobs.settings(PREIMAGE_MAXIMUM_PIXELS=str(MOST_PIXELS)), _CPU)


@cache
def _front() -> Front:
    served = {model.name: model for model in (TOY, HOG, CHANNELS)}
    served |= {model.name: model for model in _models().announcements() if model.name == "tiny"}
    return Front(served, seeds.blobs())


def _for_tiny() -> list[CreatePreimageRequest]:
    found = []
    for request in seeds.requests():
        if request.spec.target.HasField("picture"):
            request.spec.representation.model = "tiny"
            request.spec.representation.layer = "features.3"
            found.append(request)
    return found


_TOKENS = b"""
[tokens.laptop]
tenant = "acme"
scopes = ["submit", "read"]
sha256 = "%s"
expires = 2027-01-01T00:00:00Z
[tenants.acme]
weight = 2.0
jobs_queued = 100
slot_seconds = 36_000
""" % (b"0" * 64)


def targets() -> list[Target]:
    """All of them."""
    extractions = [
        ExtractFeaturesRequest(
            picture=Picture(encoded=data), representation=request.spec.representation
        )
        for data, request in zip(seeds.pictures(), seeds.requests(), strict=False)
    ]
    return [
        Target("pictures", _picture, seeds.pictures(), share=20),
        Target("tensors of a frontend", _frontend_tensor, messages=seeds.code_tensors(), share=30),
        Target("tensors of a worker", _worker_tensor, messages=seeds.code_tensors(), share=30),
        Target("requests for jobs", _create, messages=seeds.requests(), share=8),
        Target("requests for codes", _extract, messages=extractions, share=8),
        Target("accepted requests, begun", _accepted, messages=_for_tiny(), share=1),
        Target("jobs of the queue", _plan, messages=seeds.items(), share=1),
        Target("checkpoints", _checkpoint, [seeds.checkpoint()], share=20),
        Target("catalogue", _catalogue, [jobs.CATALOGUE.encode()], share=8),
        Target("tokens", _tokens, [_TOKENS], share=10),
        Target("reference sets", _references, [seeds.reference_set()], share=20),
        Target(
            "resume tokens", _resume_token, [b"12345-0+1", b"+0", b"", "٣-٣+1".encode()], share=5
        ),
    ]
