"""The frontend as a command: run, or with --check say what it would serve with, and end."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from preimage_logging import configure, last_words
from preimage_queue.misspelt import misspelt
from preimage_service.errors import StartError
from preimage_service.memory import tune_allocator
from preimage_service.process import run
from preimage_service.rehearsal import rehearse, rehearse_tokens
from preimage_service.settings import Settings
from preimage_tracing import TracingError, start, stop

OTHERS = frozenset({"PREIMAGE_BEAT_SECONDS", "PREIMAGE_DRAIN_SECONDS", "PREIMAGE_TOKEN"})
"""Settings of workers and clients that resemble ours."""

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Run a frontend until it is told to stop, or check; returns the exit status."""
    options = _options().parse_args(arguments)
    tune_allocator()
    try:
        if options.check_tokens is not None:
            return _tell(rehearse_tokens(options.check_tokens))
        settings = Settings.from_environment(os.environ)
        configure("service", settings.log_level, settings.log_format)
        for variable, meant in misspelt(os.environ, Settings.variables(), OTHERS):
            _log.warning("%s is no setting and has no effect: is %s meant?", variable, meant)
        if options.check:
            return _tell(asyncio.run(rehearse(settings, os.environ)))
        if settings.tracing:
            start("service")
        asyncio.run(run(settings, os.environ))
    except (StartError, TracingError) as error:
        last_words("service", str(error))
        return 2
    finally:
        stop()
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m preimage_service", description=__doc__)
    parser.add_argument("--check", action="store_true", help="read everything, serve nothing")
    parser.add_argument("--check-tokens", type=Path, metavar="FILE", help="read this file alone")
    return parser


def _tell(lines: Sequence[str]) -> int:
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, "In order."]))
    return 0
