"""The tab that inverts, in a real browser, against a whole service."""

import asyncio
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from preimage import Client, State
from tests.browser import PHONE, WIDE, overflow, violations
from tests.e2e.ui.acting import fill, foreign, give, open_page, shown, turn_to
from tests.e2e.ui.serving import Served


async def downloaded(page: Page, button: str) -> tuple[str, bytes]:
    async with page.expect_download() as downloading:
        await shown(page, "button", button).click()
    file = await downloading.value
    path = await file.path()
    return file.suggested_filename, await asyncio.to_thread(path.read_bytes)


async def test_a_picture_is_inverted_before_ones_eyes(
    browser: Browser, page: Served, cat: Path
) -> None:
    seen, tab = await open_page(browser, page.url)
    await give(tab, cat)
    await expect(tab.get_by_text("a picture of 451 × 300 pixels").first).to_be_visible()
    await fill(tab, Steps="120", Seed="11")
    await shown(tab, "button", "Invert").click()

    await expect(tab.get_by_alt_text("Pre-image after")).to_be_visible()
    await expect(tab.get_by_role("progressbar", name="Progress")).to_be_visible()
    await expect(tab.get_by_alt_text("Pre-image, relative error")).to_be_visible()
    assert await tab.get_by_text("Every step of the schedule was taken.").is_visible()
    curve = tab.locator(".chart").locator("visible=true")
    assert await curve.locator("svg path").count() > 2

    name, png = await downloaded(tab, "Download PNG")
    assert name.startswith("hog-hog-")
    assert name.endswith(".png")
    assert Image.open(io.BytesIO(png)).size == (256, 170)
    name, written = await downloaded(tab, "Download JSON")
    numbers = json.loads(written)
    assert numbers["errors"]["relative_delivered"] < 0.3
    assert len(numbers["loss_curve"]["relative_error"]) == len(numbers["loss_curve"]["steps"])

    assert await foreign(seen, page.url) == []
    assert seen.complaints == []


async def test_the_original_takes_the_shape_of_a_models_own_input(
    browser: Browser, page: Served, cat: Path
) -> None:
    _, tab = await open_page(browser, page.url)
    await give(tab, cat)
    await shown(tab, "combobox", "Model").click()
    await tab.get_by_role("option", name="tiny", exact=True).click()
    await fill(tab, Steps="10")
    await shown(tab, "button", "Invert").click()

    await expect(tab.get_by_text("Original, in the shape of the model's input")).to_be_visible()
    sheet = tab.get_by_role("region", name="Pre-image")
    for name in ("The picture that was given", "Pre-image, relative error"):
        box = await sheet.get_by_alt_text(name).bounding_box()
        assert box is not None
        assert abs(box["width"] / box["height"] - 1) < 0.02


async def test_the_keyboard_is_enough(
    browser: Browser, client: Client, page: Served, cat: Path
) -> None:
    seen, tab = await open_page(browser, page.url)

    async def press(*keys: str) -> None:
        for key in keys:
            await tab.keyboard.press(key)

    async def focused(name: str) -> None:
        """Tabs until the element of this name has the focus: it must be reached."""
        for _ in range(20):
            await press("Tab")
            found = await tab.evaluate(
                "((e) => e === document.body ? '' : e.ariaLabel || e.innerText)"
                "(document.activeElement)"
            )
            if name in found:
                return
        pytest.fail(f"Tab does not lead to {name}.")

    # Waiting begins before the keys: a browser is told by a message of its own to hand its
    # choosers over, which a single key may overtake.
    async with tab.expect_file_chooser() as choosing:
        await focused("Choose a picture or code")
        await press("Enter")
    await (await choosing.value).set_files(cat)
    await expect(tab.get_by_text("a picture of 451 × 300 pixels").first).to_be_visible()
    await focused("Model")
    await press("ArrowDown", "ArrowDown", "Enter")
    await expect(shown(tab, "combobox", "Layer")).to_have_value("features.0 (Conv2d, 96×13×13)")
    await focused("Layer")
    # The last key is the one that leaves a single layer: the list is still when it does.
    await tab.keyboard.type("features.3 ")
    await expect(tab.get_by_role("option")).to_have_count(1)
    await press("ArrowDown", "Enter")
    await expect(tab.get_by_role("option")).to_have_count(0)
    await expect(shown(tab, "combobox", "Layer")).to_have_value("features.3 (Fire, 128×6×6)")
    await focused("Steps")
    await tab.keyboard.type("30")
    await focused("Seed")
    await tab.keyboard.type("12")
    await focused("Invert")
    await press("Space")
    await expect(tab.get_by_alt_text("Pre-image, relative error")).to_be_visible()
    await focused("Download PNG")
    async with tab.expect_download() as downloading:
        await press("Enter")
    assert (await downloading.value).suggested_filename.startswith("tiny-features.3-")

    (job,) = client.jobs(model="tiny", layer="features.3")
    assert (job.info.seed, job.state) == (12, State.SUCCEEDED)
    assert seen.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, WIDE])
