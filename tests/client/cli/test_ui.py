"""`preimage ui`, as far as it comes without a browser."""

import importlib.util
import socket

import pytest

from tests.client.cli.conftest import Run


def test_an_address_that_others_can_reach_is_refused_unless_it_is_allowed(run: Run) -> None:
    done = run("ui", "--host", "0.0.0.0")
    assert done.exit_code == 1
    assert "0.0.0.0 is an address that other machines can reach" in done.stderr
    assert "--allow-anonymous" in done.stderr


def test_a_port_that_is_taken_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("ui", "--port", port)
    assert done.exit_code == 1
    assert (
        f"The page cannot be served at 127.0.0.1:{port}: Address already in use. Name"
        in done.stderr
    )


def test_without_the_extra_it_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = run("ui")
    assert done.exit_code == 1
    assert "pip install 'preimage[ui]'" in done.stderr


def test_a_target_that_is_none_is_told_before_anything_is_served(run: Run) -> None:
    done = run("ui", "--port", "0", "--target", "nowhere")
    assert done.exit_code == 1
    assert "The target 'nowhere' is not HOST:PORT" in done.stderr
    assert done.stdout == ""
