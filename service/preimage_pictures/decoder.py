"""The parent's side: a few children, started when they are needed and replaced when they die."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import final

from preimage_pictures import frames
from preimage_pictures.errors import ChildError, Fault, PictureError
from preimage_pictures.values import Bounds, Decoded

_TRIES = 2
"""A child may also be killed for want of memory elsewhere: the picture gets a second chance."""
_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
"""Variables that Python needs to start. Others, passwords among them, are not passed on."""


@final
class Decoder:
    """Decodes pictures, so many at a time. For any number of threads; `close` it at the end."""

    def __init__(self, bounds: Bounds, children: int = 1) -> None:
        self._bounds = bounds
        self._turns = threading.BoundedSemaphore(children)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._closed = False

    def size(self, data: bytes) -> Decoded:
        """Decode a picture and keep its size alone; raises as `rgb`."""
        return self._decode(data, wants_pixels=False)

    def rgb(self, data: bytes) -> Decoded:
        """Decode a picture.

        Raises:
            PictureError: it cannot be decoded within the bounds.
            ChildError: nothing could be tried.
        """
        return self._decode(data, wants_pixels=True)

    def close(self) -> None:
        """End the children, also those at work: their pictures fail with ChildError."""
        with self._lock:
            self._closed = True
            children, self._idle = list(self._all), []
        for child in children:
            child.kill()

    def _decode(self, data: bytes, *, wants_pixels: bool) -> Decoded:
        with self._turns:
            for _ in range(_TRIES):
                child = self._take()
                answer = child.ask(data, wants_pixels=wants_pixels)
                if answer is not None:
                    self._put(child)
                    return self._judged(answer)
                if self._drop(child) == -signal.SIGXCPU:
                    break
        raise PictureError(Fault.TOO_COSTLY)

    def _judged(self, answer: frames.Answer) -> Decoded:
        if answer.fault is not None:
            raise PictureError(answer.fault, answer.height, answer.width, self._bounds.pixels)
        return Decoded(answer.height, answer.width, answer.rgb)

    def _take(self) -> "_Child":
        """A child that is alive; those that ended by themselves are forgotten."""
        while True:
            with self._lock:
                if self._closed:
                    raise ChildError("the decoder is closed")
                child = self._idle.pop() if self._idle else None
            if child is None:
                return self._start()
            if child.is_alive():
                return child
            self._drop(child)

    def _start(self) -> "_Child":
        child = _Child(self._bounds)
        with self._lock:
            closed = self._closed
            self._all.add(child)
        if closed:
            child.kill()
        return child

    def _put(self, child: "_Child") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(child)

    def _drop(self, child: "_Child") -> int:
        with self._lock:
            self._all.discard(child)
        return child.kill()


@final
class _Child:
    """A process that decodes; one thread asks it at a time."""

    def __init__(self, bounds: Bounds) -> None:
        self._process = _start(bounds)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        if self._out.read(len(frames.READY)) != frames.READY:
            status = self.kill()
            raise ChildError(f"the process that decodes pictures ended at its start ({status})")

    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, data: bytes, *, wants_pixels: bool) -> frames.Answer | None:
        """What it says about a file; None if it died over it."""
        try:
            frames.write_request(self._in, data, wants_pixels=wants_pixels)
            return frames.read_answer(self._out)
        except (OSError, ValueError):  # ValueError: closed by `kill` meanwhile
            return None

    def kill(self) -> int:
        """End it, if it has not ended; its exit status."""
        self._process.kill()
        status = self._process.wait()
        for stream in (self._in, self._out):
            with suppress(OSError):
                stream.close()
        return status


def _start(bounds: Bounds) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-m", "preimage_pictures.child"]
    numbers = [str(bounds.pixels), str(bounds.seconds)]
    try:
        return subprocess.Popen(  # noqa: S603  our own module and two numbers
            [*command, *numbers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
    except OSError as error:
        raise ChildError(f"no process that decodes pictures could be started: {error}") from None
