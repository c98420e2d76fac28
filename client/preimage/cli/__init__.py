"""The command line `preimage`: the SDK, and the processes of the service, from a shell.

Results go to stdout, everything else to stderr; `--json` prints exactly one JSON object. The exit
code is 0 when it is done, 1 when it did not work and one sentence on stderr says why, 2 when the
command line is wrong.
"""

from preimage.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    """Runs the command line of this process."""
    app(prog_name="preimage")
