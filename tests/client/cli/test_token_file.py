"""`preimage token list` and `revoke`: a file of tokens is looked at, and entries leave it."""

import json
import tomllib
from pathlib import Path

import pytest

from preimage_service.metrics import Meters
from preimage_service.tokens import load_tokens
from tests.client.cli.conftest import Run

DIGESTS = {"laptop": "a" * 64, "phone": "b" * 64, "ops": "c" * 64}
FILE = f"""\
# Who may call.
[tokens.laptop]
tenant = "acme"
scopes = ["submit", "read"]
sha256 = "{DIGESTS["laptop"]}"  # lent to Ada

# The phone goes back in May.
[tokens.phone]
tenant = "acme"
# Read only.
scopes = ["read"]
sha256 = "{DIGESTS["phone"]}"
expires = 2027-01-01T00:00:00Z

[ tokens . "ops" ]
tenant = "ops"
scopes = ["admin"]
sha256 = "{DIGESTS["ops"]}"

[tenants.acme]
weight = 2.0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.toml"
    path.write_text(FILE)
    path.chmod(0o640)
    return path


def test_a_list_shows_names_tenants_scopes_and_ends_and_no_digest(run: Run, file: Path) -> None:
    ended = run("token", "list", "--file", file)
    assert ended.exit_code == 0, ended.output
    rows = [line.split() for line in ended.stdout.splitlines()]
    assert ["laptop", "acme", "submit,", "read", "never"] in rows
    assert ["phone", "acme", "read", "2027-01-01T00:00:00+00:00"] in rows
    assert ["ops", "ops", "admin", "never"] in rows
    assert not any(digest in ended.output for digest in DIGESTS.values())


def test_a_list_is_one_json_object_on_demand(run: Run, file: Path) -> None:
    listed = json.loads(run("token", "list", "--file", file, "--json").stdout)["tokens"]
    assert listed[1] == {
        "name": "phone",
        "tenant": "acme",
        "scopes": ["read"],
        "expires": "2027-01-01T00:00:00+00:00",
    }


@pytest.mark.parametrize("name", list(DIGESTS))
def test_a_revoked_entry_goes_and_everything_else_stays(run: Run, file: Path, name: str) -> None:
    ended = run("token", "revoke", name, "--file", file)
    assert ended.exit_code == 0, ended.output
    left = file.read_text()
    names = [token.caller.name for token in load_tokens(file, Meters()).value]
    assert names == [each for each in DIGESTS if each != name]
    assert tomllib.loads(left)["tenants"] == {"acme": {"weight": 2.0}}
    for comment in ("# Who may call.", "# The phone goes back in May.", "# Read only."):
        assert comment in left
    assert set(left.splitlines()) <= set(FILE.splitlines())


def test_a_file_keeps_its_rights_and_leaves_no_draft(run: Run, file: Path) -> None:
    before = file.stat()
    run("token", "revoke", "phone", "--file", file)
    assert file.stat().st_mode == before.st_mode
    assert file.stat().st_ino != before.st_ino, "a frontend must never see half of a file"
    assert list(file.parent.iterdir()) == [file]


def test_a_link_goes_on_leading_to_the_file(run: Run, file: Path) -> None:
    link = file.with_name("link.toml")
    link.symlink_to(file)
    assert run("token", "revoke", "phone", "--file", link).exit_code == 0
    assert link.is_symlink()
    assert DIGESTS["phone"] not in file.read_text()


def test_who_revokes_the_last_token_is_told(run: Run, file: Path) -> None:
    said = [run("token", "revoke", name, "--file", file).stderr for name in DIGESTS]
    assert "has 1 more" in said[1]
    assert "nobody can call" in said[2]


def test_a_name_that_is_not_there_is_refused(run: Run, file: Path) -> None:
    ended = run("token", "revoke", "tablet", "--file", file)
    assert ended.exit_code == 1
    assert "preimage token list --file" in ended.stderr
    assert file.read_text() == FILE


@pytest.mark.parametrize(
    "text",
    [
        'tokens.a = {tenant = "t", scopes = ["read"], sha256 = "0"}\n',
        '[tokens]\na = {tenant = "t"}\n',
        '[tokens]\na.tenant = "t"\n',
        '[tokens.a]\ntenant = "t"\n[tokens.a.more]\nx = 1\n',
        '[tokens.a]\ntenant = """\n[tokens.b]\n"""\n',
        '[tokens.b]\nscopes = """\n[tokens.a]\n"""\n[tokens.a]\n',
    ],
)
def test_an_entry_that_does_not_stand_by_itself_is_left_alone(
    run: Run, file: Path, text: str
) -> None:
    file.write_text(text)
    ended = run("token", "revoke", "a", "--file", file)
    assert ended.exit_code == 1
    assert "by hand" in ended.stderr
    assert file.read_text() == text


@pytest.mark.parametrize("content", [b"oops [[", b"tokens = 3", b"[tokens]\na = 3", b"\xff\xfe"])
@pytest.mark.parametrize("command", [("list",), ("revoke", "a")])
def test_a_file_that_no_frontend_could_read_is_refused(
    run: Run, file: Path, content: bytes, command: tuple[str, ...]
) -> None:
    file.write_bytes(content)
    ended = run("token", *command, "--file", file)
    assert ended.exit_code == 1
    assert "is no file of tokens" in ended.stderr
    assert file.read_bytes() == content
