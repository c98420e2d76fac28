"""The file of tokens: what it may hold, how it is searched, and how it is renewed."""

import ast
import asyncio
import hashlib
import inspect
import logging
from pathlib import Path

import grpc
import pytest

from preimage.v1.model_service_pb2 import ListModelsRequest
from preimage.v1.preimage_service_pb2 import WatchPreimageRequest
from preimage_queue import QueueSettings, Quotas
from preimage_service import interceptor, tokens
from preimage_service.callers import Caller, Scope
from preimage_service.errors import StartError
from preimage_service.metrics import Meters
from preimage_tracing import NO_SPAN, Span
from tests.service.patience import eventually
from tests.service.rich import refused
from tests.service.specs import create
from tests.service.stack import Stack, running
from tests.service.tokens import bearer, entry, write
from tests.service.worker import FakeWorker

DIGEST = "0" * 64
LOADED = {"what": "tokens", "outcome": "loaded"}
GOOD = f'[tokens.a]\ntenant = "acme"\nscopes = ["read"]\nsha256 = "{DIGEST}"\n'


def load(folder: Path, text: str) -> tuple[tokens.Token, ...]:
    return tokens.load_tokens(write(folder, text), Meters()).value


def test_an_entry_is_a_caller_with_its_tenants_share_and_quotas(tmp_path: Path) -> None:
    tenant = (
        "[tenants.acme]\nweight = 2\njobs_queued = 5\nbytes_queued = 1_000\nslot_seconds = 60.5\n"
    )
    (token,) = load(tmp_path, entry("laptop", "secret") + tenant)
    assert token.caller == Caller(
        name="laptop",
        tenant="acme",
        scopes=frozenset({Scope.SUBMIT, Scope.READ}),
        weight=2.0,
        quotas=Quotas(jobs_queued=5, bytes_queued=1000, slot_seconds=60.5),
    )
    assert token.sha256 == hashlib.sha256(b"secret").hexdigest()
    assert token.expires is None


def test_a_tenant_that_is_not_described_has_one_share_and_no_quotas(tmp_path: Path) -> None:
    (token,) = load(tmp_path, GOOD)
    assert (token.caller.weight, token.caller.quotas) == (1.0, Quotas())


def test_a_file_without_tokens_lets_nobody_in(tmp_path: Path) -> None:
    assert load(tmp_path, "") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tokens = 3", "[tokens.NAME]"),
        ("[tokens", "no TOML file of tokens; make one with `preimage token new` (Expected ']' at"),
        ("tokens = " + "[" * 100_000, "recursion"),
        ("[others.a]", "others is not known"),
        (GOOD.replace("tenant", "owner"), "owner is not known"),
        (GOOD.replace('"acme"', '"a b"'), "tenant must be"),
        (GOOD.replace('tenant = "acme"\n', ""), "tenant must be"),
        (GOOD.replace("[tokens.a]", '[tokens."a b"]'), "names have"),
        (GOOD.replace(DIGEST, "secret"), "64 hexadecimal digits"),
        (GOOD.replace('["read"]', '["write"]'), "submit, read, admin"),
        (GOOD.replace('["read"]', "[]"), "submit, read, admin"),
        (GOOD.replace('["read"]', '"read"'), "submit, read, admin"),
        (GOOD + 'expires = "soon"', "expires must be a time"),
        (GOOD + GOOD.replace("tokens.a", "tokens.b"), "have one sha256"),
        (GOOD + "[tenants.acme]\nweight = 0", "weight must be a number"),
        (GOOD + "[tenants.acme]\njobs_queued = -1", "jobs_queued must be a number"),
        (GOOD + "[tenants.acme]\nslot_seconds = true", "slot_seconds must be a number"),
        (GOOD + "[tenants.acme]\nslots = 3", "slots is not known"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(StartError, match=r"tokens\.toml") as caught:
        load(tmp_path, text)
    assert words in str(caught.value)
    assert DIGEST not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StartError) as caught:
        tokens.load_tokens(path, Meters())
    assert str(caught.value) == (
        f"PREIMAGE_TOKENS, {path}: this is no TOML file of tokens; make one with "
        "`preimage token new`."
    )


def test_a_token_is_found_wherever_it_stands(tmp_path: Path) -> None:
    listed = load(tmp_path, "".join(entry(name, f"secret-{name}") for name in "abc"))
    for name in "abc":
        found = tokens.find(listed, f"secret-{name}")
        assert found is not None
        assert found.caller.name == name
    assert tokens.find(listed, "secret-d") is None


def test_tokens_are_compared_in_constant_time_and_all_of_them() -> None:
    """The search uses hmac.compare_digest, on digests, and has no way out of its loop."""
    (function,) = ast.parse(inspect.getsource(tokens.find)).body
    nodes = list(ast.walk(function))
    (loop,) = [node for node in nodes if isinstance(node, ast.For)]
    inside = list(ast.walk(loop))
    assert not [node for node in inside if isinstance(node, ast.Return | ast.Break | ast.Raise)]
    assert "hmac.compare_digest(token.sha256, digest)" in ast.unparse(loop)
    assert not [node for node in nodes if isinstance(node, ast.Compare)]


