"""Closed by default: what other machines can reach must know who calls."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preimage_service.errors import StartError
from preimage_service.exposure import check_exposure, told_protection
from preimage_service.settings import Settings

LOCAL = Settings()
FILE = Path("/etc/preimage/file")
TLS = {"tls_certificate": FILE, "tls_key": FILE}


def checked(**changes: Any) -> None:
    check_exposure(replace(LOCAL, **changes))


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:0", "127.8.9.1:1", "localhost:1", "[::1]:1", "unix:/run/preimage", "off"]
)
def test_this_machine_alone_needs_no_protection(listen: str) -> None:
    checked(admin_listen=listen)
    checked(admin_listen=listen, tokens=FILE)


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:8790", "[::]:8790", "10.0.0.7:1", "host.example:1", "[fe80::1]:1"]
)
@pytest.mark.parametrize("field", ["listen", "admin_listen"])
def test_an_address_that_others_reach_is_refused_with_what_to_set(listen: str, field: str) -> None:
    with pytest.raises(StartError) as caught:
        checked(**{field: listen})
    said = str(caught.value)
    assert f"PREIMAGE_{field.upper()} is {listen!r}" in said
    for variable in ("PREIMAGE_TOKENS", "PREIMAGE_TLS_CLIENT_CA", "PREIMAGE_ALLOW_ANONYMOUS=1"):
        assert variable in said
    assert said.endswith(".")


def test_tls_alone_says_nothing_about_who_calls() -> None:
    with pytest.raises(StartError, match="who may call"):
        checked(listen="0.0.0.0:1", **TLS)


def test_tokens_without_tls_are_refused_with_what_to_set() -> None:
    with pytest.raises(StartError, match="PREIMAGE_ALLOW_PLAINTEXT_TOKENS=1") as caught:
        checked(listen="0.0.0.0:1", tokens=FILE)
    assert "PREIMAGE_TLS_CERTIFICATE" in str(caught.value)


def test_being_open_for_everybody_does_not_allow_tokens_in_clear() -> None:
    with pytest.raises(StartError, match="unprotected"):
        checked(listen="0.0.0.0:1", tokens=FILE, allow_anonymous=True)


@pytest.mark.parametrize(
    "protection",
    [{**TLS, "tokens": FILE}, {**TLS, "tls_client_ca": FILE}],
    ids=["tokens", "certificates"],
)
def test_protected_addresses_may_be_reached_by_anybody(
    protection: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    checked(listen="0.0.0.0:1", admin_listen="[::]:1", **protection)
    assert not caplog.messages


@pytest.mark.parametrize(
    ("overruled", "words"),
    [
        ({"allow_anonymous": True}, "everybody may call"),
        ({"tokens": FILE, "allow_plaintext_tokens": True}, "tokens travel without TLS"),
    ],
)
def test_who_overrules_it_is_warned(
    overruled: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    checked(listen="0.0.0.0:1", **overruled)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert words in record.message
    assert "PREIMAGE_LISTEN" in record.message


@pytest.mark.parametrize(
    ("protection", "told"),
    [
        ({}, "no TLS, no tokens: whoever reaches it may do everything"),
        (TLS, "TLS, no tokens: whoever reaches it may do everything"),
        ({"tokens": FILE}, "no TLS, tokens"),
        ({**TLS, "tls_client_ca": FILE}, "TLS, certificates of clients"),
        ({**TLS, "tokens": FILE, "tls_client_ca": FILE}, "TLS, tokens and certificates of clients"),
    ],
)
def test_the_log_can_tell_what_protects_a_frontend(protection: dict[str, Any], told: str) -> None:
    assert told_protection(replace(LOCAL, **protection)) == told


@pytest.mark.parametrize(
    ("protection", "missing"),
    [({}, "PREIMAGE_TLS_CLIENT_CA"), ({**TLS, "tls_client_ca": FILE, "tokens": FILE}, "TOKENS")],
)
def test_names_of_operators_that_nobody_asks_for_are_warned_of(
    protection: dict[str, Any], missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    checked(admin_names="alice", **protection)
    (message,) = caplog.messages
    assert message.startswith("PREIMAGE_ADMIN_NAMES has no effect")
    assert missing in message


def test_names_of_operators_that_certificates_carry_are_fine(
    caplog: pytest.LogCaptureFixture,
) -> None:
    checked(admin_names="alice", tls_client_ca=FILE, **TLS)
    assert not caplog.messages
