"""Restarts that keep apart, under a budget of error."""

from dataclasses import replace

import pytest
import torch

from preimage_worker.inversion import presets
from preimage_worker.inversion.errors import SettingError
from preimage_worker.inversion.lanes import LaneBatch
from preimage_worker.inversion.overrides import Overrides
from preimage_worker.inversion.problem import Problem
from preimage_worker.inversion.representations.network import NetworkRepresentation
from preimage_worker.inversion.repulsion import Circle, Repulsion, circles, push

SIDE = 24


def _problems(
    phi: NetworkRepresentation, repulsion: Repulsion | None, restarts: int = 2
) -> list[Problem]:
    picture = 60 * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        code = phi(picture)[0]
    settings = presets.resolve("mv2016", phi, SIDE, SIDE, Overrides(steps=70))
    return [
        Problem(code, SIDE, SIDE, settings, restart=restart, repulsion=repulsion)
        for restart in range(restarts)
    ]


def _pictures(
    phi: NetworkRepresentation, problems: list[Problem], steps: int = 1000
) -> torch.Tensor:
    batch = LaneBatch.empty(phi, problems[0].settings.family, SIDE, SIDE).join(problems)
    while batch.lanes[0].outcome is None:
        batch, _ = batch.run(steps)
    return batch.pictures(range(len(problems)))


def _apart(pictures: torch.Tensor) -> float:
    return float((pictures[0] - pictures[1]).square().mean().sqrt())


def test_the_push_is_the_gradient_of_the_mean_squared_distance_to_the_others() -> None:
    repulsion = Repulsion(error_budget=0.5, weight=3.0)
    canvas = torch.randn(4, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        found = push(
            torch.zeros_like(canvas), canvas, torch.zeros(4), [Circle((0, 1, 3), repulsion)]
        )
    others = [canvas[1].detach(), canvas[3].detach()]
    term = -3.0 * sum((canvas[0] - other).square().mean() for other in others) / 2 / 100**2
    (wanted,) = torch.autograd.grad(term, canvas)
    torch.testing.assert_close(found[0], wanted[0])
    assert not found[2].any()


def test_above_the_budget_nothing_is_pushed() -> None:
    circle = Circle((0, 1), Repulsion(error_budget=0.1))
    canvas = torch.randn(2, 3, 5, 6)
    found = push(torch.zeros_like(canvas), canvas, torch.tensor([0.2, 0.05]), [circle])
    assert not found[0].any()
    assert found[1].any()


def test_only_lanes_that_share_a_repulsion_form_a_circle() -> None:
    one, other, alone = (Repulsion(0.1) for _ in range(3))
    found = circles([one, None, other, one, other, alone])
    assert [circle.lanes for circle in found] == [(0, 3), (2, 4)]


def test_restarts_that_repel_each_other_end_further_apart_within_the_budget(
    deep: NetworkRepresentation,
) -> None:
    plain = _pictures(deep, _problems(deep, None))
    pushed = _pictures(deep, _problems(deep, Repulsion(error_budget=0.3, weight=1000.0)))
    assert _apart(pushed) > 1.1 * _apart(plain)


def test_a_circle_does_not_touch_the_other_lanes_nor_feel_the_boundaries(
    deep: NetworkRepresentation,
) -> None:
    shared = Repulsion(error_budget=0.3, weight=1000.0)
    circle, (bystander, _) = _problems(deep, shared), _problems(deep, None)
    bystander = replace(bystander, seed=5)
    together = _pictures(deep, [*circle, bystander], steps=7)
    assert torch.equal(together[:2], _pictures(deep, circle))
    assert torch.equal(together[2], _pictures(deep, [bystander])[0])


def test_the_solver_is_not_pushed(deep: NetworkRepresentation) -> None:
    (problem, _) = _problems(deep, None)
    settings = presets.resolve("auto", deep, SIDE, SIDE)
    with pytest.raises(SettingError, match="use mv2016"):
        replace(problem, settings=settings, repulsion=Repulsion(0.1))


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan")])
def test_a_budget_that_is_none_is_refused(budget: float) -> None:
    with pytest.raises(SettingError, match="error budget"):
        Repulsion(budget)
