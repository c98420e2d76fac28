"""A Redis of an operator and the embedded one keep their files by the same settings."""

from pathlib import Path

from preimage.embedded.redis import server_command
from tests.deploy.compose import ROOT

ONLY_EMBEDDED = {"port", "unixsocket", "unixsocketperm", "dir", "daemonize"}


def test_the_operators_redis_is_set_as_the_embedded_one() -> None:
    words = server_command(Path("redis-server"), Path("socket"), Path("data"))[1:]
    embedded = dict(zip((w.removeprefix("--") for w in words[::2]), words[1::2], strict=True))
    lines = (ROOT / "deploy/redis/redis.conf").read_text("utf-8").splitlines()
    settings = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    operators = {name: value.strip('"') for name, value in settings}
    assert operators == {k: v for k, v in embedded.items() if k not in ONLY_EMBEDDED}
