"""Whose call it is. The one place that decides: identity, once there is any, is added here."""

from typing import Any

import grpc

_ONLY_TENANT = "default"


def tenant_of(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """The tenant that a call acts for. Without tokens there is one, and all callers are it."""
    del context
    return _ONLY_TENANT
