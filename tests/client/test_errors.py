"""Every refusal that can come over the wire, as an exception with a message to act on."""

import re

import grpc
import pytest
from google.rpc import error_details_pb2

import preimage
from preimage import errors
from preimage.advice import ADVICE
from preimage.client import Client
from preimage.jobinfo import job_from_wire
from preimage.status import TABLE, Failure, error_of
from preimage.v1 import preimage_pb2, preimage_service_pb2
from tests.client.fake import FakeServer, FakeService
from tests.client.refusals import Refusal, full

CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
CODES_TO_KINDS = {
    grpc.StatusCode.INVALID_ARGUMENT: preimage.InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: preimage.InvalidRequest,
    grpc.StatusCode.NOT_FOUND: preimage.NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: preimage.NotReady,
    grpc.StatusCode.ALREADY_EXISTS: preimage.NotReady,
    grpc.StatusCode.ABORTED: preimage.NotReady,
    grpc.StatusCode.UNAUTHENTICATED: preimage.NotAllowed,
    grpc.StatusCode.PERMISSION_DENIED: preimage.NotAllowed,
    grpc.StatusCode.RESOURCE_EXHAUSTED: preimage.Overloaded,
    grpc.StatusCode.UNAVAILABLE: preimage.Unavailable,
    grpc.StatusCode.CANCELLED: preimage.Unavailable,
    grpc.StatusCode.INTERNAL: preimage.InternalError,
    grpc.StatusCode.UNKNOWN: preimage.InternalError,
    grpc.StatusCode.DATA_LOSS: preimage.InternalError,
    grpc.StatusCode.UNIMPLEMENTED: preimage.InternalError,
    grpc.StatusCode.DEADLINE_EXCEEDED: preimage.DeadlineExceeded,
}


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
async def test_every_status_code_has_its_exception(
    client: preimage.AsyncClient, service: FakeService, code: grpc.StatusCode
) -> None:
    service.refusals["ListModels"].extend([Refusal(code, "Something is wrong.", "X")] * 3)
    with pytest.raises(preimage.PreimageError, match=r"Something is wrong\.") as caught:
        await client.models()
    assert type(caught.value) is CODES_TO_KINDS[code]
    if isinstance(caught.value, preimage.ServiceError):
        assert (caught.value.code, caught.value.reason) == (code.name, "X")


def test_the_table_leaves_out_nothing_but_the_callers_own_limit() -> None:
    assert {*TABLE, grpc.StatusCode.DEADLINE_EXCEEDED} == set(CODES)


def test_there_is_advice_or_a_deliberate_silence_for_every_reason_of_the_wire() -> None:
    names = preimage_service_pb2.ErrorReason.keys()
    reasons = {name.removeprefix("ERROR_REASON_") for name in names} - {"UNSPECIFIED"}
    assert set(ADVICE) == reasons


@pytest.mark.parametrize("reason", [reason for reason, advice in ADVICE.items() if advice])
def test_a_message_is_the_servers_sentence_and_what_to_do(reason: str) -> None:
    refusal = Refusal(grpc.StatusCode.FAILED_PRECONDITION, "It is so", reason)
    error = error_of(Failure(refusal.code, refusal.sentence, refusal.metadata()), "here")
    assert str(error) == f"It is so. {ADVICE[reason]}"


def test_advice_that_the_server_gave_is_not_given_twice() -> None:
    said = "The deadline passed: allow more time, or use fewer steps."
    refusal = Refusal(grpc.StatusCode.FAILED_PRECONDITION, said, "DEADLINE_EXCEEDED")
    error = error_of(Failure(refusal.code, refusal.sentence, refusal.metadata()), "here")
    assert str(error) == said


def test_a_failed_job_does_not_repeat_the_servers_advice() -> None:
    said = "The deadline passed: allow more time, or use fewer steps."
    refusal = Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, said, "DEADLINE_EXCEEDED")
    job = preimage_pb2.Preimage(id="job-1", state=preimage_pb2.STATE_FAILED, error=refusal.status())
    assert str(job_from_wire(job).error) == f"Job job-1 failed: {said}"


async def test_violations_name_the_fields(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    fields = error_details_pb2.BadRequest(
        field_violations=[
            {"field": "spec.optimiser.steps", "description": "must be 1 to 10000"},
            {"field": "spec.seed", "description": "is odd"},
        ]
    )
    service.refusals["ListModels"].append(
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, "Two fields.", "INVALID_FIELD", (fields,))
    )
    with pytest.raises(preimage.InvalidRequest) as caught:
        await client.models()
    assert caught.value.violations == (
        preimage.Violation("spec.optimiser.steps", "must be 1 to 10000"),
        preimage.Violation("spec.seed", "is odd"),
    )
    assert "Not valid: steps: must be 1 to 10000; seed: is odd." in str(caught.value)


async def test_violations_that_the_sentence_names_are_not_said_twice(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    violation = {"field": "spec.seed", "description": "is odd"}
    fields = error_details_pb2.BadRequest(field_violations=[violation])
    service.refusals["ListModels"].append(
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, "spec.seed: is odd", "INVALID_FIELD", (fields,))
    )
    with pytest.raises(preimage.InvalidRequest) as caught:
        await client.models()
    assert str(caught.value) == "Not valid: seed: is odd."


