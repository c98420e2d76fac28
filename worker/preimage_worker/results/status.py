"""Errors of jobs as google.rpc.Status."""

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from preimage_worker.errors import JobError

DOMAIN = "preimage"
_CODES = {
    "INVALID_SPEC": code_pb2.INVALID_ARGUMENT,
    "OUT_OF_MEMORY": code_pb2.RESOURCE_EXHAUSTED,
    "DIVERGED": code_pb2.FAILED_PRECONDITION,
}


def error_status(error: JobError) -> bytes:
    """A job's error."""
    return status(error.reason, str(error))


def status(reason: str, sentence: str) -> bytes:
    """A status whose ErrorInfo holds this reason."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    code = _CODES.get(reason, code_pb2.INTERNAL)
    message = status_pb2.Status(code=code, message=sentence, details=[detail])
    return bytes(message.SerializeToString())
