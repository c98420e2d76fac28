"""The documentation names what exists, and only that."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from preimage_queue import QueueSettings
from preimage_service.settings import Settings as FrontendSettings
from preimage_worker.settings import Settings as WorkerSettings

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
]


def variables() -> dict[str, set[str]]:
    queue = {each.name for each in fields(QueueSettings)} - {"url", "namespace"}
    return {
        "Frontend": {f"PREIMAGE_{each.name.upper()}" for each in fields(FrontendSettings)},
        "Worker": {each.metadata["variable"] for each in fields(WorkerSettings)},
        "Queue": {f"PREIMAGE_QUEUE_{name.upper()}" for name in queue},
    }


@pytest.mark.parametrize("section", ["Frontend", "Worker", "Queue"])
def test_every_setting_is_documented_and_every_documented_one_exists(section: str) -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    text = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(PREIMAGE_\w+)`", text, re.MULTILINE)) == variables()[section]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    local = [target for target in targets if not target.startswith("http")]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_paths_that_the_architecture_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(
        r"`((?:proto|client|service|worker|tests|benchmarks|deploy|docs|examples)/[\w./*]*)`", text
    )
    assert named
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []
