"""TLS of the gRPC servers: read, checked, and renewed while they run.

gRPC asks for the certificate at the beginning of every connection, so a renewed one is used by new
connections while old ones go on. Files are judged here and not by gRPC, which would say neither
which file is wrong nor why.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import final

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from preimage_service.errors import StartError
from preimage_service.metrics import Meters
from preimage_service.renewal import Renewed
from preimage_service.settings import Settings

_WHAT = "certificates"


@final
@dataclass(frozen=True, slots=True)
class _Material:
    """What the files hold, found in order."""

    configuration: grpc.ServerCertificateConfiguration
    expiries_seconds: dict[str, float]
    """Since 1970, by the label of the metric."""


@final
class Certificates:
    """The certificate, its key and the clients' authorities.

    Raises:
        StartError: a file is missing or broken, the key is another certificate's, or it has
            expired.
    """

    def __init__(
        self, certificate: Path, key: Path, client_ca: Path | None, meters: Meters
    ) -> None:
        self._paths = [certificate, key, *([client_ca] if client_ca else [])]
        self._meters = meters
        self._renewed = Renewed(_WHAT, self._paths, self._read, _told, meters)
        self._report()

    @property
    def told(self) -> str:
        """Until when what is in force lasts, in words for the log."""
        return _told(self._renewed.value)

    def renew(self) -> None:
        """Look at the files again."""
        self._renewed.renew()
        self._report()

    def credentials(self) -> grpc.ServerCredentials:
        """Credentials of a server that follow the files."""
        return grpc.dynamic_ssl_server_credentials(
            self._renewed.value.configuration,
            lambda: self._renewed.value.configuration,
            require_client_authentication=len(self._paths) > 2,  # noqa: PLR2004  with authorities
        )

    def _read(self, contents: Sequence[bytes]) -> _Material:
        chain, key, *authorities = contents
        ends = {"server": _check_server(chain, key, *self._paths[:2])}
        for path, bundle in zip(self._paths[2:], authorities, strict=True):
            ends["client_ca"] = max(_ends_seconds(_certificates(path, bundle)))
        pairs = [(key, chain)]
        made = grpc.ssl_server_certificate_configuration(pairs, *authorities)
        return _Material(made, ends)

    def _report(self) -> None:
        for label, seconds in self._renewed.value.expiries_seconds.items():
            self._meters.certificate_expiry.labels(label).set(seconds)


def load_certificates(settings: Settings, meters: Meters) -> Certificates | None:
    """Read what the settings name; None without TLS.

    Raises:
        StartError: a file is broken, or the settings name only some of what is needed.
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is not None and key is not None:
        return Certificates(certificate, key, settings.tls_client_ca, meters)
    if certificate or key or settings.tls_client_ca:
        missing = "PREIMAGE_TLS_KEY" if certificate else "PREIMAGE_TLS_CERTIFICATE"
        raise StartError(
            f"{missing} is not set: TLS needs a certificate and its key, in PEM files that"
            " PREIMAGE_TLS_CERTIFICATE and PREIMAGE_TLS_KEY name."
        )
    return None


def _told(material: _Material) -> str:
    ends = material.expiries_seconds.items()
    return ", ".join(f"{label} until {_day(seconds)}" for label, seconds in ends)


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _check_server(chain: bytes, key: bytes, chain_path: Path, key_path: Path) -> float:
    """The end of a server's certificate, or of the authority in its chain that ends first."""
    certificates = _certificates(chain_path, chain)
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise StartError(
            f"{key_path} holds no private key without a passphrase in PEM form."
        ) from None
    if not isinstance(private, RSAPrivateKey | EllipticCurvePrivateKey):
        raise StartError(f"{key_path} is neither an RSA nor an EC key: gRPC serves no others.")
    if private.public_key() != certificates[0].public_key():
        raise StartError(f"{key_path} is not the key of the certificate in {chain_path}.")
    end_seconds = min(_ends_seconds(certificates))
    if end_seconds <= time.time():
        raise StartError(f"The certificate in {chain_path} expired at {_day(end_seconds)}.")
    return end_seconds


def _certificates(path: Path, data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise StartError(f"{path} holds no certificate in PEM form.") from None


def _ends_seconds(certificates: Iterable[x509.Certificate]) -> list[float]:
    return [each.not_valid_after_utc.timestamp() for each in certificates]
