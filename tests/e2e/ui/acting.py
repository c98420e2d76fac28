"""What a person does on the page, with the pointer."""

from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser import WIDE, Visit, visit

PATIENCE_MS = 60_000


async def open_page(
    browser: Browser, url: str, *, width: int = WIDE, dark: bool = False
) -> tuple[Visit, Page]:
    """Opens the page and waits until the service's models are there."""
    seen = await visit(browser, url, width=width, dark=dark)
    seen.page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    await expect(shown(seen.page, "combobox", "Preset")).to_be_visible()
    await seen.page.get_by_text("auto (200 steps)").first.wait_for()
    return seen, seen.page


def shown(page: Page, role: str, name: str) -> Locator:
    """The one that is seen, of those that the tabs have."""
    found = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    return found.locator("visible=true").first


async def give(page: Page, path: Path) -> None:
    """Chooses a file, and waits until the page says something about it."""
    async with page.expect_file_chooser() as choosing:
        await shown(page, "button", "Choose a picture or code").click()
    chooser = await choosing.value
    await chooser.set_files(path)
    await page.get_by_text(path.name).locator("visible=true").first.wait_for()


async def turn_to(page: Page, tab: str) -> None:
    """Changes to another tab of the page."""
    await page.get_by_role("tab", name=tab).click()
    await expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")


async def fill(page: Page, **fields: str) -> None:
    """Fills fields in, by their names."""
    for name, value in fields.items():
        await page.get_by_label(name, exact=True).locator("visible=true").fill(value)


async def foreign(seen: Visit, url: str) -> list[str]:
    """Requests that went elsewhere than to the page's own host."""
    own = (url, url.replace("http:", "ws:"), f"blob:{url}", "data:")
    return [each for each in seen.requests if not each.startswith(own)]
