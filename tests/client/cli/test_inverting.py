"""`preimage invert`, `watch` and `features`: options reach the wire, results reach files."""

import json
import os
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from PIL import Image

from preimage import watch
from preimage.cli.progress import JobBar
from preimage.events import Progress
from preimage.features import Features
from preimage.retry import RetryPolicy
from preimage.v1 import preimage_pb2, preimage_service_pb2, spec_pb2
from tests.client import messages
from tests.client.cli.conftest import Run
from tests.client.fake import FakeService
from tests.client.refusals import Refusal

HOG = ("--model", "hog", "--layer", "hog")


def _fail(job: preimage_pb2.Preimage) -> None:
    error = status_pb2.Status(code=13, message="The objective stopped being finite.")
    error.details.add().Pack(error_details_pb2.ErrorInfo(reason="DIVERGED", domain="preimage"))
    job.state = preimage_pb2.STATE_FAILED
    job.error.CopyFrom(error)


def _cancel(job: preimage_pb2.Preimage) -> None:
    job.state = preimage_pb2.STATE_CANCELLED
    job.cancel_reason = "changed my mind"


def test_json_is_one_object_with_what_was_measured(run: Run, picture: Path) -> None:
    ended = run("invert", picture, *HOG, "--seed", 7, "--out", "x.png", "--json")
    assert ended.exit_code == 0
    answer = json.loads(ended.stdout)
    assert answer["id"] == "job-1"
    assert (answer["state"], answer["outcome"]) == ("SUCCEEDED", "CONVERGED")
    assert (answer["model"], answer["layer"], answer["seed"]) == ("hog", "hog", 7)
    assert (answer["steps"], answer["network_passes"]) == (120, 124)
    assert (answer["errors"]["relative"], answer["errors"]["relative_delivered"]) == (0.05, 0.06)
    assert answer["picture"] == {"psnr_db": 31.5, "ssim": 0.875}
    assert answer["seconds"] == {"queue": 1.5, "run": 2.25}
    assert answer["out"] == "x.png"
    assert Path("x.png").read_bytes() == messages.png()


def test_without_json_it_prints_the_errors_and_writes_beside_the_name_of_the_source(
    run: Run, picture: Path
) -> None:
    ended = run("invert", picture, *HOG)
    assert "relative error 6.00% (5.00% before rounding to 8 bits)" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "cat.hog.hog.preimage.png"
    assert Path("cat.hog.hog.preimage.png").is_file()


