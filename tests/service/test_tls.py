"""TLS and mutual TLS on both ports, and certificates that are renewed under a running server."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from preimage.v1.admin_service_pb2 import ListWorkersRequest
from preimage.v1.model_service_pb2 import ListModelsRequest
from preimage.v1.model_service_pb2_grpc import ModelServiceStub
from preimage.v1.preimage_service_pb2 import GetPreimageRequest, WatchPreimageRequest
from preimage_queue import QueueSettings
from preimage_service.certificates import load_certificates
from preimage_service.errors import StartError
from preimage_service.metrics import Meters
from preimage_service.settings import Settings
from tests.authority import Authority, Pair
from tests.service.patience import eventually
from tests.service.rich import refused
from tests.service.specs import create
from tests.service.stack import open_channel, running
from tests.service.worker import FakeWorker

Code = grpc.StatusCode


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def over(pair: Pair, **more: object) -> dict[str, object]:
    """Settings that serve this certificate."""
    return {"tls_certificate": pair.certificate, "tls_key": pair.key, **more}


async def _served(target: str, credentials: grpc.ChannelCredentials) -> grpc.StatusCode:
    """What a new connection comes to."""
    async with open_channel(target, credentials) as channel:
        try:
            await ModelServiceStub(channel).ListModels(ListModelsRequest(), timeout=60)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return Code.OK


async def test_both_ports_speak_tls(queue_settings: QueueSettings, authority: Authority) -> None:
    settings = over(authority.server())
    async with running(queue_settings, authority.trusting(), **settings) as stack:
        assert not (await stack.models.ListModels(ListModelsRequest())).models
        assert not (await stack.admin.ListWorkers(ListWorkersRequest())).workers
        stranger = Authority(authority.file.parent / "stranger").trusting()
        assert await _served(stack.servers[0].target, stranger) is Code.UNAVAILABLE
        for server in stack.servers:
            async with grpc.aio.insecure_channel(server.target) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await ModelServiceStub(channel).ListModels(ListModelsRequest())
            assert caught.value.code() is Code.UNAVAILABLE


async def test_a_renewed_certificate_serves_new_connections_and_old_calls_go_on(
    queue_settings: QueueSettings, authority: Authority, worker: FakeWorker
) -> None:
    renewed = Authority(authority.file.parent / "renewed")
    pair = authority.server()
    async with running(queue_settings, authority.trusting(), **over(pair)) as stack:
        job = (await stack.preimages.CreatePreimage(create())).preimage
        watch = aiter(stack.preimages.WatchPreimage(WatchPreimageRequest(id=job.id)))
        await anext(watch)
        fresh = renewed.server()
        fresh.key.replace(pair.key)
        fresh.certificate.replace(pair.certificate)
        target = stack.servers[0].target

        async def is_renewed() -> bool:
            return await _served(target, renewed.trusting()) is Code.OK

        await eventually(is_renewed)
        assert await _served(target, authority.trusting()) is Code.UNAVAILABLE
        worker.succeed(worker.must_claim())
        last = [event async for event in watch][-1]
        assert last.finished.id == job.id
        found = await stack.preimages.GetPreimage(GetPreimageRequest(id=job.id))
        assert found.preimage.id == job.id
        assert stack.metric("preimage_reloads_total", what="certificates", outcome="loaded")


async def test_a_broken_renewal_keeps_the_old_certificate(
    queue_settings: QueueSettings, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    pair = authority.server()
    async with running(queue_settings, authority.trusting(), **over(pair)) as stack:
        with caplog.at_level(logging.ERROR):
            authority.server("other").key.replace(pair.key)
            failed = {"what": "certificates", "outcome": "failed"}
            await eventually(lambda: stack.metric("preimage_reloads_total", **failed))
        assert await _served(stack.servers[0].target, authority.trusting()) is Code.OK
        (said,) = [each for each in caplog.messages if "stays in force" in each]
        assert f"{pair.key} is not the key of the certificate in {pair.certificate}" in said


async def test_the_end_of_the_certificate_is_a_metric_and_follows_renewals(
    queue_settings: QueueSettings, authority: Authority
) -> None:
    soon = datetime.now(UTC) + timedelta(days=3)
    pair = authority.server(expires=soon)
    name = "preimage_certificate_expiry_timestamp_seconds"
    settings = over(pair, tls_client_ca=authority.file)
    async with running(queue_settings, **settings) as stack:
        assert stack.metric(name, certificate="server") == int(soon.timestamp())
        (ca,) = x509.load_pem_x509_certificates(authority.file.read_bytes())
        assert stack.metric(name, certificate="client_ca") == ca.not_valid_after_utc.timestamp()
        later = soon + timedelta(days=90)
        authority.server(expires=later)
        await eventually(lambda: stack.metric(name, certificate="server") == int(later.timestamp()))


async def test_without_tls_there_is_no_end_to_tell(queue_settings: QueueSettings) -> None:
    async with running(queue_settings) as stack:
        name = "preimage_certificate_expiry_timestamp_seconds"
        assert stack.metric(name, certificate="server") is None


async def test_with_authorities_for_clients_only_their_certificates_get_in(
    queue_settings: QueueSettings, authority: Authority
) -> None:
    stranger = Authority(authority.file.parent / "stranger").client(common_name="alice")
    settings = over(authority.server(), tls_client_ca=authority.file)
    alice = authority.trusting(authority.client(common_name="alice"))
    async with running(queue_settings, alice, **settings) as stack:
        assert not (await stack.models.ListModels(ListModelsRequest())).models
        for server in stack.servers:
            assert await _served(server.target, authority.trusting()) is Code.UNAVAILABLE
            assert await _served(server.target, authority.trusting(stranger)) is Code.UNAVAILABLE


async def test_a_certificates_name_is_the_tenant_and_only_listed_names_administer(
    queue_settings: QueueSettings, authority: Authority, worker: FakeWorker
) -> None:
    settings = over(authority.server(), tls_client_ca=authority.file, admin_names="olga, other")
    olga = authority.trusting(authority.client(common_name="olga"))
    bob = authority.trusting(authority.client("bob@acme.example"))
    async with (
        running(queue_settings, olga, **settings) as stack,
        open_channel(stack.servers[0].target, bob) as channel,
        open_channel(stack.servers[1].target, bob) as operator_channel,
    ):
        theirs = type(stack)(
            stack.backend,
            stack.servers,
            channel,
            operator_channel,
            type(stack.preimages)(channel),
            type(stack.models)(channel),
            type(stack.audits)(channel),
            type(stack.admin)(operator_channel),
        )
        assert (await stack.admin.ListWorkers(ListWorkersRequest())).workers
        error = await refused(theirs.admin.ListWorkers(ListWorkersRequest()))
        assert error.code is Code.PERMISSION_DENIED
        assert "bob@acme.example" in error.message
        job = (await theirs.preimages.CreatePreimage(create())).preimage
        assert worker.must_claim().tenant == "bob@acme.example"
        error = await refused(stack.preimages.GetPreimage(GetPreimageRequest(id=job.id)))
        assert error.code is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("names", "common_name"),
    [(("a.example", "b.example"), None), (("a.example",), "Alice A.")],
    ids=["two-names", "unfit"],
)
async def test_a_certificate_that_names_no_tenant_is_refused(
    queue_settings: QueueSettings,
    authority: Authority,
    names: tuple[str, ...],
    common_name: str | None,
) -> None:
    settings = over(authority.server(), tls_client_ca=authority.file)
    client = authority.trusting(authority.client(*names, common_name=common_name))
    async with running(queue_settings, client, **settings) as stack:
        error = await refused(stack.models.ListModels(ListModelsRequest()))
        assert error.code is Code.UNAUTHENTICATED
        assert "common name" in error.message


def _refused(**settings: Path | None) -> str:
    with pytest.raises(StartError) as caught:
        load_certificates(Settings(**settings), Meters())  # type: ignore[arg-type]  # paths all
    return str(caught.value)


def test_files_that_cannot_serve_are_named(authority: Authority, tmp_path: Path) -> None:
    pair, other = authority.server(), authority.server("other")
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    certificate, key = pair.certificate, pair.key
    assert "PREIMAGE_TLS_KEY is not set" in _refused(tls_certificate=certificate)
    assert "PREIMAGE_TLS_CERTIFICATE is not set" in _refused(tls_key=key)
    assert "PREIMAGE_TLS_CERTIFICATE is not set" in _refused(tls_client_ca=authority.file)
    missing = tmp_path / "missing.pem"
    assert f"{missing} cannot be read" in _refused(tls_certificate=missing, tls_key=key)
    assert "no certificate in PEM" in _refused(tls_certificate=rubbish, tls_key=key)
    assert "no private key" in _refused(tls_certificate=certificate, tls_key=rubbish)
    assert "is not the key" in _refused(tls_certificate=certificate, tls_key=other.key)
    unfit = tmp_path / "ed25519.key"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfit.write_bytes(Ed25519PrivateKey.generate().private_bytes(*form))
    assert "neither an RSA nor an EC key" in _refused(tls_certificate=certificate, tls_key=unfit)
    both = {"tls_certificate": certificate, "tls_key": key}
    assert "rubbish.pem holds no certificate" in _refused(**both, tls_client_ca=rubbish)


def test_a_certificate_that_has_expired_is_not_served(authority: Authority) -> None:
    pair = authority.server(expires=datetime(2020, 1, 1, tzinfo=UTC))
    said = _refused(tls_certificate=pair.certificate, tls_key=pair.key)
    assert "expired at 2020-01-01 00:00 UTC" in said


async def test_many_connections_at_once_are_served_while_files_change(
    queue_settings: QueueSettings, authority: Authority
) -> None:
    async with running(queue_settings, authority.trusting(), **over(authority.server())) as stack:
        target = stack.servers[0].target
        for _ in range(5):
            authority.server()
            codes = await asyncio.gather(*(_served(target, authority.trusting()) for _ in range(8)))
            assert set(codes) == {Code.OK}
