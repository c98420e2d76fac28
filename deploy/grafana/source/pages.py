"""The runbook's pages: one for each alert, cut out of the handbook's Markdown."""

import functools
import re
from pathlib import Path
from typing import Final

from deploy.grafana.source.board import RUNBOOK

_FILE: Final = Path(__file__).parents[3] / "docs" / "how-to" / "runbook.md"


@functools.cache
def pages() -> dict[str, str]:
    """Markdown by alert, in the handbook's order."""
    text = re.sub(
        r"\[([^]]+)\]\([^)]+\)", r"\1", _FILE.read_text("utf-8")
    )  # no links: paths of files
    sections = re.split(r"^## (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(sections[1::2], sections[2::2], strict=True)}


def link_to(alert: str) -> str:
    """Where the alert's page is in Grafana: the runbook's dashboard has a row, then the pages.

    Raises:
        ValueError: the runbook has no such page.
    """
    return f"/d/{RUNBOOK}?viewPanel={list(pages()).index(alert) + 2}"
