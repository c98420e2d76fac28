"""What a worker announces, and the representations it makes."""

import pytest

from preimage.v1 import model_service_pb2 as wire
from preimage_worker.errors import InvalidSpecError
from preimage_worker.models import Models
from tests.worker import jobs


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


def announced(models: Models, name: str) -> wire.Model:
    return next(model for model in models.announcements() if model.name == name)


def test_a_module_of_several_nodes_is_a_layer_by_its_own_name(models: Models) -> None:
    layers = {layer.name: layer for layer in announced(models, "tiny").layers}
    assert layers["features.3"].kind == "Fire"
    assert layers["features.3"].code_shape == layers["features.3.cat"].code_shape


def test_every_announced_layer_gives_codes_of_the_announced_shape(models: Models) -> None:
    for layer in announced(models, "tiny").layers:
        representation = models.representation("tiny", layer.name)
        assert representation.code_shape(jobs.SIDE, jobs.SIDE) == tuple(layer.code_shape)


def test_hog_takes_pictures_of_any_size_and_has_one_layer(models: Models) -> None:
    hog = announced(models, "hog")
    assert hog.preprocessing.any_size
    assert [(layer.name, list(layer.code_shape)) for layer in hog.layers] == [("hog", [27, 28, 28])]


def test_the_steps_of_presets_are_those_of_the_papers(models: Models) -> None:
    def steps(name: str) -> dict[str, int]:
        return {preset.name: preset.steps for preset in announced(models, name).presets}

    assert steps("tiny") == {"mv2016": 350, "mv2015": 400}
    assert steps("hog") == {"mv2016": 350, "mv2015": 800}


def test_a_model_without_weights_is_announced_with_the_sentence_that_helps(models: Models) -> None:
    absent = announced(models, "absent")
    assert absent.availability == wire.AVAILABILITY_WEIGHTS_MISSING
    assert "absent.safetensors" in absent.unavailable_reason
    assert not any(pool.startswith("absent@") for pool in models.pools())
    with pytest.raises(InvalidSpecError, match=r"absent\.safetensors"):
        models.served("absent")


def test_digests_tell_models_apart_and_are_the_same_every_time(models: Models) -> None:
    digests = [model.digest for model in models.announcements()]
    assert len(set(digests)) == len(digests)
    assert digests == [model.digest for model in jobs.models().announcements()]


def test_an_unknown_layer_is_refused(models: Models) -> None:
    with pytest.raises(InvalidSpecError, match=r"'tiny' has no layer 'features\.99'"):
        models.representation("tiny", "features.99")