async def test_it_fits_and_everybody_can_use_it(
    *, browser: Browser, page: Served, cat: Path, width: int, dark: bool
) -> None:
    seen, tab = await open_page(browser, page.url, width=width, dark=dark)
    await give(tab, cat)
    await fill(tab, Steps="10", Seed="13")
    await shown(tab, "button", "Invert").click()
    await shown(tab, "button", "Download PNG").wait_for()
    for name in ("Invert", "Compare", "Jobs"):
        await turn_to(tab, name)
        assert await overflow(tab) == 0, name
        assert await violations(tab) == [], name
    assert seen.complaints == []


async def test_a_code_is_inverted_as_well(browser: Browser, page: Served, code: Path) -> None:
    _, tab = await open_page(browser, page.url)
    await give(tab, code)
    await expect(tab.get_by_text("code.npy: a code of 27 × 8 × 12 numbers")).to_be_visible()
    await fill(tab, Steps="10", **{"Size, width × height": "96 x 64"})
    await shown(tab, "button", "Invert").click()
    await expect(tab.get_by_alt_text("Pre-image, relative error")).to_be_visible()
    _, png = await downloaded(tab, "Download PNG")
    assert Image.open(io.BytesIO(png)).size == (96, 64)


async def test_restarts_are_shown_with_how_they_differ(
    browser: Browser, page: Served, cat: Path
) -> None:
    seen, tab = await open_page(browser, page.url)
    await give(tab, cat)
    await tab.get_by_role("button", name="More settings").locator("visible=true").click()
    await fill(tab, Steps="5", Seed="15", Restarts="2")
    await shown(tab, "button", "Invert").click()
    await expect(tab.get_by_alt_text("Restart ")).to_have_count(1)
    await expect(tab.get_by_text("Restarts differ by")).to_be_visible()
    assert await violations(tab) == []
    assert seen.complaints == []


async def test_what_cannot_be_done_is_said_in_words(
    browser: Browser, page: Served, cat: Path, tmp_path: Path
) -> None:
    _, tab = await open_page(browser, page.url)
    alert = tab.get_by_role("alert").locator("visible=true")
    await shown(tab, "button", "Invert").click()
    await expect(alert).to_have_text("Choose a picture or a code first.")

    (tmp_path / "notes.txt").write_text("no picture")
    await give(tab, tmp_path / "notes.txt")
    refused = "notes.txt cannot be read as a picture. A code is a .npy or .safetensors file."
    await expect(alert.get_by_text(refused)).to_be_visible()

    await give(tab, cat)
    await fill(tab, **{"Priors × λ": "strong"})
    await shown(tab, "button", "Invert").click()
    wrong = "'strong' is no factor of the priors: a number from 0 on, like 0.5."
    await expect(alert).to_have_text(wrong)

    await fill(tab, **{"Priors × λ": "", "Size, width × height": "4 x 4"})
    await shown(tab, "button", "Invert").click()
    await expect(alert).to_contain_text("input_size")
    assert "Traceback" not in await tab.content()


async def test_tabs_of_the_browser_do_not_disturb_each_other(
    browser: Browser, page: Served, cat: Path
) -> None:
    _, mine = await open_page(browser, page.url)
    _, other = await open_page(browser, page.url)
    await give(mine, cat)
    await expect(mine.get_by_text("a picture of").first).to_be_visible()
    await fill(mine, Steps="20", Seed="14")
    await shown(mine, "button", "Invert").click()
    await shown(mine, "button", "Download PNG").wait_for()
    await expect(other.get_by_text("No picture or code yet.").first).to_be_visible()
    assert (
        await other.get_by_role("button", name="Download PNG").locator("visible=true").count() == 0
    )
