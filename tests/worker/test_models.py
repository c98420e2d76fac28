"""What a worker announces, and the representations it makes."""

import re

import pytest
import torch

from preimage.v1 import model_service_pb2 as wire
from preimage_worker import architectures, catalogue
from preimage_worker.errors import CatalogueError, InvalidSpecError
from preimage_worker.models import Models
from preimage_worker.weights import Source
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
    def steps(name: str) -> dict[str, tuple[int, int]]:
        found = announced(models, name).presets
        return {preset.name: (preset.steps, preset.activation_steps) for preset in found}

    others = {"auto": (200, 0), "mv2016": (350, 300), "lucid": (0, 512)}
    assert steps("tiny") == {**others, "mv2015": (400, 0)}
    assert steps("hog") == {**others, "mv2015": (800, 0)}


def test_the_first_preset_for_codes_is_our_own_and_for_activations_the_papers(
    models: Models,
) -> None:
    presets = announced(models, "tiny").presets
    assert next(preset.name for preset in presets if preset.steps) == "auto"
    assert next(preset.name for preset in presets if preset.activation_steps) == "mv2016"


def test_a_model_without_weights_is_announced_with_the_sentence_that_helps(models: Models) -> None:
    absent = announced(models, "absent")
    assert absent.availability == wire.AVAILABILITY_WEIGHTS_MISSING
    assert "absent.safetensors" in absent.unavailable_reason
    assert not any(pool.startswith("absent@") for pool in models.pools())
    with pytest.raises(InvalidSpecError, match=r"absent\.safetensors"):
        models.served("absent")


def test_a_model_that_is_misspelt_is_named_with_the_one_that_is_meant(models: Models) -> None:
    with pytest.raises(InvalidSpecError, match=r"has no model 'tinny' \(did you mean 'tiny'\?\)\."):
        models.served("tinny")
    with pytest.raises(InvalidSpecError, match=r"no model 'vgg16'; it has tiny, hog, absent\."):
        models.served("vgg16")


def test_only_who_asks_is_warned_of_models_that_are_not_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    models = jobs.models()
    assert not caplog.messages
    models.warn_of_missing()
    assert caplog.messages == [announced(models, "absent").unavailable_reason]


def test_a_pattern_that_matches_nothing_is_told_with_some_layers() -> None:
    with pytest.raises(CatalogueError) as caught:
        layers_of("squeezenet1_1", '["nothing*"]')
    assert re.search(r"its layers are (\S+, ){11}\S+ and \d+ more\.$", str(caught.value))


def test_digests_tell_models_apart_and_are_the_same_every_time(models: Models) -> None:
    digests = [model.digest for model in models.announcements()]
    assert len(set(digests)) == len(digests)
    assert digests == [model.digest for model in jobs.models().announcements()]


def test_an_unknown_layer_is_refused(models: Models) -> None:
    with pytest.raises(InvalidSpecError, match=r"'tiny' has no layer 'features\.99'"):
        models.representation("tiny", "features.99")


def test_several_layers_are_one_representation_from_one_network(models: Models) -> None:
    both = models.representation("tiny", ("features.3", "features.0"))
    assert both.layer == "features.3+features.0"
    canvas = torch.randn(1, 3, jobs.SIDE, jobs.SIDE)
    single = models.representation("tiny", "features.3")(canvas).flatten(1)
    assert torch.equal(both(canvas)[:, : single.shape[1]], single)
    with pytest.raises(InvalidSpecError, match=r"no layer 'features\.98'"):
        models.representation("tiny", ("features.3", "features.98"))


def test_a_classifier_gives_the_scores_of_the_whole_network(models: Models) -> None:
    classify = models.classifier("tiny")
    assert classify is not None
    assert classify(torch.zeros(2, 3, jobs.SIDE, jobs.SIDE)).shape == (2, 1000)
    assert models.classifier("hog") is None


def test_a_network_that_gives_no_scores_is_no_classifier() -> None:
    source = jobs.CATALOGUE.replace('layers = ["features.*"]', "classifies = false")
    entries = catalogue.parse(source)
    assert Models(entries, jobs.settings(), torch.device("cpu")).classifier("tiny") is None


def test_only_the_networks_used_last_stay_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [
        f'[models.m{number}]\narchitecture = "torchvision:squeezenet1_1"\n'
        f"weights = {{ random = {number} }}\ninput_size = [32, 32]\n"
        for number in range(5)
    ]
    models = Models(catalogue.parse("".join(tables)), jobs.settings(), torch.device("cpu"))
    built: list[str] = []
    build = architectures.build

    def counted(
        entry: catalogue.ModelEntry, source: Source, device: torch.device
    ) -> torch.nn.Module:
        built.append(entry.name)
        return build(entry, source, device)

    monkeypatch.setattr(architectures, "build", counted)
    for name in ("m0", "m1", "m2", "m3", "m0", "m4", "m0", "m1"):
        models.representation(name, "features.1")
    assert built == ["m0", "m1", "m2", "m3", "m4", "m1"]


def layers_of(architecture: str, layers: str) -> dict[str, wire.Layer]:
    """The announced layers of a torchvision network, by name."""
    table = (
        f'[models.m]\narchitecture = "torchvision:{architecture}"\nweights = {{ random = 1 }}\n'
        f"input_size = [224, 224]\nlayers = {layers}\n"
    )
    models = Models(catalogue.parse(table), jobs.settings(), torch.device("cpu"))
    return {layer.name: layer for layer in announced(models, "m").layers}


def test_layouts_and_strides_are_announced() -> None:
    vit = layers_of("vit_b_16", '["*"]')
    block = vit["encoder.layers.encoder_layer_3"]
    assert (block.layout, list(block.code_shape)) == (wire.CODE_LAYOUT_TOKENS, [197, 768])
    assert vit["encoder:class_token"].layout == wire.CODE_LAYOUT_VECTOR
    assert vit["encoder.layers.encoder_layer_3.self_attention"].kind == "MultiheadAttention"
    swin = layers_of("swin_t", '["features.*"]')
    block = swin["features.3.0"]
    assert (block.layout, list(block.code_shape)) == (
        wire.CODE_LAYOUT_CHANNELS_LAST,
        [28, 28, 192],
    )
    assert block.stride == 8


def test_a_pattern_exposes_selections_of_modules_and_any_that_it_names() -> None:
    usual = layers_of("squeezenet1_1", '["features.3*"]')
    assert "features.3:mean" in usual
    assert "features.3:max" not in usual
    assert "features.3.squeeze:mean" not in usual
    named = layers_of("squeezenet1_1", '["features.3.squeeze:m*"]')
    assert list(named) == ["features.3.squeeze:mean", "features.3.squeeze:max"]


def test_the_layout_of_formulas_is_announced(models: Models) -> None:
    assert announced(models, "hog").layers[0].layout == wire.CODE_LAYOUT_CHANNELS_FIRST


def test_the_network_behind_a_layer_is_made_once(models: Models) -> None:
    """torch.fx never forgets the source of a module: each audit would leave one behind."""
    behind = models.rest("tiny", "features.3")
    assert behind is not None
    assert models.rest("tiny", "features.3") is behind