@pytest.mark.parametrize(
    ("counted", "end"), [("1 more", "d: is bad."), ("5 more", "d: is bad; and 4 more.")]
)
async def test_violations_that_the_sentence_only_counts_are_told_in_their_place(
    client: preimage.AsyncClient, service: FakeService, counted: str, end: str
) -> None:
    violations = [{"field": name, "description": f"is {name}d"} for name in "ab"]
    violations.append({"field": "d", "description": "is bad"})
    fields = error_details_pb2.BadRequest(field_violations=violations)
    said = f"a: is ad; b: is bd; and {counted}"
    service.refusals["ListModels"].append(
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, said, "INVALID_FIELD", (fields,))
    )
    with pytest.raises(preimage.InvalidRequest) as caught:
        await client.models()
    assert str(caught.value) == f"Not valid: a: is ad; b: is bd; {end}"


async def test_overload_says_when_to_come_back(
    client: preimage.AsyncClient, service: FakeService
) -> None:
    service.refusals["ListModels"].extend([full(4)] * 3)
    with pytest.raises(preimage.Overloaded, match=r"Too many jobs wait\.") as caught:
        await client.models()
    assert caught.value.retry_after_seconds == 4
    kinds = [type(each) for each in caught.value.details]
    assert kinds == [error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo]


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (4, "Too many jobs wait."),
        (45.5, "Too many jobs wait. Ask again in 46 seconds."),
        (3530.9, "Too many jobs wait. Ask again in 59 minutes."),
    ],
)
def test_a_pause_that_the_client_does_not_wait_out_is_told(seconds: float, sentence: str) -> None:
    failure = Failure(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many jobs wait.", full(seconds).metadata()
    )
    assert str(error_of(failure, "here")) == sentence


def test_who_shows_a_certificate_is_not_told_to_give_a_token() -> None:
    said = "The client certificate names no tenant. Ask the operator for another."
    refusal = Refusal(grpc.StatusCode.UNAUTHENTICATED, said, "UNAUTHENTICATED")
    assert str(error_of(Failure(refusal.code, said, refusal.metadata()), "here")) == said


def test_details_that_cannot_be_decoded_do_not_hide_the_error() -> None:
    broken = (("grpc-status-details-bin", b"\xff\xff\xff"),)
    error = error_of(Failure(grpc.StatusCode.NOT_FOUND, "Gone.", broken), "here")
    assert (type(error), str(error)) == (preimage.NotFound, "Gone.")


def test_a_detail_that_cannot_be_decoded_does_not_hide_the_others() -> None:
    status = full(4).status()
    status.details[0].value = b"\xff\xff\xff"
    trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    error = error_of(Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "Full.", trailers), "here")
    assert isinstance(error, preimage.Overloaded)
    assert (error.reason, error.retry_after_seconds) == ("", 4)


def test_no_server_names_the_target_and_the_command_that_starts_one() -> None:
    with Client("127.0.0.1:1", timeout_seconds=60) as client:
        client._core._caller.transport._sleep = lambda _: None
        with pytest.raises(preimage.Unavailable, match=r"127\.0\.0\.1:1 .*`preimage up`") as caught:
            client.models()
    assert re.search(r"PREIMAGE_TARGET\.$", str(caught.value))


def test_a_server_of_something_else_is_told_from_a_missing_one() -> None:
    failure = Failure(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    said = str(error_of(failure, "here:1"))
    assert "no preimage server, or an older one" in said


def test_a_method_of_the_other_port_names_both_ports() -> None:
    failure = Failure(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    error = error_of(failure, "here:8791")
    assert isinstance(error, preimage.InternalError)
    said = str(error)
    for part in ("here:8791", "PREIMAGE_TARGET", "PREIMAGE_ADMIN_TARGET"):
        assert part in said
    assert "!" not in said


def test_a_sentence_of_grpc_keeps_no_mark_of_its_own_within_ours() -> None:
    failure = Failure(grpc.StatusCode.INTERNAL, "Something broke!")
    assert "failed: Something broke. It is" in str(error_of(failure, "here:1"))


def test_a_request_that_is_too_large_for_the_server_is_the_callers_mistake() -> None:
    options = (("grpc.max_receive_message_length", 100),)
    with (
        FakeServer(options) as server,
        Client(server.target) as client,
        pytest.raises(preimage.InvalidRequest) as caught,
    ):
        client.model("m" * 200)
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert not caught.value.repeatable
    assert "larger than max" in str(caught.value)


def test_too_many_calls_at_once_is_overload_although_grpc_sends_no_details() -> None:
    failure = Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded!")
    error = error_of(failure, "here:1")
    assert isinstance(error, preimage.Overloaded)
    assert error.repeatable


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (grpc.StatusCode.INTERNAL, "Received RST_STREAM with error code 2"),
        (grpc.StatusCode.UNKNOWN, "Stream removed"),
    ],
)
def test_a_connection_that_broke_is_not_taken_for_a_bug(code: grpc.StatusCode, text: str) -> None:
    error = error_of(Failure(code, text), "here:1")
    assert isinstance(error, preimage.Unavailable)
    assert error.repeatable


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    kinds = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.PreimageError)
    }
    assert {*drawn, "PreimageError"} == kinds
    below = re.findall(r"^    │   [├└]── (\w+)", errors.__doc__ or "", re.MULTILINE)
    assert {each.__name__ for each in errors.ServiceError.__subclasses__()} == set(below)
