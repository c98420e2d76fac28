"""Services that go and come back, tabs that are closed, and the end of the page."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from preimage import Client, State
from preimage.embedded import Stack
from tests.e2e.ui.acting import fill, give, open_page, shown
from tests.e2e.ui.serving import Served, left_in, served

PATIENCE_SECONDS = 60.0


@pytest.fixture
def page(stack: Stack, tmp_path: Path) -> Iterator[Served]:
    """A page for each test, because it is ended."""
    with served(tmp_path, "--target", stack.target) as running:
        yield running


async def test_a_service_that_is_down_is_said_so_and_found_again(
    browser: Browser, page: Served, stack: Stack, cat: Path
) -> None:
    _, tab = await open_page(browser, page.url)
    await give(tab, cat)
    stack.kill("frontend")
    gone = tab.get_by_role("alert").get_by_text(f"No service answers at {stack.target}.")
    await expect(gone.first).to_be_visible()
    await shown(tab, "button", "Invert").click()
    await expect(gone.nth(1)).to_be_visible()

    stack.restart("frontend")
    await expect(tab.get_by_text(f"Service at {stack.target}")).to_be_visible()
    await fill(tab, Steps="5", Seed="31")
    await shown(tab, "button", "Invert").click()
    await expect(tab.get_by_alt_text("Pre-image, relative error")).to_be_visible()
    await expect(gone).to_have_count(0)


def cancelled(client: Client, seed: int) -> bool:
    """Whether the job of this seed ends as cancelled, within patience."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit:
        states = [each.state for each in client.jobs() if each.info.seed == seed]
        if states == [State.CANCELLED]:
            return True
        time.sleep(0.1)
    return False


async def test_a_closed_tab_takes_its_job_along(
    browser: Browser, client: Client, page: Served, cat: Path
) -> None:
    _, tab = await open_page(browser, page.url)
    await give(tab, cat)
    await fill(tab, Steps="20000", Seed="32")
    await shown(tab, "button", "Invert").click()
    await tab.get_by_alt_text("Pre-image after").wait_for()
    await tab.context.close()
    assert cancelled(client, 32)


async def test_the_page_ends_in_order_and_leaves_nothing_behind(
    browser: Browser, client: Client, page: Served, cat: Path, tmp_path: Path
) -> None:
    _, tab = await open_page(browser, page.url)
    await give(tab, cat)
    await fill(tab, Steps="20000", Seed="33")
    await shown(tab, "button", "Invert").click()
    await tab.get_by_alt_text("Pre-image after").wait_for()
    assert page.stop() == 0
    assert cancelled(client, 33)
    said = page.errors.read_text()
    assert said.splitlines()[-1] == "Stopped."
    assert "Traceback" not in said
    assert left_in(tmp_path) == []


def answer(url: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE_SECONDS)
    connection.request("GET", "/", headers={key.replace("_", "-"): headers[key] for key in headers})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_other_pages_of_the_browser_cannot_use_it(page: Served) -> None:
    assert answer(page.url)[0] == 200
    assert answer(page.url, Origin=page.url)[0] == 200
    assert answer(page.url, Origin="http://elsewhere.example")[0] == 403
    assert answer(page.url, Host="elsewhere.example")[0] == 403
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"}
    assert answer(page.url, **embedded)[0] == 403
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
    assert answer(page.url, **followed)[0] == 200
    assert answer(page.url, Content_Length=str(2**30))[0] == 413


@pytest.mark.slow
async def test_it_brings_a_service_of_its_own(browser: Browser, tmp_path: Path, cat: Path) -> None:
    with served(tmp_path, "--embedded", PREIMAGE_DOWNLOAD_MODELS="none") as page:
        _, tab = await open_page(browser, page.url)
        await give(tab, cat)
        await fill(tab, Steps="5")
        await shown(tab, "button", "Invert").click()
        await expect(tab.get_by_alt_text("Pre-image, relative error")).to_be_visible()
        assert page.stop() == 0
    assert left_in(tmp_path) == []
