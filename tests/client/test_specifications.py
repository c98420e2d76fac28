"""From keyword arguments to the wire's specification."""

import dataclasses

import pytest
from google.protobuf.duration_pb2 import Duration

import preimage
from preimage.request import Request, Settings
from preimage.spec import spec_of
from preimage.v1 import spec_pb2
from tests.client import messages
from tests.client.fake import FakeService


def spec(**settings: object) -> spec_pb2.PreimageSpec:
    request = Request(source=b"", **{"model": "hog", "layer": "cells", **settings})
    return spec_of(request, b"")


def test_what_is_left_out_is_left_to_the_preset() -> None:
    message = spec()
    assert not message.objective.HasField("data_weight")
    assert not message.priors.total_variation.HasField("weight")
    assert not message.priors.alpha_norm.HasField("exponent")
    assert not message.optimiser.HasField("steps")
    assert not message.optimiser.HasField("jitter")
    assert not message.optimiser.HasField("decorrelate_colour")
    assert not message.priors.HasField("bound")
    assert message.priors.WhichOneof("strength") is None
    assert not message.HasField("repulsion")
    assert message.objective.kind == spec_pb2.OBJECTIVE_KIND_INVERT
    assert not message.stopping.HasField("plateau")
    assert not message.stopping.HasField("target_error")
    assert not message.HasField("deadline")
    assert not message.representation.HasField("mask")
    assert not message.representation.HasField("input_size")
    assert message.optimiser.preset == ""
    assert (message.restarts, message.seed) == (1, 0)
    assert message.lane == spec_pb2.LANE_INTERACTIVE


EVERY_FIELD = spec_pb2.PreimageSpec(
    representation={
        "model": "hog",
        "layer": "cells",
        "input_size": {"height": 120, "width": 160},
        "mask": {
            "channels": [{"begin": 0, "end": 2}, {"begin": 5, "end": 7}],
            "boxes": [{"top": 1, "left": 2, "height": 3, "width": 4}],
            "centre": 5,
            "channel_half": "CHANNEL_HALF_SECOND",
        },
    },
    objective={"kind": "OBJECTIVE_KIND_COSINE", "data_weight": 100.0},
    priors={
        "alpha_norm": {
            "weight": 0.25,
            "exponent": 6.0,
            "form": "ALPHA_NORM_FORM_ISOTROPIC",
        },
        "total_variation": {"weight": 0.5, "exponent": 1.5},
        "bound": 90.0,
        "factor": 0.5,
    },
    optimiser={
        "preset": "mv2016",
        "steps": 40,
        "rate_factor": 0.5,
        "jitter": False,
        "precision": "PRECISION_BFLOAT16",
        "parametrisation": "PARAMETRISATION_DCT",
        "decorrelate_colour": False,
    },
    stopping={
        "target_error": 0.05,
        "plateau": {"minimum_decrease": 0.01, "window_steps": 20},
    },
    restarts=4,
    repulsion={"error_budget": 0.1, "weight": 2.0},
    seed=2**64 - 1,
    lane="LANE_BATCH",
    deadline=Duration(seconds=2, nanos=500_000_000),
    progress={"preview_every_steps": 5},
)


def test_every_setting_reaches_its_field() -> None:
    message = spec(
        loss="cosine",
        preset="mv2016",
        steps=40,
        data_weight=100.0,
        prior_weight=0.5,
        tv_weight=0.5,
        tv_exponent=1.5,
        alpha_weight=0.25,
        alpha_exponent=6.0,
        alpha_form="isotropic",
        bound=90.0,
        restarts=4,
        repulsion=preimage.Repulsion(0.1, weight=2.0),
        seed=2**64 - 1,
        target_error=0.05,
        plateau=preimage.Plateau(0.01, 20),
        mask=preimage.Mask(
            channels=((0, 2), (5, 7)),
            boxes=(preimage.Box(1, 2, 3, 4),),
            centre=5,
            channel_half="second",
        ),
        input_size=(120, 160),
        precision="bfloat16",
        parametrisation="dct",
        decorrelate_colour=False,
        rate_factor=0.5,
        jitter=False,
        deadline_seconds=2.5,
        lane="batch",
        preview_every_steps=5,
    )
    assert message == EVERY_FIELD


