"""`preimage token new`, and that a frontend takes what it writes."""

import hashlib
import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preimage_service.callers import Scope
from preimage_service.metrics import Meters
from preimage_service.tokens import Token, find, load_tokens
from tests.client.cli.conftest import Run


def _read(file: Path) -> tuple[Token, ...]:
    return load_tokens(file, Meters()).value


def test_the_token_comes_first_and_the_entry_knows_its_digest_only(run: Run) -> None:
    ended = run("token", "new", "--tenant", "acme", "--name", "laptop")
    assert ended.exit_code == 0, ended.output
    token, _, entry = ended.stdout.partition("\n")
    assert token.startswith("preimage_")
    assert token not in entry
    (listed,) = tomllib.loads(entry)["tokens"].items()
    assert listed == (
        "laptop",
        {
            "tenant": "acme",
            "scopes": ["submit", "read"],
            "sha256": hashlib.sha256(token.encode()).hexdigest(),
        },
    )


def test_every_token_is_another(run: Run) -> None:
    made = {run("token", "new", "--tenant", "acme").stdout.split("\n")[0] for _ in range(5)}
    assert len(made) == 5
    assert min(len(token) for token in made) >= len("preimage_") + 43, "256 random bits"


def test_a_frontend_takes_the_entries_of_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    first = run("token", "new", "--tenant", "acme@x.y", "--file", file).stdout.strip()
    scopes = ("--scope", "admin", "--scope", "read")
    days = ("--expires-days", "30")
    second = run("token", "new", "--tenant", "ops", *scopes, *days, "--file", file).stdout.strip()
    listed = _read(file)
    assert len(listed) == 2
    found = find(listed, first)
    assert found is not None
    assert found.caller.tenant == "acme@x.y"
    assert found.caller.scopes == {Scope.SUBMIT, Scope.READ}
    assert found.expires is None
    found = find(listed, second)
    assert found is not None
    assert found.caller.scopes == {Scope.ADMIN, Scope.READ}
    assert not found.has_expired(datetime.now(UTC) + timedelta(days=29))
    assert found.has_expired(datetime.now(UTC) + timedelta(days=31))


def test_a_new_file_is_not_for_everybody_and_an_old_one_keeps_its_rights(
    run: Run, tmp_path: Path
) -> None:
    made, kept = tmp_path / "made.toml", tmp_path / "kept.toml"
    kept.touch()
    kept.chmod(0o604)
    for file in (made, kept):
        assert run("token", "new", "--tenant", "acme", "--file", file).exit_code == 0
    assert made.stat().st_mode & 0o007 == 0
    assert kept.stat().st_mode & 0o777 == 0o604


def test_a_name_is_given_once(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    arguments = ("token", "new", "--tenant", "acme", "--name", "laptop", "--file", file)
    assert run(*arguments).exit_code == 0
    again = run(*arguments)
    assert again.exit_code == 1
    assert "choose another --name" in again.stderr
    assert len(_read(file)) == 1


def test_a_name_is_given_once_however_it_is_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text('[ tokens."laptop" ]\n')
    ended = run("token", "new", "--tenant", "acme", "--name", "laptop", "--file", file)
    assert ended.exit_code == 1
    assert "choose another --name" in ended.stderr


@pytest.mark.parametrize("content", [b"oops [[", b"tokens = 3", b"\xff\xfe"])
def test_a_file_that_no_frontend_could_read_gets_no_entry(
    run: Run, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "tokens.toml"
    file.write_bytes(content)
    ended = run("token", "new", "--tenant", "acme", "--file", file)
    assert ended.exit_code == 1
    assert ended.stdout == "", "a token that nobody would know"
    assert "tokens.toml is no file of tokens" in ended.stderr
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "wrong",
    [
        ("--tenant", "a b"),
        ("--tenant", ""),
        ("--tenant", "a", "--name", "a.b"),
        ("--tenant", "a", "--expires-days", "99999999"),
        (),
    ],
)
def test_what_no_frontend_would_take_is_a_wrong_command_line(
    run: Run, wrong: tuple[str, ...]
) -> None:
    assert run("token", "new", *wrong).exit_code == 2


def test_with_json_it_is_one_object(run: Run, tmp_path: Path) -> None:
    made = json.loads(run("token", "new", "--tenant", "acme", "--json").stdout)
    file = tmp_path / "tokens.toml"
    file.write_text(made["entry"])
    found = find(_read(file), made["token"])
    assert found is not None
    assert found.caller.name == made["name"]
