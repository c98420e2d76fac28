"""Table 3 on a tiny network: one row for each layer and weight, and what may be compared."""

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks import subjects, table3
from PIL import Image

from tests.worker.inversion.small import small_network


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    generator = np.random.default_rng(3)
    for name in ("a", "b", "c"):
        coarse = Image.fromarray(generator.integers(0, 256, (5, 5, 3), np.uint8))
        coarse.resize((30, 30), Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
    monkeypatch.setattr(subjects, "representation", lambda layer, *_, **__: small_network(layer))
    monkeypatch.setattr(subjects, "input_size", lambda _: (24, 24))
    return f"table3 --pictures {tmp_path} --device cpu --json {tmp_path / 'table3.json'}"


def test_stronger_smoothing_leaves_larger_errors_and_no_other_network_is_compared(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = "--model alexnet --layers 1 --weights 0.5,50 --limit 2"
    monkeypatch.setattr("sys.argv", f"{command} {words}".split())
    table3.main()
    written = json.loads((tmp_path / "table3.json").read_text())
    weak, strong = written["cells"][:2], written["cells"][2:]
    assert [cell["picture"] for cell in weak] == ["a", "b"]
    assert all(a["paper"] < b["paper"] for a, b in zip(weak, strong, strict=True))
    assert [row["λ_V"] for row in written["rows"]] == [0.5, 50]
    assert "published" not in written["rows"][0]
    assert "alexnet is not the paper's network: not comparable" in capsys.readouterr().out


def test_the_papers_row_stands_beside_its_own_network_with_trained_weights_only(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = {}
    for flag in ("", "--random-weights"):
        monkeypatch.setattr(
            "sys.argv", f"{command} --layers 1 --weights 5 --limit 1 {flag}".split()
        )
        table3.main()
        shown[flag] = capsys.readouterr().out
    assert "published" in shown[""]
    assert "published" not in shown["--random-weights"]
    assert "not comparable" in shown["--random-weights"]


def test_the_printed_errors_belong_to_the_papers_layers() -> None:
    assert table3.PUBLISHED["conv1", 50] == 40.8
    assert table3.PUBLISHED["relu3", 5] == 15.1
    assert table3.PUBLISHED["fc8", 0.5] == 5.3


def test_weights_that_are_not_here_end_with_how_to_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    Image.new("RGB", (8, 8), "red").save(tmp_path / "b.png")
    monkeypatch.setenv("PREIMAGE_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["table3", "--pictures", str(tmp_path), "--device", "cpu"])
    with pytest.raises(SystemExit, match="preimage weights convert"):
        table3.main()
