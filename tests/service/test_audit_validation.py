"""What is refused of an audit, where it is wrong, and what would be right."""

from dataclasses import replace
from typing import Any

import grpc
import pytest

from preimage.v1 import audit_pb2 as audits
from preimage.v1 import audit_service_pb2 as wire
from preimage.v1.model_service_pb2 import AVAILABILITY_SERVED, Layer, Model, Preprocessing
from preimage.v1.tensor_pb2 import PictureSize
from preimage_queue import Queue, QueueSettings
from tests.service.auditor import FakeAuditor
from tests.service.audits import AUXILIARY, SPEC, TARGET, messages, pictures, spec
from tests.service.rich import Rich, refused
from tests.service.specs import create, png
from tests.service.stack import Stack, running
from tests.service.worker import HOG, TOY, FakeWorker

Code = grpc.StatusCode


async def wrong(stack: Stack, *parts: Any, **named: Any) -> Rich:
    """How an audit is refused; nothing of it is kept."""
    error = await refused(stack.audits.CreateAudit(iter(messages(*parts, **named))))
    assert not (await stack.backend.queue.stats()).queued_bytes
    return error


def chains(*texts: str) -> list[audits.Defence]:
    return [audits.Defence(chain=text) for text in texts]


BUDGET = audits.AttackBudget
FIELDS: list[tuple[dict[str, Any], str, str]] = [
    ({"own_these_pictures": False}, "own_these_pictures", "must be true"),
    ({"model": ""}, "model", "ListModels"),
    ({"layers": []}, "layers", "name 1 to 16"),
    ({"layers": ["conv"] * 17}, "layers", "name 1 to 16"),
    ({"layers": ["conv", "conv"]}, "layers[1]", "twice"),
    ({"layers": ["conv", "convv"]}, "layers[1]", "did you mean 'conv'"),
    ({"input_size": PictureSize(height=2, width=9)}, "input_size", "toy needs 4 a side"),
    ({"independent_model": "hog"}, "independent_layer", "is required"),
    ({"independent_layer": "hog"}, "independent_model", "is required"),
    ({"independent_model": "toy", "independent_layer": "fc"}, "independent_model", "itself"),
    (
        {"independent_model": "hog", "independent_layer": "x"},
        "independent_layer",
        "no layer of hog",
    ),
    ({"defences": chains("gausian:rel_rms=1")}, "defences[0].chain", "did you mean 'gaussian'"),
    ({"defences": chains("sign", "none")}, "defences[1].chain", "leave it out"),
    ({"defences": chains("topk:fraction=0.5", "topk:fraction=.5")}, "defences[1].chain", "same"),
    ({"defences": chains("sign+" * 60)}, "defences[0].chain", "256 characters"),
    ({"defences": chains(*["sign"] * 33)}, "defences", "at most 32"),
    ({"profile": 9}, "profile", "unknown value 9"),
    ({"pictures": 9}, "pictures", "unknown value 9"),
    ({"rungs": [audits.AUDIT_RUNG_A1, 9]}, "rungs[1]", "unknown value 9"),
    ({"rungs": [0]}, "rungs[0]", "name a rung"),
    ({"rungs": [audits.AUDIT_RUNG_A1] * 2}, "rungs[1]", "twice"),
    ({"releases": 0}, "releases", "must be 1 to 64"),
    ({"releases": 65}, "releases", "must be 1 to 64"),
    ({"budget": BUDGET(steps=0)}, "budget.steps", "must be 1 to 100000"),
    ({"budget": BUDGET(doublings=13)}, "budget.doublings", "must be 0 to 12"),
    ({"budget": BUDGET(restarts=17)}, "budget.restarts", "must be 1 to 16"),
    ({"budget": BUDGET(steps=10_000, doublings=2)}, "budget", "at most 20000"),
    ({"budget": BUDGET(preset="lucid")}, "budget.preset", "no preset of toy"),
]


@pytest.mark.parametrize(("changes", "field", "word"), FIELDS, ids=lambda each: str(each)[:40])
async def test_a_wrong_field_is_named_with_what_would_be_right(
    stack: Stack, auditor: FakeAuditor, changes: dict[str, Any], field: str, word: str
) -> None:
    error = await wrong(stack, spec(**changes))
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert list(error.fields) == [f"{SPEC}.{field}"]
    assert word in error.fields[f"{SPEC}.{field}"]


async def test_all_that_is_wrong_with_a_header_is_told_at_once(
    stack: Stack, auditor: FakeAuditor
) -> None:
    asked = spec(layers=["x"], own_these_pictures=False, budget=BUDGET(restarts=-1))
    error = await wrong(stack, asked, request_id="a b")
    names = ("layers[0]", "own_these_pictures", "budget.restarts")
    assert set(error.fields) == {"header.request_id", *(f"{SPEC}.{name}" for name in names)}


