"""Jobs that cannot end well: each ends alone, with its own reason, and what it shared goes on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import preimage
from preimage import Client, Job, JobFailed, Outcome, State
from preimage.embedded import Stack
from tests.e2e.stacks import tiny_stack
from tests.worker.process import until

SIDE = 16
LAYER = "pool"
MATES = 5
STEPS = 150
FILES = ("0/picture.png", "0/picture.f32")
MODEL = """
[models.{name}]
architecture = "python:tests.e2e.deadly:{name}"
input_size = [16, 16]
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    catalogue = folder / "deadly.toml"
    catalogue.write_text("".join(MODEL.format(name=name) for name in ("deadly", "blind", "hungry")))
    root = str(Path(__file__).parents[2])
    own = {"PREIMAGE_CATALOGUE": str(catalogue), "PYTHONPATH": root}
    with tiny_stack(folder, **own) as running:
        yield running


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.target) as connected:
        yield connected


def code(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Of a dark picture."""
    shape = (3, SIDE // 2, SIDE // 2)
    return np.random.default_rng(seed).uniform(-0.9, -0.5, shape).astype(np.float32)


LIGHT = np.full((3, SIDE // 2, SIDE // 2), 0.9, np.float32)


def submitted(client: Client, model: str, source: object, **settings: object) -> Job:
    # Its steps are small ones: the canvas of a dark picture is never bright on its way.
    usual = {"preset": "mv2016", "steps": STEPS, "cache": "bypass"}
    wanted = {"model": model, "layer": LAYER, **usual, **settings}
    return client.submit(source, **wanted)  # type: ignore[arg-type]  # settings by name


def mates(client: Client) -> list[Job]:
    return [submitted(client, "deadly", code(seed), seed=seed) for seed in range(MATES)]


def files_of(all_jobs: Sequence[Job]) -> list[list[bytes]]:
    return [[job.download(name) for name in FILES] for job in all_jobs]


def reason_of(job: Job) -> str:
    with pytest.raises(JobFailed) as failed:
        job.result(timeout_seconds=120)
    return failed.value.reason or ""


def test_a_job_that_kills_its_worker_fails_alone_and_its_mates_get_what_they_would_have(
    stack: Stack, client: Client
) -> None:
    undisturbed = mates(client)
    for job in undisturbed:
        job.result(timeout_seconds=120)
    stack.kill("worker-0")
    early = mates(client)
    poison = submitted(client, "deadly", LIGHT)
    together = [*early, poison]
    until(lambda: stack.supervise() is None and all(job.refresh().ended for job in together))
    assert reason_of(poison) == "MAX_DELIVERIES"
    assert poison.info.attempt == 3
    assert [job.state for job in early] == [State.SUCCEEDED] * MATES
    assert [job.info.attempt for job in early] == [2] * MATES
    assert files_of(early) == files_of(undisturbed)


def test_a_job_that_stops_being_finite_ends_diverged_and_its_mate_does_not(client: Client) -> None:
    blinded = submitted(client, "blind", LIGHT)
    mate = submitted(client, "blind", code(1))
    assert reason_of(blinded) == "DIVERGED"
    assert mate.result(timeout_seconds=120).outcome is Outcome.SCHEDULE_COMPLETED
    assert (blinded.info.attempt, mate.info.attempt) == (1, 1)


def test_memory_that_runs_out_ends_only_the_job_that_needs_too_much_even_alone(
    client: Client,
) -> None:
    before = [submitted(client, "hungry", code(seed), seed=seed) for seed in range(2)]
    large = submitted(client, "hungry", LIGHT)
    after = [submitted(client, "hungry", code(seed), seed=seed) for seed in range(2, 4)]
    assert reason_of(large) == "OUT_OF_MEMORY"
    for job in (*before, *after):
        assert job.result(timeout_seconds=120).outcome is Outcome.SCHEDULE_COMPLETED


def test_a_job_that_never_settles_ends_with_its_schedule_or_at_its_deadline(client: Client) -> None:
    with_schedule = submitted(client, "deadly", code(2), plateau=preimage.Plateau(), steps=40)
    with_deadline = submitted(client, "deadly", code(3), steps=20_000, deadline_seconds=2.0)
    scheduled = with_schedule.result(timeout_seconds=120)
    cut_short = with_deadline.result(timeout_seconds=120)
    assert (scheduled.outcome, scheduled.steps) == (Outcome.SCHEDULE_COMPLETED, 40)
    assert cut_short.outcome is Outcome.DEADLINE
