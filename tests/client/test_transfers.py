"""Codes, pictures and files that are too large for one message."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import preimage
from tests.client import messages
from tests.client.fake import CHUNK_BYTES, FakeService
from tests.client.refusals import unavailable

LARGE = np.linspace(0, 1, 2**20, dtype=np.float32).reshape(64, 128, 128)
"""4 MiB."""


async def test_a_small_code_travels_inside_the_request(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    await client.submit(messages.code(), model="hog", layer="hog")
    features = service.requests["CreatePreimage"][0].spec.target.features
    assert (features.dtype, tuple(features.shape)) == (1, (2, 3, 4))
    assert features.data == messages.code().tobytes()


async def test_a_large_code_is_sent_ahead_by_itself(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    await client.submit(LARGE, model="hog", layer="hog")

    reference = service.requests["CreatePreimage"][0].spec.target.uploaded_features
    assert reference.digest == hashlib.sha256(LARGE.tobytes()).hexdigest()
    assert tuple(reference.shape) == LARGE.shape
    assert service.uploads[reference.digest] == LARGE.tobytes()


async def test_large_pixels_are_sent_ahead_too(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    pixels = np.zeros((1200, 1000, 3), dtype=np.uint8)
    await client.submit(pixels, model="hog", layer="hog")
    picture = service.requests["CreatePreimage"][0].spec.target.picture
    assert picture.WhichOneof("content") == "uploaded"
    assert tuple(picture.uploaded.shape) == (1200, 1000, 3)


async def test_a_large_file_is_sent_ahead_as_pixels(
    client: preimage.AsyncClient, service: FakeService, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1100, 1000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png", compress_level=0)
    await client.submit(tmp_path / "noise.png", model="hog", layer="hog")
    picture = service.requests["CreatePreimage"][0].spec.target.picture
    assert service.uploads[picture.uploaded.digest] == noise.tobytes()


async def test_an_upload_is_repeated_whole(
    client: preimage.AsyncClient, service: FakeService, naps: list[float]
) -> None:
    service.refusals["UploadTensor"].append(unavailable())
    await client.submit(LARGE, model="hog", layer="hog")
    assert list(service.uploads.values()) == [LARGE.tobytes()]
    assert len(naps) == 1


async def test_a_job_that_was_lost_is_submitted_again_with_its_upload(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    job = await client.submit(LARGE, model="hog", layer="hog")
    service.jobs.clear()
    service.uploads.clear()
    await job.result()
    assert list(service.uploads.values()) == [LARGE.tobytes()]


async def test_bytes_that_changed_on_the_way_are_noticed(
    client: preimage.AsyncClient, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.calls.digest_of", lambda _: "0" * 64)
    with pytest.raises(preimage.PreimageError, match="other bytes than were uploaded"):
        await client.submit(LARGE, model="hog", layer="hog")
    assert not service.requests["CreatePreimage"]


@pytest.fixture
async def job(client: preimage.AsyncClient) -> preimage.AsyncJob:
    return await client.submit(messages.pixels(), model="hog", layer="hog")


async def test_a_file_arrives_in_chunks(job: preimage.AsyncJob) -> None:
    data = await job.download("0/picture.f32")
    assert data == messages.float_picture().tobytes()
    assert len(data) > 2 * CHUNK_BYTES


async def test_a_download_that_breaks_goes_on_where_it_broke(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    service.download_cuts.extend([1, 1])
    assert await job.download("0/picture.f32") == messages.float_picture().tobytes()
    offsets = [each.offset for each in service.requests["DownloadResult"]]
    assert offsets == [0, CHUNK_BYTES, 2 * CHUNK_BYTES]


async def test_a_download_that_breaks_at_its_end_is_complete(
    job: preimage.AsyncJob, service: FakeService
) -> None:
    service.files = lambda _: b"x" * CHUNK_BYTES
    service.download_cuts.append(1)
    assert await job.download("0/picture.f32") == b"x" * CHUNK_BYTES
    assert len(service.requests["DownloadResult"]) == 1


async def test_an_empty_answer_is_no_file(job: preimage.AsyncJob, service: FakeService) -> None:
    service.files = lambda _: b""
    with pytest.raises(preimage.PreimageError, match="did not arrive whole"):
        await job.download("0/picture.f32")


async def test_a_float_picture_of_the_wrong_length_is_refused(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog")
    service.files = lambda _: b"\0" * 12
    with pytest.raises(preimage.PreimageError, match=r"12 bytes .* takes 288"):
        await result.float_picture


async def test_features_come_inside_the_answer_or_as_a_file(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    small = await client.extract_features(messages.pixels(), "hog", "cells")
    large = await client.extract_features(messages.png(), "hog", "cells", input_size=(227, 226))

    for features in (small, large):
        assert features.array.dtype == np.float32
        assert np.array_equal(features.array, messages.code())
        assert features.input_size == (227, 227)
        assert (features.model, features.layer) == ("hog", "cells")
        assert features.model_digest == "ab12"
        assert features.provenance.worker == "worker-1"
    assert [each.name for each in service.requests["DownloadResult"]] == ["code.f32"]
    asked = service.requests["ExtractFeatures"][1].representation
    assert (asked.model, asked.layer) == ("hog", "cells")
    assert (asked.input_size.height, asked.input_size.width) == (227, 226)


async def test_extracted_features_can_be_inverted_as_they_are(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    features = await client.extract_features(messages.pixels(), "hog", "cells")
    await client.submit(features, model="hog", layer="cells")
    spec = service.requests["CreatePreimage"][0].spec
    assert spec.target.features.data == messages.code().tobytes()
    assert (spec.representation.input_size.height, spec.representation.input_size.width) == (
        227,
        227,
    )
