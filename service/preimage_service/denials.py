"""Errors that depend on who calls: not known, not allowed, or over a quota of the tenant."""

from typing import final

import grpc

from preimage.v1.preimage_service_pb2 import ErrorReason
from preimage_service.errors import ExhaustedError, ServiceError


@final
class UnauthenticatedError(ServiceError):
    """Nothing says who calls, or what says so is not known."""

    code = grpc.StatusCode.UNAUTHENTICATED
    reason = ErrorReason.ERROR_REASON_UNAUTHENTICATED


@final
class PermissionDeniedError(ServiceError):
    """The caller is known, and may not do this."""

    code = grpc.StatusCode.PERMISSION_DENIED
    reason = ErrorReason.ERROR_REASON_PERMISSION_DENIED

    def __init__(self, caller: str, method: str, scope: str) -> None:
        super().__init__(
            f"{method} needs the scope {scope!r}, which {caller!r} does not have: ask the operator"
            " for it.",
            {"scope": scope, "caller": caller},
        )


@final
class TenantBytesFullError(ExhaustedError):
    """The tenant's waiting jobs hold as many bytes as they may."""

    reason = ErrorReason.ERROR_REASON_TENANT_BYTES_FULL


@final
class SlotSecondsSpentError(ExhaustedError):
    """The tenant has used up its slot-seconds of the last hour."""

    reason = ErrorReason.ERROR_REASON_SLOT_SECONDS_SPENT
