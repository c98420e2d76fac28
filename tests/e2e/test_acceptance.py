"""What recipe and solver reach on a natural picture, through the whole service."""

from collections.abc import Iterator
from typing import Any

import pytest

from preimage import Client, Result
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


@pytest.mark.parametrize("layer", ["features.1", "features.5"])
@pytest.mark.slow
def test_auto_needs_100_passes_for_what_the_recipe_reaches_with_350(
    client: Client, layer: str
) -> None:
    def invert(**settings: Any) -> Result:
        return client.invert(
            chelsea(), model="squeezenet1_0", layer=layer, data_weight=300, **settings
        )

    recipe, found = invert(preset="mv2016"), invert(steps=100)
    assert found.steps == 100
    assert min(found.loss_curve.objective) <= 1.05 * recipe.loss_curve.objective[-1]
    assert recipe.fidelity is not None
    assert found.fidelity is not None
    assert found.fidelity.psnr_db >= recipe.fidelity.psnr_db - 0.5
