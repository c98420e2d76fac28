"""Finished cells in the checkpoint of an audit."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from preimage.v1 import audit_pb2
from preimage_queue import Claimed, Queue
from preimage_worker.audit import run
from preimage_worker.audit.plan import Levels
from preimage_worker.audit.rendering import Kept
from preimage_worker.auditor import writing
from preimage_worker.auditor.cells import CheckpointStore
from preimage_worker.inversion.defences.grammar import parse
from tests.worker.audit import subjects
from tests.worker.auditor.auditing import spec, submit
from tests.worker.process import queue_at


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    with queue_at(redis_url) as queue:
        yield queue


def claim(queue: Queue) -> Claimed:
    (job,) = queue.claim("auditor", "token", pools=("audit",), free_slots=1, capacity_slots=1)
    return job


@pytest.fixture
def claimed(queue: Queue) -> Claimed:
    """An audit that has been taken up for the first time."""
    submit(queue, spec())
    return claim(queue)


Keep = Callable[[Levels], Kept]


def store(queue: Queue, claimed: Claimed, keep: Keep | None = None) -> CheckpointStore:
    return CheckpointStore(queue, claimed, keep=keep, saved=lambda _: None)


def test_an_attempt_that_begins_again_takes_up_its_own_cells(
    queue: Queue, claimed: Claimed
) -> None:
    before = store(queue, claimed)
    before.save("control", {"fve": 0.9}, None)
    before.save("layer1/none", {"fve": 0.8}, None)
    again = store(queue, claimed)
    assert again.load("control") == {"fve": 0.9}
    again.save("layer1/sign", {"fve": 0.1}, None)
    assert store(queue, claimed).load("layer1/none") == {"fve": 0.8}


def test_cells_of_another_version_are_computed_again(
    queue: Queue, claimed: Claimed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(run, "_COMPUTING", ())
        store(queue, claimed).save("control", {"fve": 0.9}, None)
        assert store(queue, claimed).load("control") is not None
    assert store(queue, claimed).load("control") is None


@pytest.mark.parametrize(
    "wish", [audit_pb2.REPORT_PICTURES_THUMBNAIL, audit_pb2.REPORT_PICTURES_FULL]
)
def test_pictures_of_a_checkpoint_are_no_more_than_a_page_can_show(
    queue: Queue,
    claimed: Claimed,
    wish: audit_pb2.ReportPictures.ValueType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writing, "FULL_BYTES", 20_000)
    plan = subjects.plan(layers=("0", "2"), defences=(*parse("none"), *parse("sign")))
    found = np.random.default_rng(0).integers(0, 256, plan.targets.shape, np.uint8)
    assert 4 * found.nbytes > 20_000
    before = store(queue, claimed, writing.keeper(plan, wish))
    for name in ("0/none", "0/sign", "2/none", "2/sign"):
        before.save(name, {}, found)
    stored = queue.read_checkpoint(claimed.id, claimed.attempt)
    assert stored is not None
    assert len(stored[1]) < 25_000
    after = store(queue, claimed).pictures
    assert len(after) == 4
    for kept in after.values():
        assert len(kept.targets) == 2
        assert (kept.pictures == found[kept.targets]).all()
        assert len(kept.mse) == len(found)


def test_of_an_owner_who_wants_no_pictures_none_are_kept() -> None:
    assert writing.keeper(subjects.plan(), audit_pb2.REPORT_PICTURES_UNSPECIFIED) is None
