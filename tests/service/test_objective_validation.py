"""Objectives, several layers, masks, priors, repulsion: all that can be wrong with them."""

import math
from collections.abc import Callable

import grpc
import numpy as np
import pytest

from preimage.v1 import spec_pb2 as specs
from preimage.v1 import tensor_pb2 as tensors
from preimage.v1.model_service_pb2 import ExtractFeaturesRequest
from preimage_queue import Queue
from tests.service.rich import refused
from tests.service.specs import code, create, from_code, from_picture, png
from tests.service.stack import Stack, running
from tests.service.worker import CHANNELS, HOG, TOY, FakeWorker

Spec = specs.PreimageSpec
Change = Callable[[Spec], object]
MAXIMISE = specs.OBJECTIVE_KIND_MAXIMISE
CARICATURE = specs.OBJECTIVE_KIND_CARICATURE
MAHALANOBIS = specs.OBJECTIVE_KIND_MAHALANOBIS


@pytest.fixture
def worker(queue: Queue) -> FakeWorker:
    """A worker that also serves a model of seven channels."""
    pools = tuple(f"{model.name}@{model.digest}" for model in (TOY, HOG, CHANNELS))
    worker = FakeWorker(queue, catalogue=(TOY, HOG, CHANNELS), pools=pools)
    worker.announce()
    return worker


def merged(base: Spec | None = None, **fields: object) -> Spec:
    """A specification with fields added; those that are None are cleared before."""
    spec = base or from_code()
    for name, value in fields.items():
        if value is None:
            spec.ClearField(name)
    spec.MergeFrom(Spec(**{k: v for k, v in fields.items() if v is not None}))
    return spec


def maximising(unit: dict[str, int] | None = None, layer: str = "conv", **fields: object) -> Spec:
    spec = merged(from_code(layer=layer), objective={"kind": MAXIMISE}, **fields)
    if unit is not None:
        spec.target.unit.CopyFrom(specs.Unit(**unit))
    return spec


def with_variance(values: float = 1.0, shape: tuple[int, ...] = (4, 8, 8)) -> Spec:
    array = np.full(shape, 1.0, "<f4")
    array.flat[-1] = values
    tensor = tensors.Tensor(dtype=1, shape=shape, data=array.tobytes())
    return merged(objective={"kind": MAHALANOBIS, "variance": tensor})


def layers(*terms: dict[str, object], base: Spec | None = None) -> Spec:
    return merged(base or from_picture(), representation={"further_layers": terms})


def masked(layer: str = "conv", model: str = "toy", **mask: object) -> Spec:
    spec = merged(from_picture(), representation={"mask": mask, "model": model, "layer": layer})
    if model == "channels":
        spec.target.features.CopyFrom(code(6, 7, 3) if layer == "last" else code(2, 3, 4, 5))
        spec.representation.input_size.CopyFrom(tensors.PictureSize(height=9, width=9))
    return spec


