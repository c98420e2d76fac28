"""The page of errors names every reason, each with the code that it travels with."""

import re
from pathlib import Path

from preimage.v1.preimage_service_pb2 import ErrorReason
from preimage_service import audit_errors, denials, errors

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
_JOB_REASONS = {"DIVERGED", "OUT_OF_MEMORY", "MAX_DELIVERIES", "WORKER_ERROR", "INVALID_SPEC"}


def _documented() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `([A-Z_]+)` \| `([A-Z_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    codes: dict[str, set[str]] = {}
    for reason, code in rows:
        codes.setdefault(reason, set()).add(code)
    return codes


def _kinds(root: type[errors.ServiceError]) -> list[type[errors.ServiceError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _kinds(child))]


def test_every_reason_of_the_contract_is_documented() -> None:
    names = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()}  # noqa: SIM118  an enum
    assert set(_documented()) == names - {"UNSPECIFIED"}


def test_what_depends_on_the_caller_and_what_is_of_audits_is_among_the_errors() -> None:
    assert denials.UnauthenticatedError in _kinds(errors.ServiceError)
    assert audit_errors.AuditNotFoundError in _kinds(errors.ServiceError)


def test_every_reason_is_documented_with_its_code() -> None:
    documented = _documented()
    raised = set()
    for kind in _kinds(errors.ServiceError):
        if hasattr(kind, "reason"):
            name = ErrorReason.Name(kind.reason).removeprefix("ERROR_REASON_")
            assert documented[name] == {kind.code.name}
            raised.add(name)
    assert raised == set(documented) - _JOB_REASONS


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(re.findall(r"(\w+Error)\b", errors.__doc__ or ""))
    kinds = {kind.__name__ for kind in _kinds(errors.ServiceError)}
    assert drawn == kinds | {"StartError", "SettingsError"}
