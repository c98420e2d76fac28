"""`preimage token list`, `revoke` and `check`: what is in a frontend's file of tokens."""

import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from preimage.cli.options import Json
from preimage.cli.output import print_json, print_table, say
from preimage.cli.processes import become
from preimage.embedded.children import require_extras
from preimage.errors import BadInput

__all__ = ["check", "list_", "revoke"]

File = Annotated[
    Path, typer.Option(exists=True, dir_okay=False, help="The file that PREIMAGE_TOKENS names.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `preimage token list` shows it.")]


def list_(*, file: File, as_json: Json = False) -> None:
    """List the tokens of a file: names, tenants, scopes, and when they end."""
    rows = [_row(name, entry) for name, entry in _entries(_read(file), file).items()]
    if as_json:
        print_json({"tokens": rows})
        return
    headings = ("name", "tenant", "scopes", "expires")
    cells = ([row["name"], row["tenant"], ", ".join(row["scopes"]), row["expires"] or "never"]
             for row in rows)  # fmt: skip
    print_table(headings, cells)


def revoke(name: Name, *, file: File, as_json: Json = False) -> None:
    """Delete the entry of a token; a running frontend notices.

    The file is replaced in one step. Comments and all other entries stay as they are.
    """
    text = _read(file)
    if name not in _entries(text, file):
        raise BadInput(f"{file} has no token {name!r}: `preimage token list --file {file}`.")
    left = _without(text, name)
    if left is None:
        raise BadInput(
            f"The entry of {name!r} in {file} does not stand by itself under [tokens.{name}]: "
            "delete it by hand. Nothing was changed."
        )
    _replace(file.resolve(), left)
    remaining = len(_entries(left, file))
    if as_json:
        print_json({"name": name, "revoked": True, "remaining": remaining})
        return
    typer.echo(name)
    say(f"Revoked: {file} has {remaining} more." if remaining else f"Revoked: {file} has no token "
        "left, so nobody can call.")  # fmt: skip


def check(*, file: File) -> None:
    """See whether a frontend would take a file of tokens; says what is wrong as it would."""
    require_extras("service")
    become("preimage_service", {}, ["--check-tokens", str(file)])


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()  # line ends as they are, for `revoke` writes them back
    except UnicodeDecodeError as error:
        raise _unreadable(file, error) from None


def _entries(text: str, file: Path) -> dict[str, Any]:
    try:
        entries = tomllib.loads(text).get("tokens", {})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _unreadable(file, error) from None
    if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
        raise _unreadable(file, "tokens must hold tables such as [tokens.NAME]")
    return entries


def _unreadable(file: Path, why: object) -> BadInput:
    return BadInput(f"{file} is no file of tokens that a frontend could read: {why}. Mend it.")


def _row(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    scopes, expires = entry.get("scopes"), entry.get("expires")
    return {
        "name": name,
        "tenant": str(entry.get("tenant", "")),
        "scopes": list(map(str, scopes)) if isinstance(scopes, list) else [],
        "expires": expires.isoformat() if isinstance(expires, datetime) else None,
    }


def _without(text: str, name: str) -> str | None:
    """The text without the table of a token; None if more or less than that would go."""
    left = "".join(_kept(text, name))
    try:
        before, after = tomllib.loads(text), tomllib.loads(left)
    except tomllib.TOMLDecodeError:
        return None
    expected = {key: each for key, each in before["tokens"].items() if key != name}
    wanted = {**before, "tokens": expected}
    return left if {**after, "tokens": after.get("tokens", {})} == wanted else None


def _kept(text: str, name: str) -> Iterator[str]:
    """The lines that stay: all but the table's own, and its comments stay as well."""
    inside = False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = _table(line) == {"tokens": {name: {}}}
        if not inside or not line.strip() or line.lstrip().startswith("#"):
            yield line


def _table(header: str) -> dict[str, Any]:
    try:
        return tomllib.loads(header)
    except tomllib.TOMLDecodeError:
        return {}


def _replace(file: Path, text: str) -> None:
    """Writes another file beside this one, with its rights, and renames that."""
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            facts = file.stat()
            os.fchmod(out.fileno(), facts.st_mode)
            with suppress(PermissionError):  # only root gives files to others
                os.fchown(out.fileno(), facts.st_uid, facts.st_gid)
            os.fsync(out.fileno())
        Path(draft).replace(file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
