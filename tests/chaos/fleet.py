"""Workers and auditors of the storm: slots that each hold a process, forked by `forkserver`."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.chaos.patience import until
from tests.chaos.stack import Stack, UnexpectedEndError, guarded, tail


@dataclass(eq=False)
class Slot:
    """A place for one process at a time."""

    kind: str
    """`worker` or `auditor`."""
    name: str
    ready: Path
    log: Path
    pid: int = 0
    """0: it is empty."""
    status: int | None = None
    """How the last process here ended."""
    doomed: bool = False
    """Whether somebody means to end it."""
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a fault uses the slot."""

    @property
    def worker(self) -> str:
        """What the worker calls itself."""
        return str(json.loads(self.ready.read_text())["worker"])


class Fleet:
    """All of them. Use it in an `async with` statement, inside the stack's."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._folder = stack.folder
        self.witnesses = stack.folder / "witnesses"
        self.witnesses.mkdir()
        self.workers = [self._slot("worker", number) for number in range(stack.worker_count)]
        self.auditors = [self._slot("auditor", number) for number in range(stack.auditor_count)]
        self.slots = [*self.workers, *self.auditors]
        self.failure: UnexpectedEndError | None = None
        """Set when one has ended that nobody had told to."""
        self._process: asyncio.subprocess.Process
        self._begun: asyncio.Queue[int] = asyncio.Queue()
        self._one_at_a_time = asyncio.Lock()
        self._count = 0

    def _slot(self, kind: str, number: int) -> Slot:
        name = f"{kind}-{number}"
        return Slot(kind, name, self._folder / f"{name}.json", self._folder / f"{name}.log")

    async def begin(self, slot: Slot) -> None:
        """Start a process in an empty slot, and wait until it takes jobs."""
        self._count += 1
        slot.ready.unlink(missing_ok=True)
        slot.status, slot.doomed = None, False
        order = {
            "kind": slot.kind,
            "environment": self._stack.environment("workers", PREIMAGE_READY_FILE=str(slot.ready)),
            "log": str(slot.log),
            "witness": str(self.witnesses / f"{self._count}.jsonl"),
        }
        async with self._one_at_a_time:
            self._tell(order)
            slot.pid = await self._begun.get()
        await until(slot.ready.exists, self.require_alive, f"{slot.name} being ready")

    async def end(self, slot: Slot, how: signal.Signals) -> int:
        """End the process of a slot; returns its status."""
        slot.doomed = True
        self.send(slot, how)
        return await self.ended(slot)

    async def ended(self, slot: Slot) -> int:
        """Wait until the process of a slot has ended; returns its status."""
        await until(lambda: slot.status is not None, what=f"{slot.name} ending")
        assert slot.status is not None
        return slot.status

    def send(self, slot: Slot, how: signal.Signals) -> None:
        """Send a signal to the process of a slot."""
        self._tell({"pid": slot.pid, "signal": int(how)})

    def require_alive(self) -> None:
        """Raises UnexpectedEndError if one has ended by itself."""
        if self.failure:
            raise self.failure

    def _tell(self, order: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(order) + "\n").encode())

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "began" in said:
                await self._begun.put(said["began"])
            else:
                self._note_end(said["ended"], said["status"])

    def _note_end(self, pid: int, status: int) -> None:
        for slot in self.slots:
            if slot.pid == pid:
                slot.pid, slot.status = 0, status
                if not slot.doomed:
                    words = f"{slot.name} ended by itself with {status}:\n{tail(slot.log)}"
                    self.failure = UnexpectedEndError(words)

    async def __aenter__(self) -> Self:
        words = [self._stack.sabotage] if self._stack.sabotage else []
        with (self._folder / "forkserver.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *guarded(sys.executable, "-m", "tests.chaos.forkserver", *words),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        self._listener = asyncio.ensure_future(self._listen())
        async with asyncio.timeout(120):
            await self._begun.get()
        await asyncio.gather(*map(self.begin, self.slots))
        return self

    async def __aexit__(self, *_: object) -> None:
        for slot in self.slots:
            slot.doomed = True
        self._process.kill()
        await self._process.wait()
        self._listener.cancel()
