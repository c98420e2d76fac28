"""The loss curve."""

import math

import numpy as np

from preimage import Progress
from preimage.measures import LossCurve
from preimage.ui.chart import chart_options, curve_points, progress_point


def curve(**columns: list[float]) -> LossCurve:
    empty = np.array([], np.float32)
    names = ("objective", "data", "alpha_norm", "total_variation", "relative_error", "activation")
    arrays = {name: np.array(columns.get(name, empty), np.float32) for name in names}
    return LossCurve(steps=np.arange(len(arrays["objective"]), dtype=np.int32), **arrays)


def test_points_are_those_of_the_progress_and_of_the_curve() -> None:
    assert progress_point(Progress(10, 200, 5.0, 0.25)) == (10, 5.0, 0.25)
    assert progress_point(Progress(10, 200, -5.0, 0.0, activation=7.0)) == (10, -5.0, 7.0)
    assert curve_points(curve(objective=[4, 2], relative_error=[1, 0.5])) == [
        (0, 4, 1),
        (1, 2, 0.5),
    ]
    assert curve_points(curve(objective=[4, 2], activation=[3, 6])) == [(0, 4, 3), (1, 2, 6)]
    assert curve_points(curve()) == []


def test_what_a_logarithm_cannot_show_is_left_out() -> None:
    points = [(0, 5.0, 1.0), (1, -2.0, 0.0), (2, math.inf, math.nan), (3, 4.0, 0.5)]
    objective, error = chart_options(points)["series"]
    assert objective["data"] == [[0, 5.0], [3, 4.0]]
    assert error["data"] == [[0, 1.0], [3, 0.5]]


def test_the_curve_is_said_in_words_too() -> None:
    said = chart_options([(0, 5.0, 1.0), (9, 4.0, 0.5)])["aria"]["label"]["description"]
    assert said == (
        "Loss curve from step 0 to step 9: relative error from 1 to 0.5, objective now 4."
    )
    assert "no points yet" in chart_options([])["aria"]["label"]["description"]


def test_a_running_job_is_drawn_in_the_room_that_it_will_need() -> None:
    assert chart_options([(0, 5.0, 1.0)], total_steps=200)["xAxis"]["max"] == 200
    assert chart_options([(0, 5.0, 1.0)])["xAxis"]["max"] is None
