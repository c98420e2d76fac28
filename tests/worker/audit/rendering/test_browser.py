"""The page in a real browser: at a desk and on a phone, in light and in dark."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser

from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.rendering import PicturesMode, render
from tests.browser import PHONE, WIDE, Visit, overflow, violations, visit
from tests.worker.audit.rendering.made_up import Made, report
from tests.worker.audit.rendering.test_documents import gallery, several


@pytest.fixture
def address(tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    path.write_bytes(render(several(), gallery(PicturesMode.THUMBNAIL)).html)
    return path.as_uri()


async def with_everything_open(browser: Browser, address: str, width: int, *, dark: bool) -> Visit:
    seen = await visit(browser, address, width=width, dark=dark)
    await seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = 1)")
    return seen


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, WIDE])
async def test_it_fits_and_everybody_can_read_it(
    *, browser: Browser, address: str, width: int, dark: bool
) -> None:
    seen = await with_everything_open(browser, address, width, dark=dark)
    assert await overflow(seen.page) == 0
    assert await violations(seen.page) == []
    assert seen.requests == [address]
    assert seen.complaints == []


@pytest.mark.parametrize("width", [PHONE, WIDE])
async def test_the_answer_is_seen(browser: Browser, address: str, width: int) -> None:
    seen = await visit(browser, address, width=width)
    for words in ("The answer", "recovered and linkable", "Threat model", "Ranking by recovery"):
        assert await seen.page.get_by_text(words).first.is_visible(), words


async def test_pictures_and_charts_say_in_words_what_they_show(
    browser: Browser, address: str
) -> None:
    seen = await visit(browser, address)
    shown = await seen.page.get_by_role("img").all()
    assert len(shown) > 4
    for each in shown:
        name = await each.get_attribute("alt") or await each.locator("title").text_content()
        assert name


async def test_a_chart_alone_is_no_wider_than_one_of_two(browser: Browser, tmp_path: Path) -> None:
    made = report([Made("a"), Made("a", "sign", 0.1)])
    unlinked = [replace(each, linkage=Missing("L1 was not climbed.")) for each in made.rows]
    widths = []
    for name, rows in (("two", made.rows), ("one", tuple(unlinked))):
        path = tmp_path / f"{name}.html"
        path.write_bytes(render(replace(made, rows=rows)).html)
        seen = await visit(browser, path.as_uri(), width=WIDE)
        charts = seen.page.locator("svg.chart")
        widths.append((await charts.count(), await charts.first.evaluate("e => e.clientWidth")))
    assert [count for count, _ in widths] == [2, 1]
    assert widths[0][1] == widths[1][1] > 0
