"""What callers say of equal jobs, and what they are told, over both clients."""

import pytest

import preimage
from preimage.v1 import preimage_pb2, preimage_service_pb2
from tests.client import messages
from tests.client.fake import FakeService

WORDS = {
    "use": preimage_service_pb2.CACHE_CONTROL_USE,
    "refresh": preimage_service_pb2.CACHE_CONTROL_REFRESH,
    "bypass": preimage_service_pb2.CACHE_CONTROL_BYPASS,
}


@pytest.mark.parametrize("word", WORDS)
async def test_what_an_equal_job_means_is_said_with_the_request(
    word: str, client: preimage.AsyncClient, service: FakeService
) -> None:
    await client.submit(messages.pixels(), model="hog", layer="hog", cache=word)  # type: ignore[arg-type]  # by word
    assert service.requests["CreatePreimage"][0].cache_control == WORDS[word]


async def test_equal_jobs_are_used_unless_told_otherwise(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    await client.submit(messages.pixels(), model="hog", layer="hog")
    assert service.requests["CreatePreimage"][0].cache_control == WORDS["use"]


async def test_another_word_is_a_mistake_that_is_named(client: preimage.AsyncClient) -> None:
    with pytest.raises(preimage.BadInput, match="cache must be one of 'use', 'refresh', 'bypass'"):
        await client.submit(messages.pixels(), model="hog", layer="hog", cache="never")  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize("cached", [True, False])
async def test_a_result_tells_whose_run_gave_it(
    client: preimage.AsyncClient, service: FakeService, *, cached: bool
) -> None:
    job = await client.submit(messages.pixels(), model="hog", layer="hog")
    with service.lock:
        origin = preimage_pb2.Origin(id="job-0", cached=cached)
        service.jobs[job.id].origin.CopyFrom(origin)
    result = await job.result()
    assert result.origin == preimage.Origin("job-0", cached)
    assert result.cached is cached
    assert result.summary()["origin"] == {"id": "job-0", "cached": cached}
    assert "job-0" in result._repr_html_()
    assert (await job.refresh()).origin == result.origin


async def test_a_result_of_its_own_run_names_nobody(client: preimage.AsyncClient) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog")
    assert result.origin is None
    assert not result.cached
    assert result.summary()["origin"] is None
