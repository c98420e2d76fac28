"""Bearer tokens: a TOML file of digests, and the search for one.

    [tokens.laptop]
    tenant = "acme"
    scopes = ["submit", "read"]
    sha256 = "…"
    expires = 2027-01-01T00:00:00Z     # optional

    [tenants.acme]                     # optional
    weight = 2.0
    jobs_queued = 100
    bytes_queued = 1_000_000_000
    slot_seconds = 36_000

Tokens are 256 random bits, so one SHA-256 protects them: no dictionary leads back to them, which is
what slow hashes with a salt are for, and those would let anybody burn our time with wrong tokens.
"""

import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from preimage_queue import Quotas
from preimage_service.callers import Caller, Scope
from preimage_service.errors import StartError
from preimage_service.metrics import Meters
from preimage_service.renewal import Renewed

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TENANT = re.compile(r"[A-Za-z0-9._@-]{1,128}")
"""What the queue takes."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NO_TOML = "is no TOML file of tokens; make one with `preimage token new`"
_SECTIONS = {"tokens", "tenants"}
_TOKEN_KEYS = {"tenant", "scopes", "sha256", "expires"}
_WHOLE_QUOTAS = ("jobs_queued", "bytes_queued")
_TENANT_KEYS = {"weight", "slot_seconds", *_WHOLE_QUOTAS}
_LEAST_WEIGHT, _MOST_WEIGHT = 1e-3, 1e3
_MOST_QUOTA = 2**53
"""Redis' scripts count in doubles."""


def is_tenant(name: str) -> bool:
    """Whether a tenant can have this name."""
    return _TENANT.fullmatch(name) is not None


@final
@dataclass(frozen=True, slots=True)
class Token:
    """An entry of the file."""

    sha256: str
    caller: Caller
    expires: datetime | None

    def has_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires is not None and self.expires <= now


def find(tokens: Sequence[Token], secret: str) -> Token | None:
    """The entry of a token, if there is one.

    Every entry is compared, and each in constant time: how long it takes tells neither whether a
    token was nearly right nor which one it is.
    """
    digest = hashlib.sha256(secret.encode()).hexdigest()
    found = None
    for token in tokens:
        if hmac.compare_digest(token.sha256, digest):
            found = token
    return found


def told_tokens(tokens: Sequence[Token]) -> str:
    """How many there are, in words for the log: a file that lost half of them is soon seen."""
    tenants = {token.caller.tenant for token in tokens}
    now = datetime.now(UTC)
    over = sum(token.has_expired(now) for token in tokens)
    ended = f", {over} of them expired" if over else ""
    nobody = "; nobody can call" if over == len(tokens) else ""
    return f"{_counted(len(tokens), 'token')} of {_counted(len(tenants), 'tenant')}{ended}{nobody}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def load_tokens(path: Path, meters: Meters) -> Renewed[tuple[Token, ...]]:
    """Read a file of tokens, which is read again when it changes.

    Raises:
        StartError: it cannot be read, or an entry is not what it must be; the message names it.
    """
    return Renewed(
        "tokens", [path], lambda contents: _parse(path, contents[0]), told_tokens, meters
    )


def _parse(path: Path, content: bytes) -> tuple[Token, ...]:
    try:
        raw = tomllib.loads(content.decode())
        _check_keys(raw, _SECTIONS, "the file")
        tenants = {name: _tenant(name, each) for name, each in _tables(raw, "tenants")}
        found = tuple(_token(name, each, tenants) for name, each in _tables(raw, "tokens"))
        _check_distinct(found)
    except UnicodeDecodeError:
        raise StartError(f"PREIMAGE_TOKENS, {path}: this {_NO_TOML}.") from None
    except tomllib.TOMLDecodeError as error:
        raise StartError(f"PREIMAGE_TOKENS, {path}: this {_NO_TOML} ({error}).") from None
    except (RecursionError, _BrokenError) as error:
        raise StartError(f"PREIMAGE_TOKENS, {path}: {error}.") from None
    return found


class _BrokenError(Exception):
    """What is wrong with an entry, and where."""


def _tables(raw: Mapping[str, Any], section: str) -> list[tuple[str, dict[str, Any]]]:
    entries = raw.get(section, {})
    if not isinstance(entries, dict) or not all(
        isinstance(each, dict) for each in entries.values()
    ):
        raise _BrokenError(f"{section} must hold tables such as [{section}.NAME]")
    return list(entries.items())


def _token(
    name: str, entry: Mapping[str, Any], tenants: Mapping[str, tuple[float, Quotas]]
) -> Token:
    where = f"[tokens.{name}]"
    _check_keys(entry, _TOKEN_KEYS, where)
    _require(_NAME.fullmatch(name), f"{where}: names have 1 to 64 of A-Z a-z 0-9 _ -")
    tenant, digest = str(entry.get("tenant", "")), str(entry.get("sha256", ""))
    _require(is_tenant(tenant), f"{where}: tenant must be 1 to 128 of A-Z a-z 0-9 . _ @ -")
    _require(
        _DIGEST.fullmatch(digest), f"{where}: sha256 must be 64 hexadecimal digits, lower case"
    )
    weight, quotas = tenants.get(tenant, (1.0, Quotas()))
    caller = Caller(name, tenant, _scopes(entry.get("scopes"), where), weight, quotas)
    return Token(digest, caller, _expiry(entry.get("expires"), where))


def _check_distinct(tokens: Sequence[Token]) -> None:
    """See that no token has two entries: which of them it means would be anybody's guess."""
    names: dict[str, str] = {}
    for token in tokens:
        other = names.setdefault(token.sha256, token.caller.name)
        _require(
            other == token.caller.name,
            f"[tokens.{other}] and [tokens.{token.caller.name}] have one sha256: delete one",
        )


def _scopes(given: object, where: str) -> frozenset[Scope]:
    known = [scope.value for scope in Scope]
    right = isinstance(given, list) and given and all(each in known for each in given)
    _require(right, f"{where}: scopes must be a list with some of {', '.join(known)}")
    return frozenset(map(Scope, given)) if isinstance(given, list) else frozenset()


def _expiry(given: object, where: str) -> datetime | None:
    if given is None:
        return None
    if not isinstance(given, datetime):
        raise _BrokenError(f"{where}: expires must be a time such as 2027-01-01T00:00:00Z")
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def _tenant(name: str, entry: Mapping[str, Any]) -> tuple[float, Quotas]:
    where = f"[tenants.{name}]"
    _check_keys(entry, _TENANT_KEYS, where)
    weight = _number(entry, "weight", where, _LEAST_WEIGHT, _MOST_WEIGHT)
    whole = {each: _number(entry, each, where, 0, _MOST_QUOTA) for each in _WHOLE_QUOTAS}
    slot_seconds = _number(entry, "slot_seconds", where, 0, _MOST_QUOTA)
    bounds = {key: None if value is None else int(value) for key, value in whole.items()}
    return (1.0 if weight is None else weight), Quotas(**bounds, slot_seconds=slot_seconds)


def _number(
    entry: Mapping[str, Any], key: str, where: str, least: float, most: float
) -> float | None:
    value = entry.get(key)
    if value is None:
        return None
    right = isinstance(value, int | float) and not isinstance(value, bool)
    _require(
        right and least <= value <= most,
        f"{where}: {key} must be a number of {least:g} to {most:g}",
    )
    return float(value)


def _check_keys(entry: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(entry) - known)
    _require(
        not unknown,
        f"{where}: {', '.join(unknown)} is not known; there are {', '.join(sorted(known))}",
    )


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise _BrokenError(otherwise)
