"""Files of deploy/ set what the processes know, and list all the rest."""

import pytest
from deploy import settings

from tests.deploy.compose import read_compose

AGAIN = "run `python deploy/settings.py`"


def test_the_example_lists_every_setting_that_compose_leaves_alone() -> None:
    assert settings.EXAMPLE.read_text("utf-8") == settings.example(), AGAIN


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("service", settings.SERVICE),
        ("worker", settings.WORKER),
        ("worker-gpu", settings.WORKER),
        ("auditor", settings.WORKER),
    ],
)
def test_every_variable_of_compose_is_a_setting_of_its_process(
    name: str, known: dict[str, str]
) -> None:
    environment = read_compose({})["services"][name]["environment"]
    given = {variable for variable in environment if variable.startswith("PREIMAGE_")}
    assert given
    assert given <= {*known, *settings.QUEUE}
