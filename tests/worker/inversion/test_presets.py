import math
from dataclasses import replace

import pytest
import torch

from preimage_worker.inversion.errors import SettingError
from preimage_worker.inversion.layers import data_weight_2016, paper_layer, total_variation_2015
from preimage_worker.inversion.overrides import Overrides, scale_schedule
from preimage_worker.inversion.presets import PRESETS, resolve
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.dsift import bin5, bin8
from preimage_worker.inversion.representations.hog import hog, hogb
from preimage_worker.inversion.settings import (
    Basis,
    Coordinates,
    Family,
    Loss,
    Segment,
    Settings,
    Start,
)
from tests.worker.inversion.small import SIDE, small_network


def _resolve(preset: str, overrides: Overrides | None = None) -> Settings:
    return resolve(preset, small_network("4"), SIDE, SIDE, overrides)


def test_mv2015_has_the_papers_numbers_in_grey_levels() -> None:
    settings = _resolve("mv2015")
    sigma = 27098.1157
    squared = sigma**2 * SIDE**2 / 227**2
    assert settings.family is Family.MOMENTUM
    assert settings.data_weight == 1
    assert (settings.alpha_norm.weight, settings.alpha_norm.exponent) == (2.16e8, 6)
    assert settings.alpha_norm.scale == settings.total_variation.scale == sigma
    assert settings.total_variation.exponent == 2
    assert [segment.steps for segment in settings.segments] == [100, 200, 100]
    rates = [segment.rate / squared for segment in settings.segments]
    assert rates == pytest.approx([0.004, 0.0004, 0.00004])
    assert (settings.start, settings.bound) == (Start.NORMAL, math.inf)
    assert settings.start_amplitude == pytest.approx(68.92, abs=0.005)


SHALLOW = [hog(), hogb(), bin5(), bin8()]
IDS = ["hog", "hogb", "bin5", "bin8"]


@pytest.mark.parametrize("representation", SHALLOW, ids=IDS)
def test_mv2015_gives_shallow_representations_their_own_schedule_and_smoothness(
    representation: Representation,
) -> None:
    settings = resolve("mv2015", representation, 300, 451)
    assert [segment.steps for segment in settings.segments] == [200] * 4
    first = settings.segments[0].rate
    assert [s.rate / first for s in settings.segments] == pytest.approx([1, 0.1, 0.01, 0.001])
    assert settings.total_variation.weight == 0.5


def test_mv2016_has_the_papers_numbers() -> None:
    settings = _resolve("mv2016")
    assert settings.family is Family.ADAGRAD
    assert settings.data_weight == 300
    assert (settings.alpha_norm.weight, settings.alpha_norm.exponent) == (1, 6)
    assert settings.alpha_norm.scale == 80
    assert settings.total_variation.scale == pytest.approx(80 / 6.5)
    phases = [(s.steps, s.jitter) for s in settings.segments]
    assert phases == [(300, True), (50, False)]
    rates = [segment.rate / SIDE**2 for segment in settings.segments]
    assert rates == pytest.approx([53.333, 5.3333], rel=1e-4)
    assert (settings.bound, settings.jitter_range) == (160, 2)
    assert settings.start_amplitude == pytest.approx(80 / math.sqrt(3))


@pytest.mark.parametrize("representation", SHALLOW, ids=IDS)
def test_mv2016_weighs_shallow_representations_by_100_and_does_not_jitter_them(
    representation: Representation,
) -> None:
    settings = resolve("mv2016", representation, 64, 64)
    assert settings.data_weight == 100
    assert not any(segment.jitter for segment in settings.segments)


@pytest.mark.parametrize(
    ("model", "node", "number"),
    [
        ("alexnet", "features.0", 1),
        ("alexnet", "features.7", 10),
        ("alexnet", "classifier.6", 20),
        ("caffenet", "norm2", 8),
        ("vgg16", "features.0", None),
        ("resnet50", "layer1", None),
    ],
)
def test_nodes_are_known_by_the_papers_numbers(model: str, node: str, number: int | None) -> None:
    assert paper_layer(model, node) == number


CNN_A = [
    *("conv1", "relu1", "mpool1", "norm1", "conv2", "relu2", "mpool2", "norm2", "conv3", "relu3"),
    *("conv4", "relu4", "conv5", "relu5", "mpool5", "fc6", "relu6", "fc7", "relu7", "fc8"),
]


