"""Weights: found, refused, downloaded, or missing with one sentence."""

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision

from preimage_worker import architectures, weights
from preimage_worker.catalogue import FileWeights, ModelEntry, TorchvisionWeights, Weights
from preimage_worker.errors import CatalogueError, WeightsMissingError, WeightsUnfitError


def entry(source: Weights, architecture: str = "squeezenet1_1") -> ModelEntry:
    return ModelEntry("mine", f"torchvision:{architecture}", source, (64, 64))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the weights of a squeezenet1_1, and an empty cache of torch's."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    network = torchvision.models.get_model("squeezenet1_1", weights=None)
    safetensors.torch.save_file(network.state_dict(), tmp_path / "squeezenet1_1.safetensors")
    return tmp_path


def test_a_file_of_the_architectures_name_stands_in_for_torchvisions_checkpoint(
    folder: Path,
) -> None:
    source = weights.find(entry(TorchvisionWeights()), folder)
    data = (folder / "squeezenet1_1.safetensors").read_bytes()
    assert source.digest == hashlib.sha256(data).hexdigest()
    network = architectures.build(entry(TorchvisionWeights()), source)
    stored = safetensors.torch.load(data)["classifier.1.bias"]
    assert torch.equal(network.get_parameter("classifier.1.bias"), stored)
    assert not network.training


def test_a_file_with_another_digest_is_refused(folder: Path) -> None:
    wanted = FileWeights("squeezenet1_1.safetensors", "0" * 64)
    with pytest.raises(WeightsMissingError, match=r"are not what the catalogue names: .* SHA-256"):
        weights.find(entry(wanted), folder)


def test_missing_weights_name_the_folder_and_the_setting_that_would_provide_them(
    folder: Path,
) -> None:
    with pytest.raises(WeightsMissingError) as caught:
        weights.find(entry(TorchvisionWeights(), "alexnet"), folder)
    sentence = str(caught.value)
    assert "alexnet.safetensors" in sentence
    assert "PREIMAGE_WEIGHTS_DIR" in sentence
    assert "PREIMAGE_DOWNLOAD_MODELS=mine" in sentence


def test_weights_of_another_network_are_refused_in_one_line(folder: Path) -> None:
    source = weights.find(entry(FileWeights("squeezenet1_1.safetensors")), folder)
    with pytest.raises(WeightsUnfitError, match="do not fit torchvision:alexnet") as caught:
        architectures.build(entry(TorchvisionWeights(), "alexnet"), source)
    assert "\n" not in str(caught.value)


def test_weights_that_do_not_fit_are_told_by_their_parameters(folder: Path) -> None:
    state = dict(torchvision.models.get_model("squeezenet1_1", weights=None).state_dict())
    state["head.weight"] = state.pop("classifier.1.weight")
    state["classifier.1.bias"] = torch.zeros(7)
    safetensors.torch.save_file(state, folder / "own.safetensors")
    source = weights.find(entry(FileWeights("own.safetensors")), folder)
    with pytest.raises(WeightsUnfitError) as caught:
        architectures.build(entry(TorchvisionWeights()), source)
    assert str(caught.value).endswith(
        "do not fit torchvision:squeezenet1_1: 1 parameter is missing (classifier.1.weight); "
        "1 parameter is unexpected (head.weight); 1 parameter is of another shape "
        "(classifier.1.bias (7,) instead of (1000,)); name weights and network that "
        "belong together."
    )


def test_of_many_parameters_that_do_not_fit_the_first_are_named(folder: Path) -> None:
    source = weights.find(entry(FileWeights("squeezenet1_1.safetensors")), folder)
    with pytest.raises(WeightsUnfitError, match=r"12 parameters are missing \(.*, …\); ") as caught:
        architectures.build(entry(TorchvisionWeights(), "alexnet"), source)
    assert len(str(caught.value)) < 600


