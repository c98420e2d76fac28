"""Checks the wire contract: Buf's STANDARD lint, and no breaking change against the released one.

`released.binpb` beside this file is the descriptor set of the last release. A change that Buf calls
breaking fails here; `release.py` writes it anew with each release.
"""

import subprocess
import sysconfig
import tempfile
from pathlib import Path

import generate

RELEASED = generate.PROTO / "released.binpb"
CONFIG = generate.PROTO.parent / "buf.yaml"


def buf(*arguments: str) -> None:
    """Runs the Buf of this environment; raises SystemExit with its status when it complains."""
    program = Path(sysconfig.get_path("scripts")) / "buf"
    status = subprocess.run([program, *arguments, "--config", CONFIG], check=False).returncode  # noqa: S603 - our own arguments
    if status:
        raise SystemExit(status)


def main() -> None:
    """The command line."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "contract.binpb"
        generate.describe(image)
        buf("lint", str(image))
        buf("breaking", str(image), "--against", str(RELEASED))


if __name__ == "__main__":
    main()
