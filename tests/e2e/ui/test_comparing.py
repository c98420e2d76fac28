"""The grid of layers and strengths of the priors."""

from pathlib import Path

from playwright.async_api import Browser, expect

from preimage import Client
from tests.e2e.ui.acting import fill, give, open_page, shown, turn_to
from tests.e2e.ui.serving import Served


async def test_layers_and_priors_are_compared_in_a_grid(
    browser: Browser, client: Client, page: Served, cat: Path
) -> None:
    seen, tab = await open_page(browser, page.url)
    await give(tab, cat)
    await turn_to(tab, "Compare")
    await expect(tab.get_by_text("a picture of").locator("visible=true")).to_be_visible()
    await shown(tab, "combobox", "Model").click()
    await tab.get_by_role("option", name="tiny").click()
    await expect(tab.get_by_text("features.0 (Conv2d").locator("visible=true")).to_be_visible()
    await shown(tab, "combobox", "Layers").fill("features.3 (F")
    await tab.get_by_role("option", name="features.3 (Fire").click()
    await tab.keyboard.press("Escape")
    await fill(tab, Steps="20", Seed="21", **{"Factors λ of the priors": "0.5, 2"})
    await shown(tab, "button", "Compare").click()

    await expect(tab.get_by_text("4 of 4 are done.")).to_be_visible()
    table = tab.get_by_role("table")
    headings = await table.get_by_role("columnheader").all_text_contents()
    assert headings == ["Layer", "λ × 0.5", "λ × 2"]
    rows = await table.get_by_role("rowheader").all_text_contents()
    assert rows == ["features.0", "features.3"]
    assert await table.get_by_alt_text("Pre-image of features.").count() == 4

    await tab.get_by_role("button", name="Open features.3, λ × 2").click()
    await expect(
        tab.get_by_alt_text("Pre-image, relative error").locator("visible=true")
    ).to_be_visible()
    await shown(tab, "button", "Download JSON").wait_for()
    assert len([each for each in client.jobs(model="tiny") if each.info.seed == 21]) == 4
    assert seen.complaints == []


async def test_a_grid_is_cancelled_as_a_whole(
    browser: Browser, client: Client, page: Served, cat: Path
) -> None:
    _, tab = await open_page(browser, page.url)
    await give(tab, cat)
    await turn_to(tab, "Compare")
    await fill(tab, Steps="20000", Seed="22", **{"Factors λ of the priors": "1 2 3"})
    await shown(tab, "button", "Compare").click()
    await tab.get_by_role("table").get_by_alt_text("after").first.wait_for()
    await shown(tab, "button", "Cancel all").click()
    await expect(tab.get_by_text("Cancelled.", exact=True).first).to_be_visible()
    for job in [each for each in client.jobs() if each.info.seed == 22]:
        *_, last = job.watch()
        assert last.job.error is not None
        assert "cancelled" in str(last.job.error)
