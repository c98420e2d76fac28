"""Nothing stays behind: what an ended job leaves has an expiry, and the rest is documented."""

import re
from importlib import resources
from pathlib import Path

import redis

from preimage_queue import Beat, HandBackMode, Lane, Queue, State, WorkerNotice, keys
from preimage_queue.lua import load_scripts
from tests.queue.helpers import POOL, Clock, kind, names, put, stored, succeed, take

ROOT = "{preimage}:"


def use_everything(queue: Queue, clock: Clock) -> None:
    """Bring jobs to every kind of end, with every kind of key on the way."""
    notice = WorkerNotice(name="w1", slots=4, cost_per_second=0.0, pools=(POOL,), models=("m",))
    queue.publish_model("m", b"info")
    queue.announce(notice)
    queue.drain_worker("w1")
    digest = stored(queue, b"picture")
    queue.put_blob("ada", b"never used")
    for lane in Lane:
        put(queue, lane=lane, blobs=(digest,))
    put(queue, deadline_seconds=1)
    cancelled = put(queue)
    put(queue, tenant="bob")
    queue.cancel(cancelled, "ada", "")
    clock.pass_seconds(2)
    queue.reap()
    done, fatal, dies = take(queue, 2, instant=1)
    queue.beat("w1", [Beat(job.id, job.attempt, 1, b"event") for job in (done, fatal, dies)])
    queue.put_checkpoint(done.id, done.attempt, 1, b"state")
    queue.put_checkpoint(dies.id, dies.attempt, 1, b"state")
    queue.put_output(done.id, done.attempt, "x", b"data")
    queue.put_output(dies.id, dies.attempt, "x", b"data")
    queue.finish(succeed(done, outputs=("x",)))
    queue.hand_back([(fatal.id, fatal.attempt)], HandBackMode.FATAL)
    clock.pass_seconds(21)
    queue.reap()


def end_all(queue: Queue) -> None:
    while jobs := take(queue, 4, instant=4):
        for job in jobs:
            queue.finish(succeed(job, state=State.FAILED))


def test_a_key_without_expiry_is_of_a_kind_that_is_documented_as_lasting(
    queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    use_everything(queue, clock)
    lasting = {kind(name) for name in names(raw) if raw.pttl(name) == -1}
    assert lasting <= {*keys.LASTING, "clock_offset"}
    end_all(queue)
    lasting = {kind(name) for name in names(raw) if raw.pttl(name) == -1}
    assert lasting <= {
        *("tenant", "retained", "dead", "uploads", "sums", "tenants", "clock_offset")
    }


def test_when_everything_has_ended_and_been_forgotten_every_key_left_expires_by_itself(
    queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    use_everything(queue, clock)
    end_all(queue)
    clock.pass_seconds(8 * 24 * 3600)
    queue.reap()
    left = {kind(name) for name in names(raw) if raw.pttl(name) == -1}
    assert left == {"clock_offset"}
    kinds = {kind(name) for name in names(raw)} - {"clock_offset"}
    assert kinds <= {"blob", "wanted", "known", "claim", "turns",
                     "worker", "workers", "serving", "drain", "model",
                     "models", "spent", "present", "capacity"}  # fmt: skip


def test_every_kind_of_key_that_a_script_uses_is_described(
    queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    used = set()
    for script in load_scripts().values():
        used |= set(re.findall(r"key\('([a-z_]+)'", script.text))
    described = set(re.findall(r"^    ([a-z_]+)[: ]", keys.__doc__ or "", re.MULTILINE))
    assert used - {"nothing"} | {"stage"} == described  # that one is named by the caller


def test_every_field_of_a_job_is_described_and_used(
    queue: Queue, raw: redis.Redis, clock: Clock
) -> None:
    use_everything(queue, clock)
    seen = {field for name in names(raw, f"{ROOT}job:*") for field in raw.hkeys(name)}
    assert seen <= set(keys.FIELDS)
    text = "".join(script.text for script in load_scripts().values())
    assert all(f"'{field}'" in text or f" {field} " in text for field in keys.FIELDS)


def test_every_script_says_what_it_takes_and_answers() -> None:
    for entry in (resources.files("preimage_queue") / "scripts").iterdir():
        assert entry.read_text("utf-8").startswith("-- "), entry.name


def test_the_reference_page_names_every_kind_of_key_and_every_script() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "queue.md").read_text("utf-8")
    table = page.split("\n## Keys\n")[1].split("\n## ")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`([a-z_]+)", " ".join(cells)))
    assert named == set(re.findall(r"^    ([a-z_]+)[: ]", keys.__doc__ or "", re.MULTILINE))
    scripts = set(load_scripts())
    words = set(re.findall(r"`([a-z_]+)(?:\*?)`", page))
    families = tuple(re.findall(r"`([a-z]+_)\*`", page))
    assert {name for name in scripts - words if not name.startswith(families)} == set()
