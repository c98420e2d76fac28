"""Objectives, several layers, units and restarts, from the SDK through a worker and back."""

import numpy as np
import pytest

import preimage
from preimage import Client
from tests.worker import jobs

BOTH = ("features.0", "features.3")


def test_a_picture_and_the_codes_of_its_layers_give_the_same_pre_image(client: Client) -> None:
    picture = jobs.picture(1)
    codes = {layer: client.extract_features(picture, "tiny", layer) for layer in BOTH}
    weights = {"features.0": 1.0, "features.3": 0.25}
    from_picture = client.invert(picture, model="tiny", layers=weights, steps=15, seed=4)
    from_codes = client.invert(codes, model="tiny", layers=weights, steps=15, seed=4)
    assert np.array_equal(from_picture.float_picture, from_codes.float_picture)
    assert [each.layer for each in from_codes.errors.layers] == list(BOTH)
    only = client.invert(picture, model="tiny", layer="features.0", steps=15, seed=4)
    assert not np.array_equal(only.pixels, from_picture.pixels)


def test_equal_variances_are_the_plain_distance_and_others_are_not(client: Client) -> None:
    code = client.extract_features(jobs.picture(2), "tiny", "features.3")
    variance = np.full(code.shape, 0.25, np.float32)
    spread = variance.copy()
    spread[: len(spread) // 2] = 100.0

    def invert(**settings: object) -> preimage.Result:
        return client.invert(code, model="tiny", layer="features.3", steps=15, seed=4, **settings)  # type: ignore[arg-type]  # settings by name

    plain = invert()
    assert invert(loss="mahalanobis", variance=variance).errors.relative == pytest.approx(
        plain.errors.relative, rel=1e-3
    )
    unequal = invert(loss="mahalanobis", variance=spread)
    assert not np.array_equal(unequal.pixels, plain.pixels)


def test_a_unit_answers_more_strongly_than_at_the_start(client: Client) -> None:
    unit = preimage.Unit(1, row=2, column=3)
    result = client.maximise(
        model="tiny",
        layer="features.0",
        unit=unit,
        activation_scale=2.0,
        restarts=2,
        steps=15,
        seed=4,
    )
    assert (result.task, result.fidelity) == ("maximise", None)
    assert result.activation is not None
    assert result.activation.scale == 2.0
    assert result.activation.optimised > result.activation.start
    assert result.diversity is not None
    assert result.diversity.picture_distances[0, 1] > 0
    code = client.extract_features(result.pixels, "tiny", "features.0").array
    assert code[1, 2, 3] / 2.0 == pytest.approx(result.activation.delivered, rel=1e-3)


def test_a_caricature_raises_what_the_layer_sees_in_the_picture(client: Client) -> None:
    result = client.caricature(
        jobs.picture(3), model="tiny", layer="features.3", prior_weight=0.0, steps=15, seed=4
    )
    assert result.activation is not None
    assert result.activation.start == pytest.approx(1.0, rel=1e-2)
    assert result.activation.optimised > 1.0


def test_restarts_say_where_the_code_leaves_the_picture_open(client: Client) -> None:
    mask = preimage.Mask(centre=2)
    result = client.invert(
        jobs.picture(4), model="tiny", layer="features.3", restarts=3, mask=mask, steps=15, seed=4
    )
    assert result.diversity is not None
    assert result.diversity.picture_distances.shape == (3, 3)
    pictures = np.stack([each.pixels for each in result.reconstructions]).astype(np.float64)
    gap = np.sqrt(np.mean((pictures[0] - pictures[1]) ** 2))
    assert result.diversity.picture_distances[0, 1] == pytest.approx(gap, rel=1e-3)
    assert result.spread.shape == pictures.shape[1:3]
    assert result.spread_picture.size == pictures.shape[2:0:-1]
