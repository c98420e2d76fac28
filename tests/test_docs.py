"""The documentation names what exists, and only that."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from preimage.cli import app
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


def lines_of_code(text: str) -> list[str]:
    """Lines of code blocks, and code within sentences; lines that go on are one."""
    joined = re.sub(r"\\\n\s*", " ", text)
    blocks = re.findall(r"^```(?:\w*)\n(.*?)^```", joined, re.DOTALL | re.MULTILINE)
    within = re.findall(r"`([^`\n]+)`", joined)
    return [*(line for block in blocks for line in block.splitlines()), *within]


def command_lines(text: str) -> list[list[str]]:
    """What a page tells its readers to type behind `preimage`."""
    lines = lines_of_code(text)
    typed = [line.split("#")[0].strip() for line in lines if re.match(r"preimage +[a-z]", line)]
    return [line.split()[1:] for line in typed if "   " not in line]  # columns are no command


def options_of(words: list[str]) -> set[str]:
    """The options of the command that these words begin with; fails where there is none."""
    command: Any = typer.main.get_group(app)
    while getattr(command, "commands", None) and words and words[0][0].isalpha():
        name, words = words[0].split("|")[0], words[1:]  # run|plan|show stands for each of them
        assert name in command.commands, name
        command = command.commands[name]
    options = (each for one in command.params for each in (*one.opts, *one.secondary_opts))
    return {each for each in options if each.startswith("-")} | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_pages_tell_readers_to_type_exist_with_their_options(page: Path) -> None:
    for words in command_lines(page.read_text()):
        given = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert given <= options_of(words), " ".join(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_targets_of_make_that_pages_name_exist(page: Path) -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [re.match(r"make ([a-z-]+)", line) for line in lines_of_code(page.read_text())]
    assert {found[1] for found in named if found} <= made


def test_the_paths_that_the_architecture_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(
        r"`((?:proto|client|service|worker|tests|benchmarks|deploy|docs|examples)/[\w./*]*)`", text
    )
    assert named
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []
