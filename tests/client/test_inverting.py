"""From a picture to a result, over both clients."""

import json
import uuid
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image

import preimage
from preimage.v1 import preimage_pb2
from tests.client import messages
from tests.client.fake import FakeService
from tests.client.refusals import Refusal, unavailable


async def test_a_picture_goes_in_and_its_pre_image_comes_out(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog", seed=7)

    assert np.array_equal(result.pixels, messages.pixels())
    assert result.picture.size == (messages.WIDTH, messages.HEIGHT)
    assert result.errors == preimage.CodeErrors(0.05, 0.06, 12.5)
    assert result.fidelity == preimage.Fidelity(31.5, 0.875)
    assert result.outcome is preimage.Outcome.CONVERGED
    assert result.outcome_sentence == "The objective reached a plateau."
    assert (result.steps, result.network_passes, result.attempt) == (120, 124, 1)
    assert result.seconds == preimage.Seconds(queue=1.5, run=2.25)
    assert result.provenance.seed == 7
    assert result.provenance.precision == "float32"
    assert result.provenance.settings == {"data_weight": 300.0}
    assert list(result.loss_curve.steps) == [0, 10]
    assert list(result.loss_curve.data) == [2.0, 0.5]
    assert service.requests["CreatePreimage"][0].spec.seed == 7


async def test_it_waits_by_watching_and_reports_progress_and_previews(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    seen, looks = [], []
    await client.invert(
        messages.pixels(),
        model="hog",
        layer="hog",
        preview_every_steps=10,
        on_progress=seen.append,
        on_preview=looks.append,
    )
    assert [each.step for each in seen] == [10, 20]
    assert seen[0] == preimage.Progress(10, 100, 1.5, 0.25)
    assert seen[0].fraction == 0.1
    assert [look.picture.size for look in looks] == [(messages.WIDTH, messages.HEIGHT)]
    assert len(service.requests["WatchPreimage"]) == 1


async def test_the_float_picture_is_downloaded_when_it_is_asked_for(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog")
    assert [each.name for each in service.requests["DownloadResult"]] == ["0/picture.png"]

    picture = await result.float_picture

    assert picture.dtype == np.float32
    assert np.array_equal(picture, messages.float_picture())
    assert service.requests["DownloadResult"][-1].name == "0/picture.f32"


async def test_the_best_of_several_restarts_speaks_for_the_result(
    client: preimage.AsyncClient,
) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog", restarts=3)

    assert [each.restart for each in result.reconstructions] == [0, 1, 2]
    assert result.best == 2
    assert np.array_equal(result.pixels, messages.pixels(2))
    assert np.array_equal(await result.float_picture, messages.float_picture(2))
    assert result.errors.relative_delivered == pytest.approx(0.08)


async def test_a_saved_png_is_the_file_that_was_measured(
    client: preimage.AsyncClient, tmp_path: Path
) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog")
    assert result.save(tmp_path / "x.png").read_bytes() == messages.png()
    with Image.open(result.save(tmp_path / "x.JPG")) as other:
        assert other.size == (messages.WIDTH, messages.HEIGHT)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x", r"x' must end in \.png, \.jpg or \.jpeg\."),
        ("x.gif", r"x\.gif' must end in \.png, \.jpg or \.jpeg\."),
        ("x.npy", r"numpy\.save\(path, float_picture\)"),
        ("nodir/x.png", r"There is no folder .*nodir: make it first\."),
        ("folder.png", r"folder\.png cannot be written: Is a directory\."),
        ("folder.jpg", r"folder\.jpg cannot be written: Is a directory\."),
    ],
)
async def test_a_picture_is_saved_where_and_as_it_can_be(
    client: preimage.AsyncClient, tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.jpg").mkdir()
    result = await client.invert(messages.pixels(), model="hog", layer="hog")
    with pytest.raises(preimage.BadInput, match=said):
        result.save(tmp_path / name)
    assert messages.names_in(tmp_path) == ["folder.jpg", "folder.png"]


async def test_the_summary_is_json(client: preimage.AsyncClient) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="cells", seed=3)
    summary = json.loads(json.dumps(result.summary()))
    assert summary["picture"] == {"psnr_db": 31.5, "ssim": 0.875}
    assert summary["errors"] == {
        "relative": 0.05,
        "relative_delivered": 0.06,
        "reference": None,
        "reference_delivered": None,
        "layers": [],
    }
    assert (summary["task"], summary["activation"], summary["diversity"]) == ("invert", None, None)
    assert summary["seconds"] == {"queue": 1.5, "run": 2.25}
    assert (summary["model"], summary["layer"], summary["seed"]) == ("hog", "cells", 3)
    assert (summary["state"], summary["outcome"]) == ("SUCCEEDED", "CONVERGED")


async def test_a_failed_job_raises_its_reason_and_what_to_do(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    def fail(job: preimage_pb2.Preimage) -> None:
        job.state = preimage_pb2.STATE_FAILED
        job.error.CopyFrom(
            Refusal(grpc.StatusCode.INTERNAL, "Every restart diverged.", "DIVERGED").status()
        )

    service.end = fail
    with pytest.raises(
        preimage.JobFailed, match=r"Every restart diverged\. Lower rate_fac"
    ) as caught:
        await client.invert(messages.pixels(), model="hog", layer="hog")
    assert (caught.value.job_id, caught.value.reason) == ("job-1", "DIVERGED")


async def test_a_cancelled_job_raises_why(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    def cancel(job: preimage_pb2.Preimage) -> None:
        job.state = preimage_pb2.STATE_CANCELLED
        job.cancel_reason = "enough seen"

    service.end = cancel
    with pytest.raises(preimage.JobCancelled, match="enough seen") as caught:
        await client.invert(messages.pixels(), model="hog", layer="hog")
    assert caught.value.cancel_reason == "enough seen"


async def test_a_wait_that_is_interrupted_cancels_the_job(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(_: preimage.Progress) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        await client.invert(messages.pixels(), model="hog", layer="hog", on_progress=interrupt)
    assert [each.id for each in service.requests["CancelPreimage"]] == ["job-1"]


async def test_an_interruption_stays_one_when_the_service_is_gone_too(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.refusals["CancelPreimage"].extend([unavailable()] * 9)

    def interrupt(_: preimage.Progress) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await client.invert(messages.pixels(), model="hog", layer="hog", on_progress=interrupt)
    assert len(service.requests["CancelPreimage"]) == 1


async def test_a_job_that_failed_is_not_cancelled(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.end = lambda job: setattr(job, "state", preimage_pb2.STATE_CANCELLED)
    with pytest.raises(preimage.JobCancelled):
        await client.invert(messages.pixels(), model="hog", layer="hog")
    assert not service.requests["CancelPreimage"]


async def test_every_request_gets_a_name_of_its_own(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    for _ in range(2):
        await client.submit(messages.pixels(), model="hog", layer="hog")
    await client.submit(messages.pixels(), model="hog", layer="hog", request_id="mine")
    first, second, third = (each.request_id for each in service.requests["CreatePreimage"])
    assert uuid.UUID(first).version == 4
    assert first != second
    assert third == "mine"


async def test_a_closed_client_says_so(client: preimage.AsyncClient, service: FakeService) -> None:
    result = await client.invert(messages.pixels(), model="hog", layer="hog")
    await client.close()
    with pytest.raises(preimage.PreimageError, match="is closed"):
        await client.models()
    with pytest.raises(preimage.PreimageError, match="float_picture"):
        await result.float_picture
