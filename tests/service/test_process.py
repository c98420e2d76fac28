"""The process as an operator starts and stops it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from preimage.v1.admin_service_pb2 import ListWorkersRequest
from preimage.v1.admin_service_pb2_grpc import AdminServiceStub
from preimage.v1.model_service_pb2 import ListModelsRequest
from preimage.v1.model_service_pb2_grpc import ModelServiceStub
from tests.authority import Authority
from tests.redis_server import RedisServer
from tests.service.patience import PATIENCE_SECONDS, eventually


def _environment(url: str, folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREIMAGE_")}
    return kept | {
        "PREIMAGE_REDIS_URL": url,
        "PREIMAGE_LISTEN": "127.0.0.1:0",
        "PREIMAGE_ADMIN_LISTEN": "127.0.0.1:0",
        "PREIMAGE_SERVICE_METRICS_LISTEN": "127.0.0.1:0",
        "PREIMAGE_READY_FILE": str(folder / "ready"),
        "PREIMAGE_QUEUE_TRIES": "1",
        "PREIMAGE_DRAIN_GRACE_SECONDS": "1",
        **more,
    }


@contextmanager
def _process(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "preimage_service"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def _ready(folder: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    def written() -> dict[str, Any]:
        assert process.poll() is None, process.communicate()[1]
        file = folder / "ready"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    ready: dict[str, Any] = await eventually(written)
    return ready


def _page(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics") as page:
        return str(page.read().decode())


@pytest.fixture
def safe_redis() -> Iterator[RedisServer]:
    """A Redis with an append-only file."""
    with RedisServer(append_only=True) as server:
        yield server


async def test_it_serves_on_three_ports_and_ends_with_status_0(
    safe_redis: RedisServer, tmp_path: Path
) -> None:
    with _process(_environment(safe_redis.url, tmp_path)) as process:
        ready = await _ready(tmp_path, process)
        async with grpc.aio.insecure_channel(ready["target"]) as channel:
            assert not (await ModelServiceStub(channel).ListModels(ListModelsRequest())).models
        async with grpc.aio.insecure_channel(ready["admin"]) as channel:
            assert not (await AdminServiceStub(channel).ListWorkers(ListWorkersRequest())).workers
        assert "preimage_redis_up 1.0" in await asyncio.to_thread(_page, ready["metrics"])
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, log
        assert "Traceback" not in log
        assert "stopped" in log


async def test_it_waits_for_redis_and_says_so(safe_redis: RedisServer, tmp_path: Path) -> None:
    safe_redis.kill()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{free.getsockname()[1]}"
    environment = _environment(safe_redis.url, tmp_path, PREIMAGE_LISTEN=target)
    with _process(environment) as process:
        async with grpc.aio.insecure_channel(target) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            response = await stub.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
            assert response.status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert not (tmp_path / "ready").exists()
            safe_redis.start()
            assert (await _ready(tmp_path, process))["target"] == target
            response = await stub.Check(health_pb2.HealthCheckRequest())
            assert response.status == health_pb2.HealthCheckResponse.SERVING
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, log
        assert "waiting for Redis" in log
        assert f"listening on {target}" in log
        assert "; no TLS, no tokens" in log


def _fails(environment: dict[str, str]) -> str:
    """The one sentence of a process that cannot start."""
    with _process(environment) as process:
        _, log = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 2, log
    *before, sentence = log.splitlines()
    assert all(" service: " in line for line in before), log
    assert sentence.startswith("preimage service: ")
    return sentence


def test_a_redis_that_loses_jobs_is_refused_unless_allowed(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    sentence = _fails(_environment(redis_server.url, tmp_path))
    assert "append-only" in sentence
    assert "PREIMAGE_ALLOW_VOLATILE_REDIS=1" in sentence


async def test_a_redis_that_loses_jobs_will_do_if_allowed(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    environment = _environment(
        redis_server.url,
        tmp_path,
        PREIMAGE_ALLOW_VOLATILE_REDIS="1",
        PREIMAGE_ADMIN_LISTEN="off",
        PREIMAGE_SERVICE_METRICS_LISTEN="off",
    )
    with _process(environment) as process:
        ready = await _ready(tmp_path, process)
        assert (ready["admin"], ready["metrics"]) == (None, None)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PREIMAGE_REDIS_URL", "http://127.0.0.1", "PREIMAGE_REDIS_URL"),
        ("PREIMAGE_REDIS_URL", "redis://127.0.0.1:1/notadb", "PREIMAGE_REDIS_URL"),
        ("PREIMAGE_QUEUE_LEASE_SECONDS", "soon", "PREIMAGE_QUEUE_LEASE_SECONDS"),
        ("PREIMAGE_LISTEN", "nowhere", "PREIMAGE_LISTEN"),
        ("PREIMAGE_ADMIN_LISTEN", "127.0.0.1:99999", "PREIMAGE_ADMIN_LISTEN"),
        ("PREIMAGE_SERVICE_METRICS_LISTEN", "nowhere", "PREIMAGE_SERVICE_METRICS_LISTEN"),
        ("PREIMAGE_MAXIMUM_STEPS", "many", "PREIMAGE_MAXIMUM_STEPS"),
        ("PREIMAGE_LISTEN", "0.0.0.0:0", "PREIMAGE_TOKENS"),
        ("PREIMAGE_ADMIN_LISTEN", "[::]:0", "PREIMAGE_ADMIN_LISTEN"),
        ("PREIMAGE_TOKENS", "/no/tokens.toml", "PREIMAGE_TOKENS is '/no/tokens.toml': No such"),
        ("PREIMAGE_TLS_KEY", __file__, "PREIMAGE_TLS_CERTIFICATE is not set"),
        ("PREIMAGE_AUDIT_LOG", "/no/folder/audit.log", "PREIMAGE_AUDIT_LOG"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    safe_redis: RedisServer, tmp_path: Path, variable: str, value: str, words: str
) -> None:
    assert words in _fails(_environment(safe_redis.url, tmp_path) | {variable: value})


@pytest.mark.parametrize(
    ("more", "words"),
    [({}, " service: "), ({"GRPC_VERBOSITY": "INFO"}, "Handshake failed")],
    ids=["usual", "wanted"],
)
async def test_a_failed_handshake_is_in_the_log_only_where_the_operator_wants_it(
    safe_redis: RedisServer, tmp_path: Path, more: dict[str, str], words: str
) -> None:
    pair = Authority(tmp_path).server()
    tls = {
        "PREIMAGE_TLS_CERTIFICATE": str(pair.certificate),
        "PREIMAGE_TLS_KEY": str(pair.key),
    }
    with _process(_environment(safe_redis.url, tmp_path, **tls, **more)) as process:
        ready = await _ready(tmp_path, process)
        await asyncio.to_thread(_say_nonsense, ready["target"])
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, log
    assert words in log
    if not more:
        assert all(words in line for line in log.splitlines()), log


def _say_nonsense(target: str) -> None:
    """No TLS; waits until the server has hung up, and so has said what it had to say."""
    host, _, port = target.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while line.recv(4096):
            pass


def test_a_port_in_use_is_named(safe_redis: RedisServer, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        environment = _environment(safe_redis.url, tmp_path, PREIMAGE_ADMIN_LISTEN=address)
        assert address in _fails(environment)


def test_wrong_credentials_end_the_start(redis_server: RedisServer, tmp_path: Path) -> None:
    url = f"unix://nobody@{redis_server.socket}?password=wrong"
    assert "PREIMAGE_REDIS_URL" in _fails(_environment(url, tmp_path))