async def _lists(stack: Stack, secret: str) -> bool:
    try:
        await stack.models.ListModels(ListModelsRequest(), metadata=bearer(secret))
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
            raise
        return False
    return True


async def test_a_changed_file_is_taken_up_without_a_restart(
    queue_settings: QueueSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    file = write(tmp_path, entry("old", "old"))
    async with running(queue_settings, tokens=file) as stack:
        assert await _lists(stack, "old")
        write(tmp_path, entry("old", "old"), entry("new", "new"))
        await eventually(lambda: _lists(stack, "new"))
        assert await _lists(stack, "old"), "while both are there, both count"
        write(tmp_path, entry("new", "new"))

        async def revoked() -> bool:
            return not await _lists(stack, "old")

        await eventually(revoked)
        assert await _lists(stack, "new")
        assert stack.metric("preimage_reloads_total", what="tokens", outcome="loaded") == 2
    said = [each for each in caplog.messages if "in force" in each]
    assert said == [
        f"tokens: changed files are in force: {how_many} of 1 tenant"
        for how_many in ("2 tokens", "1 token")
    ]


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ((), "0 tokens of 0 tenants; nobody can call"),
        ((entry("a", "a"), entry("b", "b", tenant="other")), "2 tokens of 2 tenants"),
        (
            (entry("a", "a"), entry("b", "b", more="expires = 2020-01-01T00:00:00Z")),
            "2 tokens of 1 tenant, 1 of them expired",
        ),
    ],
)
def test_how_many_tokens_there_are_can_be_told(
    tmp_path: Path, entries: tuple[str, ...], told: str
) -> None:
    assert tokens.told_tokens(load(tmp_path, "\n".join(entries))) == told


@pytest.mark.parametrize("broken", ["[tokens", None], ids=["rubbish", "missing"])
async def test_a_broken_file_changes_nothing_and_is_reported(
    queue_settings: QueueSettings,
    tmp_path: Path,
    broken: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = write(tmp_path, entry("mine", "mine"))
    async with running(queue_settings, tokens=file) as stack:
        with caplog.at_level(logging.ERROR):
            file.unlink() if broken is None else file.write_text(broken)
            failed = {"what": "tokens", "outcome": "failed"}
            await eventually(lambda: (stack.metric("preimage_reloads_total", **failed) or 0) >= 3)
        assert await _lists(stack, "mine")
        said = [each for each in caplog.messages if "stays in force" in each]
        assert len(said) == 1, "once for each broken content, however often it is looked at"
        assert str(file) in said[0]
        write(tmp_path, entry("other", "other"))
        await eventually(lambda: _lists(stack, "other"))


async def test_an_expired_token_is_refused_with_its_name(
    queue_settings: QueueSettings, tmp_path: Path
) -> None:
    over = entry("laptop", "over", more="expires = 2020-01-01T00:00:00Z")
    ahead = entry("server", "ahead", more="expires = 2999-01-01T00:00:00Z")
    local = entry("naive", "naive", more="expires = 2999-01-01T00:00:00")
    file = write(tmp_path, over, ahead, local)
    async with running(queue_settings, tokens=file) as stack:
        call = stack.models.ListModels(ListModelsRequest(), metadata=bearer("over"))
        error = await refused(call)
        assert error.code is grpc.StatusCode.UNAUTHENTICATED
        assert "'laptop' has expired" in error.message
        assert await _lists(stack, "ahead")
        assert await _lists(stack, "naive")


async def test_who_is_not_known_decides_nothing_about_traces(
    queue_settings: QueueSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def begin_call(_service: str, method: str, _metadata: object) -> Span:
        begun.append(method)
        return NO_SPAN

    monkeypatch.setattr(interceptor, "begin_call", begin_call)
    async with running(queue_settings, tokens=write(tmp_path, entry("mine", "mine"))) as stack:
        await refused(stack.models.ListModels(ListModelsRequest(), metadata=bearer("guessed")))
        assert begun == []
        assert await _lists(stack, "mine")
        assert begun == ["ListModels"]


async def test_a_watch_tells_nothing_more_to_a_token_that_was_revoked(
    queue_settings: QueueSettings, tmp_path: Path, worker: FakeWorker
) -> None:
    both = entry("old", "old"), entry("new", "new")
    async with running(queue_settings, tokens=write(tmp_path, *both)) as stack:
        made = await stack.preimages.CreatePreimage(create(), metadata=bearer("new"))
        wish = WatchPreimageRequest(id=made.preimage.id)
        revoked = stack.preimages.WatchPreimage(wish, metadata=bearer("old"))
        other = stack.preimages.WatchPreimage(wish, metadata=bearer("new"))
        await asyncio.gather(revoked.read(), other.read())
        write(tmp_path, both[1])
        await eventually(lambda: stack.metric("preimage_reloads_total", **LOADED) == 1)
        claimed = worker.must_claim()
        worker.progress(claimed, 10)
        error = await refused(revoked.read())
        assert error.code is grpc.StatusCode.UNAUTHENTICATED
        assert "is not known here" in error.message
        worker.succeed(claimed)
        while (await other.read()).WhichOneof("event") != "finished":
            pass
