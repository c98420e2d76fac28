"""The sampler against a process whose use is known, and a real Redis."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
import redis

from tests.soak.sampler import Sampler, look_into, uses

GROWING = """
import sys, threading
kept = []
wait = threading.Event()
print("ready", flush=True)
for line in sys.stdin:
    kept.append([open("/dev/null") for _ in range(5)])
    kept.append(bytearray(b"x") * 20_000_000)
    threads = [threading.Thread(target=wait.wait, daemon=True) for _ in range(3)]
    for each in threads:
        each.start()
    kept.append(sum(range(20_000_000)))
    print("grown", flush=True)
"""
MIB = 1024 * 1024


@pytest.fixture
def growing() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", GROWING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def grow(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("more\n")
    process.stdin.flush()
    assert process.stdout.readline() == "grown\n"


def test_what_a_process_takes_more_is_seen(growing: "subprocess.Popen[str]") -> None:
    before = uses({"it": growing.pid})["it"]
    grow(growing)
    after = uses({"it": growing.pid})["it"]
    assert after.pid == growing.pid
    assert after.descriptors == before.descriptors + 5
    assert after.threads == before.threads + 3
    assert after.rss_bytes - before.rss_bytes > 18 * MIB
    assert after.uss_bytes - before.uss_bytes > 18 * MIB
    assert after.cpu_seconds > before.cpu_seconds


def test_children_are_named_after_their_parent(growing: "subprocess.Popen[str]") -> None:
    found = uses({"tests": os.getpid()})
    mine = {name for name, usage in found.items() if usage.pid == growing.pid}
    assert len(mine) == 1
    assert mine.pop().startswith("tests/other-")


def test_a_process_that_is_gone_is_an_error() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(psutil.NoSuchProcess):
        uses({"it": ended.pid})


def test_keys_are_counted_by_their_kind(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as raw:
        for key in ("{preimage}:job:a", "{preimage}:job:b", "{preimage}:sums", "strange"):
            raw.set(key, "x")
        seen = look_into(raw, "{preimage}")
    assert seen.keys == {"job": 2, "sums": 1, "other": 1}
    assert seen.connections >= 1
    assert seen.used_bytes > 0


def test_a_sampler_looks_again_and_again_with_one_connection(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as raw:
        before = look_into(raw, "{preimage}").connections
        with Sampler({"it": os.getpid()}, redis_url, "{preimage}", 0.01) as sampler:
            first = sampler.look()
            while len(sampler.samples) < 5:
                time.sleep(0.01)
        assert sampler.failure is None
    assert first.store.connections == before + 1
    times = [each.at for each in sampler.samples]
    assert times == sorted(times)
    assert {"it"} == {
        name for each in sampler.samples for name in each.processes if "/" not in name
    }


def test_a_sampler_says_that_a_process_has_ended(
    redis_url: str, growing: "subprocess.Popen[str]"
) -> None:
    with Sampler({"it": growing.pid}, redis_url, "{preimage}", 0.01) as sampler:
        growing.kill()
        growing.wait()
        while not sampler.failure:
            time.sleep(0.01)
    assert isinstance(sampler.failure, psutil.NoSuchProcess)
