"""The notebooks of `examples/` run from their first cell to their last, with small numbers."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from nbformat import NotebookNode

from tests.redis_server import require_server

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK: Final[Mapping[str, str]] = {
    "audit": "TARGETS, AUXILIARY, LAYERS, STEPS, DOUBLINGS, SIDE = 4, 8, ('stem',), 4, 0, 32",
    "every_layer": (
        "STEPS, SIDE, MODELS, LAYERS = 3, 64, ('squeezenet1_0', 'untrained'), ('features.1',)"
    ),
    "five_minutes": "STEPS, LONGEST_SIDE = 4, 64",
    "own_network": "STEPS, SIDE = 4, 32",
}
"""What takes the place of the cell with parameters."""


def test_every_notebook_is_among_those_that_are_run() -> None:
    assert sorted(QUICK) == sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))


@pytest.mark.parametrize("name", QUICK)
def test_a_notebook_is_kept_without_what_it_printed(name: str) -> None:
    for cell in code_of(read(name)):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_notebook_runs_to_its_end(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_server()
    # Relative in .ci and Makefiles, and the kernel works in a folder of its own.
    if weights := os.environ.get("PREIMAGE_WEIGHTS_DIR"):
        monkeypatch.setenv("PREIMAGE_WEIGHTS_DIR", str(Path(weights).resolve()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = read(name)
    (parameters,) = (
        cell for cell in code_of(notebook) if "parameters" in cell.metadata.get("tags", ())
    )
    known = assigned(parameters.source)
    parameters.source = QUICK[name]
    assert assigned(QUICK[name]) == known
    place = tmp_path / f"{name}.ipynb"
    nbformat.write(notebook, place)
    # In a process of its own: whatever it leaves behind ends with it.
    command = [sys.executable, "-m", "jupyter", "execute", "--timeout=240", place.name]
    ended = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def read(name: str) -> NotebookNode:
    return nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def assigned(source: str) -> set[str]:
    names: dict[str, Any] = {}
    exec(source, names)  # the notebook's own first cell, or its stand-in above
    return {name for name in names if name.isupper()}
