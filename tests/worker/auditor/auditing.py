"""Audits as a frontend brings them to the queue, and a real auditor process for them."""

import io
import sys
from pathlib import Path

from PIL import Image

from preimage.v1 import audit_pb2, work_pb2
from preimage_orders import inversion_prefix
from preimage_queue import BlobRef, Job, Lane, NewJob, Queue, State, Submitted, new_id
from tests.worker import jobs
from tests.worker.audit.measures import natural
from tests.worker.process import TENANT, WorkerProcess, detail

ROLES = {audit_pb2.AUDIT_ROLE_TARGET: 4, audit_pb2.AUDIT_ROLE_AUXILIARY: 6}


class AuditorProcess(WorkerProcess):
    """`python -m preimage_worker.auditor`."""

    def __init__(self, redis_url: str, folder: Path, **environment: str) -> None:
        folder.mkdir(exist_ok=True)
        quiet = {"PREIMAGE_AUDITOR_METRICS_LISTEN": "127.0.0.1:0"}
        super().__init__(redis_url, folder, **quiet, **environment)
        self.command = [sys.executable, "-m", "preimage_worker.auditor"]


def spec(**fields: object) -> audit_pb2.AuditSpec:
    """A small audit of one layer of the small network, with one defence."""
    made = audit_pb2.AuditSpec(
        model="tiny",
        layers=["features.3"],
        defences=[audit_pb2.Defence(chain="pool:k=2")],
        own_these_pictures=True,
    )
    made.budget.steps, made.budget.doublings = 2, 0
    made.MergeFrom(audit_pb2.AuditSpec(**fields))  # type: ignore[arg-type]
    return made


def submit(queue: Queue, asked: audit_pb2.AuditSpec, trace: str = "") -> str:
    """Bring an audit to the queue; its id."""
    work = work_pb2.AuditWork(spec=asked)
    pictures = iter(natural.pictures(sum(ROLES.values()), side=jobs.SIDE))
    for role, count in ROLES.items():
        for _ in range(count):
            buffer = io.BytesIO()
            Image.fromarray((next(pictures) * 255).round().astype("uint8")).save(buffer, "PNG")
            stored = queue.put_blob(TENANT, buffer.getvalue())
            assert isinstance(stored, BlobRef)
            work.pictures.add(role=role, digest=stored.digest)
    item = work_pb2.WorkItem(audit=work)
    job = NewJob(
        tenant=TENANT,
        request_id=new_id(),
        fingerprint=new_id(),
        lane=Lane.BATCH,
        pool="audit",
        batch_key="audit",
        slots=1,
        cost=1.0,
        spec=item.SerializeToString(),
        blobs=tuple(dict.fromkeys(each.digest for each in work.pictures)),
        model=asked.model,
        trace=trace,
    )
    reply = queue.submit(job)
    assert isinstance(reply, Submitted)
    return reply.job_id


def report(queue: Queue, audit: str) -> bytes:
    """Of an ended audit, as JSON."""
    found = queue.read_output(audit, TENANT, "report.json")
    assert found is not None
    return found.data


def progress(queue: Queue, audit: str) -> audit_pb2.AuditProgress:
    """What its watchers heard last."""
    return work_pb2.WorkEvent.FromString(detail(queue, audit).event).audit


def of(queue: Queue, audit: str) -> list[Job]:
    """The jobs that it has asked for and not removed."""
    jobs = queue.list_jobs(TENANT, limit=1000).jobs
    return [each for each in jobs if each.request_id.startswith(inversion_prefix(audit))]


def inversions(queue: Queue, audit: str) -> list[State]:
    """Their states."""
    return [each.state for each in of(queue, audit)]
