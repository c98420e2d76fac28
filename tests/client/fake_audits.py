"""Audits of the fake service: they end at once, with a report that is always the same."""

import json
from collections.abc import Iterator
from typing import Any, final

import grpc

from preimage.v1 import audit_pb2, audit_service_pb2, audit_service_pb2_grpc, preimage_pb2
from tests.client.refusals import Refusal

Answer = audit_service_pb2.WatchAuditResponse
CHUNK_BYTES = 100


def interval(estimate: float) -> dict[str, float]:
    return {"estimate": estimate, "lower": estimate - 0.05, "upper": estimate + 0.05}


def summary(mean: float, worst: float) -> dict[str, Any]:
    return {
        "mean": interval(mean),
        "median": interval(mean),
        "worst_decile": interval(worst),
        "pictures": 24,
    }


def match(rank1: float) -> dict[str, Any]:
    return {
        "rank1": interval(rank1),
        "rank5": interval(rank1),
        "reciprocal_rank": interval(rank1),
        "median_rank": 1.0,
        "queries": 24,
        "candidates": 502,
        "chance1": 0.002,
        "chance5": 0.01,
        "chance_reciprocal_rank": 0.01,
    }


def row(
    layer: str, defence: str, fve: float, recovered: str = "yes", linkable: str = "yes"
) -> dict[str, Any]:
    """A row of report.json, as an auditor writes it."""
    finding = "recovered" if recovered == "yes" else "inconclusive"
    return {
        "layer": layer,
        "defence": defence,
        "label": finding,
        "verdict": {
            "finding": finding,
            "recovered": recovered,
            "linkable": linkable,
            "reasons": [f"FVE is {fve}."],
        },
        "best": {
            "explained": {
                "fve": summary(fve, fve + 0.1),
                "over_chance": interval(fve - 0.02),
                "chance_mean": 0.02,
                "chance_worst_decile": 0.09,
            },
            "psnr_db": summary(20.0, 25.0),
            "lpips": {"reason": "No weights."},
            "pixels": match(fve),
        },
        "linkage": {"match": match(1.0), "relative_noise": None},
        "utility": {"measure": "Agreement.", "value": interval(0.9), "chance": 0.1},
        "later": {"unknown": True},
    }


def files(*rows: dict[str, Any]) -> dict[str, bytes]:
    """The files of a report of these rows."""
    written = rows or (row("conv", "none", 0.9), row("conv", "gaussian:rel_rms=0.3", 0.4))
    data = {"model": {"name": "toy", "digest": "d1"}, "rows": list(written)}
    return {
        "report.json": json.dumps(data).encode(),
        "report.html": "<html><script>evil()</script>“Report”</html>".encode(),
        "report.md": b"# Report",
        "report.csv": b"layer,defence\r\n",
    }


NAMES = ("report.json", "report.json", "report.html", "report.md", "report.csv")


