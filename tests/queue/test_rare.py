"""What few calls need is made only in those: see `_RARE` of `preimage_queue.lua`."""

import re
from importlib import resources

import pytest

from preimage_queue.lua import _RARE, load_scripts


def source() -> str:
    folder = resources.files("preimage_queue") / "scripts"
    return "\n".join(entry.read_text("utf-8") for entry in folder.iterdir())


@pytest.mark.parametrize("name", sorted(_RARE))
def test_every_rare_function_is_one_of_the_scripts(name: str) -> None:
    assert len(re.findall(rf"^local function {name}\(", source(), re.MULTILINE)) == 1


def test_what_only_a_rare_function_needs_is_defined_inside_it() -> None:
    text = load_scripts()["finish"].text
    begin = text.index("local function go_on(")
    assert begin < text.index("local function place_left(") < text.index("local function end_job(")
    assert text.index("local jobs, chosen", begin) > text.index("local function place_left(")


def test_what_others_need_as_well_is_defined_once_and_before_them() -> None:
    text = load_scripts()["submit"].text
    assert text.count("local function emit(") == 1
    assert text.index("local function emit(") < text.index("local function follow(")
