"""The lines of `preimage up`, for people or as JSON: its own, and those of its processes."""

import json
from pathlib import Path

import pytest

from preimage.cli.follow import LogFollower
from preimage.cli.lines import tell

FIELDS = {"time", "level", "process", "logger", "message"}
REDIS = "12:M 29 Nov 2026 23:00:00.000 * Ready to accept connections"
WORKER = json.dumps(dict.fromkeys(FIELDS, "x") | {"process": "worker", "message": "attempt 1"})


def followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    (folder / "redis.log").write_text(f"{REDIS}\n")
    (folder / "worker-0.log").write_text(f"{WORKER}\n")
    with LogFollower(folder, enabled=True):
        tell("  admin    127.0.0.1:8791")
    return capsys.readouterr().err.splitlines()


def test_as_json_every_line_is_an_object_that_names_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREIMAGE_LOG_FORMAT", "json")
    lines = [json.loads(line) for line in followed(tmp_path, capsys)]
    assert all(line.keys() == FIELDS for line in lines)
    told = {line["process"]: line["message"] for line in lines}
    assert told == {"up": "admin    127.0.0.1:8791", "redis": REDIS, "worker": "attempt 1"}


def test_for_people_each_line_begins_with_the_name_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PREIMAGE_LOG_FORMAT", raising=False)
    lines = followed(tmp_path, capsys)
    assert f"     redis | {REDIS}" in lines
    assert f"  worker-0 | {WORKER}" in lines
    assert "  admin    127.0.0.1:8791" in lines
