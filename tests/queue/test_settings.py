from collections.abc import Callable
from typing import Any

import pytest

from preimage_queue import AsyncQueue, Queue, QueueSettings
from tests.queue.helpers import put, quick


def test_what_the_environment_does_not_say_stays_as_it_is() -> None:
    assert QueueSettings.from_environment({}) == QueueSettings()
    assert QueueSettings.from_environment({"PREIMAGE_QUEUE_URL": ""}) == QueueSettings()


def test_the_environment_sets_every_kind_of_field() -> None:
    settings = QueueSettings.from_environment(
        {
            "PREIMAGE_QUEUE_URL": "rediss://worker:secret@redis:6380/1",
            "PREIMAGE_QUEUE_LEASE_SECONDS": "30",
            "PREIMAGE_QUEUE_MAX_DELIVERIES": "5",
        }
    )
    assert settings.url == "rediss://worker:secret@redis:6380/1"
    assert (settings.lease_seconds, settings.max_deliveries) == (30.0, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_DELIVERIES", "3.5"), ("LEASE_SECONDS", "soon"), ("MAX_QUEUED_JOBS", "many")],
)
def test_a_value_of_the_wrong_kind_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"PREIMAGE_QUEUE_{name}"):
        QueueSettings.from_environment({f"PREIMAGE_QUEUE_{name}": value})


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
@pytest.mark.parametrize("connect", [Queue, AsyncQueue])
def test_a_database_that_is_no_number_is_refused_without_the_password(
    scheme: str, connect: Callable[[QueueSettings], object]
) -> None:
    settings = QueueSettings(url=f"{scheme}://ada:secret@127.0.0.1:1/notadb")
    with pytest.raises(ValueError, match="'notadb': write a number") as caught:
        connect(settings)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("end", ["", "/", "/0", "/7", "?db=7"])
def test_a_database_is_a_number_or_left_out(end: str) -> None:
    Queue(QueueSettings(url=f"redis://127.0.0.1:1{end}"))


@pytest.mark.parametrize(
    "change", [{"lease_seconds": 0}, {"max_deliveries": -1}, {"namespace": ""}, {"namespace": "{a"}]
)
def test_a_value_that_would_stop_the_queue_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        QueueSettings(**change)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PREIMAGE_QUEUE_LEASE_SECONDS", "-1"),
        ("PREIMAGE_QUEUE_LEASE_SECONDS", "nan"),
        ("PREIMAGE_QUEUE_SOCKET_TIMEOUT_SECONDS", "inf"),
        ("PREIMAGE_QUEUE_RESULT_RETENTION_SECONDS", "999999999999"),
        ("PREIMAGE_QUEUE_SKEW_COST", "inf"),
        ("PREIMAGE_QUEUE_CACHE_SECONDS", "nan"),
        ("PREIMAGE_QUEUE_MAX_DELIVERIES", "0"),
    ],
)
def test_a_number_that_is_out_of_range_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{variable}.*must"):
        QueueSettings.from_environment({variable: text})


def test_two_namespaces_share_a_redis_without_meeting(redis_url: str) -> None:
    with (
        Queue(quick(redis_url, namespace="one")) as one,
        Queue(quick(redis_url, namespace="two")) as two,
    ):
        put(one)
        assert (one.stats().queued, two.stats().queued) == (1, 0)
