"""Everything that can be wrong with the fields of a request, each with its path and a sentence."""

import math
from collections.abc import Callable

import grpc
import numpy as np
import pytest

from preimage.v1 import spec_pb2 as specs
from preimage.v1 import tensor_pb2 as tensors
from preimage.v1.preimage_service_pb2 import CreatePreimageRequest
from tests.service.rich import refused
from tests.service.specs import code, create, from_code, from_picture, png
from tests.service.stack import Stack
from tests.service.worker import FakeWorker

F32 = tensors.DATA_TYPE_FLOAT32
Spoil = Callable[[CreatePreimageRequest], object]


def _features(values: list[float], dtype: str = "<f4") -> tensors.Tensor:
    tensor = code(4, 8, 8, dtype=dtype)
    raw = np.frombuffer(tensor.data, dtype).copy()
    raw[: len(values)] = values
    tensor.data = raw.tobytes()
    return tensor


def _set(path: str, value: object) -> Spoil:
    def spoil(request: CreatePreimageRequest) -> None:
        *way, last = path.split(".")
        message: object = request
        for name in way:
            message = getattr(message, name)
        setattr(message, last, value)

    return spoil


def _target(features: tensors.Tensor) -> Spoil:
    return lambda request: request.spec.target.features.CopyFrom(features)


