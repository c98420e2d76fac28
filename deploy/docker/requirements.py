"""Prints what extras of the project need: `requirements.py EXTRA…`, from ./pyproject.toml.

So images install what others wrote before our sources are copied: a change of ours leaves that
layer as it is.
"""

import sys
import tomllib
from pathlib import Path


def _main(*extras: str) -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    print("\n".join(wanted))  # noqa: T201 - its purpose


if __name__ == "__main__":
    _main(*sys.argv[1:])
