"""The race between presets on a tiny network: its cells are measured as they say."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks import acceptance, passes, passes_results
from benchmarks.canvases import encode, psnr_db
from benchmarks.inverting import batch_of
from benchmarks.pictures import load
from PIL import Image
from torch import Tensor

from preimage_worker.inversion import presets
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import Settings
from tests.worker.inversion.small import small_network

CPU = torch.device("cpu")
KEYS = {
    *("representation", "layer", "picture", "recipe_objective", "recipe_passes"),
    *("passes_to_within_5_percent", "passes_to_reach", "objective_at", "recipe_objective_at"),
    *("psnr_db", "recipe_psnr_db", "preset", "reference_preset", "seed", "surroundings"),
}
Run = Callable[..., list[dict[str, Any]]]


def _slower(phi: Representation, height: int, width: int) -> Settings:
    settings = presets.mv2016(phi, height, width)
    return replace(
        settings, segments=tuple(replace(s, rate=s.rate / 300) for s in settings.segments)
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command on two small pictures and gives the cells of its file."""
    generator = np.random.default_rng(3)
    (tmp_path / "pictures").mkdir()
    for name in ("a", "b"):
        coarse = Image.fromarray(generator.integers(0, 256, (5, 5, 3), np.uint8))
        coarse.resize((30, 26), Image.Resampling.BICUBIC).save(tmp_path / f"pictures/{name}.png")
    monkeypatch.setattr(passes, "SIDE", 24)
    monkeypatch.setattr(passes, "representation", lambda layer, _: small_network(layer))
    monkeypatch.setattr(passes, "MILESTONES", (5, 20))
    monkeypatch.setitem(presets.PRESETS, "slower", _slower)

    def ran(words: str) -> list[dict[str, Any]]:
        out = tmp_path / "cells.json"
        command = f"passes --pictures {tmp_path / 'pictures'} --device cpu --json {out} {words}"
        monkeypatch.setattr("sys.argv", command.split())
        passes.main()
        cells: list[dict[str, Any]] = json.loads(out.read_text())
        return cells

    return ran


def _delivered(preset: str, steps: int, folder: Path) -> tuple[Representation, Tensor, Tensor]:
    phi = small_network("4")
    pixels = load(folder, 1)[0].fitted(24, 24).pixels
    code = encode(phi, pixels, CPU)
    settings = replace(presets.resolve(preset, phi, 24, 24), data_weight=300.0)
    batch, _ = batch_of(phi, [Problem(code, 24, 24, settings)], CPU).run(steps)
    return phi, code, batch.pictures([0])[0]


def _objective(phi: Representation, code: Tensor, picture: Tensor) -> float:
    data = 300 * (phi(picture[None])[0] - code).square().sum() / code.square().sum()
    norm = (picture.square().sum(0).sqrt() / 80).pow(6).mean()
    across, down = torch.zeros_like(picture), torch.zeros_like(picture)
    across[..., :-1], down[:, :-1] = picture.diff(dim=2), picture.diff(dim=1)
    variation = ((across**2 + down**2).sum(0) * (6.5 / 80) ** 2).mean()
    return float(data + norm + variation)


def test_objectives_are_those_of_the_delivered_picture_alone(run: Run, tmp_path: Path) -> None:
    (cell,) = run("--limit 1 --layers 4 --presets slower")
    assert set(cell) == KEYS
    assert (cell["representation"], cell["layer"], cell["picture"]) == ("small", "4", "a")
    for preset, at in (("slower", "objective_at"), ("mv2016", "recipe_objective_at")):
        for steps in (5, 20):
            found = _objective(*_delivered(preset, steps, tmp_path / "pictures"))
            assert cell[at][str(steps)] == pytest.approx(found, rel=1e-4)
    assert cell["recipe_objective"] == cell["recipe_objective_at"]["20"]
    assert cell["recipe_passes"] == 20


def test_a_preset_reaches_itself_at_its_last_pass_or_before_and_a_slow_one_never(run: Run) -> None:
    cells = run("--limit 1 --layers 1 --presets mv2016,slower")
    same, slow = cells
    assert same["objective_at"] == same["recipe_objective_at"]
    assert same["psnr_db"] == same["recipe_psnr_db"]
    assert same["passes_to_within_5_percent"] <= same["passes_to_reach"] <= 20
    assert (slow["passes_to_within_5_percent"], slow["passes_to_reach"]) == (None, None)


