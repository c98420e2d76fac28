"""A stand-in for workers: it speaks to the queue as they do, and computes nothing."""

from dataclasses import dataclass, field

from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from preimage.v1 import admin_service_pb2 as admin
from preimage.v1 import model_service_pb2 as models
from preimage.v1 import preimage_pb2 as preimages
from preimage.v1 import tensor_pb2 as tensors
from preimage.v1 import work_pb2 as works
from preimage_queue import (
    Beat,
    Claimed,
    Finish,
    FinishVerdict,
    HandBackMode,
    Queue,
    State,
    WorkerNotice,
)

PNG = b"\x89PNG of restart "
PRESETS = (
    models.Preset(name="mv2016", steps=350, activation_steps=300),
    models.Preset(name="mv2015", steps=400),
)
TOY = models.Model(
    name="toy",
    architecture="torchvision:toy",
    digest="d1",
    availability=models.AVAILABILITY_SERVED,
    preprocessing=models.Preprocessing(
        input_size=tensors.PictureSize(height=8, width=8), minimum_side=4, channels=3
    ),
    layers=[
        models.Layer(name="conv", kind="Conv2d", code_shape=[4, 8, 8], stride=1),
        models.Layer(name="tokens", kind="Block", code_shape=[5, 6], stride=1),
        models.Layer(name="fc", kind="Linear", code_shape=[10], stride=1),
    ],
    presets=(*PRESETS, models.Preset(name="auto", steps=200)),
)
HOG = models.Model(
    name="hog",
    architecture="hog",
    digest="d2",
    availability=models.AVAILABILITY_SERVED,
    preprocessing=models.Preprocessing(any_size=True, minimum_side=16, channels=1),
    layers=[models.Layer(name="hog", kind="HOG", code_shape=[27, 28, 28], stride=8, grid_offset=4)],
    presets=PRESETS,
)
CHANNELS = models.Model(
    name="channels",
    architecture="export:channels",
    digest="d4",
    availability=models.AVAILABILITY_SERVED,
    preprocessing=models.Preprocessing(any_size=True, minimum_side=4, channels=7),
    layers=[
        models.Layer(
            name="last", code_shape=[6, 7, 3], layout=models.CODE_LAYOUT_CHANNELS_LAST, stride=1
        ),
        models.Layer(name="odd", code_shape=[2, 3, 4, 5], stride=1),
        models.Layer(name="one", code_shape=[1, 8, 8], stride=1),
    ],
    presets=(models.Preset(name="auto", steps=100), *PRESETS),
)
"""Not announced by itself: a model of seven channels, with codes of every layout."""
ABSENT = models.Model(
    name="absent",
    digest="d3",
    availability=models.AVAILABILITY_WEIGHTS_MISSING,
    unavailable_reason="Its weights are not in PREIMAGE_WEIGHTS_DIR: put absent.safetensors there.",
    layers=[models.Layer(name="conv", code_shape=[4, 8, 8])],
    presets=PRESETS,
)


def engined(*catalogue: models.Model, engine: str = "1") -> tuple[models.Model, ...]:
    """Models of a worker that says what engine it has, without which no two jobs are equal."""
    known = []
    for model in catalogue:
        known.append(models.Model(engine=engine))
        known[-1].MergeFrom(model)
    return tuple(known)


