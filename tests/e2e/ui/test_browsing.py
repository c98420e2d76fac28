"""The list of the caller's jobs."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from preimage import Client, NotFound, State
from tests.e2e.ui.acting import open_page, shown, turn_to
from tests.e2e.ui.serving import Served


async def test_a_job_of_somewhere_else_is_opened_cancelled_and_deleted(
    browser: Browser, client: Client, page: Served, cat: Path
) -> None:
    job = client.submit(cat, model="hog", layer="hog", input_size=(170, 256), steps=20_000)
    short = job.id[-8:]
    seen, tab = await open_page(browser, page.url)
    await turn_to(tab, "Jobs")
    await tab.get_by_role("button", name=f"Open job {short}").click()
    await expect(
        tab.get_by_text("of 20000, relative error").locator("visible=true").first
    ).to_be_visible()
    assert client.job(job.id).state is State.RUNNING

    await tab.get_by_role("button", name=f"Cancel job {short}").click()
    sentence = f"Job {job.id} was cancelled: Cancelled on the web page."
    await expect(tab.get_by_role("alert").get_by_text(sentence)).to_be_visible()
    await tab.get_by_role("button", name=f"Delete job {short}").click()
    await expect(tab.get_by_role("button", name=f"Open job {short}")).to_have_count(0)
    with pytest.raises(NotFound):
        client.job(job.id)
    assert seen.complaints == []


async def test_the_list_can_be_limited_to_a_state(
    browser: Browser, client: Client, page: Served, cat: Path
) -> None:
    done = client.invert(cat, model="hog", layer="hog", input_size=(64, 96), steps=3)
    _, tab = await open_page(browser, page.url)
    await turn_to(tab, "Jobs")
    opened = tab.get_by_role("button", name=f"Open job {done.id[-8:]}")
    await expect(opened).to_be_visible()
    await shown(tab, "combobox", "State").click()
    await tab.get_by_role("option", name="Failed").click()
    await expect(tab.get_by_text("There are none.")).to_be_visible()
    assert await opened.count() == 0