def test_every_option_reaches_the_wire(run: Run, code: Path, service: FakeService) -> None:
    options = (
        *("--preset", "mv2015", "--seed", 3, "--restarts", 2, "--input-size", "24x32"),
        *("--cache", "refresh"),
        *("--lane", "batch", "--steps", 40, "--rate-factor", 0.5, "--no-jitter"),
        *("--precision", "bfloat16", "--data-weight", 20, "--tv-weight", 5, "--tv-exponent", 1),
        *("--alpha-weight", 2, "--alpha-exponent", 4, "--target-error", 0.25),
        *("--plateau", "0.01:30", "--deadline-seconds", 60, "--request-id", "mine"),
        *("--mask-channels", "0:1", "--mask-channels", "1:2", "--mask-box", "1,2,3,4"),
        *("--mask-tokens", "5:6", "--mask-centre", 7, "--mask-channel-half", "second"),
        *("--preview-dir", "looks", "--preview-every", 15, "--loss", "cosine"),
        *("--parametrisation", "fourier", "--decorrelate-colour", "--prior-weight", "auto:3:0.01"),
        *("--alpha-form", "isotropic", "--bound", 90, "--error-budget", 0.1, "--repulsion", 2),
    )
    assert run("invert", code, *HOG, *options).exit_code == 0
    (request,) = service.requests["CreatePreimage"]
    spec: spec_pb2.PreimageSpec = request.spec
    assert request.request_id == "mine"
    assert request.cache_control == preimage_service_pb2.CACHE_CONTROL_REFRESH
    assert np.frombuffer(spec.target.features.data, np.float32).tolist() == (
        messages.code().ravel().tolist()
    )
    assert (spec.seed, spec.restarts, spec.lane) == (3, 2, spec_pb2.LANE_BATCH)
    assert (spec.representation.input_size.height, spec.representation.input_size.width) == (24, 32)
    optimiser = spec.optimiser
    assert (optimiser.preset, optimiser.steps, optimiser.rate_factor) == ("mv2015", 40, 0.5)
    assert optimiser.HasField("jitter")
    assert not optimiser.jitter
    assert optimiser.precision == spec_pb2.PRECISION_BFLOAT16
    assert spec.objective.data_weight == 20
    assert (spec.priors.total_variation.weight, spec.priors.total_variation.exponent) == (5, 1)
    assert (spec.priors.alpha_norm.weight, spec.priors.alpha_norm.exponent) == (2, 4)
    assert spec.stopping.target_error == 0.25
    plateau = spec.stopping.plateau
    assert (plateau.minimum_decrease, plateau.window_steps) == (0.01, 30)
    assert spec.deadline == Duration(seconds=60)
    mask = spec.representation.mask
    assert [(each.begin, each.end) for each in mask.channels] == [(0, 1), (1, 2)]
    assert [(each.top, each.left, each.height, each.width) for each in mask.boxes] == [(1, 2, 3, 4)]
    assert [(each.begin, each.end) for each in mask.tokens] == [(5, 6)]
    assert (mask.centre, mask.channel_half) == (7, spec_pb2.CHANNEL_HALF_SECOND)
    assert spec.objective.kind == spec_pb2.OBJECTIVE_KIND_COSINE
    assert optimiser.parametrisation == spec_pb2.PARAMETRISATION_FOURIER
    assert optimiser.decorrelate_colour
    automatic = spec.priors.automatic
    assert (automatic.noise_multiple, automatic.least_error) == (3, 0.01)
    assert (spec.priors.alpha_norm.form, spec.priors.bound) == (
        spec_pb2.ALPHA_NORM_FORM_ISOTROPIC,
        90,
    )
    assert (spec.repulsion.error_budget, spec.repulsion.weight) == (0.1, 2)
    assert spec.progress.preview_every_steps == 15


def test_options_that_are_left_out_leave_the_field_to_the_preset(
    run: Run, picture: Path, service: FakeService
) -> None:
    run("invert", picture, *HOG)
    spec = service.requests["CreatePreimage"][0].spec
    assert not spec.optimiser.preset
    assert not spec.stopping.HasField("target_error")
    assert not spec.stopping.HasField("plateau")
    assert not spec.HasField("deadline")
    assert not spec.representation.HasField("mask")
    assert not spec.optimiser.HasField("jitter")
    assert not spec.optimiser.HasField("decorrelate_colour")
    assert not spec.priors.HasField("bound")
    assert spec.priors.WhichOneof("strength") is None
    assert not spec.HasField("repulsion")
    assert spec.progress.preview_every_steps == 0


def test_previews_are_written_while_the_job_runs(run: Run, picture: Path) -> None:
    run("invert", picture, *HOG, "--preview-dir", "looks/here")
    assert Path("looks/here/0-00010.png").read_bytes() == messages.png()


def test_of_several_restarts_the_best_goes_to_out_and_the_others_beside_it(
    run: Run, picture: Path
) -> None:
    ended = run("invert", picture, *HOG, "--restarts", 2, "--out", "x.png", "--json")
    outs = [each["out"] for each in json.loads(ended.stdout)["reconstructions"]]
    assert outs == ["x.0.png", "x.png"]
    assert [Path(out).read_bytes() for out in outs] == [messages.png(0), messages.png(1)]


def test_an_npy_file_takes_the_float_picture(run: Run, picture: Path) -> None:
    run("invert", picture, *HOG, "--out", "x.npy")
    assert np.array_equal(np.load("x.npy"), messages.float_picture())


