"""gRPC's part of the synchronous client's calls, which an interrupt must not break."""

import contextvars
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Never

import numpy as np
import pytest

from preimage.apart import apart
from preimage.client import Client
from tests.client import messages
from tests.client.fake import FakeServer


@pytest.fixture
def interruptible() -> Iterator[Callable[[], None]]:
    """What another thread calls to interrupt the main one, as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> Never:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR2, interrupt)
    main = threading.main_thread().ident
    assert main is not None
    yield lambda: signal.pthread_kill(main, signal.SIGUSR2)
    signal.signal(signal.SIGUSR2, before)


def test_a_call_runs_on_another_thread_in_the_context_of_its_caller() -> None:
    of_caller = contextvars.ContextVar("of_caller", default="")
    of_caller.set("here")
    thread, value = apart(lambda: (threading.get_ident(), of_caller.get()))
    assert thread != threading.get_ident()
    assert value == "here"


def test_what_it_raises_comes_out() -> None:
    def fail() -> None:
        raise LookupError("there")

    with pytest.raises(LookupError, match="there"):
        apart(fail)


def test_threads_that_no_signal_interrupts_make_their_calls_themselves() -> None:
    threads: list[bool] = []

    def call() -> None:
        own = threading.current_thread()
        threads.append(apart(threading.current_thread) is own)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert threads == [True]


def test_without_another_thread_the_call_is_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> Never:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr("_thread.start_new_thread", refuse)
    assert apart(threading.current_thread) is threading.main_thread()


def test_an_interrupt_ends_the_wait_and_leaves_the_call_whole(
    interruptible: Callable[[], None],
) -> None:
    waits, ended = threading.Event(), threading.Event()

    def call() -> None:
        interruptible()
        assert waits.wait(60)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        apart(call)
    assert not ended.is_set()
    waits.set()
    assert ended.wait(60)


def test_no_lock_of_grpc_is_taken_on_the_main_thread(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt there may keep the lock, and closing the channel then waits for ever."""
    taken: list[str] = []
    large = np.zeros((1100, 1100, 3), np.uint8)
    entering = threading.Condition.__enter__

    def enter(condition: threading.Condition) -> bool:
        if threading.get_ident() == threading.main_thread().ident:
            taken.extend(_modules(sys._getframe(1)))
        return entering(condition)

    client = Client(server.target)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Condition, "__enter__", enter)
        client.models()
        client.invert(large, model="hog", layer="hog")
        job = client.submit(messages.pixels(), model="hog", layer="hog")
        watch = job.watch()
        next(watch)
        watch.close()
        client.close()
    assert server.service.uploads
    assert not [module for module in taken if module.startswith("grpc")]


def _modules(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield frame.f_globals["__name__"]
        frame = frame.f_back
