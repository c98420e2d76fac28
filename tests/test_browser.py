"""What tests of pages rely on: that the browser notices."""

from pathlib import Path

from playwright.async_api import Browser

from tests.browser import PHONE, overflow, violations, visit

BAD = """<!doctype html><html lang="en"><title>Bad</title><main><h1>Bad</h1>
<p style="color: #999; background: #fff">pale</p><img src="gone.png">
<div style="width: 500px">wide</div></main><script>console.error("no"); lost()</script></html>"""


async def test_a_page_with_every_fault_is_found_out(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(BAD)
    address = (tmp_path / "bad.html").as_uri()
    seen = await visit(browser, address, width=PHONE)
    assert await overflow(seen.page) > 100
    found = {each.split(":")[0] for each in await violations(seen.page)}
    assert found >= {"color-contrast", "image-alt"}
    assert [each.rpartition("/")[2] for each in seen.requests] == ["bad.html", "gone.png"]
    assert any("no" in each for each in seen.complaints)
    assert any("lost is not defined" in each for each in seen.complaints)
