"""Where tracing is not installed, or not asked for, nothing of it is imported or sent."""

import subprocess
import sys

import pytest

from preimage_tracing import NO_SPAN, begin, current, is_on, span

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

if "hide" in sys.argv:
    sys.meta_path.insert(0, Missing())
"""
SDK = """
import preimage, preimage.aio, preimage.cli
from preimage_tracing import begin, current
assert begin("x").traceparent == current().trace_id == ""
found = [name for name in sys.modules if name.startswith("opentelemetry")]
assert not found, found
"""
BACKEND = """
import preimage_service.process, preimage_worker.__main__, preimage_worker.auditor.__main__
from preimage_tracing import begin, is_on
assert not is_on() and begin("x").traceparent == ""
mine = [name for name in sys.modules if name.startswith("preimage_tracing.")]
assert {"preimage_tracing.recording", "preimage_tracing.providing"}.isdisjoint(mine), mine
"""
START = """
from preimage_tracing import TracingError, start
try:
    start("worker")
except TracingError as error:
    assert "pip install 'preimage[tracing]'" in str(error)
else:
    raise AssertionError
"""


@pytest.mark.parametrize(
    ("program", "arguments"),
    [(SDK, ()), (SDK, ("hide",)), (BACKEND, ()), (BACKEND, ("hide",)), (START, ("hide",))],
    ids=["sdk", "sdk-without", "backend", "backend-without", "start-without"],
)
def test_nothing_is_imported_that_nobody_asked_for(
    program: str, arguments: tuple[str, ...]
) -> None:
    command = [sys.executable, "-c", WITHOUT + program, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_spans_that_are_off_are_one_value_that_does_nothing() -> None:
    assert not is_on()
    assert begin("x") is NO_SPAN
    assert current() is NO_SPAN
    with span("x") as made, made.entered():
        assert current() is NO_SPAN
        made.note({"a": 1})
        made.fail("reason")
    assert made is NO_SPAN
