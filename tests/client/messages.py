"""Messages as the service sends them, with numbers that a test can recognise."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from preimage.v1 import model_service_pb2, preimage_pb2, preimage_service_pb2, tensor_pb2

HEIGHT, WIDTH = 6, 4


def pixels(restart: int = 0) -> np.ndarray:
    values = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)
    return values + np.uint8(restart)


def png(restart: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(restart)).save(file, "PNG")
    return file.getvalue()


def float_picture(restart: int = 0) -> np.ndarray:
    return pixels(restart).transpose(2, 0, 1).astype(np.float32) + np.float32(0.25)


def code() -> np.ndarray:
    return np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4)


def provenance(model: str, layer: str, seed: int) -> preimage_pb2.Provenance:
    return preimage_pb2.Provenance(
        seed=seed,
        preset="mv2016",
        settings={"data_weight": 300.0},
        model=model,
        layer=layer,
        model_digest="ab12",
        device="cpu",
        precision=1,
        versions={"torch": "2.7"},
        largest_batch=3,
        worker="worker-1",
    )


def spread() -> np.ndarray:
    return np.linspace(0, 9, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)


def file(name: str) -> bytes:
    """The file of a result by its name."""
    place, _, kind = name.rpartition("/")
    if name == "spread.f32":
        return spread().tobytes()
    if name == "spread.png":
        return png(7)
    if kind == "picture.png":
        return png(int(place))
    if kind == "picture.f32":
        return float_picture(int(place)).tobytes()
    return code().tobytes()


def names_in(folder: Path) -> list[str]:
    """The names of what a folder holds."""
    return sorted(each.name for each in folder.iterdir())


def five_channels(restart: int = 0) -> np.ndarray:
    """A float picture of five channels."""
    return np.arange(5 * HEIGHT * WIDTH, dtype=np.float32).reshape(5, HEIGHT, WIDTH) + restart


def floats_only(name: str) -> bytes:
    """The file of a result of `succeed_with_floats`; there are no pictures."""
    place, _, kind = name.rpartition("/")
    assert kind != "picture.png", f"The result has no file {name!r}."
    return five_channels(int(place)).tobytes() if place else file(name)


def diversity(restarts: int) -> preimage_pb2.Diversity:
    pairs = restarts * (restarts - 1) // 2
    return preimage_pb2.Diversity(
        picture_distances=[10.0 + index for index in range(pairs)],
        code_distances=[0.5 + index for index in range(pairs)],
        mean_picture_distance=10.5,
        mean_code_distance=0.75,
        spread=preimage_pb2.Artifact(name="spread.f32", shape=(HEIGHT, WIDTH), dtype=1),
        spread_picture=preimage_pb2.Artifact(name="spread.png"),
    )


def measure_everything(job: preimage_pb2.Preimage) -> None:
    """Ends a job with every number that an inversion can have."""
    succeed(job)
    against = {"percentile": 0.125, "pictures": 24, "digest": "cd34"}
    for each in job.result.reconstructions:
        each.errors.reference.MergeFrom(
            preimage_pb2.ReferenceErrors(paper_2015=0.21, released_2015=0.11, **against)
        )
        each.errors.reference_delivered.MergeFrom(
            preimage_pb2.ReferenceErrors(paper_2015=0.22, released_2015=0.12, **against)
        )
        for layer in ("features.1", "features.5"):
            each.errors.layers.add(
                layer=layer, relative=0.03, relative_delivered=0.04, target_norm=9.0
            )
        each.classes.MergeFrom(
            preimage_pb2.ClassAgreement(original=281, optimised=281, delivered=285)
        )
        each.strength.MergeFrom(
            preimage_pb2.StrengthCurve(
                noise_floor=0.015,
                allowed_error=0.05,
                factors=[8.0, 2.0],
                relative_errors=[0.25, 0.04],
                chosen=1,
                within=True,
            )
        )


def activate(job: preimage_pb2.Preimage) -> None:
    """Ends a job as a maximisation or caricature does."""
    succeed(job)
    if job.result.HasField("diversity"):
        job.result.diversity.ClearField("code_distances")
        job.result.diversity.ClearField("mean_code_distance")
    for each in job.result.reconstructions:
        each.ClearField("errors")
        each.ClearField("fidelity")
        each.loss_curve.ClearField("relative_error")
        each.loss_curve.activation.extend([1.0, 6.5])
        each.activation.MergeFrom(
            preimage_pb2.Activation(start=1.0, optimised=6.5, delivered=6.25, scale=12.0)
        )


def reconstruction(restart: int) -> preimage_pb2.Reconstruction:
    return preimage_pb2.Reconstruction(
        restart=restart,
        outcome=preimage_pb2.OUTCOME_CONVERGED,
        outcome_sentence="The objective reached a plateau.",
        errors=preimage_pb2.CodeErrors(
            relative=0.05, relative_delivered=0.06 + restart / 100, target_norm=12.5
        ),
        fidelity=preimage_pb2.PictureFidelity(psnr_db=31.5, ssim=0.875),
        loss_curve=preimage_pb2.LossCurve(
            steps=[0, 10],
            objective=[3.0, 1.0],
            data=[2.0, 0.5],
            alpha_norm=[0.5, 0.25],
            total_variation=[0.5, 0.25],
            relative_error=[1.0, 0.05],
        ),
        steps=120,
        network_passes=124,
        size=tensor_pb2.PictureSize(height=HEIGHT, width=WIDTH),
        artifacts=[
            preimage_pb2.Artifact(name=f"{restart}/picture.png", media_type="image/png"),
            preimage_pb2.Artifact(
                name=f"{restart}/picture.f32",
                dtype=tensor_pb2.DATA_TYPE_FLOAT32,
                shape=(3, HEIGHT, WIDTH),
            ),
        ],
    )


def succeed(job: preimage_pb2.Preimage) -> None:
    """Ends a job with a result of the restarts that it asked for; the last one is the best."""
    spec, result = job.spec, preimage_pb2.PreimageResult()
    restarts = max(spec.restarts, 1)
    result.reconstructions.extend(reconstruction(index) for index in range(restarts))
    result.best = restarts - 1
    if restarts > 1:
        result.diversity.CopyFrom(diversity(restarts))
    result.timings.queue.FromMilliseconds(1500)
    result.timings.run.FromMilliseconds(2250)
    where = spec.representation
    result.provenance.CopyFrom(provenance(where.model, where.layer, spec.seed))
    job.state = preimage_pb2.STATE_SUCCEEDED
    job.result.CopyFrom(result)


def succeed_with_floats(job: preimage_pb2.Preimage) -> None:
    """Ends a job whose network takes five channels: there is no 8-bit picture."""
    succeed(job)
    for each in job.result.reconstructions:
        each.ClearField("fidelity")
        del each.artifacts[0]
        each.artifacts[0].shape[:] = (5, HEIGHT, WIDTH)


def state(number: preimage_pb2.State.ValueType) -> preimage_service_pb2.WatchPreimageResponse:
    return preimage_service_pb2.WatchPreimageResponse(state=number)


def progress(step: int) -> preimage_service_pb2.WatchPreimageResponse:
    return preimage_service_pb2.WatchPreimageResponse(
        progress=preimage_pb2.Progress(
            step=step, total_steps=100, objective=1.5, relative_error=0.25
        )
    )


def preview(step: int) -> preimage_service_pb2.WatchPreimageResponse:
    return preimage_service_pb2.WatchPreimageResponse(
        preview=preimage_pb2.Preview(restart=0, step=step, png=png())
    )


def model(name: str = "hog", *, layers: bool = True) -> model_service_pb2.Model:
    message = model_service_pb2.Model(
        name=name,
        architecture="torchvision:squeezenet1_0",
        digest="ab12",
        weights="none needed",
        availability=model_service_pb2.AVAILABILITY_SERVED,
        preprocessing=model_service_pb2.Preprocessing(
            input_size=tensor_pb2.PictureSize(height=HEIGHT, width=WIDTH),
            minimum_side=2,
            channels=3,
            resampling="BILINEAR",
            divisor=255.0,
            mean=(0.5, 0.25, 0.125),
            std=(0.25, 0.5, 1.0),
        ),
        presets=[
            model_service_pb2.Preset(
                name="mv2016", description="IJCV 2016.", steps=350, activation_steps=300
            ),
        ],
    )
    if layers:
        message.layers.add(name="features.1", kind="ReLU", code_shape=(2, 3, 4), stride=2)
    return message
