"""Whose call it is, and whether it may be made. The one place that decides.

With a file of tokens, a call is its token's. Without one, but with authorities for clients'
certificates, it is its certificate's. With neither it is everybody's, which `exposure` allows on
loopback only. Health checks are open to all: load balancers have no tokens. Reflection is not: it
lists every method there is.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias, final

import grpc

from preimage_service.callers import ANONYMOUS, Caller, Scope
from preimage_service.denials import PermissionDeniedError, UnauthenticatedError
from preimage_service.renewal import Renewed
from preimage_service.tokens import Token, find, is_tenant

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Metadata: TypeAlias = Iterable[tuple[str, str | bytes]]

_PREIMAGES, _MODELS = "preimage.v1.PreimageService", "preimage.v1.ModelService"
_AUDITS, _ADMIN = "preimage.v1.AuditService", "preimage.v1.AdminService"

SCOPES: Final[Mapping[tuple[str, str], Scope | None]] = MappingProxyType({
    (_PREIMAGES, "CreatePreimage"): Scope.SUBMIT,
    (_PREIMAGES, "GetPreimage"): Scope.READ,
    (_PREIMAGES, "ListPreimages"): Scope.READ,
    (_PREIMAGES, "WatchPreimage"): Scope.READ,
    (_PREIMAGES, "CancelPreimage"): Scope.SUBMIT,
    (_PREIMAGES, "DeletePreimage"): Scope.SUBMIT,
    (_PREIMAGES, "DownloadResult"): Scope.READ,
    (_PREIMAGES, "UploadTensor"): Scope.SUBMIT,
    (_PREIMAGES, "Invert"): Scope.SUBMIT,
    (_MODELS, "ListModels"): Scope.READ,
    (_MODELS, "GetModel"): Scope.READ,
    (_MODELS, "ExtractFeatures"): Scope.SUBMIT,
    (_AUDITS, "PlanAudit"): Scope.READ,
    (_AUDITS, "CreateAudit"): Scope.SUBMIT,
    (_AUDITS, "GetAudit"): Scope.READ,
    (_AUDITS, "WatchAudit"): Scope.READ,
    (_AUDITS, "GetAuditReport"): Scope.READ,
    (_AUDITS, "CancelAudit"): Scope.SUBMIT,
    (_AUDITS, "DeleteAudit"): Scope.SUBMIT,
    (_ADMIN, "ListWorkers"): Scope.ADMIN,
    (_ADMIN, "DrainWorker"): Scope.ADMIN,
    (_ADMIN, "ListDeadLetters"): Scope.ADMIN,
    (_ADMIN, "RequeueDeadLetter"): Scope.ADMIN,
    (_ADMIN, "GetQueueStats"): Scope.ADMIN,
    ("grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo"): None,
    ("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo"): None,
})  # fmt: skip
"""The scope that each method needs; None: any caller that is known will do."""

_OPEN: Final = "grpc.health.v1.Health"
_BEARER: Final = "bearer "
_calling: ContextVar[Caller] = ContextVar("calling")


def caller() -> Caller:
    """Who makes the call that this task answers."""
    return _calling.get()


@final
class Guard:
    """Looks at every call before anything else does."""

    def __init__(
        self, tokens: Renewed[tuple[Token, ...]] | None, *, certified: bool, admins: str = ""
    ) -> None:
        """Without tokens: `certified` callers have certificates, and those of `admins` rights."""
        self._tokens = tokens
        self._certified = certified
        self._admins = frozenset(name.strip() for name in admins.split(",") if name.strip())

    def refusal(self, service: str, metadata: Metadata) -> UnauthenticatedError | None:
        """Why nobody that is known makes this call, as far as its metadata tell."""
        if self._tokens is not None and service != _OPEN:
            try:
                _of_token(self._tokens.value, metadata)
            except UnauthenticatedError as error:
                return error
        return None

    def identify(self, service: str, context: Context) -> Caller:
        """Find out who calls, for everything that this call does from now on.

        Raises:
            UnauthenticatedError: nobody that is known.
        """
        found = ANONYMOUS if service == _OPEN else self._identify(context)
        _calling.set(found)
        return found

    def authorise(self, found: Caller, service: str, method: str) -> None:
        """See that the caller may do this.

        Raises:
            PermissionDeniedError: it may not.
        """
        needed = None if service == _OPEN else SCOPES.get((service, method), Scope.ADMIN)
        if needed is not None and needed not in found.scopes:
            raise PermissionDeniedError(found.name, method, needed.value)

    def _identify(self, context: Context) -> Caller:
        if self._tokens is not None:
            return _of_token(self._tokens.value, context.invocation_metadata() or ())
        return self._of_certificate(context) if self._certified else ANONYMOUS

    def _of_certificate(self, context: Context) -> Caller:
        name = _certified_name(context.auth_context())
        scopes = frozenset(Scope) if name in self._admins else _NOT_ADMIN
        return Caller(name, name, scopes)


_NOT_ADMIN: Final = frozenset({Scope.SUBMIT, Scope.READ})


def _of_token(tokens: Sequence[Token], metadata: Metadata) -> Caller:
    token = find(tokens, _secret(metadata))
    if token is None:
        raise UnauthenticatedError("This token is not known here: ask the operator for one.")
    if token.has_expired(datetime.now(UTC)):
        raise UnauthenticatedError(
            f"The token {token.caller.name!r} has expired: ask the operator for a new one."
        )
    return token.caller


def _secret(metadata: Metadata) -> str:
    given = [value for key, value in metadata if key == "authorization"]
    if not given:
        raise UnauthenticatedError(
            "This service needs a token: send `authorization: Bearer TOKEN` with every call."
        )
    text = str(given[0])
    if len(given) > 1 or not text.lower().startswith(_BEARER):
        raise UnauthenticatedError(
            "The metadata `authorization` is not one value of the form `Bearer TOKEN`."
        )
    return text[len(_BEARER) :].strip()


def _certified_name(facts: Mapping[str, Iterable[bytes]]) -> str:
    """The common name of the caller's certificate; if it has none, its only alternative name."""
    for field in ("x509_common_name", "x509_subject_alternative_name"):
        names = [name.decode("utf-8", "replace") for name in facts.get(field, ()) if name]
        if len(names) == 1 and is_tenant(names[0]):
            return names[0]
        if names:
            break
    raise UnauthenticatedError(
        "The client certificate names no tenant: its common name, or without one its only"
        " alternative name, must be 1 to 128 of A-Z a-z 0-9 . _ @ -. Ask the operator for another."
    )