@final
class FakeAudits(audit_service_pb2_grpc.AuditServiceServicer):
    """AuditService; attributes are the knobs."""

    def __init__(self) -> None:
        self.audits: dict[str, audit_pb2.Audit] = {}
        self.headers: list[audit_service_pb2.AuditHeader] = []
        self.pictures: list[audit_pb2.AuditPicture] = []
        self.plans: list[audit_service_pb2.PlanAuditRequest] = []
        self.watches: list[audit_service_pb2.WatchAuditRequest] = []
        self.gets = 0
        self.files = files()
        self.refusals: list[Refusal] = []
        self.cuts: list[int] = []
        """After so many messages of a watch, or chunks of a report, the stream breaks."""
        self.state: preimage_pb2.State.ValueType = preimage_pb2.STATE_SUCCEEDED
        self.plan = audit_pb2.AuditPlan(
            cells=2,
            least_inversions=9,
            most_inversions=36,
            least_passes=700,
            most_passes=4200,
            least_seconds=30,
            most_seconds=7200,
            remarks=["3 targets are too few."],
        )

    def _refuse(self, context: grpc.ServicerContext) -> None:
        if self.refusals:
            self.refusals.pop(0).raise_in(context)

    def _audit(self, audit_id: str, context: grpc.ServicerContext) -> audit_pb2.Audit:
        if audit_id not in self.audits:
            context.abort(grpc.StatusCode.NOT_FOUND, f"There is no audit {audit_id!r}.")
        return self.audits[audit_id]

    def PlanAudit(
        self, request: audit_service_pb2.PlanAuditRequest, context: grpc.ServicerContext
    ) -> audit_service_pb2.PlanAuditResponse:
        self._refuse(context)
        self.plans.append(request)
        return audit_service_pb2.PlanAuditResponse(plan=self.plan)

    def CreateAudit(
        self,
        request_iterator: Iterator[audit_service_pb2.CreateAuditRequest],
        context: grpc.ServicerContext,
    ) -> audit_service_pb2.CreateAuditResponse:
        self._refuse(context)
        header = next(request_iterator).header
        self.headers.append(header)
        self.pictures = [part.picture for part in request_iterator]
        audit = audit_pb2.Audit(
            id=f"audit-{len(self.headers)}",
            request_id=header.request_id,
            state=preimage_pb2.STATE_QUEUED,
            spec=header.spec,
            targets=sum(each.role == audit_pb2.AUDIT_ROLE_TARGET for each in self.pictures),
            plan=self.plan,
        )
        self.audits[audit.id] = audit
        return audit_service_pb2.CreateAuditResponse(audit=audit)

    def GetAudit(
        self, request: audit_service_pb2.GetAuditRequest, context: grpc.ServicerContext
    ) -> audit_service_pb2.GetAuditResponse:
        self.gets += 1
        return audit_service_pb2.GetAuditResponse(audit=self._audit(request.id, context))

    def WatchAudit(
        self, request: audit_service_pb2.WatchAuditRequest, context: grpc.ServicerContext
    ) -> Iterator[Answer]:
        self.watches.append(request)
        audit = self._audit(request.id, context)
        progress = [
            audit_pb2.AuditProgress(cells_done=done, cells=2, doing=f"cell {done}")
            for done in (1, 2)
        ]
        told = [
            Answer(state=preimage_pb2.STATE_QUEUED),
            Answer(state=preimage_pb2.STATE_RUNNING),
            *(Answer(progress=each) for each in progress),
        ]
        cut = self.cuts.pop(0) if self.cuts else None
        for position, answer in enumerate(told, start=1):
            if cut is not None and position > cut:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            if position > int(request.resume_token or 0):
                answer.resume_token = str(position)
                yield answer
        if audit.state == preimage_pb2.STATE_QUEUED:
            audit.state = self.state
        if audit.state == preimage_pb2.STATE_FAILED:
            audit.error.message = "The targets overlap."
        yield Answer(resume_token="9", finished=audit)

    def GetAuditReport(
        self, request: audit_service_pb2.GetAuditReportRequest, context: grpc.ServicerContext
    ) -> Iterator[audit_service_pb2.GetAuditReportResponse]:
        if NAMES[request.format] not in self.files:
            missing = Refusal(grpc.StatusCode.NOT_FOUND, "Not written.", "ARTIFACT_NOT_FOUND")
            missing.raise_in(context)
        data = self.files[NAMES[request.format]]
        for start in range(0, len(data), CHUNK_BYTES):
            if start and self.cuts:
                self.cuts.pop()
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            yield audit_service_pb2.GetAuditReportResponse(
                chunk=data[start : start + CHUNK_BYTES], total_bytes=0 if start else len(data)
            )

    def CancelAudit(
        self, request: audit_service_pb2.CancelAuditRequest, context: grpc.ServicerContext
    ) -> audit_service_pb2.CancelAuditResponse:
        audit = self._audit(request.id, context)
        audit.state, audit.cancel_reason = preimage_pb2.STATE_CANCELLED, request.reason
        return audit_service_pb2.CancelAuditResponse(audit=audit)

    def DeleteAudit(
        self, request: audit_service_pb2.DeleteAuditRequest, context: grpc.ServicerContext
    ) -> audit_service_pb2.DeleteAuditResponse:
        del self.audits[self._audit(request.id, context).id]
        return audit_service_pb2.DeleteAuditResponse()
