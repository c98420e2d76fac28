"""Settings: read from variables, refused with the variable's name."""

from dataclasses import fields
from pathlib import Path

import pytest

from preimage_service.errors import SettingsError
from preimage_service.settings import Settings


def test_nothing_set_means_the_defaults() -> None:
    assert Settings.from_environment({"PATH": "/bin"}) == Settings()


def test_every_field_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"str": "ERROR", "bool": "1", "int": "7", "float": "2.5", "NoneType": "/tmp/x"}
    named = {field.name: values[type(field.default).__name__] for field in fields(Settings)}
    named["log_format"] = "json"
    monkeypatch.setattr(Path, "stat", lambda path: path)
    environment = {f"PREIMAGE_{name.upper()}": value for name, value in named.items()}
    settings = Settings.from_environment(environment)
    for field in fields(Settings):
        expected = named[field.name]
        assert str(getattr(settings, field.name)) in {expected, "True"}
    assert settings.ready_file == Path("/tmp/x")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PREIMAGE_MAXIMUM_STEPS", "1.5", "whole number"),
        ("PREIMAGE_MAXIMUM_STEPS", "0", "at least 1"),
        ("PREIMAGE_PROBE_SECONDS", "nan", "at least 0"),
        ("PREIMAGE_PROBE_SECONDS", "-1", "at least 0"),
        ("PREIMAGE_ALLOW_VOLATILE_REDIS", "perhaps", "1 or 0"),
        ("PREIMAGE_LISTEN", " ", "empty"),
        ("PREIMAGE_LOG_LEVEL", "LOUD", "WARNING"),
        ("PREIMAGE_LOG_FORMAT", "xml", "json"),
        ("PREIMAGE_TOKENS", "/no/tokens.toml", "No such file"),
    ],
)
def test_a_bad_value_is_refused_with_its_variable(variable: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=variable) as caught:
        Settings.from_environment({variable: value})
    assert words in str(caught.value)


@pytest.mark.parametrize("word", ["0", "false", "off", ""])
def test_a_switch_can_be_off(word: str) -> None:
    environment = {"PREIMAGE_ALLOW_VOLATILE_REDIS": word}
    assert not Settings.from_environment(environment).allow_volatile_redis
