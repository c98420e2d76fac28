"""What an audit would take of its auditor's memory, and that too much of it is refused."""

import io

from PIL import Image

from preimage.v1 import audit_pb2 as audits
from preimage.v1 import audit_service_pb2 as wire
from preimage.v1.model_service_pb2 import Layer, Model, Preprocessing
from preimage.v1.tensor_pb2 import PictureSize
from preimage_queue import QueueSettings
from preimage_service.checks.audit_memory import check_memory, memory_of
from preimage_service.settings import Settings
from tests.service.auditor import FakeAuditor
from tests.service.audits import SPEC, messages, spec
from tests.service.rich import refused
from tests.service.stack import Stack, running
from tests.service.worker import HOG, TOY

GIB = 2**30
SQUEEZENET = Model(
    name="squeezenet",
    preprocessing=Preprocessing(input_size=PictureSize(height=224, width=224), channels=3),
    layers=[
        Layer(name="features.0", code_shape=[96, 109, 109]),
        Layer(name="features.1", code_shape=[96, 109, 109]),
        Layer(name="features.12", code_shape=[512, 13, 13]),
    ],
)
LINKS = [audits.AUDIT_RUNG_L1]


def test_an_honest_audit_of_large_codes_passes() -> None:
    memory = memory_of(spec(layers=["features.1"]), SQUEEZENET, None, 100, 400)
    assert 8 * GIB < memory.total_bytes < 9 * GIB
    assert not list(check_memory(memory, Settings(), "spec"))


def test_of_several_layers_the_largest_counts_and_the_controls_where_anything_is_inverted() -> None:
    both = memory_of(spec(layers=["features.12", "features.1"]), SQUEEZENET, None, 9, 9)
    assert (both.layer, both.asked) == ("features.1", True)
    deep = memory_of(spec(layers=["features.12"]), SQUEEZENET, None, 9, 9)
    assert (deep.layer, deep.asked) == ("features.0", False)
    linked = memory_of(spec(layers=["features.12"], rungs=LINKS), SQUEEZENET, None, 9, 9)
    assert linked.codes_bytes == 4 * 3 * 18 * 512 * 13 * 13
    assert linked.pictures_bytes == 4 * 3 * 18 * 224 * 224 * 3


def test_codes_grow_with_the_picture_and_with_releases_of_the_targets() -> None:
    asked = spec(layers=["conv"], rungs=LINKS)
    own = memory_of(asked, TOY, None, 2, 8)
    asked.input_size.height, asked.input_size.width = 16, 24
    assert memory_of(asked, TOY, None, 2, 8).codes_bytes == 6 * own.codes_bytes
    asked.releases = 11
    assert memory_of(asked, TOY, None, 2, 8).codes_bytes == 6 * own.codes_bytes * 50 // 30


def test_a_judge_sees_all_pictures_too() -> None:
    asked = spec(layers=["fc"], rungs=LINKS, independent_model="hog", independent_layer="hog")
    asked.input_size.height = asked.input_size.width = 16
    alone = memory_of(asked, TOY, None, 2, 8)
    judged = memory_of(asked, TOY, HOG, 2, 8)
    assert judged.codes_bytes - alone.codes_bytes == 4 * 10 * 27 * 2 * 2
    assert judged.pictures_bytes - alone.pictures_bytes == 4 * 3 * 10 * 16 * 16


async def test_tiny_files_that_would_become_large_pictures_are_refused(
    stack: Stack, auditor: FakeAuditor
) -> None:
    asked = spec(model="hog", layers=["hog"], rungs=LINKS, defences=[])
    asked.input_size.height = asked.input_size.width = 2048
    request = wire.PlanAuditRequest(spec=asked, targets=1, auxiliary=1999)
    told = (await refused(stack.audits.PlanAudit(request))).fields["spec"]
    assert "GiB for pictures" in told
    assert "this server takes at most 10.0 GiB: bring fewer pictures" in told
    request.auxiliary = 20
    assert (await stack.audits.PlanAudit(request)).plan.cells == 1


async def test_an_audit_is_refused_by_the_number_of_its_pictures_and_stores_none(
    queue_settings: QueueSettings, auditor: FakeAuditor
) -> None:
    async with running(queue_settings, maximum_audit_memory_bytes=20_000) as stack:
        error = await refused(stack.audits.CreateAudit(iter(messages(sent=_pictures(9)))))
        assert "of an auditor's memory" in error.fields[SPEC]
        assert "deeper layers" in error.fields[SPEC]
        assert not (await stack.backend.queue.stats()).queued_bytes
        await stack.audits.CreateAudit(iter(messages(sent=_pictures(3))))


def _pictures(count: int) -> list[tuple[audits.AuditRole.ValueType, bytes]]:
    made = []
    for level in range(count):
        file = io.BytesIO()
        Image.new("L", (8, 8), level).save(file, "PNG")
        role = audits.AUDIT_ROLE_AUXILIARY if level else audits.AUDIT_ROLE_TARGET
        made.append((role, file.getvalue()))
    return made
