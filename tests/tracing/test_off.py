"""Where tracing is not installed, or not asked for, nothing of it is imported or sent."""

import subprocess
import sys

import pytest

from preimage_tracing import NO_SPAN, TracingError, begin, current, is_on, start

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
    made = begin("x")
    with made.entered():
        assert current() is NO_SPAN
        made.note({"a": 1})
        made.fail("reason")
    assert made is NO_SPAN


DEAF = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=64)  # takes connections, and says nothing
import os
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
os.environ["OTEL_BSP_SCHEDULE_DELAY"], os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = "10", "16"
os.environ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] = "8"
os.environ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "3600"
from preimage_logging import configure
from preimage_tracing import begin, start, stop
configure("worker", "INFO", "json")
start("worker")
for _ in range(2000):
    begin("work").end()
stop()
print("over")
"""


def test_a_collector_that_never_answers_holds_nobody_up() -> None:
    command = [sys.executable, "-c", DEAF]
    # With OpenTelemetry's own patience it would take half a minute, or the exporter's hour.
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "over\n"
    assert len(ended.stderr.splitlines()) < 10, "2000 spans did not fit; that is told a few times"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_TRACES_EXPORTER", "pigeon"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke")],
)
def test_an_exporter_that_is_none_is_refused_by_its_name(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(TracingError, match=f"{variable}.*{value}"):
        start("worker")
    assert not is_on()
