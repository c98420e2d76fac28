"""Every command and option is in docs/reference/cli.md, and nothing that does not exist."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from preimage.cli import app

DOCUMENT = Path(__file__).parents[3] / "docs/reference/cli.md"
COMMANDS = {
    **{str(each.name): each for each in app.registered_commands},
    **{
        f"{group.name} {each.name}": each
        for group in app.registered_groups
        for each in (group.typer_instance or typer.Typer()).registered_commands
    },
}


def _sections() -> dict[str, str]:
    parts = re.split(
        r"^## preimage (\w+(?: \w+)?)$", DOCUMENT.read_text("utf-8"), flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _options(name: str | None) -> Iterator[str]:
    """The options as the command line library knows them, "--help" left out."""
    command: Any = typer.main.get_group(app)
    for part in (name or "").split():
        command = command.commands[part]
    for parameter in command.params:
        names = [*parameter.opts, *parameter.secondary_opts]
        yield from (each for each in names if each.startswith("--") and each != "--help")


def test_the_document_has_a_section_for_each_command_and_no_other() -> None:
    assert set(_sections()) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_option_of_a_command_is_documented_and_no_other(name: str) -> None:
    table = "\n".join(line for line in _sections()[name].splitlines() if line.startswith("| `--"))
    first_cells = " ".join(line.split("|")[1] for line in table.splitlines())
    assert set(re.findall(r"--[a-z-]+", first_cells)) == set(_options(name))


def test_the_options_of_the_program_are_documented() -> None:
    head = DOCUMENT.read_text("utf-8").partition("\n## ")[0]
    assert set(_options(None)) <= set(re.findall(r"--[a-z-]+", head))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_says_what_it_does_in_a_sentence(name: str) -> None:
    first_line = (inspect.getdoc(COMMANDS[name].callback) or "").splitlines()[0]
    assert first_line.endswith(".")


def test_the_error_budget_names_the_presets_that_it_needs() -> None:
    command: Any = typer.main.get_group(app)
    (option,) = (each for each in command.commands["invert"].params if each.name == "error_budget")
    assert "--preset mv2016 or mv2015" in option.help
