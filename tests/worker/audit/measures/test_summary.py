"""Mean, median and worst decile of known values."""

import numpy as np
import pytest

from preimage_worker.audit.measures import summary
from preimage_worker.audit.measures.summary import Leak


def test_a_ramp_has_its_known_figures() -> None:
    found = summary.summarise(np.linspace(0, 1, 101), seed=0)
    figures = (found.mean, found.median, found.worst_decile)
    assert [figure.estimate for figure in figures] == pytest.approx([0.5, 0.5, 0.9])
    assert all(figure.lower < figure.estimate < figure.upper for figure in figures)
    assert found.pictures == 101


def test_the_worst_decile_of_errors_is_the_smallest() -> None:
    found = summary.summarise(np.linspace(0, 1, 101), seed=0, leak=Leak.LOW)
    assert found.worst_decile.estimate == pytest.approx(0.1)
    assert summary.worst_decile(np.linspace(0, 1, 101), Leak.LOW) == pytest.approx(0.1)


def test_a_few_pictures_that_leak_are_seen_in_the_worst_decile_not_in_the_median() -> None:
    found = summary.summarise(np.array([0.9] * 20 + [0.0] * 80), seed=0)
    assert found.median.upper == 0
    assert found.worst_decile.lower > 0.5
