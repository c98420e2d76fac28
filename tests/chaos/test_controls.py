"""Negative controls: with one means of safety taken away, the checks must find the damage.

A chaos test that cannot fail proves nothing. Each control breaks the scripts of every process in
one place, lets the storm blow that this place is there for, and expects the check that watches over
it to complain. The same storms over the product as it is pass. What equal jobs have in common needs
no storm: the clients are enough.
"""

import asyncio

import pytest

from tests.chaos import sabotage
from tests.chaos.checks import (
    every_claimed_job_reaches_its_worker,
    finished_once,
    one_request_one_job,
)
from tests.chaos.equality import a_result_is_of_what_was_asked, who_is_cancelled_was_meant
from tests.chaos.nemesis import STOP_WORKER
from tests.chaos.report import explanations
from tests.chaos.storm import Options, Verdict, storm
from tests.redis_server import require_server

STORMS = {
    "no fencing": {STOP_WORKER: 30.0},
    "no claim token": {"cut workers": 120.0},
    "no idempotency": {"cut clients": 40.0},
    "results of whatever was computed last": {},
    "cancellations for all": {},
}
FINDERS = {
    "no fencing": finished_once,
    "no claim token": every_claimed_job_reaches_its_worker,
    "no idempotency": one_request_one_job,
    "results of whatever was computed last": a_result_is_of_what_was_asked,
    "cancellations for all": who_is_cancelled_was_meant,
}


SEEDS = (5, 6)
"""What a storm misses, by the chance of threads and packets, the next one finds."""


def blow(rates: dict[str, float], sabotaged: str = "", seed: int = SEEDS[0]) -> Verdict:
    require_server()
    options = Options(12, seed=seed, rates=rates, sabotage=sabotaged, auditors=0, owners=0)
    return asyncio.run(storm(options))


@pytest.mark.slow
@pytest.mark.parametrize("name", sabotage.SABOTAGES)
def test_a_broken_product_is_found_out(name: str) -> None:
    storms = (blow(STORMS[name], name, seed) for seed in SEEDS)
    found = ({violation.check for violation in each.violations} for each in storms)
    assert any(FINDERS[name].__name__ in checks for checks in found)


@pytest.mark.slow
def test_all_of_these_storms_together_do_the_product_no_harm() -> None:
    verdict = blow({kind: rate for rates in STORMS.values() for kind, rate in rates.items()})
    assert verdict.violations == [], "\n".join(explanations(verdict))


def test_a_sabotage_that_meets_no_script_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="the product has changed"):
        sabotage.broken_scripts(sabotage.Sabotage("no such line", ""))
