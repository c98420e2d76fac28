"""`preimage watch`: follows a job to its end, and fetches its picture."""

from preimage.cli.deliver import Out, deliver
from preimage.cli.options import DEFAULT_TARGET, JobId, Json, Target
from preimage.cli.progress import JobBar
from preimage.cli.session import session

__all__ = ["watch"]


def watch(
    *, job_id: JobId, out: Out = None, as_json: Json = False, target: Target = DEFAULT_TARGET
) -> None:
    """Follow a job to its end and print its errors; with --out, fetch its picture too.

    Ctrl-C leaves the job alone.
    """
    with session(target) as client:
        job = client.job(job_id)
        with JobBar(f"{job.info.model} {job.info.layer}") as bar:
            result = job.result(on_progress=bar.show)
        deliver(result, out, as_json=as_json)
