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
    assert not message.stopping.HasField("plateau")
    assert not message.stopping.HasField("target_error")
    assert not message.HasField("deadline")
    assert not message.representation.HasField("mask")
    assert not message.representation.HasField("input_size")
    assert message.optimiser.preset == ""
    assert (message.restarts, message.seed) == (1, 0)
    assert message.lane == spec_pb2.LANE_INTERACTIVE


def test_every_setting_reaches_its_field() -> None:
    message = spec(
        preset="mv2016",
        steps=40,
        data_weight=100.0,
        tv_weight=0.5,
        tv_exponent=1.5,
        alpha_weight=0.25,
        alpha_exponent=6.0,
        restarts=4,
        seed=2**64 - 1,
        target_error=0.05,
        plateau=preimage.Plateau(0.01, 20),
        mask=preimage.Mask(channels=((0, 2), (5, 7)), boxes=(preimage.Box(1, 2, 3, 4),)),
        input_size=(120, 160),
        precision="bfloat16",
        rate_factor=0.5,
        jitter=False,
        deadline_seconds=2.5,
        lane="batch",
        preview_every_steps=5,
    )
    assert message == spec_pb2.PreimageSpec(
        representation={
            "model": "hog",
            "layer": "cells",
            "input_size": {"height": 120, "width": 160},
            "mask": {
                "channels": [{"begin": 0, "end": 2}, {"begin": 5, "end": 7}],
                "boxes": [{"top": 1, "left": 2, "height": 3, "width": 4}],
            },
        },
        objective={"kind": "OBJECTIVE_KIND_INVERT", "data_weight": 100.0},
        priors={
            "alpha_norm": {"weight": 0.25, "exponent": 6.0},
            "total_variation": {"weight": 0.5, "exponent": 1.5},
        },
        optimiser={
            "preset": "mv2016",
            "steps": 40,
            "rate_factor": 0.5,
            "jitter": False,
            "precision": "PRECISION_BFLOAT16",
        },
        stopping={
            "target_error": 0.05,
            "plateau": {"minimum_decrease": 0.01, "window_steps": 20},
        },
        restarts=4,
        seed=2**64 - 1,
        lane="LANE_BATCH",
        deadline=Duration(seconds=2, nanos=500_000_000),
        progress={"preview_every_steps": 5},
    )


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
        ({"restarts": 0}, "restarts must be 1 to 2147483647, not 0"),
        ({"tv_weight": "much"}, "tv_weight must be a number, not 'much'"),
        ({"steps": 2**40}, "steps must be 1 to"),
        ({"input_size": (1, 2, 3)}, r"input_size must be \(height, width\), .* not \(1, 2, 3\)\."),
        ({"input_size": 5}, r"input_size must be \(height, width\), .* not 5\."),
        ({"input_size": (2**40, 5)}, r"input_size must be \(height, width\)"),
        ({"mask": 3}, r"mask must be preimage\.Mask\(.*\), not 3\."),
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
    rest = {"source", "model", "layer", "request_id"}
    annotations = {name: hint.__forward_arg__ for name, hint in Settings.__annotations__.items()}
    assert {name: kind for name, kind in fields.items() if name not in rest} == annotations


async def test_a_setting_that_does_not_exist_is_refused_with_the_nearest(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    said = r"^The keyword stepz is no setting; did you mean steps\?$"
    with pytest.raises(preimage.BadInput, match=said):
        await client.submit(messages.pixels(), model="hog", layer="cells", stepz=3)
    with pytest.raises(preimage.BadInput, match="there are preset, steps, "):
        await client.invert(messages.pixels(), model="hog", layer="cells", zzz=3)
    assert not service.requests["CreatePreimage"]