def test_the_layers_of_cnn_a_have_the_papers_numbers_and_tables() -> None:
    assert [paper_layer("cnn_a", node) for node in CNN_A] == list(range(1, 21))
    smooth = [total_variation_2015("cnn_a", node, 4) for node in CNN_A]
    assert smooth == [0.5] * 6 + [5] * 6 + [50] * 8
    weights = [data_weight_2016("cnn_a", node) for node in CNN_A]
    assert weights == [300] * 10 + [100] * 2 + [20] * 2 + [1] * 6


@pytest.mark.parametrize("number", ["1", "2", "5"])
def test_pooling_layers_are_known_by_caffes_names_too(number: str) -> None:
    assert paper_layer("caffenet", f"pool{number}") == paper_layer("cnn_a", f"mpool{number}")


def test_other_networks_go_by_their_stride_and_the_first_weight() -> None:
    assert data_weight_2016("squeezenet1_0", "features.12") == 300
    assert [total_variation_2015("vgg16", "x", stride) for stride in (8, 16, 32)] == [0.5, 5, 50]


def test_overrides_replace_the_presets_numbers_and_only_those() -> None:
    plain = _resolve("mv2016")
    overrides = Overrides(
        data_weight=7,
        total_variation_weight=0.5,
        alpha_norm_weight=0,
        beta=1.5,
        alpha=4,
        rate_factor=2,
        jitter=False,
        steps=70,
    )
    changed = _resolve("mv2016", overrides)
    assert changed.data_weight == 7
    assert (changed.total_variation.weight, changed.total_variation.exponent) == (0.5, 1.5)
    assert (changed.alpha_norm.weight, changed.alpha_norm.exponent) == (0, 4)
    assert changed.total_variation.scale == plain.total_variation.scale
    assert [(s.steps, s.jitter) for s in changed.segments] == [(60, False), (10, False)]
    assert [s.rate for s in changed.segments] == [2 * s.rate for s in plain.segments]
    assert _resolve("mv2016", Overrides()) == plain


def test_jitter_can_be_asked_for_where_the_preset_leaves_it_out() -> None:
    settings = resolve("mv2016", hog(), 64, 64, Overrides(jitter=True))
    assert [segment.jitter for segment in settings.segments] == [True, False]
    assert settings.jitter_range == 2
    with pytest.raises(SettingError, match="no jitter"):
        _resolve("mv2015", Overrides(jitter=True))


@pytest.mark.parametrize("node", ["0", "1", "4"])
def test_auto_has_the_terms_of_mv2016_and_room_for_every_colour(node: str) -> None:
    network = small_network(node)
    ours = resolve("auto", network, SIDE, SIDE)
    theirs = resolve("mv2016", network, SIDE, SIDE)
    assert (ours.data_weight, ours.loss) == (theirs.data_weight, theirs.loss)
    assert ours.total_variation == theirs.total_variation
    assert ours.alpha_norm == replace(theirs.alpha_norm, weight=0)
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 255.0])] * 3) - torch.tensor(network.mean)
    assert float(corners.norm(dim=1).max()) <= ours.bound < float(corners.norm(dim=1).max()) + 1
    assert theirs.bound == 160
    asked = Overrides(alpha_norm_weight=1.0, bound=160.0)
    as_theirs = resolve("auto", network, SIDE, SIDE, asked)
    assert (as_theirs.priors, as_theirs.bound) == (theirs.priors, theirs.bound)
    assert ours.family is Family.QUASI_NEWTON
    assert not any(segment.jitter for segment in ours.segments)
    assert (ours.steps, ours.jitter_range) == (200, 1)


def test_auto_starts_shallow_layers_from_white_noise_and_others_from_faint_natural_noise() -> None:
    def start(representation: Representation) -> tuple[Start, float]:
        settings = resolve("auto", representation, SIDE, SIDE)
        return settings.start, settings.start_amplitude

    assert start(small_network("4")) == (Start.UNIFORM, 120)
    assert start(small_network("1")) == start(small_network("0")) == (Start.NATURAL, 5)
    assert start(hogb()) == (Start.NATURAL, 15)


