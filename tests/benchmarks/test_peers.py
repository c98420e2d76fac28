"""The comparison with plenoptic on a tiny network, with a stand-in for its Metamer."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks import peers, subjects
from PIL import Image
from torch import Tensor

from tests.worker.inversion.small import small_network

CALLS = 9


class StandIn:
    """Takes passes and ends with the picture, each grey level off by a tenth of white."""

    def __init__(self, image: Tensor, model: torch.nn.Module) -> None:
        self.metamer, self._model = image, model
        model(image)

    def synthesize(self, max_iter: int) -> None:
        for _ in range(max_iter):
            self._model(self.metamer)
        sys.stderr.write("a progress bar")
        self.metamer = self.metamer + 0.1


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    coarse = Image.fromarray(np.random.default_rng(3).integers(50, 200, (5, 5, 3), np.uint8))
    coarse.resize((24, 24), Image.Resampling.BICUBIC).save(tmp_path / "a.png")
    monkeypatch.setattr(subjects, "SIDE", 24)
    monkeypatch.setattr(subjects, "representation", lambda layer, _: small_network(layer))
    fake = SimpleNamespace(Metamer=StandIn, set_seed=torch.manual_seed, __version__="0")
    monkeypatch.setitem(sys.modules, "plenoptic", fake)
    return tmp_path


def _run(folder: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    out = folder / "peers.json"
    command = f"peers --pictures {folder} --layers 1 --preset mv2016 --device cpu --json {out}"
    monkeypatch.setattr("sys.argv", f"{command} --iterations {CALLS} {words}".split())
    peers.main()
    (cell,) = json.loads(out.read_text())["cells"]
    return dict(cell)


def test_both_are_counted_and_measured_alike(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = _run(pictures, "", monkeypatch)
    assert cell["peer_passes"] == CALLS
    assert cell["peer_psnr_db"] == pytest.approx(20, abs=0.1)
    assert cell["reached"]
    assert cell["relative_error"] <= cell["peer_relative_error"]
    assert 0 < cell["passes"] < 350
    captured = capsys.readouterr()
    assert f"{CALLS / cell['passes']:.1f}" in captured.out
    assert "MISSED: median gain in passes" in captured.out
    assert "progress bar" not in captured.err


def test_what_priors_keep_from_the_mark_counts_as_the_worst(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = _run(pictures, "--prior-factor 1e5", monkeypatch)
    assert not cell["reached"]
    assert cell["passes"] == 350
    out = capsys.readouterr().out
    assert "not in 350" in out
    assert "MISSED: median gain in seconds 0.0" in out
    assert "plenoptic's error was not reached in: 1 a" in out


def test_without_plenoptic_a_sentence_says_how_to_have_it(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plenoptic", None)
    with pytest.raises(SystemExit, match=r"pip install 'preimage\[bench\]'"):
        _run(pictures, "", monkeypatch)
