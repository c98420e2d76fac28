"""Lines of a long-running command: words for people, or JSON as the service's processes write it.

PREIMAGE_LOG_FORMAT decides, as it does for them.
"""

import json
import os
from datetime import UTC, datetime

import typer

from preimage.cli.output import say

__all__ = ["as_json", "in_json", "tell"]

_PROCESS = "up"


def in_json() -> bool:
    """Whether lines are JSON objects."""
    return os.environ.get("PREIMAGE_LOG_FORMAT", "").strip() == "json"


def tell(sentence: str) -> None:
    """Writes a line on stderr."""
    if in_json():
        typer.echo(as_json(sentence, _PROCESS), err=True)
    else:
        say(sentence)


def as_json(sentence: str, process: str) -> str:
    """A line with the fields of the service's own."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "INFO",
        "process": process,
        "logger": "preimage.cli",
        "message": sentence.strip(),
    }
    return json.dumps(line, ensure_ascii=False)
