"""From the wire to problems: what a job leaves open, and what is impossible."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from preimage.v1 import spec_pb2, tensor_pb2, work_pb2
from preimage_worker import pictures, spec
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.settings import Family
from preimage_worker.models import Models
from tests.pictures.bombs import piled_exif
from tests.worker import jobs

CPU = torch.device("cpu")
LIMITS = pictures.Limits(sent=30_000, sought=10_000, seconds=1)


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


def plan_of(
    models: Models, item: work_pb2.WorkItem, blobs: dict[str, bytes] | None = None
) -> spec.Plan:
    wanted = item.invert.representation
    blobs = {"picture": jobs.picture()} if blobs is None else blobs
    return spec.plan(
        item,
        blobs,
        models.served(wanted.model).announcement,
        models.representation(wanted.model, spec.layers_of(wanted)),
        sent=spec.sent_picture(item, blobs, LIMITS),
        limits=LIMITS,
        device=CPU,
    )


def with_code(code: np.ndarray, dtype: int = tensor_pb2.DATA_TYPE_FLOAT32) -> work_pb2.WorkItem:
    item = jobs.inversion()
    item.encoded_picture_digest = ""
    reference = item.invert.target.uploaded_features
    reference.digest, reference.dtype = "code", dtype
    reference.shape.extend(code.shape)
    return item


def test_a_bare_job_gets_the_default_preset_and_the_models_input_size(models: Models) -> None:
    plan = plan_of(models, jobs.inversion())
    assert plan.preset == "auto"
    assert plan.key.family is Family.QUASI_NEWTON
    assert (plan.key.height, plan.key.width) == (jobs.SIDE, jobs.SIDE)
    assert len(plan.problems) == 1
    assert plan.settings.data_weight == 300
    assert plan.settings.steps == 200


def test_a_picture_and_its_code_give_the_same_problem(models: Models) -> None:
    from_picture = plan_of(models, jobs.inversion(seed=5))
    code = from_picture.problems[0].target.numpy()
    item = with_code(code)
    item.invert.seed = 5
    from_code = plan_of(models, item, {"code": code.tobytes()})
    assert from_code.problems[0].fingerprint == from_picture.problems[0].fingerprint
    assert from_code.original is None
    assert from_picture.original is not None


def test_overrides_reach_the_settings(models: Models) -> None:
    item = jobs.inversion(
        objective=spec_pb2.Objective(data_weight=7),
        priors=spec_pb2.Priors(
            total_variation=spec_pb2.TotalVariationPrior(weight=0, exponent=1),
            alpha_norm=spec_pb2.AlphaNormPrior(weight=3),
        ),
        optimiser=jobs.steps(40, preset="mv2015", rate_factor=0.5),
        stopping=spec_pb2.StoppingRule(
            target_error=0.1, plateau=spec_pb2.Plateau(minimum_decrease=0, window_steps=0)
        ),
        restarts=3,
    )
    plan = plan_of(models, item)
    assert plan.settings.data_weight == 7
    assert plan.settings.total_variation.weight == 0
    assert plan.settings.total_variation.exponent == 1
    assert plan.settings.alpha_norm.weight == 3
    assert plan.settings.steps == 40
    assert [problem.restart for problem in plan.problems] == [0, 1, 2]
    stop = plan.problems[0].stop
    assert (stop.target_error, stop.plateau, stop.plateau_window_steps) == (0.1, 0.001, 50)


def test_every_resolved_number_stands_in_the_provenance(models: Models) -> None:
    item = jobs.inversion(optimiser=spec_pb2.Optimiser(preset="mv2016"))
    settings = spec.settings_map(plan_of(models, item).settings)
    assert settings["data_weight"] == 300
    assert settings["total_variation.scale"] == pytest.approx(80 / 6.5)
    assert settings["segments.0.steps"] == 300
    assert settings["segments.1.jitter"] == 0
    assert all(isinstance(value, float) for value in settings.values())


@pytest.mark.parametrize(
    ("dtype", "wire_type", "tolerance"),
    [
        ("<f4", tensor_pb2.DATA_TYPE_FLOAT32, 0),
        ("<f8", tensor_pb2.DATA_TYPE_FLOAT64, 0),
        ("<f2", tensor_pb2.DATA_TYPE_FLOAT16, 1e-3),
    ],
)
def test_codes_come_in_any_floating_type(
    models: Models, dtype: str, wire_type: int, tolerance: float
) -> None:
    code = plan_of(models, jobs.inversion()).problems[0].target.numpy()
    data = code.astype(dtype).tobytes()
    plan = plan_of(models, with_code(code, wire_type), {"code": data})
    assert torch.allclose(
        plan.problems[0].target, torch.from_numpy(code), rtol=tolerance, atol=1e-6
    )


def test_bfloat16_codes_are_the_upper_half_of_float32(models: Models) -> None:
    code = plan_of(models, jobs.inversion()).problems[0].target
    data = code.bfloat16().view(torch.int16).numpy().tobytes()
    item = with_code(code.numpy(), tensor_pb2.DATA_TYPE_BFLOAT16)
    plan = plan_of(models, item, {"code": data})
    assert torch.equal(plan.problems[0].target, code.bfloat16().float())


def test_hog_looks_for_a_picture_of_the_targets_size(models: Models) -> None:
    item = jobs.inversion(model="hog", layer="hog")
    plan = plan_of(models, item, {"picture": jobs.picture(height=40, width=48)})
    assert (plan.key.height, plan.key.width) == (40, 48)


def test_hog_without_a_picture_looks_for_whole_cells(models: Models) -> None:
    item = with_code(np.ones((27, 5, 6), np.float32))
    item.invert.representation.model = item.invert.representation.layer = "hog"
    plan = plan_of(models, item, {"code": np.ones((27, 5, 6), np.float32).tobytes()})
    assert (plan.key.height, plan.key.width) == (40, 48)


def with_inline_code() -> work_pb2.WorkItem:
    item = jobs.inversion()
    item.invert.target.features.SetInParent()
    return item


def change(**fields: object) -> work_pb2.WorkItem:
    return jobs.inversion(**fields)


@pytest.mark.parametrize(
    ("item", "blobs", "words"),
    [
        (jobs.inversion(), {}, "is not in the queue any more"),
        (jobs.inversion(), {"picture": b"GIF89a nonsense"}, "The picture is not a PNG"),
        (jobs.inversion(), {"picture": piled_exif()}, "The picture takes more time or memory"),
        (
            jobs.inversion(model="hog", layer="hog"),
            {"picture": jobs.picture(height=200, width=100)},
            "larger than this worker's limit of 10000 pixels (PREIMAGE_MAXIMUM_PIXELS)",
        ),
        (
            jobs.inversion(),
            {"picture": jobs.picture(height=200, width=200)},
            "larger than this worker's limit of 30000 pixels (PREIMAGE_MAXIMUM_PICTURE_PIXELS)",
        ),
        (
            with_code(np.zeros((2, 3), np.float32)),
            {"code": np.ones((2, 3), np.float32).tobytes()},
            "has the shape (2, 3), but layer 'features.3' of tiny gives (128, 6, 6)",
        ),
        (with_code(np.zeros(0)), {"code": b""}, "A tensor of shape [0] is none"),
        (with_code(np.zeros((1,) * 9)), {"code": bytes(4)}, "1 to 8 axes"),
        (
            change(representation=spec_pb2.Representation(input_size={"height": -1, "width": 5})),
            None,
            "A picture of -1 × 5 pixels is none",
        ),
        (change(restarts=2**31 - 1), None, "more than a worker holds"),
        (
            change(objective=spec_pb2.Objective(kind=99)),  # type: ignore[arg-type]
            None,
            "does not know the value 99 of kind",
        ),
        (with_inline_code(), None, "The job's code is in no blob"),
        (
            change(
                representation=spec_pb2.Representation(
                    layer_weight=-1, further_layers=[spec_pb2.LayerTerm(layer="features.2")]
                )
            ),
            None,
            "weights of layers must be numbers above 0",
        ),
        (
            with_code(np.zeros((2, 3), np.float32)),
            {"code": b"four"},
            "came with 4 bytes instead of 24",
        ),
        (
            with_code(np.zeros((128, 6, 6), np.float32)),
            {"code": np.zeros((128, 6, 6), np.float32).tobytes()},
            "no relative error exists",
        ),
        (
            change(optimiser=jobs.steps(10, preset="mv1999")),
            None,
            "There is no preset 'mv1999'",
        ),
        (
            change(objective=spec_pb2.Objective(data_weight=math.inf)),
            None,
            "data_weight must be finite",
        ),
    ],
)
def test_an_impossible_job_ends_with_one_sentence(
    models: Models, item: work_pb2.WorkItem, blobs: dict[str, bytes] | None, words: str
) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        plan_of(models, item, blobs)
    assert words in str(caught.value)


def test_a_large_photograph_is_resized_to_what_the_model_takes(models: Models) -> None:
    plan = plan_of(models, jobs.inversion(), {"picture": jobs.picture(height=140, width=200)})
    assert (plan.key.height, plan.key.width) == (jobs.SIDE, jobs.SIDE)


def test_pictures_with_transparency_and_palettes_become_rgb() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (3, 2), (10, 20, 30, 0)).save(buffer, "PNG")
    assert pictures.decode(buffer.getvalue(), LIMITS).tolist() == [[[10, 20, 30]] * 3] * 2


def test_grey_levels_are_the_luma_and_are_not_rounded() -> None:
    pixels = np.array([[[10, 20, 30]]], np.uint8)
    assert pictures.to_levels(pixels, 1).item() == pytest.approx(18.15)


def test_delivered_pixels_are_clipped_and_rounded() -> None:
    levels = np.array([[[-3.0, 254.6, 300.0, 0.4]]], np.float32)
    assert pictures.to_pixels(levels).tolist() == [[0, 255, 255, 0]]
