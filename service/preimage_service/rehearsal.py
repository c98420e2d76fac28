"""A start that stops before it serves: whether everything that a frontend reads is in order.

The parts are read by the code that reads them at a start, so both say the same. Redis is not asked,
for what it says today it may not say tomorrow; and an address in use is told and is no mistake, for
it may be this very frontend's, whose next settings are tried.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from preimage_service.addresses import OFF
from preimage_service.audit import AuditLog
from preimage_service.binding import is_taken, try_address, unusable
from preimage_service.certificates import load_certificates
from preimage_service.exposure import check_exposure, told_protection
from preimage_service.metrics import Meters
from preimage_service.secrecy import warn_of_open_files
from preimage_service.settings import Settings
from preimage_service.starting import open_queue
from preimage_service.tokens import load_tokens, told_tokens


async def rehearse(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Look at everything; returns a line for each thing that was found in order.

    Raises:
        StartError: what a start would say.
    """
    lines = list(_files(settings))
    check_exposure(settings)
    warn_of_open_files(settings)
    await open_queue(settings, environment).close()
    lines += [_address(*each) for each in _addresses(settings)]
    return [*lines, f"protection: {told_protection(settings)}"]


def rehearse_tokens(path: Path) -> list[str]:
    """Look at a file of tokens alone.

    Raises:
        StartError: what a frontend that is given this file would say.
    """
    tokens = load_tokens(path, Meters()).value
    return [f"{path}: {told_tokens(tokens)}"]


def _files(settings: Settings) -> Iterator[str]:
    meters = Meters()
    certificates = load_certificates(settings, meters)
    if certificates is not None:
        yield f"certificates: {certificates.told}"
    if settings.tokens is not None:
        found = load_tokens(settings.tokens, meters).value
        yield f"tokens: {told_tokens(found)}"
    _try_audit_log(settings.audit_log)
    yield f"audit log: {settings.audit_log}"


def _try_audit_log(where: str) -> None:
    """Open and let go; a file that was not there is none of ours to leave behind."""
    was_there = os.path.lexists(where)
    AuditLog(where).close()
    if not was_there:
        Path(where).unlink(missing_ok=True)


def _addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "PREIMAGE_LISTEN", settings.listen
    yield "PREIMAGE_ADMIN_LISTEN", settings.admin_listen
    yield "PREIMAGE_SERVICE_METRICS_LISTEN", settings.service_metrics_listen


def _address(variable: str, listen: str) -> str:
    if listen == OFF:
        return f"{variable}: off"
    try:
        try_address(listen)
    except (OSError, ValueError) as error:
        if is_taken(error):
            return f"{variable}: {listen}, where somebody listens now"
        raise unusable(listen, variable, error) from None
    return f"{variable}: {listen}"