def test_another_format_is_converted(run: Run, picture: Path) -> None:
    assert run("invert", picture, *HOG, "--out", "x.JPG").exit_code == 0
    with Image.open("x.JPG") as written:
        assert (written.format, written.size) == ("JPEG", Image.fromarray(messages.pixels()).size)


def test_each_written_file_is_listed_and_the_best_is_named(run: Run, picture: Path) -> None:
    ended = run("invert", picture, *HOG, "--restarts", 2, "--out", "x.png")
    first, second = ended.stdout.splitlines()[-2:]
    assert first.startswith("x.0.png: restart 0, relative error ")
    assert not first.endswith("the best")
    assert second.startswith("x.png: restart 1, relative error ")
    assert second.endswith(", the best")


def test_ctrl_c_cancels_the_job_says_so_and_ends_with_130(
    run: Run, picture: Path, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_bar: JobBar, _progress: Progress) -> None:
        raise KeyboardInterrupt

    def until_cancelled(job: preimage_pb2.Preimage) -> None:
        with service.lock:
            service.lock.wait_for(lambda: job.state == preimage_pb2.STATE_CANCELLED, timeout=60)

    service.gate = until_cancelled
    monkeypatch.setattr(JobBar, "show", interrupt)
    ended = run("invert", picture, *HOG)
    assert ended.exit_code == 130
    assert "Cancelled job job-1." in ended.stderr.splitlines()
    assert service.requests["CancelPreimage"][0].id == "job-1"


def test_a_cancelled_job_is_a_json_object_with_the_words_of_who_cancelled_it(
    run: Run, picture: Path, service: FakeService
) -> None:
    service.end = _cancel
    ended = run("invert", picture, *HOG, "--json")
    answer = json.loads(ended.stdout)
    assert answer["state"] == "CANCELLED"
    assert answer["error"] == {"reason": "CANCELLED", "message": "changed my mind"}
    assert ended.exit_code == 1


def test_a_failed_job_is_a_json_object_a_sentence_and_exit_code_1(
    run: Run, picture: Path, service: FakeService
) -> None:
    service.end = _fail
    ended = run("invert", picture, *HOG, "--json")
    answer = json.loads(ended.stdout)
    assert (answer["id"], answer["state"]) == ("job-1", "FAILED")
    assert answer["error"]["reason"] == "DIVERGED"
    assert "The objective stopped being finite." in ended.stderr
    assert ended.exit_code == 1


@pytest.mark.parametrize("method", ["WatchPreimage", "DownloadResult"])
def test_a_token_that_may_submit_and_not_read_is_told_the_job_and_what_to_do(
    run: Run, picture: Path, service: FakeService, method: str
) -> None:
    denied = f"The caller 'ci' may not call {method}: it needs the scope 'read'."
    refusal = Refusal(grpc.StatusCode.PERMISSION_DENIED, denied, "PERMISSION_DENIED")
    service.refusals[method].append(refusal)
    ended = run("invert", picture, *HOG, "--out", "x.png")
    assert ended.exit_code == 1
    assert "needs the scope 'read'" in ended.stderr
    assert "Job job-1" in ended.stderr
    assert "`preimage watch job-1 --out FILE`" in ended.stderr
    assert run("watch", "job-1", "--out", "x.png").exit_code == 0, "with another token"
    assert Path("x.png").read_bytes() == messages.png()