async def test_a_size_that_is_too_large_is_told_by_the_field_that_an_audit_has(
    stack: Stack, auditor: FakeAuditor
) -> None:
    error = await wrong(stack, spec(input_size=PictureSize(height=9000, width=9000)))
    assert error.fields[f"{SPEC}.input_size"].endswith(": name a smaller input_size")


async def test_a_size_that_is_none_is_told_by_its_side(stack: Stack, auditor: FakeAuditor) -> None:
    error = await wrong(stack, spec(input_size=PictureSize(height=0, width=9)))
    assert "must be 1 to" in error.fields[f"{SPEC}.input_size.height"]


async def test_a_model_of_any_size_needs_one(stack: Stack, auditor: FakeAuditor) -> None:
    error = await wrong(stack, spec(model="hog", layers=["hog"]))
    assert "any size" in error.fields[f"{SPEC}.input_size"]


async def test_a_model_that_takes_no_pictures_cannot_be_audited(
    stack: Stack, auditor: FakeAuditor, queue: Queue
) -> None:
    odd = Model(
        name="odd",
        digest="d9",
        availability=AVAILABILITY_SERVED,
        preprocessing=Preprocessing(input_size=PictureSize(height=8, width=8), channels=7),
        layers=[Layer(name="conv", code_shape=[4, 8, 8])],
        presets=TOY.presets,
    )
    FakeWorker(queue, name="fake-2", pools=("odd@d9",), catalogue=(odd,)).announce()
    error = await wrong(stack, spec(model="odd", layers=["conv"]))
    assert "7 channels" in error.fields[f"{SPEC}.model"]


async def test_a_judge_that_cannot_see_the_pictures_is_refused_before_anything_is_inverted(
    stack: Stack, auditor: FakeAuditor, queue: Queue
) -> None:
    judge: dict[str, Any] = {"independent_model": "hog", "independent_layer": "hog"}
    larger = PictureSize(height=16, width=16)
    error = await wrong(stack, spec(input_size=larger, **judge))
    assert list(error.fields) == [f"{SPEC}.independent_model"]
    assert "1-channel pictures, and toy 3" in error.fields[f"{SPEC}.independent_model"]
    grey = Model()
    grey.CopyFrom(TOY)
    grey.name, grey.digest, grey.preprocessing.channels = "grey", "d9", 1
    FakeWorker(queue, name="fake-2", pools=("grey@d9",), catalogue=(grey,)).announce()
    error = await wrong(stack, spec(model="grey", **judge))
    assert list(error.fields) == [f"{SPEC}.independent_model"]
    assert "16 pixels a side; these have 8 × 8" in error.fields[f"{SPEC}.independent_model"]
    await stack.audits.CreateAudit(iter(messages(spec(model="grey", input_size=larger, **judge))))


@pytest.mark.parametrize(
    ("model", "reason"), [("toi", "MODEL_NOT_FOUND"), ("absent", "MODEL_NOT_SERVED")]
)
@pytest.mark.parametrize("field", ["model", "independent_model"])
async def test_a_model_that_cannot_be_used_is_told_as_always(
    stack: Stack, auditor: FakeAuditor, field: str, model: str, reason: str
) -> None:
    named = {"independent_layer": "conv"} if field == "independent_model" else {}
    assert (await wrong(stack, spec(**{field: model, **named}))).reason == reason


async def test_without_an_auditor_an_audit_is_refused(stack: Stack, worker: FakeWorker) -> None:
    error = await wrong(stack)
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "AUDITOR_NOT_RUNNING")
    assert error.preconditions == [("AUDITOR_NOT_RUNNING", "auditors")]
    assert "operator" in error.message


async def test_an_auditor_that_is_about_to_leave_is_none(
    stack: Stack, auditor: FakeAuditor, queue: Queue
) -> None:
    queue.drain_worker(auditor.name)
    assert (await wrong(stack)).reason == "AUDITOR_NOT_RUNNING"


@pytest.mark.parametrize(
    ("sent", "field", "word"),
    [
        (pictures(0, 2), "pictures of the role TARGET", "at least one"),
        (pictures(1, 1), "pictures of the role AUXILIARY", "at least 2"),
        ([*pictures(), (audits.AUDIT_ROLE_UNSPECIFIED, png(9, 9))], "picture[3].role", "TARGET or"),
        ([*pictures(), (TARGET, b"no picture")], "picture[3].encoded", ""),
        ([*pictures(), (AUXILIARY, pictures()[0][1])], "picture[3]", "has the target recovers"),
        ([*pictures(), (TARGET, pictures()[0][1])], "picture[3]", "same file as picture[0]"),
    ],
    ids=["no-target", "one-auxiliary", "no-role", "no-picture", "shared", "twice"],
)
async def test_pictures_that_make_no_audit_are_refused(
    stack: Stack, auditor: FakeAuditor, sent: list[Any], field: str, word: str
) -> None:
    error = await wrong(stack, sent=sent)
    assert list(error.fields) == [field]
    assert word in error.fields[field]


