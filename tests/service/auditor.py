"""A stand-in for auditors: it speaks to the queue as they do, and audits nothing."""

from dataclasses import dataclass, field

from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from preimage.v1 import audit_pb2 as audits
from preimage.v1 import work_pb2 as works
from preimage_orders import AUDIT_POOL, inversion_prefix
from preimage_queue import (
    Beat,
    BeatVerdict,
    Claimed,
    Finish,
    Lane,
    NewJob,
    Queue,
    State,
    Submitted,
    WorkerNotice,
)

REPORTS = {
    "report.json": b'{"rows": []}',
    "report.html": b"<html>" + b"x" * 600_000 + b"</html>",
    "report.md": b"# Report",
    "report.csv": b"layer,defence\n",
}


@dataclass
class FakeAuditor:
    """An auditor that knows the words and not the deeds."""

    queue: Queue
    name: str = "auditor-1"
    _claims: int = field(default=0, init=False)

    def announce(self) -> None:
        self.queue.announce(
            WorkerNotice(name=self.name, slots=1, cost_per_second=0.0, pools=(AUDIT_POOL,))
        )

    def claim(self) -> Claimed | None:
        self._claims += 1
        claimed = self.queue.claim(
            self.name,
            f"{self.name}-{self._claims}",
            pools=(AUDIT_POOL,),
            free_slots=1,
            capacity_slots=1,
            max_instant=0,
        )
        return claimed[0] if claimed else None

    def must_claim(self) -> Claimed:
        claimed = self.claim()
        assert claimed is not None
        return claimed

    def work(self, claimed: Claimed) -> works.AuditWork:
        return works.WorkItem.FromString(claimed.spec).audit

    def blobs(self, claimed: Claimed) -> list[bytes | None]:
        digests = [picture.digest for picture in self.work(claimed).pictures]
        return [self.queue.read_blob(claimed.tenant, digest) for digest in digests]

    def progress(self, claimed: Claimed, cells_done: int) -> BeatVerdict:
        told = audits.AuditProgress(
            cells_done=cells_done,
            cells=self.work(claimed).plan.cells,
            inversions_done=10 * cells_done,
            doing=f"cell {cells_done}",
        )
        event = works.WorkEvent(audit=told).SerializeToString()
        (reply,) = self.queue.beat(
            self.name, [Beat(claimed.id, claimed.attempt, cells_done, event)]
        )
        return reply.verdict

    def ask_for_inversion(self, claimed: Claimed, name: str) -> str:
        item = works.WorkItem()
        item.invert.representation.model = "toy"
        item.invert.representation.layer = "conv"
        reply = self.queue.submit(
            NewJob(
                tenant=claimed.tenant,
                request_id=inversion_prefix(claimed.id) + name,
                fingerprint=name,
                lane=Lane.BATCH,
                pool="toy@d1",
                batch_key="toy@d1|invert",
                slots=1,
                cost=1.0,
                spec=item.SerializeToString(),
                model="toy",
                layer="conv",
            )
        )
        assert isinstance(reply, Submitted)
        return reply.job_id

    def succeed(self, claimed: Claimed, reports: dict[str, bytes] = REPORTS) -> None:
        for name, data in reports.items():
            self.queue.put_output(claimed.id, claimed.attempt, name, data)
        self._finish(claimed, State.SUCCEEDED, outputs=tuple(reports))

    def fail(self, claimed: Claimed) -> None:
        status = Status(code=Code.INVALID_ARGUMENT, message="The targets overlap.")
        self._finish(claimed, State.FAILED, error=status.SerializeToString(), reason="INVALID_SPEC")

    def stop(self, claimed: Claimed) -> None:
        self._finish(claimed, State.CANCELLED, reason="CANCELLED")

    def _finish(
        self,
        claimed: Claimed,
        state: State,
        outputs: tuple[str, ...] = (),
        error: bytes = b"",
        reason: str = "",
    ) -> None:
        self.queue.finish(
            Finish(
                id=claimed.id,
                attempt=claimed.attempt,
                state=state,
                outputs=outputs,
                error=error,
                reason=reason,
            )
        )
