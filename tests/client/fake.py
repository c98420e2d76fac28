"""A service in this process, behind a real gRPC server, that does as a test tells it.

It keeps jobs as the real one does (idempotent by request_id, resumable watches, chunked files) and
computes nothing. Tests queue refusals for a method, write the script of events, cut streams, and
read what arrived.
"""

import hashlib
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, final

import grpc
from google.protobuf.message import Message

from preimage.v1 import (
    audit_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    preimage_pb2,
    preimage_service_pb2,
    preimage_service_pb2_grpc,
    tensor_pb2,
)
from tests.client import messages
from tests.client.fake_audits import FakeAudits
from tests.client.refusals import Refusal, not_found

Answer = preimage_service_pb2.WatchPreimageResponse
Script = Callable[[preimage_pb2.Preimage], list[Answer]]

CHUNK_BYTES = 100
"""Small enough that every file takes several chunks."""


def usual_events(_: preimage_pb2.Preimage) -> list[Answer]:
    return [
        messages.state(preimage_pb2.STATE_QUEUED),
        messages.state(preimage_pb2.STATE_RUNNING),
        messages.progress(10),
        messages.preview(10),
        messages.progress(20),
    ]


@final
class FakeService(
    preimage_service_pb2_grpc.PreimageServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    """Both services; attributes are the knobs."""

    def __init__(self) -> None:
        self.lock = threading.Condition()
        self.jobs: dict[str, preimage_pb2.Preimage] = {}
        self.requests: defaultdict[str, list[Any]] = defaultdict(list)
        self.metadata: list[dict[str, str | bytes]] = []
        self.refusals: defaultdict[str, deque[Refusal]] = defaultdict(deque)
        self.script: Script = usual_events
        self.end: Callable[[preimage_pb2.Preimage], None] = messages.succeed
        self.cuts: deque[int] = deque()
        """After so many events of a watch, counted from its start, the stream breaks."""
        self.cut_with = Refusal(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        self.download_cuts: deque[int] = deque()
        """After so many chunks, the download breaks."""
        self.gate: Callable[[preimage_pb2.Preimage], object] = lambda _: None
        """Called by a watch before the job ends; may block."""
        self.uploads: dict[str, bytes] = {}
        self.files: Callable[[str], bytes] = messages.file
        self.in_flight = 0
        self.most_in_flight = 0
        self.features: model_service_pb2.ExtractFeaturesResponse | None = None
        self.page_size = 2

    def _note(self, request: Message, context: grpc.ServicerContext, method: str) -> None:
        with self.lock:
            self.requests[method].append(request)
            self.metadata.append(dict(context.invocation_metadata()))
            refusals = self.refusals[method]
            refusal = refusals.popleft() if refusals else None
        if refusal is not None:
            refusal.raise_in(context)

    def _job(self, job_id: str, context: grpc.ServicerContext) -> preimage_pb2.Preimage:
        with self.lock:
            job = self.jobs.get(job_id)
        return job if job is not None else not_found().raise_in(context)

    def CreatePreimage(
        self, request: preimage_service_pb2.CreatePreimageRequest, context: grpc.ServicerContext
    ) -> preimage_service_pb2.CreatePreimageResponse:
        self._note(request, context, "CreatePreimage")
        with self.lock:
            for job in self.jobs.values():
                if job.request_id == request.request_id:
                    return preimage_service_pb2.CreatePreimageResponse(preimage=job, existed=True)
            job = preimage_pb2.Preimage(
                id=f"job-{len(self.requests['CreatePreimage'])}",
                request_id=request.request_id,
                state=preimage_pb2.STATE_QUEUED,
                spec=request.spec,
                attempt=1,
            )
            self.jobs[job.id] = job
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.lock.notify_all()
            return preimage_service_pb2.CreatePreimageResponse(preimage=job)

    def GetPreimage(
        self, request: preimage_service_pb2.GetPreimageRequest, context: grpc.ServicerContext
    ) -> preimage_service_pb2.GetPreimageResponse:
        self._note(request, context, "GetPreimage")
        return preimage_service_pb2.GetPreimageResponse(preimage=self._job(request.id, context))

    def ListPreimages(
        self, request: preimage_service_pb2.ListPreimagesRequest, context: grpc.ServicerContext
    ) -> preimage_service_pb2.ListPreimagesResponse:
        self._note(request, context, "ListPreimages")
        wanted = request.filter
        found = [
            job
            for job in reversed(self.jobs.values())
            if (not wanted.states or job.state in wanted.states)
            and wanted.model in {"", job.spec.representation.model}
        ]
        start = int(request.page_token or 0)
        end = start + min(request.page_size, self.page_size)
        page = []
        for job in found[start:end]:
            page.append(preimage_pb2.Preimage())
            page[-1].CopyFrom(job)
            page[-1].ClearField("result")
        return preimage_service_pb2.ListPreimagesResponse(
            preimages=page, next_page_token=str(end) if end < len(found) else ""
        )

    def WatchPreimage(
        self, request: preimage_service_pb2.WatchPreimageRequest, context: grpc.ServicerContext
    ) -> Iterator[Answer]:
        self._note(request, context, "WatchPreimage")
        job = self._job(request.id, context)
        resumed = int(request.resume_token or 0)
        cut = self.cuts.popleft() if self.cuts else None
        if resumed:
            job_state = messages.state(preimage_pb2.STATE_RUNNING)
            job_state.resume_token = request.resume_token
            yield job_state
        for position, event in enumerate(self.script(job), start=1):
            if cut is not None and position > cut:
                self.cut_with.raise_in(context)
            if position > resumed:
                event.resume_token = str(position)
                yield event
        self.gate(job)
        self._finish(job)
        yield Answer(resume_token="end", finished=job)

    def _finish(self, job: preimage_pb2.Preimage) -> None:
        with self.lock:
            if job.state in {preimage_pb2.STATE_QUEUED, preimage_pb2.STATE_RUNNING}:
                self.end(job)
                self.in_flight -= 1

    def CancelPreimage(
        self, request: preimage_service_pb2.CancelPreimageRequest, context: grpc.ServicerContext
    ) -> preimage_service_pb2.CancelPreimageResponse:
        self._note(request, context, "CancelPreimage")
        job = self._job(request.id, context)
        with self.lock:
            if job.state in {preimage_pb2.STATE_QUEUED, preimage_pb2.STATE_RUNNING}:
                job.state = preimage_pb2.STATE_CANCELLED
                job.cancel_reason = request.reason
                self.in_flight -= 1
            self.lock.notify_all()
        return preimage_service_pb2.CancelPreimageResponse(preimage=job)

    def DeletePreimage(
        self, request: preimage_service_pb2.DeletePreimageRequest, context: grpc.ServicerContext
    ) -> preimage_service_pb2.DeletePreimageResponse:
        self._note(request, context, "DeletePreimage")
        with self.lock:
            self.jobs.pop(request.id, None)
        return preimage_service_pb2.DeletePreimageResponse()

    def DownloadResult(
        self, request: preimage_service_pb2.DownloadResultRequest, context: grpc.ServicerContext
    ) -> Iterator[preimage_service_pb2.DownloadResultResponse]:
        self._note(request, context, "DownloadResult")
        cut = self.download_cuts.popleft() if self.download_cuts else None
        data = self.files(request.name)
        starts = range(request.offset, len(data), CHUNK_BYTES)
        for sent, start in enumerate(starts):
            if sent == cut:
                self.cut_with.raise_in(context)
            yield preimage_service_pb2.DownloadResultResponse(
                offset=start, data=data[start : start + CHUNK_BYTES], total_bytes=len(data)
            )
        if cut == len(starts):
            self.cut_with.raise_in(context)

    def UploadTensor(
        self,
        request_iterator: Iterator[preimage_service_pb2.UploadTensorRequest],
        context: grpc.ServicerContext,
    ) -> preimage_service_pb2.UploadTensorResponse:
        header = next(request_iterator).header
        self._note(header, context, "UploadTensor")
        data = b"".join(part.chunk for part in request_iterator)
        digest = hashlib.sha256(data).hexdigest()
        self.uploads[digest] = data
        reference = tensor_pb2.TensorReference(
            digest=digest, dtype=header.dtype, shape=header.shape
        )
        return preimage_service_pb2.UploadTensorResponse(tensor=reference)

    def Invert(
        self, request: preimage_service_pb2.InvertRequest, context: grpc.ServicerContext
    ) -> preimage_service_pb2.InvertResponse:
        raise AssertionError("The SDK waits by watching.")

    def ListModels(
        self, request: model_service_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.ListModelsResponse:
        self._note(request, context, "ListModels")
        models = [messages.model(name, layers=False) for name in ("hog", "squeezenet1_0")]
        return model_service_pb2.ListModelsResponse(models=models)

    def GetModel(
        self, request: model_service_pb2.GetModelRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.GetModelResponse:
        self._note(request, context, "GetModel")
        return model_service_pb2.GetModelResponse(model=messages.model(request.name))

    def ExtractFeatures(
        self, request: model_service_pb2.ExtractFeaturesRequest, context: grpc.ServicerContext
    ) -> model_service_pb2.ExtractFeaturesResponse:
        self._note(request, context, "ExtractFeatures")
        code, where = messages.code(), request.representation
        answer = model_service_pb2.ExtractFeaturesResponse(
            id="extraction-1",
            shape=code.shape,
            input_size=tensor_pb2.PictureSize(height=227, width=227),
            provenance=messages.provenance(where.model, where.layer, 0),
        )
        if request.picture.WhichOneof("content") != "encoded":
            answer.features.CopyFrom(
                tensor_pb2.Tensor(dtype=1, shape=code.shape, data=code.tobytes())
            )
        return answer


@final
class FakeServer:
    """The service, listening on a port of the loopback."""

    def __init__(
        self,
        options: tuple[tuple[str, int], ...] = (),
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self.service = FakeService()
        self.audits = FakeAudits()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=48), options=options)
        preimage_service_pb2_grpc.add_PreimageServiceServicer_to_server(self.service, self._server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(self.service, self._server)
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(self.audits, self._server)
        listen = "127.0.0.1:0"
        port = (
            self._server.add_secure_port(listen, credentials)
            if credentials
            else self._server.add_insecure_port(listen)
        )
        self.target = f"127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()
