"""The catalogue: what it accepts, and what it says of the rest."""

from pathlib import Path

import pytest

from preimage_worker import catalogue
from preimage_worker.catalogue import (
    FileWeights,
    IncludedWeights,
    RandomWeights,
    TorchvisionWeights,
)
from preimage_worker.errors import CatalogueError


def test_the_built_in_catalogue_names_the_networks_of_the_readme() -> None:
    names = [entry.name for entry in catalogue.load(None)]
    assert names == [
        *(
            "hog",
            "hogb",
            "dsift",
            "cnn_a",
            "squeezenet1_0",
            "alexnet",
            "vgg16",
            "resnet50",
            "vit_b_16",
        ),
    ]


def test_squeezenet_takes_pictures_of_227_pixels() -> None:
    (entry,) = [each for each in catalogue.load(None) if each.name == "squeezenet1_0"]
    assert entry.input_size == (227, 227)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"torchvision"', TorchvisionWeights()),
        ('{ file = "w.safetensors" }', FileWeights("w.safetensors")),
        ('{ file = "w.safetensors", sha256 = "AB" }', FileWeights("w.safetensors", "ab")),
        ("{ random = 7 }", RandomWeights(7)),
    ],
)
def test_weights_come_from_torchvision_a_file_or_a_seed(text: str, expected: object) -> None:
    source = (
        f'[models.m]\narchitecture = "torchvision:alexnet"\nweights = {text}\n'
        "input_size = [64, 48]\n"
    )
    (entry,) = catalogue.parse(source)
    assert entry.weights == expected
    assert entry.input_size == (64, 48)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("models = 3", "no [models.NAME] table"),
        ("[[[", "is not TOML"),
        ("models = " + "[" * 100_000, "is not TOML"),
        ("[models]\nm = 3", "models.m must be a table"),
        ('[models.m]\narchitecture = "resnet"', "models.m.architecture must be"),
        ('[models.m]\narchitecture = "hog"\ncolour = 1', "unknown keys ['colour']"),
        (
            '[models.m]\narchitecture = "torchvision:alexnet"\nweights = 3\ninput_size=[1,1]',
            "models.m.weights must be",
        ),
        (
            '[models.m]\narchitecture = "torchvision:alexnet"\ninput_size = [0, 5]',
            "models.m.input_size must be [height, width]",
        ),
        (
            '[models.m]\narchitecture = "torchvision:alexnet"\ninput_size=[9,9]\nstd=[1,0,1]',
            "models.m.std must be 3 numbers, as many as mean has",
        ),
        (
            '[models.m]\narchitecture = "torchvision:alexnet"\ninput_size=[9,9]\nlayers=[]',
            "models.m.layers must be a list of patterns",
        ),
    ],
)
def test_a_wrong_catalogue_is_refused_with_the_place_that_is_wrong(source: str, words: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue.parse(source, "models.toml")
    assert words in str(caught.value)
    assert "models.toml" in str(caught.value)


def test_a_missing_catalogue_file_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"PREIMAGE_CATALOGUE=.*nowhere\.toml cannot be read"):
        catalogue.load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('architecture = "export:p.pt2"\nweights = "torchvision"', "it takes no weights"),
        ('architecture = "export:p.pt2"\nsha256 = 3', 'may take sha256 = "…"'),
        ('architecture = "export:"', "models.m.architecture must be one of torchvision:MODEL"),
        ('architecture = "python:package"', "python:package.module:function"),
        ('architecture = "python:a b:f"', "models.m.architecture must be one of"),
        ('architecture = "python:a:f"\nweights = "torchvision"', "torchvision has none for"),
        (
            'architecture = "torchvision:alexnet"\nweights = "included"',
            'only networks of "python',
        ),
        ('architecture = "torchvision:alexnet"\nsha256 = "0"', "put it into weights"),
        ('architecture = "torchvision:alexnet"\ndivisor = 0', "divisor must be a number above 0"),
        ('architecture = "torchvision:alexnet"\nmean = []', "mean must be a list of numbers"),
        ('architecture = "torchvision:alexnet"\nmean = [0.5]', "std must be a number above 0"),
        ('architecture = "torchvision:alexnet"\nclassifies = 1', "must be true or false"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(keys: str, words: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue.parse(f"[models.m]\n{keys}\ninput_size = [9, 9]\n")
    assert words in str(caught.value)


def test_networks_of_other_origins_have_their_own_defaults() -> None:
    source = "".join(
        f'[models.m{number}]\narchitecture = "{architecture}"\ninput_size = [9, 9]\n'
        for number, architecture in enumerate(
            ("torchvision:alexnet", "export:p.pt2", "python:a.b:f")
        )
    )
    entries = catalogue.parse(source)
    expected = [TorchvisionWeights(), FileWeights("p.pt2"), IncludedWeights()]
    assert [entry.weights for entry in entries] == expected
    assert [entry.classifies for entry in entries] == [True, False, False]
