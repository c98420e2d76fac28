"""What the published recipe reaches on a natural picture, through the whole service."""

from collections.abc import Iterator

import pytest

from preimage import Client
from preimage.embedded import Stack, StackOptions
from tests.e2e.stacks import chelsea, require_weights
from tests.redis_server import require_server


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    weights = require_weights()
    require_server()
    environment = {
        "PREIMAGE_WEIGHTS_DIR": str(weights),
        "PREIMAGE_DOWNLOAD_MODELS": "none",
    }
    options = StackOptions(device="cpu", environment=environment)
    with Stack(options) as stack, Client(stack.target) as connected:
        yield connected


@pytest.mark.parametrize(
    ("layer", "error", "psnr_db"), [("features.1", 0.055, 38.0), ("features.5", 0.065, 25.0)]
)
@pytest.mark.slow
def test_mv2016_inverts_squeezenet_as_well_as_a_plain_script_of_the_recipe(
    client: Client, layer: str, error: float, psnr_db: float
) -> None:
    result = client.invert(
        chelsea(), model="squeezenet1_0", layer=layer, preset="mv2016", data_weight=300
    )
    assert result.pixels.shape == (227, 227, 3)
    assert result.steps == 350
    assert result.errors.relative <= error
    assert result.errors.relative_delivered <= 1.1 * error
    assert result.fidelity is not None
    assert result.fidelity.psnr_db >= psnr_db
