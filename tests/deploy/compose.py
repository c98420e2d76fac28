"""Reads docker-compose.yml as `docker compose` would, far enough to run its commands here."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::-(?P<word>[^}]*))?\}")


def read_compose(environment: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables filled in and its anchors merged."""
    raw = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return cast("dict[str, Any]", _fill(raw, environment))


def read_env_example() -> dict[str, str]:
    """The variables of the example file, those that are commented out included."""
    text = (ROOT / "deploy/docker/env.example").read_text("utf-8")
    return dict(re.findall(r"^(?:# )?([A-Z]+_\w+)=(.*)$", text, re.MULTILINE))


def _fill(value: object, environment: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        return {key: _fill(each, environment) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, environment) for each in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _value(match, environment), value)
    return value


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match[0] == "$$":
        return "$"
    return environment.get(match["name"], "") or match["word"] or ""
