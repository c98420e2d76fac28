"""What this machine has: versions, extras, a Redis server, a folder of weights."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from preimage.cli.checks.finding import Finding, Verdict
from preimage.embedded import NotInstalledError
from preimage.embedded.children import has_extra
from preimage.embedded.redis import find_server

__all__ = ["local_findings"]

_EXTRAS = {
    "service": "`preimage up` and `serve` need it",
    "worker": "`preimage up`, `work` and `audit demo` need it",
    "ui": "`preimage ui` needs it",
    "tracing": "PREIMAGE_TRACING=1 needs it",
}
"""By name, and who needs it."""
_PACKAGES = ("preimage", "grpcio", "protobuf", "numpy", "pillow")


def local_findings() -> Iterator[Finding]:
    """Looks at this machine. Nothing here is wrong: a client needs none of it."""
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    yield Finding("versions", Verdict.FINE, f"Python {platform.python_version()}, {versions}.")
    for extra, needed_by in _EXTRAS.items():
        yield _extra(extra, needed_by)
    yield _redis_server()
    yield _weights()
    yield _identity()


def _extra(extra: str, needed_by: str) -> Finding:
    if has_extra(extra):
        return Finding(f"extra {extra}", Verdict.FINE, "Installed.")
    return Finding(
        f"extra {extra}",
        Verdict.NOTE,
        f"Not installed; only {needed_by}.",
        f"`pip install 'preimage[{extra}]'`.",
    )


def _redis_server() -> Finding:
    try:
        return Finding("redis server", Verdict.FINE, f"{find_server()}.")
    except NotInstalledError as error:
        sentence, _, advice = str(error).partition(": ")
        return Finding(
            "redis server",
            Verdict.NOTE,
            f"{sentence}; only `preimage up` needs one.",
            f"{advice[:1].upper()}{advice[1:]}",
        )


def _weights() -> Finding:
    folder = os.environ.get("PREIMAGE_WEIGHTS_DIR")
    if not folder:
        return Finding(
            "weights",
            Verdict.NOTE,
            "PREIMAGE_WEIGHTS_DIR is not set.",
            "Name a folder of safetensors files there to serve your own weights from here.",
        )
    if not Path(folder).is_dir():
        return Finding(
            "weights",
            Verdict.WRONG,
            f"PREIMAGE_WEIGHTS_DIR is {folder}, which is no folder.",
            "Make it, or unset the variable.",
        )
    files = sorted(path.name for path in Path(folder).glob("*.safetensors"))
    return Finding("weights", Verdict.FINE, f"{folder}: {', '.join(files) or 'no files yet'}.")


def _identity() -> Finding:
    """What calls show of this client; never the token itself."""
    named = [name for name in ("PREIMAGE_TOKEN", "PREIMAGE_TOKEN_FILE") if os.environ.get(name)]
    token = f"a token from {named[0]}" if named else "no token"
    secure = os.environ.get("PREIMAGE_CA") or os.environ.get("PREIMAGE_CERT")
    own = " with a certificate of this client" if os.environ.get("PREIMAGE_CERT") else ""
    way = f"over TLS{own}" if secure else "without TLS"
    return Finding("identity", Verdict.FINE, f"Calls carry {token} and go {way}.")
