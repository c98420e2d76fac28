"""Files that hold secrets: who lets everybody read them is warned once, and never refused."""

from pathlib import Path

import pytest

from preimage_queue import QueueSettings
from preimage_service.audit import AuditLog
from preimage_service.secrecy import warn_of_open_files
from preimage_service.settings import Settings
from tests.authority import Authority
from tests.service.stack import running
from tests.service.tokens import entry, write


def _file(folder: Path, mode: int) -> Path:
    path = write(folder, entry("laptop", "secret"))
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("field", "variable"), [("tokens", "PREIMAGE_TOKENS"), ("tls_key", "PREIMAGE_TLS_KEY")]
)
def test_a_secret_that_everybody_may_read_is_warned_of_with_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, field: str, variable: str
) -> None:
    path = _file(tmp_path, 0o644)
    warn_of_open_files(Settings(**{field: path}))  # type: ignore[arg-type]
    (said,) = caplog.messages
    assert said.startswith(f"{variable} is {path}, which everybody")
    assert said.endswith(f"chmod o-r {path}")


def test_a_secret_of_the_owner_and_the_group_is_fine(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _file(tmp_path, 0o640)
    warn_of_open_files(Settings(tokens=path, tls_key=path, tls_certificate=tmp_path / "missing"))
    assert not caplog.messages


def test_what_kubernetes_mounts_is_not_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "..2026_11_21_09_30_00.1"
    data.mkdir()
    file = _file(data, 0o644)
    (tmp_path / "..data").symlink_to(data.name)
    mounted = tmp_path / "mounted.toml"
    mounted.symlink_to(f"..data/{file.name}")
    warn_of_open_files(Settings(tokens=mounted))
    assert not caplog.messages


async def test_a_frontend_warns_at_its_start(
    queue_settings: QueueSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    pair = authority.server()
    pair.key.chmod(0o604)
    settings = {"tls_certificate": pair.certificate, "tls_key": pair.key}
    async with running(queue_settings, authority.trusting(), **settings):
        assert sum("everybody on this machine" in each for each in caplog.messages) == 1


def test_only_the_owner_may_read_an_audit_log_that_is_made_here(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    AuditLog(str(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_audit_log_that_was_there_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.touch()
    path.chmod(0o640)
    AuditLog(str(path)).close()
    assert path.stat().st_mode & 0o777 == 0o640
