"""Writes down, where operators look, what the processes can be told: `python deploy/settings.py`.

- `deploy/docker/settings.env.example`: every setting that docker-compose.yml leaves alone, with its
  default;
- the `$defs` of the chart's `values.schema.json`: the settings that its values may name, so that
  Helm refuses a misspelt one.

The sources are the settings of the processes themselves; a test fails where the files lag behind.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import yaml

from preimage_queue import QueueSettings
from preimage_service.settings import Settings as ServiceSettings
from preimage_worker.settings import Settings as WorkerSettings

ROOT: Final = Path(__file__).parents[1]
EXAMPLE: Final = ROOT / "deploy/docker/settings.env.example"
SCHEMA: Final = ROOT / "deploy/helm/preimage/values.schema.json"

_HEAD: Final = """\
# Further settings of the processes in docker-compose.yml, each with its default: copy this file to
# settings.env beside it, and take the # away from what you change. docs/reference/settings.md says
# what they mean. What stands in docker-compose.yml has its value there and is not listed here.
# `python deploy/settings.py` writes this file.
"""


def _text(default: object) -> str:
    if isinstance(default, bool):
        return str(int(default))
    return "" if default is None else str(default)


SERVICE: Final[Mapping[str, str]] = {
    f"PREIMAGE_{each.name.upper()}": _text(each.default) for each in fields(ServiceSettings)
}
WORKER: Final[Mapping[str, str]] = {
    each.metadata["variable"]: each.metadata["default"] for each in fields(WorkerSettings)
}
QUEUE: Final[Mapping[str, str]] = {
    f"PREIMAGE_QUEUE_{each.name.upper()}": _text(each.default)
    for each in fields(QueueSettings)
    if each.name not in {"url", "namespace"}  # each process has a name of its own for them
}
ALL: Final = {name: SERVICE[name] for name in SERVICE if name in WORKER}
"""Settings that all processes have by the same name."""

CHART_SETS: Final = frozenset({
    "PREIMAGE_ADMIN_LISTEN", "PREIMAGE_ALLOW_PLAINTEXT_TOKENS", "PREIMAGE_AUDITOR_METRICS_LISTEN",
    "PREIMAGE_CATALOGUE", "PREIMAGE_DEVICE", "PREIMAGE_DRAIN_GRACE_SECONDS",
    "PREIMAGE_DRAIN_PAUSE_SECONDS", "PREIMAGE_DRAIN_SECONDS", "PREIMAGE_LISTEN",
    "PREIMAGE_NAMESPACE", "PREIMAGE_QUEUE_PASSWORD_FILE", "PREIMAGE_REDIS_URL",
    "PREIMAGE_SERVICE_METRICS_LISTEN", "PREIMAGE_SLOTS", "PREIMAGE_THREADS",
    "PREIMAGE_TLS_CERTIFICATE", "PREIMAGE_TLS_CLIENT_CA", "PREIMAGE_TLS_KEY", "PREIMAGE_TOKENS",
    "PREIMAGE_WEIGHTS_DIR", "PREIMAGE_WORKER_METRICS_LISTEN",
})  # fmt: skip
"""What the chart's templates set by themselves; everything else its values may name."""


def example() -> str:
    """The settings that docker-compose.yml leaves alone, as a file of variables."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    frontend, worker = (set(services[name]["environment"]) for name in ("service", "worker"))
    parts = {
        "All processes": (ALL, frontend),
        "All processes: the queue. They must agree": (QUEUE, frontend),
        "The frontend": (_without(SERVICE, ALL), frontend),
        "Workers and auditors": (_without(WORKER, ALL), worker),
    }
    text = _HEAD
    for title, (known, given) in parts.items():
        lines = [f"#{name}={default}\n" for name, default in _without(known, given).items()]
        text += f"\n# {title}\n{''.join(lines)}"
    return text


def definitions() -> dict[str, Any]:
    """What the chart's values may set, as JSON schemas by the name of the values."""
    known = {"queueSettings": QUEUE, "frontendSettings": SERVICE, "workerSettings": WORKER}
    return {
        name: {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                variable: {"type": ["string", "number", "boolean"]}
                for variable in sorted(_without(settings, CHART_SETS))
            },
        }
        for name, settings in known.items()
    }


def _without(known: Mapping[str, str], given: Collection[str]) -> dict[str, str]:
    return {name: default for name, default in known.items() if name not in given}


def _main() -> None:
    EXAMPLE.write_text(example(), "utf-8")
    schema = json.loads(SCHEMA.read_text("utf-8"))
    schema["$defs"] = {**schema["$defs"], **definitions()}
    SCHEMA.write_text(json.dumps(schema, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    _main()
