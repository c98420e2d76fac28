"""Ctrl-C and SIGTERM while a process loads: it ends as such, and shows nobody a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_INTERRUPT = """
import os, sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Interrupted())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("module", "loads"),
    [
        ("preimage_service", "preimage_service.command"),
        ("preimage_worker", "torch"),
        ("preimage_worker.auditor", "torch"),
    ],
)
def test_a_process_that_is_ended_while_it_loads_says_nothing(
    tmp_path: Path, module: str, loads: str, number: signal.Signals
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_INTERRUPT.format(name=loads, number=number.value))
    ended = subprocess.run(
        [sys.executable, "-m", module],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + number, "", "")
