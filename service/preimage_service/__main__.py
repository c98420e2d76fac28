"""The frontend process: `python -m preimage_service`.

SIGTERM and SIGINT drain it and end it with status 0. What keeps it from starting is one sentence on
stderr and status 2. With --check it says what it would serve with, and ends.
"""

import os
import sys
from collections.abc import Sequence

from preimage_logging import end_while_loading

_VERBOSITY = "GRPC_VERBOSITY"


def main(arguments: Sequence[str] = ()) -> int:
    """Run the command; returns the exit status.

    gRPC writes to stderr by itself, in a form of its own: a line for every handshake that fails,
    which whoever reaches the port can cause. It reads what it may write when it is imported.
    """
    os.environ.setdefault(_VERBOSITY, "ERROR")
    from preimage_service import command  # noqa: PLC0415  not before that variable is set

    return command.main(arguments)


if __name__ == "__main__":
    end_while_loading()
    sys.exit(main(sys.argv[1:]))
