"""Which calls are repeated, how often, and after how long."""

import grpc
import pytest

import preimage
from preimage.errors import InvalidRequest, Overloaded, ServiceError, Unavailable
from preimage.retry import CALLS, WATCHES, RetryPolicy
from tests.client import messages
from tests.client.fake import FakeService
from tests.client.refusals import Refusal, full, not_found, unavailable


async def test_a_call_is_repeated_twice_and_no_more(
    client: preimage.AsyncClient, service: FakeService, naps: list[float]
) -> None:
    service.refusals["ListModels"].extend([unavailable()] * 9)
    with pytest.raises(preimage.Unavailable, match=r"The queue cannot be reached\."):
        await client.models()
    assert len(service.requests["ListModels"]) == 3
    assert len(naps) == 2


async def test_the_third_time_may_succeed(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.refusals["ListModels"].extend([unavailable(), full(0.1)])
    assert len(await client.models()) == 2


async def test_the_server_says_how_long_to_wait(
    client: preimage.AsyncClient, service: FakeService, naps: list[float]
) -> None:
    service.refusals["CreatePreimage"].extend([full(7.5), unavailable(0.25)])
    await client.submit(messages.pixels(), model="hog", layer="hog")
    assert naps == [7.5, 0.25]


async def test_pushback_of_grpc_is_honoured_where_no_details_are(
    client: preimage.AsyncClient, service: FakeService, naps: list[float]
) -> None:
    pushback = {"grpc-retry-pushback-ms": "1250"}
    service.refusals["ListModels"].append(Refusal(grpc.StatusCode.UNAVAILABLE, trailers=pushback))
    await client.models()
    assert naps == [1.25]


@pytest.mark.parametrize("pushback", ["-1", "soon"])
async def test_a_server_can_forbid_the_repetition(
    client: preimage.AsyncClient, service: FakeService, naps: list[float], pushback: str
) -> None:
    refusal = Refusal(grpc.StatusCode.UNAVAILABLE, trailers={"grpc-retry-pushback-ms": pushback})
    service.refusals["ListModels"].append(refusal)
    with pytest.raises(preimage.Unavailable):
        await client.models()
    assert naps == []


async def test_a_server_that_asks_for_too_long_is_not_waited_for(
    client: preimage.AsyncClient, service: FakeService, naps: list[float]
) -> None:
    service.refusals["ListModels"].append(full(600))
    with pytest.raises(preimage.Overloaded) as caught:
        await client.models()
    assert caught.value.retry_after_seconds == 600
    assert naps == []


@pytest.mark.parametrize(
    "refusal",
    [
        not_found(),
        Refusal(grpc.StatusCode.INVALID_ARGUMENT),
        Refusal(grpc.StatusCode.INTERNAL),
        Refusal(grpc.StatusCode.PERMISSION_DENIED),
        Refusal(grpc.StatusCode.FAILED_PRECONDITION),
    ],
    ids=lambda refusal: refusal.code.name,
)
async def test_what_would_be_refused_again_is_not_repeated(
    client: preimage.AsyncClient, service: FakeService, refusal: Refusal
) -> None:
    service.refusals["ListModels"].append(refusal)
    with pytest.raises(preimage.PreimageError):
        await client.models()
    assert len(service.requests["ListModels"]) == 1


async def test_a_repeated_request_carries_the_same_name(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.refusals["CreatePreimage"].append(unavailable())
    await client.submit(messages.pixels(), model="hog", layer="hog")
    first, second = service.requests["CreatePreimage"]
    assert first == second


def refused(kind: type[ServiceError] = Unavailable, **said: float) -> ServiceError:
    return kind("No.", **{"repeatable": True, **said})


def test_delays_double_up_to_a_bound_and_are_shortened_by_chance() -> None:
    policy = RetryPolicy(retries=6, first_delay_seconds=1, longest_delay_seconds=8)
    longest = [policy.delay_seconds(refused(), repeated, 1.0) for repeated in range(6)]
    shortest = [policy.delay_seconds(refused(), repeated, 0.0) for repeated in range(6)]
    assert longest == [1, 2, 4, 8, 8, 8]
    assert shortest == [0.5, 1, 2, 4, 4, 4]


def test_the_servers_word_is_not_shortened_by_chance() -> None:
    error = refused(Overloaded, retry_after_seconds=3.0)
    assert CALLS.delay_seconds(error, 0, 0.0) == 3.0


def test_nothing_is_repeated_beyond_the_policy_or_against_the_kind_of_error() -> None:
    assert CALLS.delay_seconds(refused(), 2, 0.5) is None
    assert CALLS.delay_seconds(refused(InvalidRequest, repeatable=False), 0, 0.5) is None


def test_a_watch_whose_failures_take_their_time_is_given_up_after_a_minute() -> None:
    assert WATCHES.delay_seconds(refused(), 1, 0.5, failing_seconds=31.0) == 0.75
    assert WATCHES.delay_seconds(refused(), 2, 0.5, failing_seconds=62.0) is None
