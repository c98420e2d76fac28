"""The command line `preimage`: the SDK, and the processes of the service, from a shell.

Results go to stdout, everything else to stderr; `--json` prints exactly one JSON object. The exit
code is 0 when it is done, 1 when it did not work and one sentence on stderr says why, 2 when the
command line is wrong; of commands with gates that is 1 too, and 2 says that a gate failed.
"""

import os
import signal
import sys

# gRPC reads it once, when it is imported, and would else write lines of its own beside our
# sentence, about every handshake that fails. Processes that are started later decide by themselves.
_VERBOSITY = "GRPC_VERBOSITY"
_is_given = _VERBOSITY in os.environ
os.environ.setdefault(_VERBOSITY, "NONE")

try:
    from preimage.cli.app import app
    from preimage.cli.output import say
    from preimage.cli.tracing import begin_tracing
    from preimage_tracing import TracingError, stop
except KeyboardInterrupt:  # it takes a while, and nothing has begun
    sys.exit(130)

if not _is_given:
    del os.environ[_VERBOSITY]

__all__ = ["app", "main"]


def main() -> None:
    """Runs the command line of this process."""
    _end_as_ctrl_c_does()
    try:
        begin_tracing()
        app(prog_name="preimage")
    except TracingError as error:
        say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:  # before or after the command's own part, which says what it did
        sys.exit(130)
    finally:
        stop()


def _end_as_ctrl_c_does() -> None:
    """Whoever ends a command, or its terminal, leaves no job behind that nobody waits for."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has SIGHUP ignored
            signal.signal(number, signal.default_int_handler)
