"""In the middle of an upgrade: processes of the last release and of this tree, on one Redis."""

import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

import preimage
from preimage.embedded import Stack
from preimage.embedded.children import Children
from preimage.embedded.process import Child
from tests.e2e.stacks import tiny_stack

RELEASED = Path(__file__).parents[2] / "proto" / "released.tar.xz"
PATIENCE_SECONDS = 120.0
MODEL, LAYER, SIDE = "tiny", "features.3", 32

pytestmark = pytest.mark.slow

Mixed = Callable[..., Stack]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The folders of the released packages."""
    folder = tmp_path_factory.mktemp("released")
    with tarfile.open(RELEASED) as archive:
        archive.extractall(folder, filter="data")
    return [str(folder / name) for name in ("client", "service", "worker")]


@pytest.fixture
def mixed(released: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mixed:
    """Makes a stack in which the processes that are named are the released ones."""
    ours = Children._python

    def make(*old: str, workers: int = 1) -> Stack:
        def python(self: Children, name: str, module: str, variables: Mapping[str, str]) -> Child:
            child = ours(self, name, module, variables)
            if name in old:
                child.command = [sys.executable, "-c", program(released, module)]
            return child

        monkeypatch.setattr(Children, "_python", python)
        return tiny_stack(tmp_path, workers=workers)

    return make


def program(folders: list[str], module: str) -> str:
    """Runs a module of these folders. It says so if it finds another one all the same."""
    package = f"__import__('importlib.util').util.find_spec({module!r}).origin"
    return (
        f"import sys; sys.path[:0] = {folders!r}; "
        f"assert {package}.startswith({str(Path(folders[0]).parent)!r}); "
        f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def use(client: preimage.Client) -> None:
    """What callers do, once each."""
    wanted = {"model": MODEL, "layer": LAYER}
    assert MODEL in {model.name for model in client.models()}
    result = client.invert(picture(), steps=30, **wanted)
    assert result.errors is not None
    assert result.errors.relative < 1
    features = client.extract_features(picture(), **wanted)
    job = client.submit(features, steps=20, restarts=2, preset="mv2016", **wanted)
    assert len(job.result(timeout_seconds=PATIENCE_SECONDS).reconstructions) == 2
    endless = client.submit(picture(1), steps=20_000, seed=1, **wanted)
    next(event for event in endless.watch() if isinstance(event, preimage.Progress))
    endless.cancel("enough")
    with pytest.raises(preimage.JobCancelled):
        endless.result(timeout_seconds=PATIENCE_SECONDS)
    with pytest.raises(preimage.ServiceError):
        client.invert(picture(), model=MODEL, layer="no such layer")


@pytest.mark.parametrize("old", ["worker-0", "frontend"])
def test_processes_of_the_last_release_and_of_this_one_work_together(
    mixed: Mixed, old: str
) -> None:
    with mixed(old) as stack, preimage.Client(stack.target) as client:
        use(client)


def test_equal_jobs_end_while_a_worker_of_the_last_release_serves_them_too(mixed: Mixed) -> None:
    with mixed("worker-0", workers=2) as stack, preimage.Client(stack.target) as client:
        fixed = {"model": MODEL, "layer": LAYER, "steps": 150}
        jobs = [client.submit(picture(), seed=seed, **fixed) for seed in (1, 2, 3, 4) * 3]
        results = [job.result(timeout_seconds=PATIENCE_SECONDS) for job in jobs]
        assert len(results) == 12
