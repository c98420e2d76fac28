"""Certificates as an operator has them: an authority of the tests' own, and files."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
import trustme


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates and writes them where the settings look for them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._ca = trustme.CA()
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(self, name: str = "server", expires: datetime | None = None) -> Pair:
        """A certificate for this machine; the same name again is a renewal in place."""
        return self._write(name, "localhost", "127.0.0.1", not_after=expires)

    def client(
        self, *names: str, common_name: str | None = None, expires: datetime | None = None
    ) -> Pair:
        """A client's certificate with these alternative names."""
        file, known = common_name or names[0], names or ("client.example",)
        return self._write(file, *known, common_name=common_name, not_after=expires)

    def _write(self, file: str, *names: str, **more: Any) -> Pair:
        made = self._ca.issue_cert(*names, **more)
        pair = Pair(self._folder / f"{file}.pem", self._folder / f"{file}.key")
        made.private_key_pem.write_to_path(str(pair.key))
        pair.certificate.write_bytes(b"".join(each.bytes() for each in made.cert_chain_pems))
        return pair

    def trusting(self, client: Pair | None = None) -> grpc.ChannelCredentials:
        """Credentials of a channel that trusts this authority."""
        if client is None:
            return grpc.ssl_channel_credentials(self.file.read_bytes())
        return grpc.ssl_channel_credentials(
            self.file.read_bytes(), client.key.read_bytes(), client.certificate.read_bytes()
        )