def test_auto_weighs_the_code_of_formulas_ten_times_as_much_as_mv2016() -> None:
    ours, theirs = (resolve(preset, hogb(), SIDE, SIDE) for preset in ("auto", "mv2016"))
    assert ours.data_weight == 10 * theirs.data_weight
    assert ours.priors == theirs.priors


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (Overrides(jitter=True), "no jitter"),
        (Overrides(rate_factor=2), "no rate"),
        (Overrides(basis=Basis.DCT), "no choice of coordinates"),
        (Overrides(decorrelated=True), "no choice of colours"),
    ],
)
def test_auto_refuses_what_only_recipes_of_the_first_order_have(
    overrides: Overrides, words: str
) -> None:
    with pytest.raises(SettingError, match=rf"auto has {words}; leave it out, or use mv2016"):
        _resolve("auto", overrides)


def test_auto_takes_what_leaves_its_steps_alone() -> None:
    changes = Overrides(jitter=False, basis=Basis.PIXELS, decorrelated=False, data_weight=5)
    assert _resolve("auto", changes) == _resolve("auto", Overrides(data_weight=5))


@pytest.mark.parametrize(
    ("steps", "expected"), [(350, [300, 50]), (7, [6, 1]), (2, [2]), (1, [1]), (3500, [3000, 500])]
)
def test_a_shorter_or_longer_schedule_keeps_its_proportions(
    steps: int, expected: list[int]
) -> None:
    schedule = (Segment(300, 1.0, jitter=True), Segment(50, 0.1))
    assert [segment.steps for segment in scale_schedule(schedule, steps)] == expected


@pytest.mark.parametrize(
    "overrides",
    [
        Overrides(data_weight=-1),
        Overrides(data_weight=math.nan),
        Overrides(total_variation_weight=math.inf),
        Overrides(alpha=0.5),
        Overrides(beta=100),
        Overrides(rate_factor=-1),
        Overrides(steps=0),
    ],
)
def test_numbers_without_a_meaning_are_refused(overrides: Overrides) -> None:
    with pytest.raises(SettingError, match="use a number from"):
        _resolve("mv2016", overrides)


def test_an_unknown_preset_is_refused_with_the_names_of_those_that_exist() -> None:
    with pytest.raises(SettingError, match=r"'mv2014' for codes; use one of auto, mv2015, mv2016"):
        _resolve("mv2014")
    assert set(PRESETS) == {"auto", "mv2015", "mv2016"}


def test_activations_have_presets_of_their_own() -> None:
    settings = resolve("mv2016", small_network("4"), SIDE, SIDE, loss=Loss.INNER)
    assert [(segment.steps, segment.jitter) for segment in settings.segments] == [(300, True)]
    assert (settings.loss, settings.start, settings.data_weight) == (Loss.INNER, Start.NATURAL, 1)
    with pytest.raises(SettingError, match="'mv2015' for activations; use one of mv2016, lucid"):
        resolve("mv2015", small_network("4"), SIDE, SIDE, loss=Loss.INNER)


def test_lucid_steps_in_fourier_coefficients_of_separate_colours_and_has_no_priors() -> None:
    settings = resolve("lucid", small_network("4"), SIDE, SIDE, loss=Loss.INNER)
    assert settings.family is Family.ADAM
    assert settings.steps == 512
    assert settings.coordinates == Coordinates(Basis.FOURIER, decorrelated=True)
    assert settings.alpha_norm.weight == settings.total_variation.weight == 0
    assert not resolve("lucid", hog(), SIDE, SIDE, loss=Loss.INNER).coordinates.decorrelated


def test_the_new_overrides_reach_the_settings() -> None:
    changes = Overrides(
        total_variation_weight=3.0,
        prior_factor=0.5,
        isotropic=False,
        bound=math.inf,
        basis=Basis.DCT,
        decorrelated=True,
    )
    settings = _resolve("mv2016", changes)
    assert (settings.alpha_norm.weight, settings.total_variation.weight) == (0.5, 1.5)
    assert not settings.alpha_norm.isotropic
    assert settings.bound == math.inf
    assert settings.coordinates == Coordinates(Basis.DCT, decorrelated=True)
    assert _resolve("mv2016", Overrides()) == _resolve("mv2016")


def test_the_factor_of_the_priors_has_a_range() -> None:
    with pytest.raises(SettingError, match="the factor of the priors"):
        _resolve("mv2016", Overrides(prior_factor=-1))
