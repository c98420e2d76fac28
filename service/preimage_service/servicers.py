"""The four services as gRPC sees them: each method names its tenant and hands over.

Nothing is decided here. Errors pass through to the interceptor, which knows how they travel. What
the methods do is described where it binds: in proto/preimage/v1.
"""

from collections.abc import AsyncIterator
from typing import Any, TypeAlias, final

import grpc

from preimage.v1 import admin_service_pb2 as admin
from preimage.v1 import audit_service_pb2 as audits
from preimage.v1 import model_service_pb2 as models
from preimage.v1 import preimage_service_pb2 as preimages
from preimage.v1.admin_service_pb2_grpc import AdminServiceServicer
from preimage.v1.audit_service_pb2_grpc import AuditServiceServicer
from preimage.v1.model_service_pb2_grpc import ModelServiceServicer
from preimage.v1.preimage_service_pb2_grpc import PreimageServiceServicer
from preimage_service.backend import Backend
from preimage_service.identity import caller
from preimage_service.methods import (
    administering,
    auditing,
    creating,
    downloading,
    ending,
    extracting,
    inverting,
    modelling,
    planning,
    reading,
    reporting,
    uploading,
    watching,
)

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


@final
class Preimages(PreimageServiceServicer):
    """PreimageService."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def CreatePreimage(
        self, request: preimages.CreatePreimageRequest, context: Context
    ) -> preimages.CreatePreimageResponse:
        self._backend.gate.check_open()
        return await creating.create(self._backend, caller().tenant, request)

    async def GetPreimage(
        self, request: preimages.GetPreimageRequest, context: Context
    ) -> preimages.GetPreimageResponse:
        return await reading.get(self._backend, caller().tenant, request)

    async def ListPreimages(
        self, request: preimages.ListPreimagesRequest, context: Context
    ) -> preimages.ListPreimagesResponse:
        return await reading.list_page(self._backend, caller().tenant, request)

    def WatchPreimage(
        self, request: preimages.WatchPreimageRequest, context: Context
    ) -> AsyncIterator[preimages.WatchPreimageResponse]:
        return watching.watch(self._backend, caller().tenant, request)

    async def CancelPreimage(
        self, request: preimages.CancelPreimageRequest, context: Context
    ) -> preimages.CancelPreimageResponse:
        return await ending.cancel(self._backend, caller().tenant, request)

    async def DeletePreimage(
        self, request: preimages.DeletePreimageRequest, context: Context
    ) -> preimages.DeletePreimageResponse:
        return await ending.delete(self._backend, caller().tenant, request)

    def DownloadResult(
        self, request: preimages.DownloadResultRequest, context: Context
    ) -> AsyncIterator[preimages.DownloadResultResponse]:
        return downloading.download(self._backend, caller().tenant, request)

    async def UploadTensor(
        self, request_iterator: AsyncIterator[preimages.UploadTensorRequest], context: Context
    ) -> preimages.UploadTensorResponse:
        self._backend.gate.check_open()
        return await uploading.upload(self._backend, caller().tenant, request_iterator)

    async def Invert(
        self, request: preimages.InvertRequest, context: Context
    ) -> preimages.InvertResponse:
        self._backend.gate.check_open()
        return await inverting.invert(self._backend, caller().tenant, request)


@final
class Models(ModelServiceServicer):
    """ModelService."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def ListModels(
        self, request: models.ListModelsRequest, context: Context
    ) -> models.ListModelsResponse:
        return await modelling.list_models(self._backend)

    async def GetModel(
        self, request: models.GetModelRequest, context: Context
    ) -> models.GetModelResponse:
        return await modelling.get_model(self._backend, request)

    async def ExtractFeatures(
        self, request: models.ExtractFeaturesRequest, context: Context
    ) -> models.ExtractFeaturesResponse:
        self._backend.gate.check_open()
        return await extracting.extract(self._backend, caller().tenant, request)


@final
class Audits(AuditServiceServicer):
    """AuditService."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def PlanAudit(
        self, request: audits.PlanAuditRequest, context: Context
    ) -> audits.PlanAuditResponse:
        return await planning.plan(self._backend, request)

    async def CreateAudit(
        self, request_iterator: AsyncIterator[audits.CreateAuditRequest], context: Context
    ) -> audits.CreateAuditResponse:
        self._backend.gate.check_open()
        return await auditing.create(self._backend, caller().tenant, request_iterator)

    async def GetAudit(
        self, request: audits.GetAuditRequest, context: Context
    ) -> audits.GetAuditResponse:
        return await auditing.get(self._backend, caller().tenant, request)

    def WatchAudit(
        self, request: audits.WatchAuditRequest, context: Context
    ) -> AsyncIterator[audits.WatchAuditResponse]:
        return watching.watch_audit(self._backend, caller().tenant, request)

    def GetAuditReport(
        self, request: audits.GetAuditReportRequest, context: Context
    ) -> AsyncIterator[audits.GetAuditReportResponse]:
        return reporting.report(self._backend, caller().tenant, request)

    async def CancelAudit(
        self, request: audits.CancelAuditRequest, context: Context
    ) -> audits.CancelAuditResponse:
        return await auditing.cancel(self._backend, caller().tenant, request)

    async def DeleteAudit(
        self, request: audits.DeleteAuditRequest, context: Context
    ) -> audits.DeleteAuditResponse:
        return await auditing.delete(self._backend, caller().tenant, request)


@final
class Admin(AdminServiceServicer):
    """AdminService."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def ListWorkers(
        self, request: admin.ListWorkersRequest, context: Context
    ) -> admin.ListWorkersResponse:
        return await administering.list_workers(self._backend)

    async def DrainWorker(
        self, request: admin.DrainWorkerRequest, context: Context
    ) -> admin.DrainWorkerResponse:
        return await administering.drain_worker(self._backend, request)

    async def ListDeadLetters(
        self, request: admin.ListDeadLettersRequest, context: Context
    ) -> admin.ListDeadLettersResponse:
        return await administering.list_dead_letters(self._backend, request)

    async def RequeueDeadLetter(
        self, request: admin.RequeueDeadLetterRequest, context: Context
    ) -> admin.RequeueDeadLetterResponse:
        return await administering.requeue_dead_letter(self._backend, request)

    async def GetQueueStats(
        self, request: admin.GetQueueStatsRequest, context: Context
    ) -> admin.GetQueueStatsResponse:
        return await administering.get_queue_stats(self._backend)