SPOILT: list[tuple[str, Spoil, str]] = [
    ("request_id", _set("request_id", "a b"), "1 to 64"),
    ("request_id", _set("request_id", "x" * 65), "1 to 64"),
    ("spec", lambda r: r.ClearField("spec"), "is required"),
    ("spec.target", lambda r: r.spec.ClearField("target"), "must hold"),
    ("spec.representation.model", _set("spec.representation.model", ""), "is required"),
    ("spec.representation.layer", _set("spec.representation.layer", "cnov"), "'conv'"),
    ("spec.objective.kind", _set("spec.objective.kind", 77), "unknown value 77"),
    ("spec.objective.data_weight", _set("spec.objective.data_weight", 0.0), "above 0"),
    ("spec.objective.data_weight", _set("spec.objective.data_weight", math.nan), "finite"),
    ("spec.objective.data_weight", _set("spec.objective.data_weight", 1e300), "float32"),
    ("spec.priors.alpha_norm.weight", _set("spec.priors.alpha_norm.weight", -1.0), "at least 0"),
    (
        "spec.priors.alpha_norm.exponent",
        _set("spec.priors.alpha_norm.exponent", 13.0),
        "at most 12",
    ),
    (
        "spec.priors.total_variation.weight",
        _set("spec.priors.total_variation.weight", math.inf),
        "finite",
    ),
    (
        "spec.priors.total_variation.exponent",
        _set("spec.priors.total_variation.exponent", 0.5),
        "at least 1",
    ),
    ("spec.optimiser.preset", _set("spec.optimiser.preset", "mv2061"), "'mv2016'"),
    ("spec.optimiser.steps", _set("spec.optimiser.steps", 0), "1 to"),
    ("spec.optimiser.steps", _set("spec.optimiser.steps", 2**31 - 1), "1 to"),
    ("spec.optimiser.rate_factor", _set("spec.optimiser.rate_factor", -2.0), "above 0"),
    ("spec.optimiser.rate_factor", _set("spec.optimiser.rate_factor", 1e9), "at most 1e+06"),
    ("spec.optimiser.precision", _set("spec.optimiser.precision", 9), "unknown value 9"),
    ("spec.stopping.target_error", _set("spec.stopping.target_error", -0.1), "above 0"),
    (
        "spec.stopping.plateau.minimum_decrease",
        _set("spec.stopping.plateau.minimum_decrease", -1.0),
        "at least 0",
    ),
    (
        "spec.stopping.plateau.window_steps",
        _set("spec.stopping.plateau.window_steps", -5),
        "0 to",
    ),
    ("spec.restarts", _set("spec.restarts", 17), "1 to 16"),
    ("spec.restarts", _set("spec.restarts", -1), "1 to 16"),
    ("spec.lane", _set("spec.lane", 3), "LANE_BATCH"),
    ("spec.deadline", _set("spec.deadline.seconds", -3), "above 0"),
    ("spec.deadline", _set("spec.deadline.nanos", -3), "above 0"),
    ("spec.deadline", lambda r: r.spec.deadline.SetInParent(), "above 0"),
    ("spec.deadline", _set("spec.deadline.seconds", 2**62), "366 days"),
    (
        "spec.progress.preview_every_steps",
        _set("spec.progress.preview_every_steps", -1),
        "0 to",
    ),
    (
        "spec.representation.input_size.height",
        _set("spec.representation.input_size.width", 8),
        "is 0",
    ),
    (
        "spec.representation.input_size",
        lambda r: r.spec.representation.input_size.CopyFrom(
            tensors.PictureSize(height=30000, width=30000)
        ),
        "30000 × 30000",
    ),
    (
        "spec.representation.input_size",
        lambda r: r.spec.representation.input_size.CopyFrom(tensors.PictureSize(height=3, width=8)),
        "needs 4 a side",
    ),
    ("spec.target.features.dtype", _set("spec.target.features.dtype", 0), "DATA_TYPE_FLOAT32"),
    (
        "spec.target.features.dtype",
        _set("spec.target.features.dtype", tensors.DATA_TYPE_UINT8),
        "DATA_TYPE_FLOAT32",
    ),
    ("spec.target.features.shape", _target(code(4, 8, 7)), "(4, 8, 8) for pictures of 8 × 8"),
    ("spec.target.features.shape", _target(code(256)), "(4, 8, 8)"),
    (
        "spec.target.features.shape",
        _target(tensors.Tensor(dtype=F32, shape=[2**63 - 1, 2**63 - 1], data=b"1234")),
        "bytes; this server takes",
    ),
    (
        "spec.target.features.shape",
        _target(tensors.Tensor(dtype=F32, shape=[2**62, 4, 2**63 - 1] * 20, data=b"")),
        "60 axes",
    ),
    ("spec.target.features.shape", _target(tensors.Tensor(dtype=F32, shape=[4, -8])), "below 1"),
    ("spec.target.features.shape", _target(tensors.Tensor(dtype=F32, data=b"1")), "0 axes"),
    (
        "spec.target.features.data",
        _target(tensors.Tensor(dtype=F32, shape=[4, 8, 8], data=b"1234")),
        "holds 4 bytes",
    ),
    ("spec.target.features.data", _target(_features([math.nan])), "NaN"),
    ("spec.target.features.data", _target(_features([-math.inf])), "infinity"),
    ("spec.target.features.data", _target(_features([1e200], "<f8")), "float32 cannot hold"),
    ("spec.target.features.data", _target(_features([1e30])), "norm"),
    (
        "spec.target.features.data",
        _target(tensors.Tensor(dtype=F32, shape=[4, 8, 8], data=bytes(1024))),
        "zero everywhere",
    ),
    (
        "spec.target.uploaded_features.digest",
        lambda r: r.spec.target.uploaded_features.CopyFrom(
            tensors.TensorReference(digest="AB", dtype=F32, shape=[4, 8, 8])
        ),
        "hexadecimal",
    ),
    ("spec.target.picture", lambda r: r.spec.target.picture.SetInParent(), "must hold"),
    (
        "spec.target.picture.pixels.shape",
        lambda r: r.spec.target.picture.pixels.CopyFrom(
            tensors.Tensor(dtype=tensors.DATA_TYPE_UINT8, shape=[4, 4, 4], data=bytes(64))
        ),
        "(height, width, 3)",
    ),
    (
        "spec.target.picture.pixels.data",
        lambda r: r.spec.target.picture.pixels.CopyFrom(
            tensors.Tensor(dtype=tensors.DATA_TYPE_UINT8, shape=[4, 4, 3], data=bytes(47))
        ),
        "holds 47 bytes",
    ),
    (
        "spec.representation.mask.channels[1]",
        lambda r: r.spec.representation.mask.channels.extend(
            [specs.IndexRange(begin=0, end=4), specs.IndexRange(begin=2, end=5)]
        ),
        "≤ 4",
    ),
    (
        "spec.representation.mask.boxes[0]",
        lambda r: r.spec.representation.mask.boxes.add(top=6, left=0, height=3, width=1),
        "rows 6 to 9",
    ),
    (
        "spec.representation.mask.boxes[0]",
        lambda r: r.spec.representation.mask.boxes.add(
            top=2**31 - 1, left=0, height=2**31 - 1, width=1
        ),
        "must lie in",
    ),
    (
        "spec.representation.mask.tokens",
        lambda r: r.spec.representation.mask.tokens.add(begin=0, end=1),
        "(tokens, channels)",
    ),
    (
        "spec.representation.mask.channels",
        lambda r: r.spec.representation.mask.channels.extend(
            [specs.IndexRange(begin=0, end=1)] * 5000
        ),
        "at most 4096",
    ),
]


@pytest.mark.parametrize(("field", "spoil", "words"), SPOILT)
async def test_a_wrong_field_is_named_with_what_would_be_right(
    stack: Stack, worker: FakeWorker, field: str, spoil: Spoil, words: str
) -> None:
    request = create(request_id="fine")
    spoil(request)
    error = await refused(stack.preimages.CreatePreimage(request))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "INVALID_FIELD"
    assert field in error.fields, error.fields
    assert words in error.fields[field]
    assert worker.claim() is None


