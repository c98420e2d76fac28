"""The frontend process: `python -m preimage_service`.

SIGTERM and SIGINT drain it and end it with status 0. What keeps it from starting is one sentence on
stderr and status 2.
"""

import asyncio
import logging
import os
import sys

from preimage_service.errors import StartError
from preimage_service.memory import share_arenas
from preimage_service.process import run
from preimage_service.settings import Settings


def main() -> int:
    """Run a frontend until it is told to stop; returns the exit status."""
    share_arenas()
    try:
        settings = Settings.from_environment(os.environ)
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)s %(levelname)s service: %(message)s"
        )
        asyncio.run(run(settings, os.environ))
    except StartError as error:
        sys.stderr.write(f"preimage service: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
