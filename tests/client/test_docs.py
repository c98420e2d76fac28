"""What the documentation of the SDK says is there, and runs."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import preimage
from tests.client import messages
from tests.client.fake import FakeServer

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference" / "sdk.md").read_text(encoding="utf-8")
AUDIT = (DOCS / "how-to" / "audit.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "python.md").read_text(encoding="utf-8")
TUTORIAL = (DOCS / "tutorial" / "first-hour.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", preimage.__all__)
def test_every_exported_name_is_in_the_reference(name: str) -> None:
    assert re.search(rf"`[^`]*\b{name}\b[^`]*`", REFERENCE)


RECORDS = [
    value
    for value in (getattr(preimage, name) for name in preimage.__all__)
    if dataclasses.is_dataclass(value) and value is not preimage.Provenance
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_of_a_record_is_in_the_reference(record: type) -> None:
    fields = [field.name for field in dataclasses.fields(record)]
    assert [name for name in fields if not re.search(rf"`[^`]*\b{name}\b", REFERENCE)] == []


@pytest.mark.parametrize("kind", [preimage.Client, preimage.Job], ids=lambda kind: kind.__name__)
def test_every_method_is_in_the_reference(kind: type) -> None:
    public = [name for name in dir(kind) if not name.startswith("_")]
    assert [name for name in public if not re.search(rf"`{name}\b", REFERENCE)] == []


def test_the_audit_from_python_runs_as_it_is_written(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREIMAGE_TARGET", server.target)
    for level, name in enumerate(("mine", "others", "others")):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        picture = np.full((4, 4, 3), level, np.uint8)
        Image.fromarray(picture).save(folder / f"{level}.png")
    (block,) = re.findall(r"```python\n(.*?)```", AUDIT, re.DOTALL)
    exec(compile(block, "audit.md", "exec"), {"__name__": "__main__"})
    assert (tmp_path / "report" / "report.html").exists()
    assert server.audits.headers[0].spec.seed == 1


def test_the_tutorials_inversion_runs_as_it_is_written(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREIMAGE_TARGET", server.target)
    Image.fromarray(messages.pixels()).save("cat.jpg")
    block = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)[0]
    exec(compile(block, "first-hour.md", "exec"), {"__name__": "__main__"})
    assert (tmp_path / "pre-image.png").exists()


def test_the_how_to_runs_from_its_first_line_to_its_last(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREIMAGE_TARGET", server.target)
    Image.fromarray(messages.pixels()).save("cat.jpg")
    (tmp_path / "pictures").mkdir()
    Image.fromarray(messages.pixels()).save("pictures/one.jpg")

    blocks = re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL)
    for number, block in enumerate(blocks):
        exec(compile(block, f"python.md, block {number}", "exec"), {"__name__": "__main__"})

    assert len(blocks) == 8
    for made in (
        "pre-image.png",
        "preview.png",
        "0.png",
        "code.safetensors",
        "spread.png",
        "channel-7.png",
    ):
        assert (tmp_path / made).exists(), made