async def test_everything_that_is_wrong_is_told_at_once(stack: Stack, worker: FakeWorker) -> None:
    request = create(from_code(_features([math.nan]), layer="no such layer"), "white space")
    request.spec.restarts = 99
    request.spec.optimiser.steps = -1
    request.spec.optimiser.preset = "sorcery"
    error = await refused(stack.preimages.CreatePreimage(request))
    assert set(error.fields) == {
        "request_id",
        "spec.restarts",
        "spec.optimiser.steps",
        "spec.optimiser.preset",
        "spec.representation.layer",
        "spec.target.features.data",
    }


@pytest.mark.parametrize(
    ("height", "width", "field"),
    [(-1, 64, ".height"), (64, 0, ".width"), (4, 64, ""), (30_000, 30_000, "")],
)
async def test_of_a_size_that_is_none_the_first_cause_alone_is_told(
    stack: Stack, worker: FakeWorker, height: int, width: int, field: str
) -> None:
    spec = from_code(code(27, 8, 8))
    spec.representation.model = spec.representation.layer = "hog"
    spec.representation.input_size.CopyFrom(tensors.PictureSize(height=height, width=width))
    spec.representation.mask.boxes.add(top=5, left=5, height=2, width=2)
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert set(error.fields) == {f"spec.representation.input_size{field}"}


async def test_an_error_stays_small_however_much_is_wrong(stack: Stack, worker: FakeWorker) -> None:
    request = create()
    for _ in range(4000):
        request.spec.representation.mask.boxes.add(top=-1, height=1, width=1)
    error = await refused(stack.preimages.CreatePreimage(request))
    assert len(error.fields) == 16
    assert "more" in error.message


async def test_long_names_are_not_sent_back(stack: Stack, worker: FakeWorker) -> None:
    request = create()
    request.spec.representation.model = "ü" * 1_000_000
    error = await refused(stack.preimages.CreatePreimage(request))
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert len(error.message) < 400


@pytest.mark.parametrize(
    ("shape", "size", "right"),
    [
        ((4, 99, 3), (12, 16), True),
        ((5, 12, 16), (12, 16), False),
        ((4, 12), (12, 16), False),
        ((4, 8, 8), (8, 8), True),
    ],
)
async def test_for_other_sizes_only_rank_and_channels_are_checked(
    stack: Stack,
    worker: FakeWorker,
    shape: tuple[int, ...],
    size: tuple[int, int],
    right: bool,  # noqa: FBT001  pytest hands parameters over by position
) -> None:
    request = create(from_code(code(*shape)))
    height, width = size
    request.spec.representation.input_size.CopyFrom(tensors.PictureSize(height=height, width=width))
    if right:
        await stack.preimages.CreatePreimage(request)
    else:
        error = await refused(stack.preimages.CreatePreimage(request))
        assert "any" in error.fields["spec.target.features.shape"]


async def test_cells_of_a_model_of_any_size_follow_from_the_size(
    stack: Stack, worker: FakeWorker
) -> None:
    request = create(from_picture(model="hog"))
    request.spec.target.features.CopyFrom(code(27, 5, 4))
    request.spec.representation.input_size.CopyFrom(tensors.PictureSize(height=43, width=35))
    await stack.preimages.CreatePreimage(request)
    request.spec.representation.input_size.CopyFrom(tensors.PictureSize(height=44, width=35))
    error = await refused(stack.preimages.CreatePreimage(request))
    assert "(27, 6, 4)" in error.fields["spec.target.features.shape"]


async def test_a_small_picture_is_too_small_only_where_its_size_is_kept(
    stack: Stack, worker: FakeWorker
) -> None:
    await stack.preimages.CreatePreimage(create(from_picture(png(2, 2))))
    error = await refused(stack.preimages.CreatePreimage(create(from_picture(png(9, 40), "hog"))))
    assert "needs 16 a side" in error.fields["spec.target.picture.encoded"]


async def test_masks_that_fit_are_taken(stack: Stack, worker: FakeWorker) -> None:
    spec = from_code()
    spec.representation.mask.channels.add(begin=1, end=4)
    spec.representation.mask.boxes.add(top=0, left=0, height=8, width=8)
    await stack.preimages.CreatePreimage(create(spec))
    spec = from_code(code(5, 6), "tokens")
    spec.representation.mask.tokens.add(begin=0, end=5)
    spec.representation.mask.channels.add(begin=5, end=6)
    await stack.preimages.CreatePreimage(create(spec))
    assert worker.item(worker.must_claim()).invert.representation.mask.boxes[0].height == 8
