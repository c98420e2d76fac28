"""Transformers: their layers, the layouts of these, and selections of tokens and positions."""

from functools import partial

import pytest
import torch
import torchvision
from torch import nn

from preimage_worker.inversion.errors import UnknownNodeError
from preimage_worker.inversion.representations.layouts import Layout
from preimage_worker.inversion.representations.network import (
    NetworkRepresentation,
    Preprocessing,
    networks,
)
from preimage_worker.inversion.representations.parts import parts_of
from preimage_worker.inversion.representations.survey import Layer, Survey, layers, survey

PREPROCESSING = Preprocessing((0.5,) * 3, (0.25,) * 3)
BLOCK = "encoder.layers.encoder_layer_1"
VIT_LAYERS = [
    "conv_proj",
    BLOCK,
    f"{BLOCK}.self_attention",
    f"{BLOCK}:class_token",
    f"{BLOCK}:patch_tokens",
    f"{BLOCK}:mean",
    f"{BLOCK}.mlp:max",
]
SWIN_LAYERS = ["features.1.0", "features.1.0.attn", "features.3.0:mean", "permute", "norm:max"]


def vit() -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module = torchvision.models.VisionTransformer(
        32, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5
    )
    return model


def swin() -> nn.Module:
    torch.manual_seed(0)
    sizes = {"patch_size": [4, 4], "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2]}
    model: nn.Module = torchvision.models.SwinTransformer(
        **sizes, window_size=[4, 4], norm_layer=partial(nn.LayerNorm, eps=1e-5), num_classes=5
    )
    return model


SURVEYS = {"vit": survey(vit(), 32, 32), "swin": survey(swin(), 32, 48)}
CASES = [("vit", layer) for layer in VIT_LAYERS] + [("swin", layer) for layer in SWIN_LAYERS]


def of(name: str, *wanted: str) -> NetworkRepresentation:
    return networks(SURVEYS[name], wanted, name=name, preprocessing=PREPROCESSING)


def by_name(surveyed: Survey) -> dict[str, Layer]:
    return {layer.name: layer for layer in layers(surveyed)}


def canvases(name: str, lanes: int) -> torch.Tensor:
    width = 32 if name == "vit" else 48
    return 60 * torch.randn(lanes, 3, 32, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "layer"), CASES)
def test_a_code_has_the_listed_shape_and_a_gradient(name: str, layer: str) -> None:
    canvas = canvases(name, 2).requires_grad_()
    code = of(name, layer)(canvas)
    assert code.shape[1:] == by_name(SURVEYS[name])[layer].shape
    (gradient,) = torch.autograd.grad(code.square().sum(), canvas)
    assert gradient.isfinite().all()
    assert gradient.flatten(1).abs().amax(1).min() > 0


@pytest.mark.parametrize(("name", "layer"), CASES)
def test_lanes_do_not_touch_each_other(name: str, layer: str) -> None:
    representation = of(name, layer)
    canvas = canvases(name, 3)
    together = representation(canvas)
    canvas[1:] = 100 * torch.randn(2, *canvas.shape[1:])
    torch.testing.assert_close(representation(canvas)[0], together[0], rtol=1e-5, atol=1e-6)
    pushed = canvas.requires_grad_()
    (gradient,) = torch.autograd.grad(representation(pushed)[0].square().sum(), pushed)
    assert gradient[1:].abs().max() == 0


@pytest.mark.parametrize("name", ["vit", "swin"])
def test_with_and_without_gradients_the_code_is_the_same(name: str) -> None:
    representation = of(name, BLOCK if name == "vit" else "features.3.0")
    canvas = canvases(name, 2)
    with torch.no_grad():
        alone = representation(canvas)
    torch.testing.assert_close(representation(canvas.requires_grad_()), alone)


