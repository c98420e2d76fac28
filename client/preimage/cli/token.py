"""`preimage token new`: makes a bearer token, and the entry by which a frontend knows it."""

import hashlib
import os
import re
import secrets
import tomllib
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, final

import typer

from preimage.cli.options import Json
from preimage.cli.output import print_json, say
from preimage.errors import BadInput

__all__ = ["new"]

_PREFIX = "preimage_"
"""Lets scanners for leaked secrets know one when they see it."""

_RANDOM_BYTES = 32
_RIGHTS = 0o640
"""Of a new file: a frontend warns of one that everybody may read."""

_MOST_DAYS = 36_500
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TENANT = re.compile(r"[A-Za-z0-9._@-]{1,128}")


@final
class Scope(StrEnum):
    """What a token may do."""

    SUBMIT = "submit"
    READ = "read"
    ADMIN = "admin"


Tenant = Annotated[str, typer.Option(help="Whose jobs it sees, and who pays.")]
Scopes = Annotated[list[Scope], typer.Option(help="What it may do; may be repeated.")]
Name = Annotated[
    str | None, typer.Option(help="What logs call it. [default: the tenant and a random part]")
]
Expires = Annotated[
    int | None,
    typer.Option(metavar="DAYS", min=1, max=_MOST_DAYS, help="It ends after so many days."),
]
File = Annotated[
    Path | None,
    typer.Option(dir_okay=False, help="Append the entry to this file and print the token alone."),
]


def new(
    *,
    tenant: Tenant,
    scope: Scopes = [Scope.SUBMIT, Scope.READ],  # noqa: B006 - the command line copies it
    name: Name = None,
    expires_days: Expires = None,
    file: File = None,
    as_json: Json = False,
) -> None:
    """Make a token for a frontend's file PREIMAGE_TOKENS.

    The token is shown this once: the entry holds its digest only.
    """
    name = _checked_name(tenant, name)
    token = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    entry = _entry(name, token, tenant, scope, expires_days)
    if file is not None:
        _append(file, name, entry)
    if as_json:
        print_json({"name": name, "tenant": tenant, "token": token, "entry": entry})
        return
    typer.echo(token)
    if file is None:
        say("Keep the token: it is not shown again. The entry for the file PREIMAGE_TOKENS:")
        typer.echo(f"\n{entry}", nl=False)
    else:
        say(f"Keep the token: it is not shown again. Its entry [tokens.{name}] is in {file}.")


def _checked_name(tenant: str, name: str | None) -> str:
    if not _TENANT.fullmatch(tenant):
        raise typer.BadParameter("A tenant has 1 to 128 of A-Z a-z 0-9 . _ @ -.")
    if name is None:
        return f"{re.sub('[^A-Za-z0-9_-]', '-', tenant)[:48]}-{secrets.token_hex(3)}"
    if not _NAME.fullmatch(name):
        raise typer.BadParameter("A name has 1 to 64 of A-Z a-z 0-9 _ -.")
    return name


def _entry(name: str, token: str, tenant: str, scopes: list[Scope], days: int | None) -> str:
    listed = ", ".join(f'"{scope}"' for scope in dict.fromkeys(scopes))
    lines = [
        f"[tokens.{name}]",
        f'tenant = "{tenant}"',
        f"scopes = [{listed}]",
        f'sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"',
    ]
    if days is not None:
        end = datetime.now(UTC) + timedelta(days=days)
        lines.append(f"expires = {end:%Y-%m-%dT%H:%M:%SZ}")
    return "".join(f"{line}\n" for line in lines)


def _append(file: Path, name: str, entry: str) -> None:
    """Appends in one write: a frontend that looks meanwhile sees all of the entry, or nothing.

    Raises:
        BadInput: the file is none that a frontend reads, or has a token of this name.
    """
    try:
        before = file.read_text("utf-8") if file.exists() else ""
        listed = tomllib.loads(before).get("tokens", {})
        if isinstance(listed, dict) and name in listed:
            raise BadInput(f"{file} has a token {name!r} already: choose another --name.")
        added = f"\n{entry}" if before else entry
        tomllib.loads(before + added)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            f"{file} is no file of tokens that a frontend could read: {error}. "
            "Mend it, or name another with --file; no token was made."
        ) from None
    with open(file, "a", encoding="utf-8", opener=_make_private) as out:
        out.write(added)


def _make_private(path: str, flags: int) -> int:
    return os.open(path, flags, _RIGHTS)
