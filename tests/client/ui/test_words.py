"""Errors and states as the page says them."""

import logging

import pytest

from preimage import BadInput, NotReady, State, Unavailable
from preimage.ui.words import in_words, state_in_words, what


def test_a_service_that_is_down_is_told_with_what_to_do() -> None:
    said = in_words(Unavailable("Connection refused.", repeatable=True), "127.0.0.1:8790")
    assert said.startswith(
        "No service answers at 127.0.0.1:8790. Start one there with `preimage up`"
    )


def test_the_service_speaks_for_itself() -> None:
    for error in (
        BadInput("No."),
        NotReady("Not yet."),
        Unavailable("Draining.", reason="DRAINING"),
    ):
        assert in_words(error, "there") == str(error)


def test_a_mistake_of_the_page_is_no_traceback_on_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        said = in_words(ZeroDivisionError("division by zero"), "there")
    assert "mistake of its own (ZeroDivisionError)" in said
    assert "division by zero" in caplog.text


def test_every_state_has_words() -> None:
    known = {state_in_words(state) for state in State if state is not State.UNSPECIFIED}
    assert len(known) == len(State) - 1
    assert "does not know" in state_in_words(State.UNSPECIFIED)


def test_the_only_layer_of_a_representation_is_not_named_twice() -> None:
    assert what("hog", ("hog",)) == "hog"
    assert what("tiny", ("a", "b")) == "tiny, a + b"