HUGE = {"digest": "a" * 64, "dtype": 1, "shape": [4, 2**10, 2**15]}
OBJECTIVE, TARGET = "spec.objective", "spec.target"
LAYERS, MASK = "spec.representation.further_layers", "spec.representation.mask"
SPOILT: list[tuple[str, Spec, str]] = [
    (f"{TARGET}.unit", merged(target={"unit": {"channel": 1}}), "what a maximisation raises"),
    (f"{TARGET}.unit.channel", maximising({"channel": 4}), "below 4"),
    (f"{TARGET}.unit.channel", maximising({"channel": -1}), "at least 0"),
    (f"{TARGET}.unit", maximising({"channel": 1, "row": 2}), "alone"),
    (f"{TARGET}.unit.row", maximising({"channel": 1, "row": 8, "column": 0}), "below 8"),
    (f"{TARGET}.unit.column", maximising({"channel": 1, "row": 0, "column": 9}), "below 8"),
    (f"{TARGET}.unit.token", maximising({"channel": 1, "token": 0}), "with tokens"),
    (f"{TARGET}.unit.token", maximising({"channel": 1, "token": 5}, "tokens"), "below 5"),
    (f"{TARGET}.unit.row", maximising({"channel": 1, "row": 0, "column": 0}, "fc"), "with height"),
    (f"{TARGET}.features", merged(objective={"kind": CARICATURE}), "must be a picture"),
    (f"{OBJECTIVE}.activation_scale", merged(objective={"activation_scale": 1}), "a maximisation"),
    (
        f"{OBJECTIVE}.activation_scale",
        merged(objective={"kind": MAXIMISE, "activation_scale": 0}),
        "above 0",
    ),
    (
        f"{OBJECTIVE}.variance",
        merged(objective={"kind": MAHALANOBIS}),
        "required by the Mahalanobis",
    ),
    (f"{OBJECTIVE}.variance", merged(objective={"variance": code(4, 8, 8)}), "Mahalanobis loss"),
    (f"{OBJECTIVE}.variance.data", with_variance(0.0), "above 0"),
    (f"{OBJECTIVE}.variance.data", with_variance(-1.0), "above 0"),
    (f"{OBJECTIVE}.variance.data", with_variance(math.nan), "1e-30 to 1e30"),
    (f"{OBJECTIVE}.variance.data", with_variance(math.inf), "1e-30 to 1e30"),
    (f"{OBJECTIVE}.variance.shape", with_variance(shape=(4, 8, 7)), "(4, 8, 8)"),
    (
        f"{OBJECTIVE}.uploaded_variance.digest",
        merged(
            objective={
                "kind": MAHALANOBIS,
                "uploaded_variance": {"digest": "x", "dtype": 1, "shape": [4, 8, 8]},
            }
        ),
        "hexadecimal",
    ),
    (f"{LAYERS}[0].layer", layers({"layer": "cnov"}), "'cnov' is no layer of toy; did"),
    (f"{LAYERS}[0].layer", layers({"layer": "conv"}), "twice"),
    (f"{LAYERS}[1].layer", layers({"layer": "fc"}, {"layer": "fc"}), "twice"),
    (f"{LAYERS}[0].layer", layers({}), "is required"),
    (f"{LAYERS}[0].weight", layers({"layer": "fc", "weight": -1}), "at least 0"),
    (f"{LAYERS}[0].weight", layers({"layer": "fc", "weight": math.inf}), "finite"),
    (f"{LAYERS}[0].features", layers({"layer": "fc"}, base=from_code()), "are required"),
    (f"{LAYERS}[0].features", layers({"layer": "fc", "features": code(10)}), "leave them out"),
    (
        f"{LAYERS}[0].features.shape",
        layers({"layer": "fc", "features": code(11)}, base=from_code()),
        "(10)",
    ),
    (
        f"{LAYERS}[0].features.data",
        layers(
            {"layer": "fc", "features": {"dtype": 1, "shape": [10], "data": bytes(40)}},
            base=from_code(),
        ),
        "zero everywhere",
    ),
    (
        f"{LAYERS}[0].mask.tokens",
        layers({"layer": "fc", "mask": {"centre": 1, "tokens": [{}]}}),
        "",
    ),
    (LAYERS, layers({"layer": "x"}, base=from_picture(png(32, 32), "hog")), "one layer"),
    (LAYERS, layers(*({"layer": str(i)} for i in range(500))), "at most 31"),
    (
        LAYERS,
        layers({"layer": "fc"}, base=merged(from_picture(), objective={"kind": CARICATURE})),
        "need an inversion with the squared loss",
    ),
    (
        f"{LAYERS}[0].uploaded_features",
        layers(
            {"layer": "fc", "uploaded_features": HUGE},
            base=merged(from_code(), target={"uploaded_features": HUGE}),
        ),
        "together",
    ),
    ("spec.representation.layer_weight", merged(representation={"layer_weight": -1}), "at least 0"),
    (f"{MASK}.centre", masked(centre=9), "9 × 9"),
    (f"{MASK}.centre", masked(centre=-1), "at least 1"),
    (f"{MASK}.centre", masked("fc", centre=1), "positions"),
    (f"{MASK}.boxes", masked("tokens", boxes=[{"height": 1, "width": 1}]), "positions"),
    (f"{MASK}.channel_half", masked(channel_half=3), "unknown value 3"),
    (f"{MASK}.channels[0]", masked("last", "channels", channels=[{"begin": 0, "end": 4}]), "≤ 3"),
    (f"{MASK}.channels", masked("odd", "channels", channels=[{"begin": 0, "end": 1}]), "channels"),
    (f"{MASK}.channel_half", masked("odd", "channels", channel_half=1), "channels"),
    ("spec.priors.bound", merged(priors={"bound": -1}), "at least 0"),
    ("spec.priors.bound", merged(priors={"bound": math.inf}), "finite"),
    ("spec.priors.factor", merged(priors={"factor": -0.5}), "at least 0"),
    ("spec.priors.factor", merged(priors={"factor": math.nan}), "finite"),
    (
        "spec.priors.automatic.noise_multiple",
        merged(priors={"automatic": {"noise_multiple": -1}}),
        "at least 0",
    ),
    (
        "spec.priors.automatic.least_error",
        merged(priors={"automatic": {"least_error": math.nan}}),
        "finite",
    ),
    (
        "spec.priors.automatic",
        maximising({}, priors={"automatic": {}}),
        "a maximisation does not seek",
    ),
    ("spec.priors.automatic", merged(priors={"automatic": {}}), "is for the preset 'auto' alone"),
    ("spec.priors.alpha_norm.form", merged(priors={"alpha_norm": {"form": 5}}), "unknown value 5"),
    (
        "spec.stopping.target_error",
        maximising({}, stopping={"target_error": 0.1}),
        "relative error",
    ),
    ("spec.repulsion", merged(repulsion={"error_budget": 0.1}), "at least 2"),
    ("spec.repulsion", maximising({}, restarts=2, repulsion={"error_budget": 1}), "a maximisation"),
    ("spec.repulsion.error_budget", merged(restarts=2, repulsion={}), "above 0"),
    (
        "spec.repulsion.weight",
        merged(restarts=2, repulsion={"error_budget": 0.1, "weight": -1}),
        "at least 0",
    ),
    (
        "spec.optimiser.parametrisation",
        merged(optimiser={"parametrisation": 7}),
        "unknown value 7",
    ),
    (
        "spec.optimiser.parametrisation",
        merged(masked("last", "channels"), optimiser={"parametrisation": 2}),
        "name 'mv2016' or 'mv2015'",
    ),
    (
        "spec.optimiser.rate_factor",
        merged(masked("last", "channels"), optimiser={"rate_factor": 0.5}),
        "whose steps are its own",
    ),
    (
        "spec.optimiser.jitter",
        merged(masked("last", "channels"), optimiser={"jitter": True}),
        "whose steps are its own",
    ),
    (
        "spec.optimiser.preset",
        maximising({}, optimiser={"preset": "mv2015"}),
        "is not for this objective; there are 'mv2016'",
    ),
    (
        "spec.optimiser.decorrelate_colour",
        merged(
            masked("last", "channels"),
            optimiser={"preset": "mv2016", "decorrelate_colour": True},
        ),
        "needs colours",
    ),
]


