"""Pixels of an audit's pictures are nowhere but where their owner asked for them."""

import base64
import io
import urllib.request
from collections.abc import Iterator

import pytest
from PIL import Image

from preimage import AuditReport, Client
from preimage.embedded import Stack
from tests.e2e.stacks import tiny_stack
from tests.tracing.collector import Collector
from tests.worker import jobs
from tests.worker.audit.measures import natural
from tests.worker.process import until


def as_png(levels: Image.Image) -> bytes:
    file = io.BytesIO()
    levels.save(file, "PNG")
    return file.getvalue()


PICTURES = [
    Image.fromarray((each * 255).round().astype("uint8"))
    for each in natural.pictures(8, side=jobs.SIDE)
]
TARGETS, AUXILIARY = PICTURES[:2], PICTURES[2:]
SIGNS = (b"data:image", b"iVBORw0KGgo", b"\x89PNG", b"\\x89PNG", b"/9j/4AAQ", b"UklGR")
"""How encoded pictures begin: PNG, JPEG, WebP; as they are and in base64."""


def encodings(picture: Image.Image) -> Iterator[bytes]:
    """The middle of a picture in each way in which somebody might write it down."""
    for content in (as_png(picture), picture.tobytes()):
        middle = content[60:120]
        yield middle
        yield middle.hex().encode()
        yield ", ".join(map(str, middle[:12])).encode()
        yield from (base64.b64encode(middle[start:])[:40] for start in range(3))


def found_in(text: bytes) -> list[bytes]:
    """Signs of pictures in a text."""
    needles = [*SIGNS, *(each for one in PICTURES for each in encodings(one))]
    return [needle for needle in needles if needle in text]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    with tiny_stack(folder, auditors=1, **collector.variables) as running:
        yield running


def audited(client: Client, pictures: str) -> AuditReport:
    audit = client.audit(
        model="tiny",
        layers=["features.3"],
        defences=["sign"],
        targets=TARGETS,
        auxiliary=AUXILIARY,
        own_these_pictures=True,
        steps=2,
        doublings=0,
        pictures=pictures,  # type: ignore[typeddict-item]  # parametrised
    )
    return audit.result()


def told_by(stack: Stack, collector: Collector) -> dict[str, bytes]:
    """What all processes wrote down, count and trace."""
    logs = {path.name: path.read_bytes() for path in stack.logs.iterdir()}
    assert {"frontend.log", "worker-0.log", "auditor-0.log"} <= set(logs)
    for name, said in stack.announcements.items():
        with urllib.request.urlopen(f"http://{said['metrics']}/metrics") as answer:
            logs[f"metrics of {name}"] = answer.read()
    assert len(logs) > 5
    until(lambda: any("audit" in each.name.lower() for each in collector.spans))
    return {**logs, "traces": repr(collector.spans).encode()}


def test_unless_they_were_asked_for_no_pixel_is_in_report_logs_metrics_or_traces(
    stack: Stack, client: Client, collector: Collector
) -> None:
    report = audited(client, "none")
    files = {name: getattr(report, name) for name in ("json", "html", "markdown", "csv")}
    for name, text in files.items():
        assert text
        assert found_in(text.encode()) == [], name
    for name, content in told_by(stack, collector).items():
        assert found_in(content) == [], name


def test_those_that_were_asked_for_are_on_the_page_alone(
    stack: Stack, client: Client, collector: Collector
) -> None:
    report = audited(client, "full")
    assert b"iVBORw0KGgo" in found_in(report.html.encode()), "or the search finds nothing anywhere"
    assert any(base64.b64encode(as_png(each)).decode() in report.html for each in TARGETS)
    for text in (report.json, report.markdown, report.csv):
        assert found_in(text.encode()) == []
    for name, content in told_by(stack, collector).items():
        assert found_in(content) == [], name
