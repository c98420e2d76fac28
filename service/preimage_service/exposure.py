"""What may be reached from where: closed by default beyond this machine.

The lesson of services that listened everywhere and asked nobody: what others can reach must know
who calls, and must not let tokens travel in clear. Both can be overruled, by name, and the log says
so.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress

from preimage_service.addresses import stays_on_this_machine
from preimage_service.errors import StartError
from preimage_service.settings import Settings

_log = logging.getLogger(__name__)


def check_exposure(settings: Settings) -> None:
    """See that nothing is open that was not meant to be.

    Raises:
        StartError: an address beyond loopback is not protected, and nobody has allowed that.
    """
    for variable, listen in _exposed(settings):
        where = f"{variable} is {listen!r}, which other machines can reach,"
        if settings.tokens is None and settings.tls_client_ca is None:
            if not settings.allow_anonymous:
                raise StartError(
                    f"{where} and nothing says who may call: set PREIMAGE_TOKENS (a file that"
                    " `preimage token new` writes) or PREIMAGE_TLS_CLIENT_CA, listen on 127.0.0.1,"
                    " or let everybody in with PREIMAGE_ALLOW_ANONYMOUS=1."
                )
            _log.warning("%s and everybody may call, administer included", where)
        elif settings.tls_certificate is None:
            if not settings.allow_plaintext_tokens:
                raise StartError(
                    f"{where} and tokens would travel unprotected: set PREIMAGE_TLS_CERTIFICATE and"
                    " PREIMAGE_TLS_KEY, or, behind a proxy that ends TLS,"
                    " PREIMAGE_ALLOW_PLAINTEXT_TOKENS=1."
                )
            _log.warning("%s and tokens travel without TLS", where)
    _warn_of_idle_names(settings)


def told_protection(settings: Settings) -> str:
    """What protects the addresses, in words for the log: an omission should not go unseen."""
    way = "TLS" if settings.tls_certificate is not None else "no TLS"
    asked = {
        "tokens": settings.tokens is not None,
        "certificates of clients": settings.tls_client_ca is not None,
    }
    shown = [what for what, wanted in asked.items() if wanted]
    return f"{way}, {' and '.join(shown) or 'no tokens: whoever reaches it may do everything'}"


def _warn_of_idle_names(settings: Settings) -> None:
    if not settings.admin_names.strip():
        return
    if settings.tokens is not None:
        _log.warning("PREIMAGE_ADMIN_NAMES has no effect: with PREIMAGE_TOKENS, tokens say who may")
    elif settings.tls_client_ca is None:
        _log.warning("PREIMAGE_ADMIN_NAMES has no effect without PREIMAGE_TLS_CLIENT_CA")


def _exposed(settings: Settings) -> Iterator[tuple[str, str]]:
    addresses = {
        "PREIMAGE_LISTEN": settings.listen,
        "PREIMAGE_ADMIN_LISTEN": settings.admin_listen,
    }
    for variable, listen in addresses.items():
        with suppress(ValueError):  # binding it fails, and says why
            if not stays_on_this_machine(listen):
                yield variable, listen
