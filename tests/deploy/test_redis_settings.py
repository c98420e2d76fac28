"""A Redis of an operator and the embedded one keep their files by the same settings."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from preimage.embedded.redis import server_command
from tests.deploy.compose import ROOT

ONLY_EMBEDDED = {"port", "unixsocket", "unixsocketperm", "dir", "daemonize"}


def _embedded(free_gib: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    usage = SimpleNamespace(free=free_gib * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    words = server_command(Path("redis-server"), Path("socket"), Path("data"))[1:]
    return dict(zip((w.removeprefix("--") for w in words[::2]), words[1::2], strict=True))


def test_the_operators_redis_is_set_as_the_embedded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = _embedded(100, monkeypatch)
    lines = (ROOT / "deploy/redis/redis.conf").read_text("utf-8").splitlines()
    settings = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    operators = {name: value.strip('"') for name, value in settings}
    assert operators == {k: v for k, v in embedded.items() if k not in ONLY_EMBEDDED}


@pytest.mark.parametrize(("free_gib", "size"), [(32, "4gb"), (31, "3gb"), (9, "1gb"), (0, "1gb")])
def test_the_embedded_one_writes_its_file_anew_earlier_where_there_is_little_room(
    monkeypatch: pytest.MonkeyPatch, free_gib: int, size: str
) -> None:
    assert _embedded(free_gib, monkeypatch)["auto-aof-rewrite-min-size"] == size