@pytest.mark.parametrize(("field", "spec", "words"), SPOILT)
async def test_a_wrong_field_is_named_with_what_would_be_right(
    stack: Stack, worker: FakeWorker, field: str, spec: Spec, words: str
) -> None:
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert field in error.fields, error.fields
    assert words in error.fields[field], error.fields[field]
    assert worker.claim() is None


RIGHT: list[Spec] = [
    maximising({"channel": 3}),
    maximising({"channel": 3, "row": 7, "column": 0}),
    maximising({"channel": 5, "token": 4}, "tokens"),
    maximising({"channel": 9}, "fc", restarts=2),
    maximising(),
    merged(from_picture(), objective={"kind": CARICATURE}),
    merged(objective={"kind": specs.OBJECTIVE_KIND_COSINE}),
    with_variance(),
    merged(from_picture(), objective={"kind": MAHALANOBIS, "variance": code(4, 8, 8)}),
    layers({"layer": "fc", "weight": 0.5, "mask": {"channels": [{"begin": 0, "end": 3}]}}),
    masked(centre=8, channel_half=1, channels=[{"begin": 0, "end": 4}]),
    masked("last", "channels", boxes=[{"top": 5, "left": 6, "height": 1, "width": 1}]),
    merged(priors={"bound": 0.0, "factor": 0.0, "alpha_norm": {"form": 1}}),
    merged(priors={"automatic": {}}, optimiser={"preset": "auto"}),
    merged(restarts=2, repulsion={"error_budget": 0.1}),
    merged(optimiser={"parametrisation": 3, "decorrelate_colour": True}),
]
RIGHT[7].objective.variance.CopyFrom(code(4, 8, 8))
for _spec in (RIGHT[7], RIGHT[8]):
    _spec.objective.variance.data = np.ones((4, 8, 8), "<f4").tobytes()