def test_the_layouts_of_a_vit_follow_from_its_graph() -> None:
    found = by_name(SURVEYS["vit"])
    expected = {
        "conv_proj": Layout.CHANNELS_FIRST,
        "reshape": Layout.OTHER,  # channels, tokens
        "permute": Layout.TOKENS,
        BLOCK: Layout.TOKENS,
        f"{BLOCK}.self_attention": Layout.TOKENS,
        f"{BLOCK}:class_token": Layout.VECTOR,
        f"{BLOCK}:patch_tokens": Layout.TOKENS,
        "heads": Layout.VECTOR,
    }
    assert {name: found[name].layout for name in expected} == expected
    assert "permute:mean" in found
    assert "permute:class_token" not in found  # the class token comes later


def test_the_layouts_and_strides_of_a_swin_follow_from_its_graph() -> None:
    found = by_name(SURVEYS["swin"])
    expected = {
        "features.0.0": (Layout.CHANNELS_FIRST, (8, 8, 12), 4),
        "features.0": (Layout.CHANNELS_LAST, (8, 12, 8), 4),
        "features.1.0.attn": (Layout.CHANNELS_LAST, (8, 12, 8), 4),
        "features.2": (Layout.CHANNELS_LAST, (4, 6, 16), 8),
        "permute": (Layout.CHANNELS_FIRST, (16, 4, 6), 8),
        "flatten": (Layout.VECTOR, (16,), 1),
    }
    assert {n: (found[n].layout, found[n].shape, found[n].stride) for n in expected} == expected
    assert of("swin", "features.2").stride(32, 48) == 8


def test_the_class_token_is_the_first_and_what_the_head_reads() -> None:
    canvas = canvases("vit", 2)
    whole = of("vit", "encoder")(canvas)
    class_token = of("vit", "encoder:class_token")(canvas)
    assert torch.equal(class_token, whole[:, 0])
    torch.testing.assert_close(vit().heads(class_token), of("vit", "heads")(canvas))  # type: ignore[operator]
    assert torch.equal(of("vit", "encoder:patch_tokens")(canvas), whole[:, 1:])
    torch.testing.assert_close(of("vit", "encoder:mean")(canvas), whole[:, 1:].mean(1))


def test_pooling_is_over_positions_wherever_they_stand() -> None:
    canvas = canvases("swin", 2)
    norm, permuted = of("swin", "norm"), of("swin", "permute")
    torch.testing.assert_close(of("swin", "norm:mean")(canvas), norm(canvas).mean((1, 2)))
    torch.testing.assert_close(of("swin", "permute:max")(canvas), permuted(canvas).amax((2, 3)))
    torch.testing.assert_close(of("swin", "permute:mean")(canvas), of("swin", "flatten")(canvas))


def test_selections_join_with_whole_codes() -> None:
    canvas = canvases("vit", 2)
    names = (f"{BLOCK}:class_token", BLOCK, "conv_proj:mean")
    both = of("vit", *names)
    expected = torch.cat([of("vit", name)(canvas).flatten(1) for name in names], dim=1)
    torch.testing.assert_close(both(canvas), expected)
    assert [part.shape for part in parts_of(both, 32, 32)] == [(16,), (17, 16), (16,)]


def test_a_selection_that_a_code_does_not_have_is_refused() -> None:
    with pytest.raises(UnknownNodeError, match="no selection 'class_token'; it has mean, max"):
        of("swin", "norm:class_token")
    with pytest.raises(UnknownNodeError, match="no selection 'mean'; it has none"):
        of("vit", "heads:mean")


def test_channels_that_are_shuffled_in_groups_are_channels_still() -> None:
    with torch.device("meta"):
        model: nn.Module = torchvision.models.shufflenet_v2_x0_5()
    found = by_name(survey(model, 64, 64))
    assert found["stage2"].layout is Layout.CHANNELS_FIRST
    assert found["stage2.0.view"].layout is Layout.OTHER
    assert found["mean"].layout is Layout.VECTOR
