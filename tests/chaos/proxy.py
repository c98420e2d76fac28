"""A TCP proxy that can be made to misbehave, link by link.

A link is one connection with its counterpart. What can go wrong on it is what goes wrong in a
network: an answer that is lost after the request has arrived, delay, a reset, and silence.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

CUT, DELAY, RESET, HOLD = "cut", "delay", "reset", "hold"
TROUBLES: Final = (CUT, DELAY, RESET, HOLD)
_CHUNK: Final = 65536
_LINGER_NOT: Final = struct.pack("ii", 1, 0)

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Link:
    """One connection through the proxy."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._near, self._far = near, far
        self.trouble = ""
        self.delay_seconds = 0.0
        self.bitten = False
        """Whether the trouble has met anything."""
        self._released = asyncio.Event()

    async def forward(self, reader: asyncio.StreamReader, *, answers: bool) -> None:
        """Carry one direction until either side ends, or the trouble ends it."""
        writer = self._near if answers else self._far
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self.trouble == DELAY:
                    self.bitten = True
                    await asyncio.sleep(self.delay_seconds)
                if self.trouble == HOLD:
                    self.bitten = True
                    await self._released.wait()
                    return
                if self.trouble == CUT and answers:
                    # The request went on and was answered: only the answer is lost.
                    self.bitten = True
                    return
                writer.write(data)
                await writer.drain()

    def reset(self) -> None:
        """End it as a crashed machine or a firewall does: both sides get a reset, not an end."""
        self.bitten = True
        for writer in (self._near, self._far):
            if sock := writer.get_extra_info("socket"):
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            writer.transport.abort()

    def heal(self) -> None:
        """End the trouble. Silence ends with a reset: what was held back is lost for good."""
        held = self.trouble == HOLD
        self.trouble, self.delay_seconds = "", 0.0
        self._released.set()
        if held:
            self.reset()


class Proxy:
    """Listens on a port of loopback and forwards to a server that may come and go."""

    def __init__(self, name: str, connect: Connect) -> None:
        self.name = name
        self.port = 0
        self._connect = connect
        self._links: list[Link] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every link."""
        if self._server:
            self._server.close()
        for link in list(self._links):
            link.reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def trouble(
        self, kind: str, dice: random.Random, seconds: float, delay_seconds: float = 0.0
    ) -> int:
        """Let a share of the links misbehave for a while; returns how many met it.

        A cut waits for the next answer, so links that are silent all the time are not counted.
        """
        links = [link for link in self._links if not link.trouble]
        chosen = [link for link in links if dice.random() < dice.choice((0.3, 0.6, 1.0))]
        for link in chosen or links[:1]:
            link.trouble, link.delay_seconds = kind, delay_seconds
            if kind == RESET:
                link.reset()
        await asyncio.sleep(seconds)
        for link in chosen or links[:1]:
            link.heal()
        return sum(link.bitten for link in chosen or links[:1])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except OSError:
            pass  # the server is away: whoever connected finds out by the end of the connection
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        answers, far = await self._connect()
        link = Link(near, far)
        self._links.append(link)
        ways = [
            asyncio.ensure_future(link.forward(reader, answers=False)),
            asyncio.ensure_future(link.forward(answers, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far.transport.abort()
            self._links.remove(link)