def test_a_weight_of_zero_is_not_a_weight_that_was_left_out() -> None:
    message = spec(tv_weight=0.0, jitter=False)
    assert message.priors.total_variation.HasField("weight")
    assert message.optimiser.HasField("jitter")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lane": "fast"}, "lane must be one of 'interactive', 'batch', not 'fast'"),
        ({"precision": "float64"}, "precision must be one of 'float32', 'tf32', 'bfloat16'"),
        ({"seed": -1}, "seed must be 0 to 18446744073709551615"),
        ({"seed": 2**64}, "seed must be 0 to 18446744073709551615"),
        ({"deadline_seconds": 0}, "deadline_seconds must be .*more than 0"),
        ({"deadline_seconds": float("inf")}, "deadline_seconds must be .*more than 0"),
        ({"steps": "many"}, "steps must be a whole number, not 'many'"),
        ({"restarts": 0}, r"restarts must be at least 1, not 0\."),
        ({"steps": -5}, r"steps must be at least 1, not -5\."),
        ({"preview_every_steps": -1}, r"preview_every_steps must be at least 0, not -1\."),
        ({"tv_weight": "much"}, "tv_weight must be a number, not 'much'"),
        ({"steps": 2**31}, "steps must be at most 2147483647, the largest .*, not 2147483648"),
        ({"input_size": (1, 2, 3)}, r"input_size must be \(height, width\), .* not \(1, 2, 3\)\."),
        ({"input_size": 5}, r"input_size must be \(height, width\), .* not 5\."),
        ({"input_size": (2**40, 5)}, r"input_size must be \(height, width\)"),
        ({"mask": 3}, r"mask must be preimage\.Mask\(.*\), .* not 3\."),
        ({"mask": preimage.Mask(channels=(0, 2))}, r"mask\.channels must be pairs .* \(0, 2\)\."),
        ({"mask": preimage.Mask(boxes=((0, 2),))}, r"mask\.boxes must be boxes"),
        ({"plateau": 0.1}, r"plateau must be preimage\.Plateau\(.*\), not 0\.1\."),
        ({"plateau": preimage.Plateau("flat")}, r"minimum_decrease must be a number, not 'flat'"),
        ({"jitter": "yes"}, "jitter must be True or False, not 'yes'"),
        ({"preset": 2016}, "preset must be a text, not 2016"),
        ({"model": None}, "model must be a text, not None"),
        ({"seed": None}, "seed must be a whole number, not None"),
        ({"lane": ["batch"]}, r"lane must be one of .* not \['batch'\]"),
        ({"deadline_seconds": "soon"}, "deadline_seconds must be a number of seconds"),
        ({"deadline_seconds": 1e15}, "does not fit"),
        ({"loss": "absolute"}, "loss must be one of 'squared', 'cosine', 'mahalanobis'"),
        ({"task": "dream"}, "task must be one of 'invert', 'maximise', 'caricature'"),
        ({"task": "caricature", "loss": "cosine"}, "loss is for inversions"),
        ({"prior_weight": "automatic"}, r'prior_weight must be a number, "auto" or'),
        ({"prior_weight": messages.code()}, "prior_weight must be a number"),
        ({"prior_weight": preimage.AutomaticStrength(0)}, "noise_multiple must be a number, more"),
        ({"repulsion": 0.1}, r"repulsion must be preimage\.Repulsion\(error_budget, weight\)"),
        ({"repulsion": preimage.Repulsion(0)}, r"repulsion\.error_budget must be a number, more"),
        ({"bound": "tight"}, "bound must be a number"),
        ({"alpha_form": "round"}, "alpha_form must be one of 'per_channel', 'isotropic'"),
        ({"parametrisation": "wavelets"}, "parametrisation must be one of 'pixels', 'dct'"),
        ({"decorrelate_colour": 1}, "decorrelate_colour must be True or False"),
        ({"mask": preimage.Mask(centre="5")}, r"mask\.centre must be a whole number"),
        (
            {"mask": preimage.Mask(centre=0)},
            r"mask\.centre must be at least 1, not 0; leave it out",
        ),
        ({"mask": preimage.Mask(centre=-1)}, r"mask\.centre must be at least 1, not -1"),
        ({"mask": {"cells": preimage.Mask(centre=0)}}, r"mask\['cells'\]\.centre must be at least"),
        ({"mask": preimage.Mask(channel_half="left")}, "channel_half must be one of 'first'"),
        ({"layer": None}, "Name one layer with layer=, or several"),
        ({"layers": ["a", "b"]}, "Name one layer with layer=, or several"),
        ({"layer": None, "layers": "a"}, "layers must be names of layers"),
        ({"layer": None, "layers": []}, "layers must be names of layers"),
        ({"layer": None, "layers": ["a", "a"]}, "names a layer twice"),
        ({"layer": None, "layers": {"a": 0}}, r"layers\['a'\] must be a number, more than 0"),
        ({"layer": None, "layers": ["a", "b"], "mask": preimage.Mask()}, "must be a mapping"),
        ({"mask": {"other": preimage.Mask()}}, "'other', which is none of the layers"),
        ({"mask": {"cells": 3}}, r"mask\['cells'\] must be preimage\.Mask"),
    ],
)
def test_a_setting_that_cannot_be_sent_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(preimage.BadInput, match=said):
        spec(**settings)


def test_features_bring_their_input_size_along() -> None:
    features = preimage.Features(messages.code(), input_size=(100, 90))
    request = Request(source=features, model="hog", layer="cells")
    size = spec_of(request, features).representation.input_size
    assert (size.height, size.width) == (100, 90)

    request = dataclasses.replace(request, input_size=(50, 40))
    size = spec_of(request, features).representation.input_size
    assert (size.height, size.width) == (50, 40)


@pytest.mark.parametrize("other", [{"model": "vgg16"}, {"layer": "pixels"}])
def test_features_of_another_model_or_layer_are_refused(other: dict[str, str]) -> None:
    features = preimage.Features(messages.code(), model="hog", layer="cells")
    request = Request(source=features, **{"model": "hog", "layer": "cells", **other})
    with pytest.raises(preimage.BadInput, match="These features are codes of"):
        spec_of(request, features)


def test_the_keyword_arguments_are_the_fields_of_a_request() -> None:
    fields = {field.name: str(field.type) for field in dataclasses.fields(Request)}
    rest = {"source", "model", "layer", "request_id", "task"}
    annotations = {name: hint.__forward_arg__ for name, hint in Settings.__annotations__.items()}
    assert {name: kind for name, kind in fields.items() if name not in rest} == annotations


async def test_a_setting_that_does_not_exist_is_refused_with_the_nearest(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    said = r"^The keyword stepz is no setting; did you mean steps\?$"
    with pytest.raises(preimage.BadInput, match=said):
        await client.submit(messages.pixels(), model="hog", layer="cells", stepz=3)
    with pytest.raises(preimage.BadInput, match="there are layers, loss, "):
        await client.invert(messages.pixels(), model="hog", layer="cells", zzz=3)
    assert not service.requests["CreatePreimage"]
