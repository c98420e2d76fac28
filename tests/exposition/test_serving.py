"""Metrics are served to whoever asks, but nobody can hold the process up."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prometheus_client import CollectorRegistry, Gauge

from preimage_exposition import serve
from preimage_exposition.serving import _MOST_CONNECTIONS


@pytest.fixture
def port() -> Iterator[int]:
    registry = CollectorRegistry()
    Gauge("some", "Some number.", registry=registry).set(3)
    server, thread = serve(registry, "127.0.0.1", 0, longest_seconds=2.0)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())


def test_metrics_are_served(port: int) -> None:
    assert "some 3.0" in page(port)


def test_a_connection_that_says_half_a_sentence_is_ended(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /metr")
        connection.settimeout(60)
        assert connection.recv(1000) == b""


def test_there_are_never_more_threads_than_connections_that_are_taken(port: int) -> None:
    before = threading.active_count()
    with ExitStack() as opened:
        for _ in range(4 * _MOST_CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port), 60)
            opened.enter_context(connection)
            # A connection has its own thread, and that of the clock which ends it.
            assert threading.active_count() - before <= 2 * _MOST_CONNECTIONS
        connection.settimeout(60)
        assert connection.recv(1) == b""
    assert "some 3.0" in page_once_there_is_room(port)


def page_once_there_is_room(port: int) -> str:
    for _ in range(600):
        try:
            return page(port)
        except OSError:
            threading.Event().wait(0.1)
    raise AssertionError("there never is room again")
