"""A pre-image of five channels on the page: its numbers and its curve, and no picture."""

import pytest

from preimage.delivery import delivery_of
from preimage.request import Settings
from preimage.results import AsyncResult
from preimage.ui.cell import Cell
from preimage.ui.elements import Picture
from preimage.ui.running import Order
from preimage.ui.sheet import Sheet
from preimage.v1 import preimage_pb2
from tests.client import messages


@pytest.fixture
def result() -> AsyncResult:
    job = preimage_pb2.Preimage(id="job-1")
    job.spec.restarts = 2
    messages.succeed_with_floats(job)
    delivery = delivery_of(job, [None, None])
    fetched = {"fetch_float_picture": messages.five_channels, "fetch_file": messages.file}
    return AsyncResult(**delivery, **fetched)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The alternative texts of what is shown."""
    seen: list[str] = []
    monkeypatch.setattr(Picture, "show", lambda _, _png, alt, *_more: seen.append(alt))
    return seen


def test_a_sheet_shows_what_was_measured(result: AsyncResult, shown: list[str]) -> None:
    sheet = Sheet()
    sheet.result(result)
    words = [each.text for each in sheet._findings.default_slot.children]
    assert "Pictures" in words
    assert "of 5 channels have no PNG: the float picture holds them" in words
    assert shown == []


def test_a_cell_of_the_grid_says_how_far_it_came(result: AsyncResult, shown: list[str]) -> None:
    order = Order(messages.code(), "r", "1", Settings())
    cell = Cell(order, "r, 1", lambda *_: None)
    cell.done(result)
    assert cell.is_over
    assert cell._words.text == "relative error 7.000%"
    assert shown == []
