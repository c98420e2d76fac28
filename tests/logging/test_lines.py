"""Lines of the log: one an event, with its job, for people or as JSON."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from preimage_logging import about, concerning, last_words
from preimage_logging.configuring import _Calm
from preimage_logging.formatting import HumanFormatter, JsonFormatter

JOB = "0" * 31 + "1"
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


class Lines(logging.Handler):
    """Keeps what a formatter makes of each record."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    made = logging.getLogger("preimage_test")
    made.propagate = False
    made.setLevel(logging.INFO)
    yield made
    made.handlers.clear()


@pytest.fixture
def as_json(log: logging.Logger) -> Lines:
    handler = Lines(JsonFormatter("worker"))
    log.addHandler(handler)
    return handler


@pytest.fixture
def as_words(log: logging.Logger) -> Lines:
    handler = Lines(HumanFormatter("worker"))
    log.addHandler(handler)
    return handler


def only(lines: Lines) -> dict[str, Any]:
    (text,) = lines.texts
    assert "\n" not in text
    read: dict[str, Any] = json.loads(text)
    return read


def test_a_line_has_time_level_process_logger_and_message(
    log: logging.Logger, as_json: Lines
) -> None:
    log.warning("%s of %d", "a part", 3)
    line = only(as_json)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "process": "worker",
        "logger": "preimage_test",
        "message": "a part of 3",
    }


def test_a_line_that_concerns_a_job_names_it_and_its_trace(
    log: logging.Logger, as_json: Lines
) -> None:
    with concerning(JOB, TRACE, "audit"):
        log.info("begun")
    line = only(as_json)
    assert (line["job_id"], line["kind"], line["trace_id"]) == (JOB, "audit", "a" * 32)
    log.info("something else")
    assert "job_id" not in json.loads(as_json.texts[-1])


def test_what_one_thread_is_about_is_no_matter_of_anothers(
    log: logging.Logger, as_json: Lines
) -> None:
    with concerning(JOB):
        thread = threading.Thread(target=lambda: log.info("elsewhere"))
        thread.start()
        thread.join()
    assert "job_id" not in only(as_json)


def test_a_task_stays_with_its_job(log: logging.Logger, as_json: Lines) -> None:
    def call() -> None:
        about(JOB)
        log.info("created")

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert only(as_json)["job_id"] == JOB


def fall(depth: int) -> None:
    if depth:
        fall(depth - 1)
        return
    raise ValueError("x" * 1_000_000)


def fell(log: logging.Logger, depth: int) -> None:
    try:
        fall(depth)
    except ValueError:
        log.exception("it fell")


def test_an_exception_is_one_line_with_a_traceback_of_bounded_length(
    log: logging.Logger, as_json: Lines
) -> None:
    fell(log, 0)
    line = only(as_json)
    assert (line["error"], line["message"]) == ("ValueError", "it fell")
    assert line["traceback"].startswith("Traceback")
    assert "in fall" in line["traceback"]
    assert len(as_json.texts[0]) < 20_000


def test_people_read_a_traceback_below_the_line(log: logging.Logger, as_words: Lines) -> None:
    with concerning(JOB, TRACE):
        fell(log, 0)
    head, *rest = as_words.texts[0].splitlines()
    assert head.endswith(f" ERROR worker: job {JOB}: it fell (trace {'a' * 32})")
    assert rest[0].startswith("  Traceback")
    assert rest[-1].startswith("  ValueError: xxx")
    assert max(map(len, rest)) <= 302


def test_words_of_strangers_do_not_look_like_lines_of_ours(
    log: logging.Logger, as_words: Lines
) -> None:
    log.info("no model %s", "a\n2026-01-01 00:00:00,000 ERROR worker: forged\x1b[2J")
    (text,) = as_words.texts
    assert "\n" not in text
    assert "\x1b" not in text


def test_a_long_message_is_cut(log: logging.Logger, as_json: Lines) -> None:
    log.info("%s", "y" * 1_000_000)
    assert len(as_json.texts[0]) < 5_000


def test_a_collector_that_is_away_is_told_of_once_a_minute_and_without_tracebacks() -> None:
    calm = _Calm()

    def record(name: str) -> logging.LogRecord:
        fault = (ValueError, ValueError("x"), None)
        return logging.LogRecord(name, logging.ERROR, "", 0, "away", None, fault)

    theirs = [record("opentelemetry.sdk.trace.export") for _ in range(3)]
    assert [calm.filter(each) for each in theirs] == [True, False, False]
    assert theirs[0].exc_info is None
    assert all(calm.filter(record("preimage_worker")) for _ in range(3))


@pytest.mark.parametrize(
    "end",
    [
        "raise ValueError('bug')",
        "import threading as t; x = t.Thread(target=lambda: 1 / 0); x.start()",
    ],
    ids=["process", "thread"],
)
def test_errors_that_nobody_catches_and_warnings_are_lines_too(end: str) -> None:
    program = (
        "import warnings\n"
        "from preimage_logging import configure\n"
        "configure('worker', 'INFO', 'json')\n"
        "warnings.warn('old')\n" + end
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    warned, fell_down = map(json.loads, ended.stderr.splitlines())
    assert (warned["level"], warned["logger"]) == ("WARNING", "py.warnings")
    assert fell_down["level"] == "CRITICAL"
    assert fell_down["error"] in {"ValueError", "ZeroDivisionError"}


@pytest.mark.parametrize("form", ["human", "json"])
def test_why_a_process_does_not_start_is_its_last_line(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREIMAGE_LOG_FORMAT", form)
    last_words("worker", "PREIMAGE_SLOTS cannot be used.")
    said = capsys.readouterr().err.strip()
    words = json.loads(said)["message"] if form == "json" else said
    assert words == "preimage worker: PREIMAGE_SLOTS cannot be used."


def test_words_of_strangers_in_a_traceback_do_not_either(
    log: logging.Logger, as_words: Lines
) -> None:
    try:
        raise ValueError("a\n2026-01-01 00:00:00,000 ERROR worker: forged\x1b[2J")  # noqa: TRY301
    except ValueError:
        log.exception("it fell")
    (text,) = as_words.texts
    assert all(line.startswith("  ") for line in text.splitlines()[1:])
    assert "\x1b" not in text
