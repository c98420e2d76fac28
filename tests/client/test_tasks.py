"""Several layers, variances, maximisation and caricature, over both clients."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import preimage
from preimage.calls import INLINE_BYTES
from preimage.sources import Source
from preimage.v1 import spec_pb2
from tests.client import messages
from tests.client.fake import FakeService
from tests.client.refusals import not_found

TWO = {"features.1": 1.0, "features.5": 0.5}


def _spec(service: FakeService) -> spec_pb2.PreimageSpec:
    spec: spec_pb2.PreimageSpec = service.requests["CreatePreimage"][-1].spec
    return spec


def _code(count: int) -> np.ndarray:
    return np.linspace(-1, 1, count, dtype=np.float32)


async def test_a_unit_is_maximised(client: preimage.AsyncClient, service: FakeService) -> None:
    service.end = messages.activate
    result = await client.maximise(
        model="hog", layer="fc", unit=7, activation_scale=2.5, restarts=2, seed=3
    )
    spec = _spec(service)
    assert spec.objective.kind == spec_pb2.OBJECTIVE_KIND_MAXIMISE
    assert spec.objective.activation_scale == 2.5
    assert spec.target.unit == spec_pb2.Unit(channel=7)
    assert not spec.target.unit.HasField("row")
    assert (spec.restarts, spec.seed) == (2, 3)
    assert result.task == "maximise"
    assert result.diversity.code_distances is None
    assert result.summary()["diversity"]["mean_code_distance"] is None
    assert result.activation == preimage.Activation(1.0, 6.5, 6.25, 12.0)
    assert list(result.loss_curve.activation) == [1.0, 6.5]
    assert len(result.loss_curve.relative_error) == 0
    assert result.fidelity is None
    with pytest.raises(preimage.PreimageError, match="looks for no code"):
        _ = result.errors
    assert result.reconstructions[result.best].score == "activation 6.25"
    assert result.summary()["errors"] is None
    assert result.summary()["activation"]["delivered"] == 6.25


async def test_a_unit_may_have_a_position(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.end = messages.activate
    await client.maximise(model="hog", layer="a", unit=preimage.Unit(1, row=0, column=4))
    unit = _spec(service).target.unit
    assert (unit.channel, unit.row, unit.column) == (1, 0, 4)
    assert unit.HasField("row")
    assert not unit.HasField("token")


async def test_a_direction_is_a_code(
    client: preimage.AsyncClient, service: FakeService, tmp_path: Path
) -> None:
    service.end = messages.activate
    np.save(tmp_path / "direction.npy", _code(5))
    for direction in (_code(5), preimage.Features(_code(5)), tmp_path / "direction.npy"):
        await client.maximise(model="hog", layer="fc", direction=direction)
        assert list(_spec(service).target.features.shape) == [5]
    await client.maximise(model="hog", layer="fc", direction=messages.pixels())
    assert _spec(service).target.WhichOneof("source") == "picture"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "unit=, or"),
        ({"unit": 3, "direction": _code(5)}, "not both"),
        ({"unit": "seven"}, r"unit\.channel must be a whole number"),
        ({"unit": preimage.Unit(1, row="x")}, r"unit\.row must be a whole number"),
        ({"direction": np.full(5, np.nan)}, "NaN or infinity"),
    ],
)
async def test_what_cannot_be_maximised_is_refused(
    client: preimage.AsyncClient, service: FakeService, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(preimage.BadInput, match=said):
        await client.maximise(model="hog", layer="fc", **given)
    assert not service.requests


async def test_a_unit_cannot_be_inverted_and_a_code_not_caricatured(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    with pytest.raises(preimage.BadInput, match=r"raise it with client\.maximise"):
        await client.invert(preimage.Unit(3), model="hog", layer="fc")
    with pytest.raises(preimage.BadInput, match="starts from a picture"):
        await client.caricature(_code(5), model="hog", layer="fc")
    assert not service.requests


async def test_a_picture_is_caricatured(client: preimage.AsyncClient, service: FakeService) -> None:
    service.end = messages.activate
    result = await client.caricature(messages.pixels(), model="hog", layer="fc", steps=20)
    spec = _spec(service)
    assert spec.objective.kind == spec_pb2.OBJECTIVE_KIND_CARICATURE
    assert spec.target.WhichOneof("source") == "picture"
    assert (result.task, spec.optimiser.steps) == ("caricature", 20)


async def test_every_task_can_be_handed_in_and_named_in_a_request(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.end = messages.activate
    job = await client.submit(preimage.Unit(2), model="hog", layer="fc", task="maximise")
    assert job.info.task == "maximise"
    request = preimage.Request(source=messages.pixels(), model="hog", layer="fc", task="caricature")
    settled = [each async for each in client.submit_many([request])]
    assert settled[0].unwrap().task == "caricature"


async def test_several_layers_of_a_picture_are_matched_by_weight(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    centre = preimage.Mask(centre=3)
    job = await client.submit(
        messages.pixels(), model="hog", layers=TWO, mask={"features.5": centre}
    )
    spec = _spec(service).representation
    assert (spec.layer, spec.layer_weight) == ("features.1", 1.0)
    assert not spec.HasField("mask")
    (term,) = spec.further_layers
    assert (term.layer, term.weight, term.mask.centre) == ("features.5", 0.5, 3)
    assert term.WhichOneof("code") is None
    assert (job.info.layer, job.info.layers) == ("features.1", ("features.1", "features.5"))
    await client.submit(messages.pixels(), model="hog", layers=["a", "b"])
    assert [each.weight for each in _spec(service).representation.further_layers] == [1.0]


async def test_codes_of_several_layers_are_given_by_name(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    codes = {"features.5": _code(4), "features.1": preimage.Features(_code(6), (40, 30))}
    await client.submit(codes, model="hog", layers=TWO)
    spec = _spec(service)
    assert list(spec.target.features.shape) == [6]
    (term,) = spec.representation.further_layers
    assert list(term.features.shape) == [4]
    assert (spec.representation.input_size.height, spec.representation.input_size.width) == (40, 30)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (_code(4), "One code cannot stand for several layers"),
        ({"features.1": _code(4)}, "names 'features.1', 'features.5'"),
        ({"features.1": _code(4), "x": _code(4)}, "layers 'features.1', 'x'"),
        ({"features.1": _code(4), "features.5": preimage.Features(_code(3), layer="y")}, "'y'"),
        ({"features.1": _code(4), "features.5": np.zeros(3, int)}, "must be an array of floats"),
    ],
)
async def test_codes_must_be_those_of_the_layers(
    client: preimage.AsyncClient, source: Source, said: str
) -> None:
    with pytest.raises(preimage.BadInput, match=said):
        await client.submit(source, model="hog", layers=TWO)


async def test_a_variance_goes_along(client: preimage.AsyncClient, service: FakeService) -> None:
    variance = np.full(5, 0.5)
    await client.submit(_code(5), model="hog", layer="fc", loss="mahalanobis", variance=variance)
    objective = _spec(service).objective
    assert objective.kind == spec_pb2.OBJECTIVE_KIND_MAHALANOBIS
    assert np.frombuffer(objective.variance.data).tolist() == [0.5] * 5
    with pytest.raises(preimage.BadInput, match="The variance must be an array of floats"):
        await client.submit(_code(5), model="hog", layer="fc", variance=np.ones(5, int))


async def test_what_is_large_together_is_sent_ahead(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    half = np.ones(INLINE_BYTES // 8 + 1, np.float32)
    await client.submit(half, model="hog", layer="fc")
    assert not service.requests["UploadTensor"]
    await client.submit(half, model="hog", layer="fc", loss="mahalanobis", variance=half)
    spec = _spec(service)
    assert len(service.requests["UploadTensor"]) == 2
    assert spec.target.uploaded_features == spec.objective.uploaded_variance


async def test_a_job_of_several_codes_that_was_lost_is_submitted_again_as_it_was(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    codes = {"features.1": _code(6), "features.5": _code(4)}
    job = await client.submit(codes, model="hog", layers=TWO)
    service.refusals["WatchPreimage"].append(not_found())
    await job.result()
    first, again = service.requests["CreatePreimage"]
    assert first == again


async def test_restarts_tell_how_different_they_are(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog", restarts=3)
    found = result.diversity
    assert found.picture_distances.tolist() == [[0, 10, 11], [10, 0, 12], [11, 12, 0]]
    assert found.code_distances[2].tolist() == [1.5, 2.5, 0]
    assert (found.mean_picture_distance, found.mean_code_distance) == (10.5, 0.75)
    assert {each.name for each in service.requests["DownloadResult"]} == {
        f"{restart}/picture.png" for restart in range(3)
    }
    assert np.array_equal(await result.spread, messages.spread())
    assert np.array_equal(np.asarray(await result.spread_picture), messages.pixels(7))
    assert result.summary()["diversity"]["picture_distances"][0] == [0, 10, 11]


async def test_one_restart_has_no_spread(client: preimage.AsyncClient) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog")
    assert result.diversity is None
    for name in ("spread", "spread_picture"):
        with pytest.raises(preimage.PreimageError, match="with the setting restarts"):
            await getattr(result, name)


async def test_every_measurement_of_an_inversion_arrives(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.end = messages.measure_everything
    result = await client.invert(messages.pixels(), model="hog", layer="hog", prior_weight="auto")
    assert _spec(service).priors.WhichOneof("strength") == "automatic"
    assert result.errors.reference == preimage.ReferenceErrors(0.21, 0.11, 0.125, 24, "cd34")
    assert result.errors.reference_delivered.paper_2015 == 0.22
    assert result.errors.layers[1] == preimage.LayerErrors("features.5", 0.03, 0.04, 9.0)
    assert result.classes == preimage.ClassAgreement(281, 281, 285)
    assert not result.classes.agree
    assert result.strength.factor == 2.0
    assert result.strength.relative_errors == (0.25, 0.04)
    page = result._repr_html_()
    for words in (
        "22.00%",
        "12.00%",
        "12.5%",
        "features.5",
        "281 for the picture, 285 for the pre-image",
        "multiplied by 2",
    ):
        assert words in page


async def test_the_allowed_error_of_an_automatic_strength_can_be_chosen(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    wish = preimage.AutomaticStrength(noise_multiple=3, least_error=0.1)
    await client.submit(messages.pixels(), model="hog", layer="hog", prior_weight=wish)
    automatic = _spec(service).priors.automatic
    assert (automatic.noise_multiple, automatic.least_error) == (3, 0.1)
