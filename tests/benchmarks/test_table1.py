"""Table 1 on two tiny pictures: its figures are what their columns say."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import table1
from benchmarks.canvases import encode
from benchmarks.pictures import load
from PIL import Image

CPU = torch.device("cpu")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(3)
    for name, size in {"a": (40, 26), "b": (26, 40), "c": (40, 26)}.items():
        coarse = Image.fromarray(generator.integers(0, 256, (6, 6, 3), np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


def test_errors_are_distances_of_codes_over_those_of_the_whole_set(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "table1.json"
    command = f"table1 --pictures {pictures} --limit 1 --layers bin5 --preset mv2015 --device cpu"
    command += f" --json {out} --gallery {tmp_path / 'shown'}"
    monkeypatch.setattr("sys.argv", command.split())
    table1.main()

    written = json.loads(out.read_text())
    (cell,) = written["cells"]
    assert (cell["picture"], cell["layer"], cell["passes"]) == ("a", "bin5", 800)
    assert written["picture_size"] == [26, 40]
    assert {"torch", "preimage", "device"} <= set(written["surroundings"])
    phi = table1.LAYERS["bin5"]()
    codes = [encode(phi, each.fitted(26, 40).pixels, CPU).double() for each in load(pictures)]
    pairs = [(codes[i] - codes[j]).norm() for i, j in ((0, 1), (0, 2), (1, 2))]
    distance = cell["own_norm"] * float(codes[0].norm())
    assert cell["paper"] == pytest.approx(distance / float(sum(pairs) / 3), rel=1e-4)
    squares = 2 * sum(float(pair) ** 2 for pair in pairs) / 9
    assert cell["released"] == pytest.approx(distance**2 / 100 / squares, rel=1e-4)
    assert cell["paper"] < 50
    assert "10.89 ± 7.5" in capsys.readouterr().out
    assert (tmp_path / "shown.html").exists()


@pytest.mark.parametrize("wrong", ["--layers conv1", "--preset mv2014"])
def test_an_unknown_layer_or_preset_ends_with_2(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["table1", *wrong.split()])
    with pytest.raises(SystemExit) as ended:
        table1.main()
    assert ended.value.code == 2


def test_one_picture_is_not_enough(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (pictures / f"{name}.png").unlink()
    monkeypatch.setattr("sys.argv", ["table1", "--pictures", str(pictures), "--device", "cpu"])
    with pytest.raises(SystemExit, match="at least two"):
        table1.main()
