"""The process `preimage ui`, for tests that look at its page."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

_PATIENCE_SECONDS = 60.0
_COMMAND = "from preimage.cli import main; main()"


@final
@dataclass(frozen=True)
class Served:
    """A page that is served."""

    url: str
    process: subprocess.Popen[str]
    errors: Path
    """What it wrote on stderr."""

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it, and returns its exit code."""
        self.process.send_signal(how)
        return self.process.wait(_PATIENCE_SECONDS)


def left_in(folder: Path) -> list[str]:
    """What a page that was served from this folder has left there."""
    return [each.name for each in folder.iterdir() if each.name != "stderr"]


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[Served]:
    """Runs `preimage ui` on a free port, with `folder` for its files."""
    errors = folder / "stderr"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, "ui", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", **environment},
        )
    with process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, errors.read_text()
            yield Served(url, process, errors)
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)