def test_a_resumed_run_measures_what_is_missing_and_keeps_the_rest(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run("--limit 1 --layers 1 --presets slower")
    capsys.readouterr()
    both = run("--limit 0 --layers 1 --presets slower --resume")
    captured = capsys.readouterr()
    assert "1 b" in captured.err
    assert "1 a" not in captured.err
    assert [cell["picture"] for cell in both] == ["a", "b"]
    assert both[0] == first[0]
    assert "MISSED: within 5 %" in captured.out


def test_a_recipe_that_ran_before_is_taken_from_there(run: Run, tmp_path: Path) -> None:
    first = run("--limit 1 --layers 1 --presets slower")
    earlier, cell = tmp_path / "earlier.json", dict(first[0])
    cell |= {"recipe_psnr_db": 12.5, "recipe_passes": 19}
    earlier.write_text(json.dumps([cell]))
    (known,) = run(f"--limit 1 --layers 1 --presets slower --recipes-from {earlier}")
    assert known == {**first[0], "recipe_psnr_db": 12.5, "recipe_passes": 19}
    for key, other in (("seed", 1), ("surroundings", {"torch": "1.0"})):
        earlier.write_text(json.dumps([cell | {key: other}]))
        (again,) = run(f"--limit 1 --layers 1 --presets slower --recipes-from {earlier}")
        assert again == first[0]


def _cell(**changed: object) -> dict[str, Any]:
    return {
        "representation": "net",
        "layer": "deep",
        "picture": "cat",
        "preset": "auto",
        "recipe_objective": 10.0,
        "passes_to_within_5_percent": 60,
        "passes_to_reach": 350,
        "objective_at": {"25": 30.0, "350": 10.0},
        "recipe_objective_at": {"25": 30.0, "350": 10.0},
        "psnr_db": 20.0,
        "recipe_psnr_db": 20.0,
        **changed,
    }


def test_cells_at_the_edge_of_every_criterion_meet_it() -> None:
    assert [verdict.met for verdict in acceptance.judge([_cell()])] == [True] * 5


@pytest.mark.parametrize(
    ("changed", "criterion", "words"),
    [
        ({"passes_to_within_5_percent": 176}, 1, "net deep cat: 176"),
        ({"passes_to_within_5_percent": None}, 1, "net deep cat: never"),
        (
            {"passes_to_reach": None, "recipe_objective": 9.99995},
            2,
            "10 is 0.0005 % above 10",
        ),
        ({"objective_at": {"25": 31, "350": 9}}, 3, "31 is 3.3 % above 30 at 25"),
        ({"objective_at": {"25": float("nan"), "350": 9}}, 3, "nan is nan % above 30 at 25"),
    ],
)
def test_one_bad_cell_among_three_is_missed_by_name(
    changed: dict[str, object], criterion: int, words: str
) -> None:
    verdicts = acceptance.judge([_cell(), _cell(), _cell(**changed)])
    assert [verdict.met for verdict in verdicts] == [at != criterion for at in range(5)]
    (miss,) = verdicts[criterion].misses
    assert words in miss
    assert "MISSED" in str(verdicts[criterion])
    assert miss in str(verdicts[criterion])


def test_medians_are_missed_by_more_than_half_of_the_cells() -> None:
    late = _cell(passes_to_within_5_percent=61)
    assert not acceptance.judge([_cell(), late, late])[0].met
    blurred = _cell(psnr_db=19.9)
    assert not acceptance.judge([_cell(), blurred, blurred])[4].met


def test_the_table_gives_median_and_worst_of_each_layer() -> None:
    cells = [_cell(passes_to_within_5_percent=each) for each in (10, 30, None)]
    row = passes_results.summary(cells, "350")
    assert row["to within 5 %"] == "30 / never"
    assert row["objective at 350"] == "1.000 / 1.000"


def test_psnr_of_grey_pictures_is_against_the_luma() -> None:
    original = np.zeros((2, 2, 3), np.uint8)
    original[..., 1] = 100
    grey = np.full((2, 2), 59, np.uint8)
    assert psnr_db(grey, original) == pytest.approx(10 * np.log10(255**2 / 0.3**2), abs=1e-3)
