"""`preimage demo` with the fake service in the place of the one that it starts: table and page."""

import json
from html.parser import HTMLParser
from pathlib import Path

import grpc
import pytest
from typer.testing import Result

from preimage.cli.demo import command
from preimage.cli.demo.pictures import find_pictures
from preimage.cli.session import session
from preimage.errors import BadInput
from tests.client.cli.conftest import Run
from tests.client.fake import FakeServer, FakeService
from tests.client.refusals import Refusal


class _Page(HTMLParser):
    """Collects the pictures and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [value for key in ("src", "href") if (value := given.get(key))]
        if tag == "img":
            self.images.append(given)


@pytest.fixture
def demo(run: Run, server: FakeServer, picture: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """The outcome of one run; `picture` is the only one in its folder."""
    monkeypatch.setattr(command, "session", lambda _, embedded: session(server.target))
    return run("demo", "--pictures", picture.parent, "--out", "shown")


def test_numbers_of_every_job_are_in_the_file_and_in_the_table(demo: Result) -> None:
    assert demo.exit_code == 0
    results = json.loads(Path("shown/results.json").read_text())
    assert [(each["representation"], each["layer"]) for each in results] == [
        ("hog", "hog"),
        *(("squeezenet1_0", f"features.{index}") for index in (1, 5, 7, 10)),
    ]
    assert results[0] == {
        "representation": "hog",
        "layer": "hog",
        "picture": "cat",
        "error": 0.05,
        "error_delivered": 0.06,
        "psnr_db": 31.5,
        "passes": 124,
        "seconds": 2.25,
    }
    assert "6.0%" in demo.stdout
    assert "31.5 dB" in demo.stdout


def test_a_model_that_is_not_there_is_one_sentence_in_the_terminal_and_on_the_page(
    demo: Result,
) -> None:
    sentence = "The service's catalogue has no model hogb."
    assert sentence in demo.stderr
    assert "has no model hogb." in Path("shown/index.html").read_text()


def test_the_page_shows_every_picture_with_words_for_it_and_needs_nothing_from_elsewhere(
    demo: Result,
) -> None:
    page = _Page(Path("shown/index.html").read_text())
    assert len(page.images) == 1 + 5
    assert all(image["alt"] for image in page.images)
    assert all((Path("shown") / address).is_file() for address in page.addresses)


def test_all_jobs_are_handed_in_before_the_first_is_waited_for(
    demo: Result, service: FakeService
) -> None:
    assert service.most_in_flight == 5


def test_a_job_that_fails_does_not_stop_the_others(
    run: Run,
    server: FakeServer,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusal = Refusal(grpc.StatusCode.INVALID_ARGUMENT, "There is no such layer.", "INVALID_FIELD")
    server.service.refusals["CreatePreimage"].append(refusal)
    monkeypatch.setattr(command, "session", lambda _, embedded: session(server.target))
    ended = run("demo", "--pictures", picture.parent, "--out", "shown")
    assert ended.exit_code == 1
    first, *others = json.loads(Path("shown/results.json").read_text())
    assert first["failure"] == "There is no such layer."
    assert all("error" in each for each in others)
    assert "There is no such layer." in Path("shown/index.html").read_text()


def test_the_pictures_that_come_with_scikit_image_are_found_without_importing_it() -> None:
    found = find_pictures(None, limit=2)
    assert [(each.name, each.size) for each in found] == [
        ("chelsea", (300, 451)),
        ("coffee", (400, 600)),
    ]


def test_a_size_is_fitted_in_whole_cells_and_keeps_its_proportions() -> None:
    chelsea, coffee = find_pictures(None, limit=2)
    assert chelsea.fitted(256, 8) == (168, 256)
    assert coffee.fitted(256, 8) == (168, 256)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no PNG, JPEG or WebP file"):
        find_pictures(tmp_path, limit=1)


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_inverted(
    run: Run, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(command, "session")  # whoever starts a service fails
    ended = run("demo", "--pictures", picture.parent, "--out", picture / "shown")
    assert ended.exit_code == 1
    assert ended.stderr == f"{picture / 'shown'}: Not a directory\n"
