"""Files of tokens, as an operator writes them."""

import hashlib
from pathlib import Path

READ, SUBMIT, ADMIN = "read", "submit", "admin"


def entry(
    name: str,
    secret: str,
    *,
    tenant: str = "acme",
    scopes: tuple[str, ...] = (SUBMIT, READ),
    more: str = "",
) -> str:
    """An entry of the file, for a secret that has the name."""
    listed = ", ".join(f'"{scope}"' for scope in scopes)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return (
        f'[tokens.{name}]\ntenant = "{tenant}"\nscopes = [{listed}]\nsha256 = "{digest}"\n{more}\n'
    )


def write(folder: Path, *entries: str) -> Path:
    """A file of these entries."""
    path = folder / "tokens.toml"
    path.write_text("\n".join(entries), "utf-8")
    return path


def bearer(secret: str) -> tuple[tuple[str, str], ...]:
    """What a call carries."""
    return (("authorization", f"Bearer {secret}"),)