async def test_too_many_pictures_are_refused_before_any_is_stored(
    queue_settings: QueueSettings, auditor: FakeAuditor
) -> None:
    async with running(queue_settings, maximum_audit_pictures=3) as stack:
        error = await wrong(stack, sent=pictures(2, 2))
        assert "more than the 3" in error.fields["picture[3]"]
    size_bytes = sum(len(encoded) for _, encoded in pictures())
    async with running(queue_settings, maximum_audit_bytes=size_bytes - 1) as stack:
        error = await wrong(stack)
        assert str(size_bytes - 1) in error.fields["picture[2].encoded"]


async def test_the_memory_of_pictures_on_their_way_is_bounded_and_given_back(
    queue_settings: QueueSettings, auditor: FakeAuditor
) -> None:
    size_bytes = sum(len(encoded) for _, encoded in pictures())
    async with running(queue_settings, maximum_upload_bytes_in_flight=size_bytes) as stack:
        error = await refused(stack.audits.CreateAudit(iter(messages(sent=pictures(2, 2)))))
        assert error.reason == "QUEUE_BYTES_FULL"
        assert stack.metric("preimage_upload_bytes") == 0
        await stack.audits.CreateAudit(iter(messages()))
        assert stack.metric("preimage_upload_bytes") == 0


async def test_a_full_queue_refuses_an_audit_and_soon_before_its_pictures_come(
    queue_settings: QueueSettings, auditor: FakeAuditor
) -> None:
    async with running(replace(queue_settings, max_queued_jobs=1)) as stack:
        await stack.preimages.CreatePreimage(create())
        error = await refused(stack.audits.CreateAudit(iter(messages(request_id="mine"))))
        assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "QUEUE_FULL")
        broken = messages(sent=[(TARGET, b"no picture")])
        assert (await refused(stack.audits.CreateAudit(iter(broken)))).reason == "QUEUE_FULL"


async def test_a_stream_without_its_header_or_with_two_is_refused(
    stack: Stack, auditor: FakeAuditor
) -> None:
    header, *rest = messages()
    for parts, field in (([], "header"), (rest, "header"), ([header, header], "picture[0]")):
        error = await refused(stack.audits.CreateAudit(iter(parts)))
        assert list(error.fields) == [field]
    empty = wire.CreateAuditRequest(header=wire.AuditHeader())
    assert list((await refused(stack.audits.CreateAudit(iter([empty])))).fields) == [SPEC]


async def test_a_plan_over_the_limit_is_refused_with_the_plan(
    queue_settings: QueueSettings, auditor: FakeAuditor
) -> None:
    async with running(queue_settings, maximum_audit_passes=3499) as stack:
        error = await wrong(stack)
        told = error.fields[SPEC]
        assert "is too large: 4 cells, 26 to 30 inversions and 2,900 to 3,500 passes" in told
        assert "at most 3,499 passes" in told
        request = wire.PlanAuditRequest(spec=spec(), targets=1, auxiliary=2)
        error = await refused(stack.audits.PlanAudit(request))
        assert "3,500 passes" in error.fields["spec"]


async def test_a_plan_is_told_without_attestation(stack: Stack, auditor: FakeAuditor) -> None:
    asked = spec(own_these_pictures=False, profile=audits.AUDIT_PROFILE_STANDARD)
    request = wire.PlanAuditRequest(spec=asked, targets=10, auxiliary=2)
    plan = (await stack.audits.PlanAudit(request)).plan
    assert plan.cells == 4
    each = 2 * 2 * 4 * 10  # layers, attacks (noise leaves nothing to know), factors, targets
    control = 4 * 10  # the same of the shallowest layer, of one attack
    assert (plan.least_inversions, plan.most_inversions) == (
        3 * each + control,
        6 * (each + control),
    )
    assert plan.least_passes == 700 * each + 100 * control
    assert plan.most_passes == 6300 * (each + control)
    assert not plan.HasField("least_seconds")
    assert list(plan.remarks) == ["10 targets are too few to show an absence; it takes 100."]


async def test_seconds_are_told_by_the_workers_that_serve_the_model(
    stack: Stack, auditor: FakeAuditor, queue: Queue
) -> None:
    FakeWorker(queue, name="one", rate=16.0).announce()
    FakeWorker(queue, name="two", rate=9.0, pools=("toy@d1",)).announce()
    FakeWorker(queue, name="other", rate=500.0, pools=("hog@d2",), catalogue=(HOG,)).announce()
    request = wire.PlanAuditRequest(spec=spec(), targets=1, auxiliary=2)
    plan = (await stack.audits.PlanAudit(request)).plan
    assert (plan.least_seconds, plan.most_seconds) == (116.0, 140.0)


async def test_a_plan_says_what_is_wrong_as_an_audit_would(
    stack: Stack, auditor: FakeAuditor
) -> None:
    error = await refused(stack.audits.PlanAudit(wire.PlanAuditRequest()))
    assert set(error.fields) == {"spec", "targets", "auxiliary", "spec.model", "spec.layers"}
