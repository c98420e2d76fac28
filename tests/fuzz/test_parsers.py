"""A short campaign over everything that reads what others wrote; `make fuzz` runs long ones."""

import pytest

from tests.fuzz import feed
from tests.fuzz.parsers import targets

INPUTS = 20_000


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_no_parser_falls_over_whatever_it_is_fed() -> None:
    for fed in feed.run(targets(), INPUTS, seed=20):
        assert fed.inputs > 0, fed.name
        assert not fed.findings, f"{fed.name}: {fed.findings[0]}"


def test_a_parser_that_falls_over_would_be_noticed() -> None:
    def fragile(data: bytes) -> None:
        if b"\xff\xff" in data:
            raise KeyError(data)

    (fed,) = feed.run([feed.Target("fragile", fragile, [bytes(40)])], 2000, seed=1)
    assert len(fed.findings) == 1
    assert b"\xff\xff" in fed.findings[0][0]


def test_the_same_seed_gives_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        seen: list[bytes] = []
        feed.run([feed.Target("seen", seen.append, [b"some seed of a few bytes"])], 100, seed)
        return seen

    assert inputs(1) == inputs(1)
    assert inputs(1) != inputs(2)
