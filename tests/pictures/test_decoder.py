"""Strangers' pictures are decoded in processes whose time and memory the kernel bounds."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preimage_pictures import Bounds, ChildError, Decoder, Fault, PictureError
from tests.e2e.processes import children_of, wait_gone
from tests.pictures.bombs import HOSTILE, ODD, SLOW, saved

BOUNDS = Bounds(pixels=32 * 2**20, seconds=1)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder(BOUNDS)
    yield decoder
    decoder.close()


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_but_right_is_decoded_as_pillow_would(decoder: Decoder, name: str) -> None:
    data = ODD[name]()
    decoded = decoder.rgb(data)
    expected = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    pixels = np.frombuffer(decoded.rgb, np.uint8).reshape(decoded.height, decoded.width, 3)
    assert np.array_equal(pixels, expected)
    assert decoder.size(data).rgb == b""


def test_a_picture_of_many_strips_arrives_whole(decoder: Decoder) -> None:
    data = saved("PNG", side=2000)
    assert decoder.rgb(data).rgb == np.asarray(Image.open(BytesIO(data))).tobytes()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused_and_the_next_picture_is_decoded(
    decoder: Decoder, name: str
) -> None:
    with pytest.raises(PictureError) as caught:
        decoder.rgb(HOSTILE[name]())
    assert (caught.value.fault is Fault.TOO_COSTLY) == (name in SLOW)
    assert decoder.size(saved("PNG")).height == 16


def test_a_picture_that_needs_too_much_memory_is_refused(decoder: Decoder) -> None:
    data = saved("PNG", side=5000)
    assert decoder.size(data).height == 5000
    (child,) = decoder._all
    tight_bytes = 64 * 2**20
    resource.prlimit(child._process.pid, resource.RLIMIT_AS, (tight_bytes, tight_bytes))
    with pytest.raises(PictureError) as caught:
        decoder.size(data)
    assert caught.value.fault is Fault.TOO_COSTLY
    assert decoder.size(data).height == 5000


def test_the_kernel_holds_a_child_to_its_memory(decoder: Decoder) -> None:
    decoder.size(saved("PNG"))
    (child,) = decoder._all
    limits = Path(f"/proc/{child._process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
    assert line.split()[3] == str(BOUNDS.memory_bytes)


def test_a_child_that_is_killed_is_replaced(decoder: Decoder) -> None:
    decoder.size(saved("PNG"))
    (child,) = decoder._all
    os.kill(child._process.pid, signal.SIGKILL)
    assert wait_gone([child._process.pid]) == []
    assert decoder.size(saved("PNG")).height == 16


def test_so_many_children_work_at_once_and_none_is_left_at_the_end() -> None:
    before = set(children_of(os.getpid()))
    decoder = Decoder(BOUNDS, children=2)
    with ThreadPoolExecutor(6) as threads:
        sizes = list(threads.map(lambda _: decoder.size(saved("PNG")).width, range(40)))
    assert sizes == [16] * 40
    assert 1 <= len(decoder._all) <= 2
    decoder.close()
    assert set(children_of(os.getpid())) == before
    with pytest.raises(ChildError):
        decoder.size(saved("PNG"))


def test_a_child_ends_with_its_parent() -> None:
    parent = """
import sys, time
from preimage_pictures import Bounds, Decoder
from tests.pictures.bombs import saved
decoder = Decoder(Bounds(1000, 1))
decoder.size(saved("PNG"))
print(next(iter(decoder._all))._process.pid, flush=True)
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    assert wait_gone([child]) == []


def test_a_child_that_cannot_start_is_not_the_pictures_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    decoder = Decoder(BOUNDS)
    with pytest.raises(ChildError):
        decoder.size(saved("PNG"))
    decoder.close()


def test_a_child_is_not_told_the_passwords_of_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREIMAGE_REDIS_URL", "redis://:secret@nowhere")
    decoder = Decoder(BOUNDS)
    decoder.size(saved("PNG"))
    (child,) = decoder._all
    assert b"secret" not in Path(f"/proc/{child._process.pid}/environ").read_bytes()
    decoder.close()
