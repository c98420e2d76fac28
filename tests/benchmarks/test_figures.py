"""The figures: what they measure of pictures, and a strip of them from end to end."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import figures, panels, subjects
from PIL import Image

from preimage_worker.inversion.presets import ACTIVATION_PRESETS, PRESETS
from tests.worker.inversion.small import small_network


def test_the_field_of_view_of_one_position_is_the_window_of_its_convolutions() -> None:
    phi = small_network("2")  # 5 × 5 at stride 2, then 3 × 3: 9 × 9 pixels from twice its position
    shape = phi.code_shape(24, 24)
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[:, 3, 4] = True
    seen = figures.field_of_view(phi, mask, torch.zeros(3, 24, 24))
    wanted = torch.zeros(24, 24, dtype=torch.bool)
    wanted[6:15, 8:17] = True
    assert torch.equal(seen, wanted)


def test_a_spike_is_a_value_that_stands_off_its_neighbours_and_an_edge_is_none() -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:, 10:] = 200
    assert figures.spike_share(pixels) == 0
    pixels[5, 5, 1] = 40
    assert figures.spike_share(pixels) == pytest.approx(1 / 1200)
    pixels[5, 5, 1] = 20
    assert figures.spike_share(pixels) == 0


def test_the_distance_of_restarts_is_the_mean_over_their_pairs() -> None:
    levels = [np.full((4, 4), level, np.uint8) for level in (10, 20, 40)]
    assert figures.restart_distance(levels) == pytest.approx((10 + 20 + 30) / 3)


def test_the_centre_is_enlarged_without_smoothing() -> None:
    pixels = np.arange(16 * 16, dtype=np.uint8).reshape(16, 16)
    shown = figures.enlarged(pixels)
    assert shown.shape == (16, 16)
    assert np.array_equal(shown[::4, ::4], pixels[6:10, 6:10])
    assert (shown[:4, :4] == shown[0, 0]).all()


@pytest.mark.parametrize("name", list(panels.FIGURES))
def test_every_figure_has_panels_for_every_preset_of_its_kind(name: str) -> None:
    make, of_activations = panels.FIGURES[name]
    for preset in ACTIVATION_PRESETS if of_activations else PRESETS:
        strips = make(preset)
        assert all(strip.panels for strip in strips)


def test_strips_are_made_as_jobs_are_and_shown_with_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = Image.fromarray(np.random.default_rng(3).integers(0, 256, (6, 6, 3), np.uint8))
    (tmp_path / "in").mkdir()
    coarse.resize((240, 227), Image.Resampling.BICUBIC).save(tmp_path / "in/a.png")
    served = subjects.served
    monkeypatch.setattr(subjects, "served", lambda *where: served(*where, random=True))
    words = "--figures central,restarts,maximise,caricature --layers features.1,features.4,flatten"
    words += f" --preset mv2016 --steps 2 --device cpu --pictures {tmp_path / 'in'}"
    words += f" --json {tmp_path / 'figures.json'} --gallery {tmp_path / 'figures'}"
    monkeypatch.setattr("sys.argv", ["figures", *words.split()])
    figures.main()
    strips = json.loads((tmp_path / "figures.json").read_text())["strips"]
    central, restarts, scores, caricatures = (strip["panels"] for strip in strips)
    assert [panel["panel"] for panel in central] == ["features.1", "features.4"]
    assert all(panel["outside_rms"][0] > 0 for panel in central)
    assert len(restarts[0]["relative_error"]) == panels.RESTARTS
    assert restarts[0]["restart_distance"] > 0
    assert len(scores) == 4
    assert all("activation" in panel for panel in (*scores, *caricatures))
    assert {strip["picture"] for strip in strips} == {"a", None}
    assert (tmp_path / "figures.html").exists()