@pytest.mark.parametrize("spec", RIGHT)
async def test_what_is_right_is_taken(stack: Stack, worker: FakeWorker, spec: Spec) -> None:
    await stack.preimages.CreatePreimage(create(spec))
    assert worker.claim() is not None


async def test_a_unit_on_a_model_of_any_size_needs_a_size(stack: Stack, worker: FakeWorker) -> None:
    spec = maximising({"channel": 2}, "hog", representation={"model": "hog"})
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert "is required" in error.fields["spec.representation.input_size"]
    spec.representation.input_size.CopyFrom(tensors.PictureSize(height=32, width=40))
    await stack.preimages.CreatePreimage(create(spec))
    claimed = worker.must_claim()
    assert claimed.blobs == ()
    assert "|hog|32x40|" in claimed.batch.batch_key


async def test_a_model_of_many_channels_refuses_pictures(stack: Stack, worker: FakeWorker) -> None:
    spec = merged(from_picture(), representation={"model": "channels", "layer": "last"})
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert "7 channels" in error.fields["spec.target.picture.encoded"]
    extraction = ExtractFeaturesRequest(
        picture=spec.target.picture, representation=spec.representation
    )
    error = await refused(stack.models.ExtractFeatures(extraction))
    assert "7 channels" in error.fields["picture.encoded"]


async def test_everything_that_is_wrong_with_the_parts_is_told_at_once(
    stack: Stack, worker: FakeWorker
) -> None:
    spec = with_variance(-1.0, (4, 8, 7))
    spec.representation.further_layers.add(layer="fc", features=code(3))
    spec.representation.mask.centre = 20
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert set(error.fields) == {
        "spec.objective.variance.data",
        "spec.objective.variance.shape",
        LAYERS,
        f"{LAYERS}[0].features.shape",
        f"{MASK}.centre",
    }


@pytest.mark.parametrize("wrong", [0.0, math.inf, math.nan])
async def test_a_variance_of_half_precision_is_judged_as_it_is(
    stack: Stack, worker: FakeWorker, wrong: float
) -> None:
    spec = with_variance()
    values = np.full((4, 8, 8), 2.0, "<f2")
    half = tensors.Tensor(dtype=tensors.DATA_TYPE_FLOAT16, shape=values.shape)
    half.data = values.tobytes()
    spec.objective.variance.CopyFrom(half)
    await stack.preimages.CreatePreimage(create(spec))
    values.flat[7] = wrong
    spec.objective.variance.data = values.tobytes()
    error = await refused(stack.preimages.CreatePreimage(create(spec)))
    assert list(error.fields) == ["spec.objective.variance.data"]


async def test_together_the_tensors_may_not_be_larger_than_one(
    queue_settings: object, worker: FakeWorker
) -> None:
    spec = layers({"layer": "fc", "features": code(10)}, base=from_code())
    async with running(queue_settings, maximum_tensor_bytes=1024 + 39) as stack:
        error = await refused(stack.preimages.CreatePreimage(create(spec)))
        assert "1064 bytes" in error.fields[f"{LAYERS}[0].features"]
    async with running(queue_settings, maximum_tensor_bytes=1024 + 40) as stack:
        await stack.preimages.CreatePreimage(create(spec))
