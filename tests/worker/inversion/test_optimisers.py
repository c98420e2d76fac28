import pytest
import torch

from preimage_worker.inversion.optimisers.families import METHODS
from preimage_worker.inversion.optimisers.steps import momentum, project, scale_by_rate
from preimage_worker.inversion.optimisers.transform import Control, chain
from preimage_worker.inversion.settings import Family


def _control(rate: float, age: float = 1.0, lanes: int = 1) -> Control:
    ages = torch.full((lanes, 1, 1, 1), age)
    return Control(torch.full((lanes, 1, 1, 1), rate), (ages > 0).float(), ages)


def _scalar(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value)


def test_momentum_is_the_heavy_ball_by_hand() -> None:
    transform = METHODS[Family.MOMENTUM].transform
    buffers = transform.init(_scalar(0))
    first, buffers = transform.update(_scalar(2.0), buffers, _control(0.1))
    second, buffers = transform.update(_scalar(3.0), buffers, _control(0.1))
    assert float(first) == pytest.approx(-0.2)
    assert float(second) == pytest.approx(0.9 * -0.2 - 0.3)


def test_where_a_segment_begins_the_momentum_is_forgotten() -> None:
    transform = METHODS[Family.MOMENTUM].transform
    _, buffers = transform.update(_scalar(2.0), transform.init(_scalar(0)), _control(0.1))
    update, _ = transform.update(_scalar(3.0), buffers, _control(0.01, age=0.0))
    assert float(update) == pytest.approx(-0.03)


def test_decayed_adagrad_is_the_papers_update_by_hand() -> None:
    transform = METHODS[Family.ADAGRAD].transform
    buffers = transform.init(_scalar(0))
    first, buffers = transform.update(_scalar(2.0), buffers, _control(4.0))
    second, buffers = transform.update(_scalar(-1.0), buffers, _control(4.0))
    step = -2 / (1 / 4 + 2)
    assert float(first) == pytest.approx(step)
    assert float(second) == pytest.approx(0.9 * step + 1 / (0.25 + (0.9 * 4 + 1) ** 0.5))
    fresh, _ = transform.update(_scalar(-1.0), buffers, _control(4.0, age=0.0))
    assert float(fresh) == pytest.approx(1 / (0.25 + 1))


def test_adam_is_torchs() -> None:
    transform, point = METHODS[Family.ADAM].transform, torch.nn.Parameter(torch.zeros(1, 3, 4, 4))
    theirs = torch.optim.Adam([point], lr=0.05, eps=1e-12)
    ours, buffers = point.detach().clone(), transform.init(point.detach())
    for age in range(5):
        gradient = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(age))
        point.grad = gradient
        theirs.step()
        update, buffers = transform.update(gradient, buffers, _control(0.05, float(age)))
        ours += update
    torch.testing.assert_close(ours, point.detach())


@pytest.mark.parametrize("family", [Family.ADAGRAD, Family.ADAM])
def test_each_lane_has_its_own_rate_and_its_own_beginning(family: Family) -> None:
    transform = METHODS[family].transform
    gradient = torch.randn(3, 3, 4, 4)
    buffers = tuple(torch.rand(3, 3, 4, 4) for _ in range(transform.slots))
    rate = torch.tensor([1.0, 20.0, 300.0])[:, None, None, None]
    age = torch.tensor([1.0, 0.0, 5.0])[:, None, None, None]
    control = Control(rate, (age > 0).float(), age)
    together, _ = transform.update(gradient, buffers, control)
    for lane in range(3):
        one = slice(lane, lane + 1)
        alone, _ = transform.update(
            gradient[one],
            tuple(b[one] for b in buffers),
            Control(rate[one], control.keep[one], age[one]),
        )
        torch.testing.assert_close(together[one], alone, rtol=0, atol=0)


def test_a_chain_hands_each_transform_its_own_buffers() -> None:
    twice = chain(momentum(0.5), scale_by_rate(), momentum(0.9))
    assert twice.slots == 2
    buffers = (_scalar(1.0), _scalar(10.0))
    update, after = twice.update(_scalar(1.0), buffers, _control(2.0))
    assert float(after[0]) == pytest.approx(1.5)
    assert float(after[1]) == float(update) == pytest.approx(9.0 - 3.0)


def test_updates_leave_old_buffers_as_they_were() -> None:
    for method in METHODS.values():
        buffers = tuple(torch.rand(2, 3, 4, 4) for _ in range(method.transform.slots))
        before = [buffer.clone() for buffer in buffers]
        method.transform.update(torch.rand(2, 3, 4, 4), buffers, _control(3.0, lanes=2))
        assert all(map(torch.equal, buffers, before))


def test_projection_shortens_long_colour_vectors_and_leaves_short_ones() -> None:
    canvas = torch.tensor([[300.0, 30.0], [400.0, 40.0], [0.0, 0.0]]).reshape(1, 3, 1, 2)
    projected = project(canvas, torch.full((1, 1, 1, 1), 160.0))
    expected = torch.tensor([[96.0, 30.0], [128.0, 40.0], [0.0, 0.0]]).reshape(1, 3, 1, 2)
    torch.testing.assert_close(projected, expected)


def test_projection_leaves_black_pixels_and_unbounded_lanes_alone() -> None:
    canvas = torch.zeros(1, 3, 2, 2)
    assert torch.equal(project(canvas, torch.full((1, 1, 1, 1), 160.0)), canvas)
    large = torch.full((1, 3, 2, 2), 1e4)
    assert torch.equal(project(large, torch.full((1, 1, 1, 1), torch.inf)), large)
