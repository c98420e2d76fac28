"""The part of a network behind a node."""

import pytest
import torch
from torch import Tensor, nn

from preimage_worker.inversion.errors import UnknownNodeError
from preimage_worker.inversion.representations.network import Preprocessing, networks
from preimage_worker.inversion.representations.programs import Traced
from preimage_worker.inversion.representations.rest import rest
from preimage_worker.inversion.representations.tracing import trace
from tests.worker.own import resnet20

PLAIN = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 1.0)
PICTURES = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return resnet20().eval()


@pytest.fixture(scope="module")
def traced(network: nn.Module) -> Traced:
    return trace(network)


@pytest.mark.parametrize("layer", ["relu", "layer1", "layer2.0", "layer3", "mean", "linear"])
def test_a_layer_and_the_rest_behind_it_are_the_whole_network(
    network: nn.Module, traced: Traced, layer: str
) -> None:
    codes = networks(network, [layer], name="r", preprocessing=PLAIN)(PICTURES)
    before = codes.clone()
    behind = rest(traced, layer, "linear")
    assert behind is not None
    with torch.no_grad():
        expected: Tensor = network(PICTURES)
    torch.testing.assert_close(behind(codes), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(codes, before)


def test_behind_a_node_that_a_shortcut_goes_around_there_is_no_rest(traced: Traced) -> None:
    assert rest(traced, "layer2.0.conv1", "linear") is None


def test_a_selection_and_what_lies_behind_the_end_have_no_rest(traced: Traced) -> None:
    assert rest(traced, "layer3:mean", "linear") is None
    assert rest(traced, "linear", "layer2") is None


def test_an_unknown_node_is_refused(traced: Traced) -> None:
    with pytest.raises(UnknownNodeError, match="no node 'layer9'"):
        rest(traced, "layer9", "linear")