@dataclass
class FakeWorker:
    """A worker without mathematics."""

    queue: Queue
    name: str = "fake-1"
    slots: int = 16
    rate: float = 0.0
    pools: tuple[str, ...] = ("toy@d1", "hog@d2")
    catalogue: tuple[models.Model, ...] = (TOY, HOG, ABSENT)
    _claims: int = field(default=0, init=False)
    _held: list[Claimed] = field(default_factory=list, init=False)

    def announce(self) -> None:
        for model in self.catalogue:
            self.queue.publish_model(model.name, model.SerializeToString())
        info = admin.Worker(name=self.name, device="cpu", slots=self.slots, version="1.2.3")
        self.queue.announce(
            WorkerNotice(
                name=self.name,
                slots=self.slots,
                cost_per_second=self.rate,
                pools=self.pools,
                models=tuple(model.name for model in self.catalogue),
                info=info.SerializeToString(),
            )
        )

    def claim(self) -> Claimed | None:
        """The next job that it holds, or else takes: as many as its slots can hold at once."""
        if not self._held:
            self._claims += 1
            self._held += self.queue.claim(
                self.name,
                f"token-{self._claims}",
                pools=self.pools,
                free_slots=self.slots,
                capacity_slots=self.slots,
                max_instant=1,
            )
        return self._held.pop(0) if self._held else None

    def must_claim(self) -> Claimed:
        claimed = self.claim()
        assert claimed is not None
        return claimed

    def item(self, claimed: Claimed) -> works.WorkItem:
        return works.WorkItem.FromString(claimed.spec)

    def blob(self, claimed: Claimed) -> bytes:
        data = self.queue.read_blob(claimed.tenant, claimed.blobs[0])
        assert data is not None
        return data

    def progress(self, claimed: Claimed, step: int, preview: bytes = b"") -> None:
        event = works.WorkEvent(
            progress=preimages.Progress(
                step=step, total_steps=350, objective=1.0 / step, relative_error=0.5 / step
            )
        )
        if preview:
            event.preview.CopyFrom(preimages.Preview(step=step, png=preview))
        line = Beat(claimed.id, claimed.attempt, step, event.SerializeToString())
        self.queue.beat(self.name, [line])

    def succeed(self, claimed: Claimed, activation: float | None = None) -> None:
        """End a job well; with an activation, as a maximisation ends."""
        result = works.WorkResult()
        result.invert.provenance.preset = "mv2016"
        for restart in range(claimed.slots):
            self._add_reconstruction(claimed, result.invert, restart)
        for reconstruction in result.invert.reconstructions if activation is not None else ():
            reconstruction.ClearField("errors")
            reconstruction.activation.optimised = activation
        self._finish(
            claimed, result, [a.name for r in result.invert.reconstructions for a in r.artifacts]
        )

    def _add_reconstruction(
        self, claimed: Claimed, result: preimages.PreimageResult, restart: int
    ) -> None:
        files = {
            f"{restart}/picture.png": PNG + str(restart).encode(),
            f"{restart}/picture.f32": bytes([restart]) * (3 * 8 * 8 * 4),
        }
        for name, data in files.items():
            self.queue.put_output(claimed.id, claimed.attempt, name, data)
        reconstruction = result.reconstructions.add(
            restart=restart, steps=350, outcome=preimages.OUTCOME_SCHEDULE_COMPLETED
        )
        reconstruction.errors.relative = 0.05
        reconstruction.loss_curve.objective.append(0.25)
        png, raw = files
        reconstruction.artifacts.add(name=png, media_type="image/png")
        reconstruction.artifacts.add(name=raw, dtype=tensors.DATA_TYPE_FLOAT32, shape=[3, 8, 8])

    def succeed_extraction(self, claimed: Claimed, code: bytes, shape: list[int]) -> None:
        result = works.WorkResult()
        result.extract.code.CopyFrom(
            preimages.Artifact(
                name="code.f32",
                size_bytes=len(code),
                dtype=tensors.DATA_TYPE_FLOAT32,
                shape=shape,
            )
        )
        result.extract.input_size.CopyFrom(tensors.PictureSize(height=8, width=8))
        result.extract.provenance.model = "toy"
        self.queue.put_output(claimed.id, claimed.attempt, "code.f32", code)
        self._finish(claimed, result, ["code.f32"])

    def _finish(self, claimed: Claimed, result: works.WorkResult, outputs: list[str]) -> None:
        reply = self.queue.finish(
            Finish(
                id=claimed.id,
                attempt=claimed.attempt,
                state=State.SUCCEEDED,
                result=result.SerializeToString(),
                outputs=tuple(outputs),
            )
        )
        assert reply.verdict is FinishVerdict.ACCEPTED

    def fail(self, claimed: Claimed, reason: str, code: int = Code.INTERNAL) -> None:
        self.queue.finish(
            Finish(
                id=claimed.id,
                attempt=claimed.attempt,
                state=State.FAILED,
                error=self._status(reason, code),
                reason=reason,
            )
        )

    def bury(self, claimed: Claimed, reason: str = "WORKER_ERROR") -> None:
        """Hand a job back for good: it becomes a dead letter."""
        self.queue.hand_back(
            [(claimed.id, claimed.attempt)],
            HandBackMode.FATAL,
            reason=reason,
            error=self._status(reason, Code.INTERNAL),
        )

    def _status(self, reason: str, code: int) -> bytes:
        status = Status(code=code, message=f"It ended with {reason}.")
        status.details.add().Pack(ErrorInfo(reason=reason, domain="preimage"))
        return bytes(status.SerializeToString())
