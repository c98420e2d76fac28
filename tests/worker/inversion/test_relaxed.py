"""Networks whose silent units pass a little gradient: the same codes, other gradients."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, fx, nn
from torch.nn import functional

from preimage_worker.inversion.representations.dsift import bin5
from preimage_worker.inversion.representations.hog import hog, hogb
from preimage_worker.inversion.representations.network import (
    NetworkRepresentation,
    Preprocessing,
    networks,
)
from preimage_worker.inversion.representations.relaxed import (
    Relaxable,
    leaky_rectifier,
    rectifiers,
    relax,
    relaxed,
)
from tests.worker.inversion.small import SIDE, picture, small_network

PREPROCESSING = Preprocessing((0.5,) * 3, (0.25,) * 3)


class Branches(nn.Module):
    """Two ways of one and three rectifiers, then a pool, each written in another manner."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.left, self.right = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, pictures: Tensor) -> Tensor:
        codes = functional.relu(self.stem(pictures))
        left = torch.relu(self.left(codes))
        left = self.activation(self.left(left))
        pooled: Tensor = functional.max_pool2d(left + self.right(codes).relu(), 3, 2, padding=1)
        return pooled


class Pools(nn.Module):
    """Pools that must stay as they are, and one that need not."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.MaxPool2d(2, ceil_mode=True)
        self.holes = nn.MaxPool2d(2, stride=1, dilation=2)

    def forward(self, pictures: Tensor) -> Tensor:
        holes = self.holes(functional.max_pool2d(pictures, 2, stride=1, dilation=2))
        values, _ = functional.max_pool2d(holes, 2, return_indices=True)
        both: Tensor = functional.max_pool2d(values, 2, ceil_mode=True) + self.last(values)
        return both


def _branches() -> NetworkRepresentation:
    torch.manual_seed(3)
    return networks(Branches().eval(), ["max_pool2d"], name="b", preprocessing=PREPROCESSING)


def _program(model: nn.Module) -> nn.Module:
    lanes = ({0: torch.export.Dim("lanes", min=1, max=4)},)
    shown = torch.zeros(2, 3, SIDE, SIDE)
    return torch.export.export(model.eval(), (shown,), dynamic_shapes=lanes).module()


def _exported() -> NetworkRepresentation:
    torch.manual_seed(3)
    program = _program(Branches())
    last = [node.name for node in program.graph.nodes if "pool" in node.name][-1]  # type: ignore[union-attr]
    return networks(program, [last], name="b", preprocessing=PREPROCESSING)


def _squeezenet() -> NetworkRepresentation:
    torch.manual_seed(4)
    model = torchvision.models.squeezenet1_0().eval()
    return networks(model, ["features.7"], name="s", preprocessing=PREPROCESSING)


def _several() -> NetworkRepresentation:
    torch.manual_seed(4)
    model = torchvision.models.squeezenet1_0().eval()
    wanted = ["features.0", "features.1", "features.4"]
    return networks(model, wanted, name="s", preprocessing=PREPROCESSING)


NETWORKS: list[Callable[[], NetworkRepresentation]] = [
    lambda: small_network("4"),
    _branches,
    _exported,
    _squeezenet,
    _several,
]
IDS = ["small", "branches", "exported", "squeezenet", "several"]


def _canvas(lanes: int = 3) -> Tensor:
    return torch.stack([picture(seed) for seed in range(lanes)])


def _pull(codes: Tensor, canvas: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(codes.square().sum(), canvas)
    return gradient


@pytest.mark.parametrize("make", NETWORKS, ids=IDS)
def test_codes_are_the_networks_own_bit_for_bit(
    make: Callable[[], NetworkRepresentation],
) -> None:
    representation, canvas = make(), _canvas()
    assert isinstance(representation, Relaxable)
    for leak in (torch.zeros(3), torch.full((3,), 0.3), torch.tensor([0.0, 0.1, 1.0])):
        assert torch.equal(representation.relaxed(canvas, leak), representation(canvas))


@pytest.mark.parametrize("make", NETWORKS, ids=IDS)
def test_without_a_leak_gradients_are_the_networks_own_bit_for_bit(
    make: Callable[[], NetworkRepresentation],
) -> None:
    representation, canvas = make(), _canvas().requires_grad_()
    plain = _pull(representation(canvas), canvas)
    assert torch.equal(_pull(representation.relaxed(canvas, torch.zeros(3)), canvas), plain)
    leaking = _pull(representation.relaxed(canvas, torch.full((3,), 0.3)), canvas)
    assert not torch.allclose(leaking, plain)


def test_each_lane_has_its_own_leak() -> None:
    representation, canvas = _branches(), _canvas().requires_grad_()
    leaks = torch.tensor([0.0, 0.1, 0.4])
    together = _pull(representation.relaxed(canvas, leaks), canvas)
    for lane in range(3):
        alone = representation.relaxed(canvas, leaks[lane].repeat(3))
        torch.testing.assert_close(together[lane], _pull(alone, canvas)[lane])


def test_a_silenced_unit_passes_the_leaks_share() -> None:
    values = torch.tensor([[-2.0, 0.0, 3.0], [-1.0, 2.0, -4.0]], requires_grad=True)
    passed = torch.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    result = leaky_rectifier(values, torch.tensor([0.25, 0.5]))
    assert result.tolist() == [[0, 0, 3], [0, 2, 0]]
    (gradient,) = torch.autograd.grad(result, values, passed)
    assert gradient.tolist() == [[0.25, 0.5, 4], [4, 16, 16]]


WAYS: list[Callable[[Tensor], Tensor]] = [
    functional.relu,
    torch.relu,
    lambda values: values.relu(),
    lambda values: functional.relu(values, inplace=True),
    torch.ops.aten.relu.default,
]


@pytest.mark.parametrize("way", WAYS, ids=["functional", "torch", "method", "in place", "aten"])
def test_every_way_to_write_a_rectifier_is_known(way: Callable[[Tensor], Tensor]) -> None:
    class One(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return way(2 * values)

    graph = fx.symbolic_trace(One())
    values = torch.tensor([[-1.0, 1.0]], requires_grad=True)
    result = relaxed(graph)(values, torch.tensor([0.25]))
    (gradient,) = torch.autograd.grad(result.sum(), values)
    assert rectifiers(graph) == 1
    assert (result.tolist(), gradient.tolist()) == ([[0, 2]], [[0.5, 2]])


def test_a_pool_spreads_the_leaks_share_over_its_window() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).repeat(2, 1, 1, 1).requires_grad_()
    module = fx.symbolic_trace(nn.Sequential(nn.MaxPool2d(2)))
    result = relaxed(module)(values, torch.tensor([0.0, 0.4]))
    (gradient,) = torch.autograd.grad(result, values, torch.full_like(result, 10.0))
    assert result.flatten().tolist() == [4, 4]
    torch.testing.assert_close(gradient[0, 0], torch.tensor([[0.0, 0.0], [0.0, 10.0]]))
    torch.testing.assert_close(gradient[1, 0], torch.tensor([[1.0, 1.0], [1.0, 7.0]]))


def test_what_does_not_lead_with_lanes_stays_as_it_is() -> None:
    values = torch.tensor([[[-1.0, 1.0]]] * 4).requires_grad_()
    (gradient,) = torch.autograd.grad(leaky_rectifier(values, torch.full((2,), 0.5)).sum(), values)
    assert gradient[:, 0].tolist() == [[0, 1]] * 4
    pool = fx.symbolic_trace(nn.Sequential(nn.MaxPool2d(2)))
    square = torch.rand(4, 1, 2, 2, requires_grad=True)
    codes = relaxed(pool)(square, torch.full((2,), 0.5))
    (gradient,) = torch.autograd.grad(codes.sum(), square)
    assert gradient.count_nonzero() == 4


def test_pools_with_holes_or_indices_stay_as_they_are() -> None:
    graph, values = fx.symbolic_trace(Pools()), torch.randn(2, 3, 16, 16)
    assert torch.equal(relaxed(graph)(values, torch.full((2,), 0.3)), graph(values))
    assert rectifiers(graph) == 1


def test_the_longest_way_counts() -> None:
    assert _branches().rectifiers == _exported().rectifiers == 4
    assert small_network("0").rectifiers == 0
    assert small_network("4").rectifiers == 2
    # The stem and a pool, three fire modules of two rectifiers each, a pool, one more module.
    assert _squeezenet().rectifiers == 2 + 3 * 2 + 1 + 2


def test_representations_without_rectifiers_are_unchanged() -> None:
    canvas = 40 * torch.randn(2, 1, 48, 48)
    assert not isinstance(bin5(), Relaxable)
    assert torch.equal(relax(bin5(), canvas, torch.ones(2)), bin5()(canvas))


def test_hard_votes_pass_the_leaks_share_of_the_gradient_of_split_ones() -> None:
    canvas = (40 * torch.randn(3, 1, 32, 32)).requires_grad_()
    leaks = torch.tensor([0.0, 0.25, 1.0])
    codes = relax(hog(), canvas, leaks)
    assert torch.equal(codes, hog()(canvas))
    hard, found = _pull(hog()(canvas), canvas), _pull(codes, canvas)
    assert torch.equal(found[0], hard[0])
    whole = _pull(relax(hog(), canvas, torch.ones(3)), canvas)
    torch.testing.assert_close(found[1], 0.75 * hard[1] + 0.25 * whole[1])
    assert not torch.allclose(whole, hard, rtol=0.1)
    split = relax(hogb(), canvas, leaks)
    torch.testing.assert_close(_pull(split, canvas), _pull(hogb()(canvas), canvas))


def test_where_no_lane_leaks_the_plain_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    representation, canvas = small_network("4"), _canvas()
    taken: list[Tensor] = []
    honest = NetworkRepresentation.relaxed

    def noted(self: NetworkRepresentation, canvas: Tensor, leak: Tensor) -> Tensor:
        taken.append(leak)
        return honest(self, canvas, leak)

    monkeypatch.setattr(NetworkRepresentation, "relaxed", noted)
    relax(representation, canvas, None)
    relax(representation, canvas, torch.zeros(3))
    assert not taken
    relax(representation, canvas, torch.tensor([0.0, 0.1, 0.0]))
    assert len(taken) == 1


def test_many_lanes_go_through_in_the_portions_that_the_network_takes() -> None:
    representation, canvas = _exported(), _canvas(9).requires_grad_()
    assert representation.most_lanes == 4
    leak = torch.linspace(0, 0.8, 9)
    codes = representation.relaxed(canvas, leak)
    assert torch.equal(codes, representation(canvas))
    last = representation.relaxed(canvas[8:], leak[8:])
    torch.testing.assert_close(_pull(codes, canvas)[8], _pull(last, canvas)[8])
