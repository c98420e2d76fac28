"""A real browser for tests of pages: a Chromium of this machine, headless, driven by Playwright.

Tests that ask for one are skipped with a sentence where there is none; with CI=true they fail.
Each test has a browser of its own, because its event loop ends with it.

    async def test_the_page_fits(browser: Browser) -> None:
        seen = await visit(browser, "http://127.0.0.1:8800/", width=390)
        assert await overflow(seen.page) == 0
        assert await violations(seen.page) == []
        assert seen.complaints == []
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import final

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

__all__ = ["PHONE", "WIDE", "Visit", "chromium", "overflow", "violations", "visit"]

PHONE, WIDE = 390, 1280
"""Widths in CSS pixels."""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_NONE = "There is no Chromium on the PATH: install Debian's package chromium."
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser; ends the test as skipped, or as failed in CI, where there is none."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(_NONE)
        pytest.skip(_NONE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            await browser.close()


@final
@dataclass(frozen=True)
class Visit:
    """A page that was opened, and what happened since."""

    page: Page
    requests: list[str]
    """Addresses of everything that it asked for, itself first; what it carries itself is not."""
    complaints: list[str]
    """Errors and warnings of its console, and exceptions that nobody caught."""


async def visit(
    browser: Browser, address: str, *, width: int = WIDE, dark: bool = False, script: bool = True
) -> Visit:
    """Opens a page at a width, in light or dark colours, and waits until it is quiet."""
    context = await browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        reduced_motion="reduce",
    )
    seen = Visit(await context.new_page(), [], [])
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on(
        "console",
        lambda said: said.type in {"error", "warning"} and seen.complaints.append(said.text),
    )
    await seen.page.goto(address, wait_until="load")
    return seen


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(await page.evaluate(wider))


async def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA: contrast, names, roles, headings; a sentence each."""
    options = {"runOnly": list(_RULES), "resultTypes": ["violations"]}
    found = await Axe().run(page, options=options)
    return [
        f"{each['id']}: {each['help']}: {node['html']}: {node['failureSummary']}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
