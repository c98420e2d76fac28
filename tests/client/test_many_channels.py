"""Pre-images of neither one channel nor three: floats, and no picture."""

import json
from pathlib import Path

import numpy as np
import pytest

import preimage
from preimage.delivery import delivery_of
from preimage.v1 import preimage_pb2
from tests.client import messages
from tests.client.fake import FakeService


@pytest.fixture(autouse=True)
def _five_channels(service: FakeService) -> None:
    service.end, service.files = messages.succeed_with_floats, messages.floats_only


@pytest.mark.parametrize("restarts", [1, 3])
async def test_the_float_picture_is_there_with_all_that_was_measured(
    client: preimage.AsyncClient, restarts: int
) -> None:
    result = await client.invert(messages.code(), model="r", layer="1", restarts=restarts)
    best = restarts - 1
    assert np.array_equal(await result.float_picture, messages.five_channels(best))
    assert [each.channels for each in result.reconstructions] == [5] * restarts
    assert [each.png for each in result.reconstructions] == [None] * restarts
    assert result.errors.relative == 0.05
    assert result.provenance.model == "r"
    summary = json.loads(json.dumps(result.summary()))
    assert summary["picture"] == {"psnr_db": None, "ssim": None}
    assert (summary["diversity"] is None) == (restarts == 1)
    if restarts > 1:
        assert np.array_equal(await result.spread, messages.spread())


async def test_what_needs_a_picture_says_that_there_is_none(
    client: preimage.AsyncClient, tmp_path: Path
) -> None:
    result = await client.maximise(model="r", layer="1", unit=0)
    said = r"of 5 channels has no 8-bit picture, .*: take its float_picture\."
    with pytest.raises(preimage.PreimageError, match=said):
        _ = result.picture
    with pytest.raises(preimage.PreimageError, match=said):
        _ = result.pixels
    with pytest.raises(preimage.PreimageError, match=said):
        result.save(tmp_path / "x.png")
    assert messages.names_in(tmp_path) == []


async def test_many_of_them_come_back(client: preimage.AsyncClient) -> None:
    requests = [preimage.Request(source=messages.code(), model="r", layer="1")] * 2
    settled = [each async for each in client.submit_many(requests)]
    assert [each.error for each in settled] == [None, None]


def test_a_notebook_shows_the_numbers_without_an_image() -> None:
    job = preimage_pb2.Preimage(id="job-1")
    job.spec.restarts = 2
    messages.succeed_with_floats(job)
    delivery = delivery_of(job, [None, None])
    made = preimage.Result(
        **delivery, fetch_float_picture=messages.five_channels, fetch_file=messages.file
    )
    page = made._repr_html_()
    assert "<img" not in page
    assert "of 5 channels have no PNG" in page
    assert "7.00%" in page
