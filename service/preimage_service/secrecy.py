"""Files that hold secrets, and whether everybody on the machine may read them."""

import logging
import stat
from pathlib import Path

from preimage_service.settings import Settings

_KUBERNETES_DATA = ".."
"""Kubernetes links the files of a mounted secret through folders that begin like this."""

_CONTAINER_SECRETS = Path("/run/secrets")
"""Where Docker mounts a container's secrets."""

_log = logging.getLogger(__name__)


def warn_of_open_files(settings: Settings) -> None:
    """Warn of each file of tokens, and each private key, that everybody may read.

    Not of what Kubernetes and Docker mount: such files may have such modes, and nobody else is in
    the container.
    """
    named = {"PREIMAGE_TOKENS": settings.tokens, "PREIMAGE_TLS_KEY": settings.tls_key}
    for variable, path in named.items():
        if path is not None and _is_open(path):
            _log.warning(
                "%s is %s, which everybody on this machine may read: chmod o-r %s",
                *(variable, path, path),
            )


def _is_open(path: Path) -> bool:
    place = path.resolve()
    if any(part.startswith(_KUBERNETES_DATA) for part in place.parts):
        return False
    if place.is_relative_to(_CONTAINER_SECRETS):
        return False
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:  # reading it says more
        return False
