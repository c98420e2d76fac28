"""An audit through the SDK, the frontend and the queue, to an auditor that only pretends."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

import preimage
from preimage.aio import AsyncClient
from preimage_queue import Queue, QueueSettings
from tests.client.fake_audits import files
from tests.service.auditor import FakeAuditor
from tests.service.patience import eventually
from tests.service.specs import png
from tests.service.stack import running
from tests.service.worker import FakeWorker


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Four targets, and forty auxiliary pictures."""
    places = (tmp_path / "targets", tmp_path / "auxiliary")
    for place, widths in zip(places, (range(8, 12), range(12, 52)), strict=True):
        place.mkdir()
        for width in widths:
            (place / f"{width}.png").write_bytes(png(8, width))
    return places


async def test_an_audit_goes_from_folders_to_a_report(
    redis_url: str, folders: tuple[Path, Path]
) -> None:
    settings = replace(QueueSettings(), url=redis_url)
    with Queue(settings) as queue:
        FakeWorker(queue, rate=100.0).announce()
        auditor = FakeAuditor(queue)
        async with running(settings) as stack:
            target = stack.servers[0].target
            async with AsyncClient(target) as client:
                asked = {"model": "toy", "layers": ["conv"], "defences": ["topk:fraction=0.1,0.2"]}
                with pytest.raises(preimage.NotReady, match="No auditor is running"):
                    await client.plan_audit(targets=folders[0], auxiliary=folders[1], **asked)
                auditor.announce()
                plan = await client.plan_audit(targets=folders[0], auxiliary=folders[1], **asked)
                assert (plan.cells, plan.most_seconds) == (3, plan.most_passes / 100)
                with pytest.raises(preimage.InvalidRequest, match="own_these_pictures: must be"):
                    await client.audit(targets=folders[0], auxiliary=folders[1], **asked)
                audit = await client.audit(
                    targets=folders[0], auxiliary=folders[1], own_these_pictures=True, **asked
                )
                assert audit.info.defences == ("topk:fraction=0.1", "topk:fraction=0.2")
                waiting = asyncio.create_task(audit.result())
                claimed = await eventually(auditor.claim)
                auditor.progress(claimed, 1)
                auditor.succeed(claimed, files())
                report = await waiting
                assert report.row("conv").figures["fve"] == 0.9
                await audit.delete()
                with pytest.raises(preimage.NotFound, match="no audit"):
                    await audit.refresh()
