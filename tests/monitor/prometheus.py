"""A Prometheus of our own: the committed configuration, over processes of this machine."""

import json
import math
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, final

import yaml

from tests.monitor.rules import DEPLOY
from tests.redis_server import dying_with_us

_PATIENCE_SECONDS: Final = 60.0
_SECONDS_A_CALL: Final = 30.0


@final
class Prometheus:
    """One process with a folder of its own. Use it in a `with` statement."""

    def __init__(
        self, binary: str, targets: Mapping[str, Sequence[str]], rules: Sequence[Path]
    ) -> None:
        """Nothing starts yet.

        Args:
            binary: the program.
            targets: HOST:PORT by the names of the jobs in `deploy/prometheus/prometheus.yml`.
            rules: rule files.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="prometheus-"))
        self._binary = binary
        self._config = _config(targets, rules)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        file = self._folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(self._config), "utf-8")
        address = f"127.0.0.1:{_free_port()}"
        self.url = f"http://{address}"
        command = [
            *dying_with_us(),
            self._binary,
            f"--config.file={file}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={address}",
            "--log.level=warn",
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        self._await_ready()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_PATIENCE_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def await_targets(self) -> None:
        """Wait until every target was scraped: what is counted from now on is a growth."""
        wanted = sum(len(job["static_configs"][0]["targets"]) for job in self._jobs)
        limit = time.monotonic() + _PATIENCE_SECONDS
        while len(self.query("up == 1")) < wanted and time.monotonic() < limit:
            time.sleep(0.1)

    @property
    def _jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self._config["scrape_configs"]
        return jobs

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that the expression has now: `metric` and `value`."""
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def has_data(self, expression: str, seconds: float | None = None) -> bool:
        """Whether some series has a number now, or had one within so many seconds."""
        if seconds is None:
            values = [each["value"] for each in self.query(expression)]
        else:
            end = time.time()
            found = self._get(
                "query_range",
                query=expression,
                start=f"{end - seconds:.3f}",
                end=f"{end:.3f}",
                step="1s",
            )
            values = [value for each in found["result"] for value in each["values"]]
        return any(math.isfinite(float(value)) for _, value in values)

    def values(self, selector: str, label: str) -> list[str]:
        """What `label_values(selector, label)` gives in Grafana."""
        query = {"match[]": selector}
        found: list[str] = self._get(f"label/{label}/values", **query)
        return found

    def types(self) -> dict[str, str]:
        """The metrics that were scraped, with their types."""
        return {name: facts[0]["type"] for name, facts in self._get("metadata").items()}

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its state and its health."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def alerts(self, state: str = "firing") -> dict[str, str]:
        """Summaries of the alerts in this state, by name."""
        return {
            each["labels"]["alertname"]: each["annotations"]["summary"]
            for each in self._get("alerts")["alerts"]
            if each["state"] == state
        }

    def _get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        data = urllib.parse.urlencode(parameters)
        address = f"{self.url}/api/v1/{path}?{data}"
        with urllib.request.urlopen(address, timeout=_SECONDS_A_CALL) as answer:
            return json.load(answer)["data"]

    def _await_ready(self) -> None:
        limit = time.monotonic() + _PATIENCE_SECONDS
        assert self._process is not None
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > limit:
                words = (self._folder / "log").read_text("utf-8", "replace")
                raise RuntimeError(f"Prometheus did not start:\n{words[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=_SECONDS_A_CALL):
                return True
        except urllib.error.URLError:
            return False


def _config(targets: Mapping[str, Sequence[str]], rules: Sequence[Path]) -> dict[str, Any]:
    """The committed configuration, with other targets and every second."""
    config: dict[str, Any] = yaml.safe_load(
        (DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8")
    )
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(file) for file in rules]
    config["scrape_configs"] = [
        {"job_name": job["job_name"], "static_configs": [{"targets": targets[job["job_name"]]}]}
        for job in config["scrape_configs"]
    ]
    return config


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
