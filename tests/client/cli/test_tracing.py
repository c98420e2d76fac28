"""Tracing of the command line: the switch, and a collector that is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("preimage")
SERVED_BY_NOBODY = "No service answers at 127.0.0.1:1"


def lines(tracing: str) -> list[str]:
    """What `preimage models` says on stderr where neither a service nor a collector answers."""
    variables = {
        **os.environ,
        "PREIMAGE_TRACING": tracing,
        "PREIMAGE_TARGET": "127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_BSP_SCHEDULE_DELAY": "10",
    }
    ended = subprocess.run(
        [PROGRAM, "models"], env=variables, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    return ended.stderr.splitlines()


def test_a_collector_that_is_away_costs_one_sentence() -> None:
    said = lines("on")
    assert sorted(line[:33] for line in said) == sorted(
        ["Spans of this command cannot be s", SERVED_BY_NOBODY[:33]]
    )


@pytest.mark.parametrize("tracing", ["", "0", "off"])
def test_who_switches_tracing_off_hears_nothing_of_it(tracing: str) -> None:
    (said,) = lines(tracing)
    assert said.startswith(SERVED_BY_NOBODY)


def test_a_switch_that_is_neither_on_nor_off_is_refused() -> None:
    assert lines("maybe") == ["PREIMAGE_TRACING is 'maybe': write 1 or 0."]
