"""gRPC's part of the synchronous client's calls, which an interrupt must not break."""

import contextlib
import contextvars
import gc
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Never

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message

from preimage.apart import apart
from preimage.client import Client
from preimage.errors import NotFound, PreimageError
from preimage.jobs import Job
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


def test_calls_are_answered_where_nobody_may_start_threads_any_more(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in exit handlers of Python 3.12: gRPC's futures and streams need a thread of their own."""

    def refuse(*_: object, **__: object) -> Never:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with Client(server.target) as client:
        calls = type(client._core.caller.stubs.models.ListModels)
        with monkeypatch.context() as patched:
            patched.setattr("_thread.start_new_thread", refuse)
            patched.setattr(calls, "future", refuse)
            assert client.models()
            with pytest.raises(NotFound):
                client.job("none")
            with pytest.raises(PreimageError, match="too late to watch"):
                list(Job(client._core.named("job-1")).watch())


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

    client, service = Client(server.target), server.service
    client._core.caller.transport._sleep = lambda _: None
    service.cuts.append(2)
    service.download_cuts.append(1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Condition, "__enter__", enter)
        client.models()
        client.invert(large, model="hog", layer="hog")
        with pytest.raises(NotFound):
            client.job("none")
        job = client.submit(messages.pixels(), model="hog", layer="hog")
        watch = job.watch()
        next(watch)
        watch.close()
        client.close()
    assert service.uploads
    assert len(service.requests["WatchPreimage"]) == 3
    assert not service.download_cuts
    assert not [module for module in taken if module.startswith("grpc")]


def test_failed_calls_leave_nothing_to_the_next_collection(server: FakeServer) -> None:
    """What gRPC raises is the call itself, which takes its lock when it is forgotten."""
    with Client(server.target) as client:
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                with contextlib.suppress(NotFound):
                    client.job("none")
            assert not _left(grpc.RpcError, PreimageError)
            with contextlib.suppress(NotFound):
                list(Job(client._core.named("none")).watch())
            assert not _left(grpc.RpcError)
        finally:
            gc.enable()


def _left(*kinds: type[BaseException]) -> list[object]:
    # Not `isinstance`: objects of other libraries answer that in their own way.
    return [each for each in gc.get_objects() if issubclass(type(each), kinds)]


def test_an_interrupted_call_is_cancelled(
    server: FakeServer, interruptible: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who interrupts it in a notebook keeps the client: its channel is not closed."""
    over = threading.Event()

    def hold(_request: Message, context: grpc.ServicerContext, _method: str) -> None:
        context.add_callback(over.set)
        interruptible()
        over.wait(60)
        assert not context.is_active()

    with Client(server.target) as client:
        with monkeypatch.context() as patched:
            patched.setattr(server.service, "_note", hold)
            with pytest.raises(KeyboardInterrupt):
                client.models()
            assert over.wait(60)
        assert client.models()


def test_a_script_may_end_in_the_middle_of_a_watch(server: FakeServer) -> None:
    program = """
import sys, numpy, preimage
client = preimage.Client(sys.argv[1])
picture = numpy.zeros((8, 8, 3), numpy.uint8)
watch = client.submit(picture, model="hog", layer="hog").watch()
print(next(watch))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, server.target],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stdout
    assert (ended.returncode, ended.stderr) == (0, "")


def _modules(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield frame.f_globals["__name__"]
        frame = frame.f_back