@pytest.mark.parametrize("method", ["WatchPreimage", "DownloadResult"])
def test_a_service_that_goes_away_leaves_the_name_of_the_job(
    run: Run,
    picture: Path,
    service: FakeService,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    monkeypatch.setattr(watch, "WATCHES", RetryPolicy(retries=0))
    gone = Refusal(grpc.StatusCode.UNAVAILABLE, "Socket closed")
    service.refusals[method].extend([gone] * 9)
    ended = run("invert", picture, *HOG, "--json")
    assert ended.exit_code == 1
    assert ended.stderr.startswith("No service answers at ")
    assert "if its queue is still there; take it up again with" in ended.stderr
    assert "`preimage watch job-1`" in ended.stderr
    assert json.loads(ended.stdout)["error"]["message"] == ended.stderr.strip()


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ((), "code.r.1.preimage.float.npy"),
        (("--out", "code.png"), "code.float.npy"),
        (("--out", "x.jpg"), "x.float.npy"),
        (("--out", "x.npy"), "x.npy"),
    ],
)
def test_what_has_no_picture_is_written_as_floats_and_said(
    run: Run, code: Path, service: FakeService, options: tuple[str, ...], written: str
) -> None:
    service.end, service.files = messages.succeed_with_floats, messages.floats_only
    before = code.read_bytes()
    ended = run("invert", code, "--model", "r", "--layer", "1", *options)
    assert ended.exit_code == 0, ended.output
    assert np.array_equal(np.load(written), messages.five_channels())
    assert code.read_bytes() == before
    assert "pictures of 5 channels have no PNG: the float picture holds them" in ended.stdout
    assert ended.stdout.splitlines()[-1] == written
    renamed = options != ("--out", "x.npy")
    said = f"cannot hold 5 channels: the float picture goes to {written}."
    assert (said in ended.stderr) == renamed


def test_every_restart_without_a_picture_is_written_as_floats(
    run: Run, service: FakeService
) -> None:
    service.end, service.files = messages.succeed_with_floats, messages.floats_only
    units = ("--model", "r", "--layer", "1", "--channel", 0, "--restarts", 2)
    ended = run("maximise", *units, "--out", "x.png", "--json")
    answer = json.loads(ended.stdout)
    assert answer["out"] == "x.float.npy"
    outs = [each["out"] for each in answer["reconstructions"]]
    assert outs == ["x.float.0.npy", "x.float.npy"]
    for restart, out in enumerate(outs):
        assert np.array_equal(np.load(out), messages.five_channels(restart))
    assert run("watch", answer["id"], "--out", "y.png").exit_code == 0
    assert Path("y.float.npy").is_file()


def test_detached_it_prints_the_id_and_watch_fetches_the_picture(run: Run, picture: Path) -> None:
    ended = run("invert", picture, *HOG, "--detach")
    job_id = ended.stdout.strip()
    assert job_id == "job-1"
    fetched = run("watch", job_id, "--out", "x.png", "--json")
    assert json.loads(fetched.stdout)["state"] == "SUCCEEDED"
    assert Path("x.png").read_bytes() == messages.png()


def test_watch_without_out_writes_nothing(run: Run, picture: Path, tmp_path: Path) -> None:
    job_id = run("invert", picture, *HOG, "--detach").stdout.strip()
    before = set(tmp_path.iterdir())
    ended = run("watch", job_id)
    assert "PSNR 31.5 dB, SSIM 0.875" in ended.stdout
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["code.safetensors", "code.npy"])
def test_features_are_saved_in_a_file_that_invert_takes(
    run: Run, picture: Path, service: FakeService, name: str
) -> None:
    ended = run("features", picture, *HOG, "--out", name, "--json")
    answer = json.loads(ended.stdout)
    assert (answer["shape"], answer["input_size"]) == ([2, 3, 4], [227, 227])
    assert run("delete", answer["id"]).exit_code == 0
    assert np.array_equal(Features.load(name).array, messages.code())
    assert run("invert", name, *HOG).exit_code == 0
    spec = service.requests["CreatePreimage"][0].spec
    assert list(spec.target.features.shape) == [2, 3, 4]


@pytest.mark.parametrize("name", ["code.safetensors", "code.npy"])
def test_a_code_is_written_with_the_rights_that_the_umask_leaves(
    run: Run, picture: Path, name: str
) -> None:
    before = os.umask(0o027)
    try:
        run("features", picture, *HOG, "--out", name)
    finally:
        os.umask(before)
    assert Path(name).stat().st_mode & 0o777 == 0o640


def test_a_safetensors_file_keeps_model_layer_and_input_size(run: Run, picture: Path) -> None:
    run("features", picture, *HOG, "--out", "code.safetensors")
    code = Features.load("code.safetensors")
    assert (code.model, code.layer, code.input_size) == ("hog", "hog", (227, 227))
