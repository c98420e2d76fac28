"""TLS and tokens through everything: the processes, both clients, the command line."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import preimage
from preimage.embedded import Stack, StackError, StackOptions
from tests.authority import Authority
from tests.redis_server import require_server
from tests.service import tokens

PREIMAGE = Path(sys.executable).with_name("preimage")
PATIENCE_SECONDS = 120.0
PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@dataclass
class Secured:
    """A service that others could reach, and what it takes to get in."""

    target: str
    admin_target: str
    authority: Authority
    file: Path
    audit: Path
    folder: Path

    def environment(self, secret: str) -> dict[str, str]:
        return {
            "PREIMAGE_TARGET": self.target,
            "PREIMAGE_ADMIN_TARGET": self.admin_target,
            "PREIMAGE_CA": str(self.authority.file),
            "PREIMAGE_TOKEN": secret,
        }


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    require_server()
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder)
    pair = authority.server()
    file = tokens.write(
        folder,
        tokens.entry("mine", "mine", tenant="mine", scopes=("submit", "read", "admin")),
        tokens.entry("theirs", "theirs", tenant="theirs"),
    )
    audit = folder / "audit.log"
    environment = {
        "PREIMAGE_TLS_CERTIFICATE": str(pair.certificate),
        "PREIMAGE_TLS_KEY": str(pair.key),
        "PREIMAGE_TOKENS": str(file),
        "PREIMAGE_AUDIT_LOG": str(audit),
        "PREIMAGE_DOWNLOAD_MODELS": "none",
        "PREIMAGE_THREADS": "1",
    }
    options = StackOptions(
        listen="0.0.0.0:0", admin_listen="0.0.0.0:0", device="cpu", environment=environment
    )
    with Stack(options) as stack:
        targets = [
            f"localhost:{each.rpartition(':')[2]}" for each in (stack.target, stack.admin_target)
        ]
        yield Secured(*targets, authority, file, audit, folder)


def _client(secured: Secured, secret: str) -> preimage.Client:
    return preimage.Client(secured.target, ca=secured.authority.file, token=secret)


def test_a_job_goes_through_and_stays_its_tenants_own(secured: Secured) -> None:
    with _client(secured, "mine") as client:
        job = client.submit(PICTURE, model="hog", layer="hog", steps=2)
        assert job.result().steps == 2
    with _client(secured, "theirs") as client:
        assert list(client.jobs()) == []
        with pytest.raises(preimage.NotFound):
            client.job(job.id)
    lines = [json.loads(line) for line in secured.audit.read_text("utf-8").splitlines()]
    assert ("mine", job.id, "OK") in [(each["caller"], each["id"], each["code"]) for each in lines]


async def test_the_client_for_asyncio_gets_in_as_well(secured: Secured) -> None:
    client = preimage.AsyncClient(secured.target, ca=secured.authority.file, token="theirs")
    async with client:
        assert "hog" in [model.name for model in await client.models()]


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PREIMAGE), *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def test_the_command_line_gets_in_with_the_same_variables(secured: Secured) -> None:
    picture = secured.folder / "cat.png"
    Image.fromarray(PICTURE).save(picture)
    out = secured.folder / "out.png"
    wish = ("--model", "hog", "--layer", "hog", "--steps", "2", "--out", str(out), "--json")
    ended = _run(secured.environment("mine"), "invert", str(picture), *wish)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["state"] == "SUCCEEDED"
    ended = _run(secured.environment("mine"), "admin", "workers", "--json")
    assert [each["device"] for each in json.loads(ended.stdout)["workers"]] == ["cpu"]
    ended = _run(secured.environment("theirs"), "admin", "workers")
    assert ended.returncode == 1
    assert "scope 'admin'" in ended.stderr
    found = json.loads(_run(secured.environment("mine"), "doctor", "--json").stdout)["findings"]
    assert "hog" in {each["subject"].removeprefix("model ") for each in found}
    assert not [each for each in found if each["subject"] in {"service", "admin", "identity"}
                and each["verdict"] == "wrong"]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"PREIMAGE_CA": ""}, "A token is not sent"),
        ({"PREIMAGE_CA": "", "PREIMAGE_TOKEN": ""}, "it may speak TLS"),
        ({"PREIMAGE_TOKEN": ""}, "This service needs a token"),
        ({"PREIMAGE_TOKEN": "wrong"}, "This token is not known"),
        ({"PREIMAGE_CA": "system"}, "not signed by an authority"),
    ],
)
def test_what_is_missing_is_told_in_one_sentence(
    secured: Secured, changed: dict[str, str], words: str
) -> None:
    environment = secured.environment("mine") | changed
    if words == "A token is not sent":
        environment["PREIMAGE_TARGET"] = "preimage.invalid:1"
    ended = _run(environment, "models")
    assert ended.returncode == 1
    assert words in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stdout == ""


def _is_let_in(client: preimage.Client) -> bool:
    try:
        client.models()
    except preimage.NotAllowed:
        return False
    return True


def test_a_token_that_the_command_line_makes_is_taken_up_by_the_running_frontend(
    secured: Secured,
) -> None:
    made = _run({}, "token", "new", "--tenant", "new", "--file", str(secured.file))
    limit = time.monotonic() + PATIENCE_SECONDS
    with _client(secured, made.stdout.strip()) as client:
        while not _is_let_in(client):
            assert time.monotonic() < limit
            time.sleep(0.1)


def test_a_service_that_others_could_reach_does_not_start_without_protection() -> None:
    require_server()
    options = StackOptions(listen="0.0.0.0:0", workers=0)
    with pytest.raises(StackError, match="PREIMAGE_TOKENS"), Stack(options):
        pass