def test_a_file_that_is_no_safetensors_is_refused(folder: Path) -> None:
    (folder / "bad.safetensors").write_bytes(b"not tensors at all")
    wanted = entry(FileWeights("bad.safetensors"))
    source = weights.find(wanted, folder)
    words = r"cannot be read from bad\.safetensors \(.*\): write the network's state_dict"
    with pytest.raises(WeightsUnfitError, match=words):
        architectures.build(wanted, source)
    with pytest.raises(WeightsUnfitError, match=words):
        architectures.check_fit(architectures.bare(wanted, source), wanted, source.file or Path())


@pytest.mark.parametrize("name", ["own.safetensors", "own.pth"])
def test_a_bare_network_tells_what_does_not_fit_as_the_whole_one_would(
    folder: Path, name: str
) -> None:
    state = dict(torchvision.models.get_model("squeezenet1_1", weights=None).state_dict())
    state["head.weight"] = state.pop("classifier.1.weight")
    state["classifier.1.bias"] = torch.zeros(7)
    if name.endswith("pth"):
        torch.save(state, folder / name)
    else:
        safetensors.torch.save_file(state, folder / name)
    wanted = entry(FileWeights(name))
    source = weights.find(wanted, folder)
    sentences = []
    for look in (
        lambda: architectures.build(wanted, source),
        lambda: architectures.check_fit(architectures.bare(wanted, source), wanted, folder / name),
    ):
        with pytest.raises(WeightsUnfitError) as caught:
            look()
        sentences.append(str(caught.value))
    assert sentences[0] == sentences[1]
    assert "1 parameter is missing (classifier.1.weight)" in sentences[0]


def test_an_old_checkpoint_is_left_to_the_first_job(folder: Path) -> None:
    torch.save({"other": torch.zeros(1)}, folder / "old.pth", _use_new_zipfile_serialization=False)
    wanted = entry(FileWeights("old.pth"))
    source = weights.find(wanted, folder)
    architectures.check_fit(architectures.bare(wanted, source), wanted, folder / "old.pth")
    with pytest.raises(WeightsUnfitError, match="unexpected \\(other\\)"):
        architectures.build(wanted, source)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "vit_b_32", "swin_t"])
def test_weights_that_fit_pass_the_look_in_silence(folder: Path, name: str) -> None:
    wanted = entry(TorchvisionWeights(), name)
    bare = architectures.bare(wanted, None)
    state = {each: torch.zeros(value.shape) for each, value in bare.state_dict().items()}
    safetensors.torch.save_file(state, folder / "fits.safetensors")
    architectures.check_fit(bare, wanted, folder / "fits.safetensors")


def test_an_unknown_architecture_is_the_catalogues_fault(folder: Path) -> None:
    with pytest.raises(CatalogueError, match="torchvision has no model 'alexnut'"):
        weights.find(entry(TorchvisionWeights(), "alexnut"), folder)
    with pytest.raises(CatalogueError, match="torchvision has no model 'alexnut'"):
        architectures.bare(entry(TorchvisionWeights(), "alexnut"), None)


def test_a_download_that_fails_says_why_and_what_would_help(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str, timeout: float) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(WeightsMissingError) as caught:
        weights.download(entry(TorchvisionWeights(), "alexnet"))
    assert "no route to host" in str(caught.value)
    assert "PREIMAGE_WEIGHTS_DIR" in str(caught.value)


def test_a_download_ends_in_torchs_cache_where_it_is_found_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = entry(TorchvisionWeights(), "squeezenet1_0")

    def fetch(url: str, file: str, hash_prefix: str, *, progress: bool) -> None:
        assert hash_prefix == "b66bff10"
        state = torchvision.models.get_model("squeezenet1_0", weights=None).state_dict()
        torch.save(state, file)

    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: open("/dev/null"))  # noqa: PTH123, SIM115
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    downloaded = weights.download(wanted)
    assert weights.find(wanted, None) == downloaded
    architectures.build(wanted, downloaded)


def test_a_network_that_computes_while_it_is_made_is_described_too() -> None:
    bare = architectures.bare(entry(TorchvisionWeights(), "regnet_y_400mf"), None)
    assert all(parameter.is_meta for parameter in bare.parameters())
