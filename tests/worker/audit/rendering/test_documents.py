"""What holds of all four documents."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.measures.verdict import Answer
from preimage_worker.audit.plain import Plain
from preimage_worker.audit.profiles import STANDARD
from preimage_worker.audit.records import AuditReport, Share
from preimage_worker.audit.rendering import Gallery, PicturesMode, keep, read, render
from preimage_worker.audit.rendering import gallery as gallery_module
from preimage_worker.audit.rendering.figures import number, percent
from preimage_worker.audit.run import cell_name, run
from preimage_worker.inversion.defences.grammar import parse
from tests.worker.audit import planted, subjects
from tests.worker.audit.planted import Planted
from tests.worker.audit.rendering.made_up import Made, report
from tests.worker.audit.rendering.pages import Page

HOSTILE = '<script>alert("x")</script>|`[a](b)`'


def several() -> AuditReport:
    return report(
        [
            Made("layer1"),
            Made("layer1", "gaussian:rel_rms=0.1", 0.6, 18.0, 0.9, 0.9, informative=True),
            Made(
                "layer1", "gaussian:rel_rms=10", 0.02, 13.0, 1.0, 0.03, Answer.NO, informative=False
            ),
            Made("pool", "none", 0.01, 12.8, 0.01, 1.0, Answer.NO, Answer.NO, 0.0001),
            Made("pool", "sign", 0.03, 12.9, 0.3, 0.5, Answer.INCONCLUSIVE, Answer.INCONCLUSIVE),
        ]
    )


def marked(value: Plain, given: list[float]) -> Plain:
    """The same report with another figure in each place, which four digits tell from all others."""
    if isinstance(value, dict):
        # Profiles refuse figures that make no sense.
        return {
            name: each if name == "profile" else marked(each, given) for name, each in value.items()
        }
    if isinstance(value, list):
        return [marked(each, given) for each in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    place = len(given)
    given.append(5000 + place if isinstance(value, int) else round(0.1 + 0.001 * place, 3))
    return given[-1]


def test_the_profile_is_on_the_page_with_all_of_its_figures() -> None:
    text = Page(render(several()).html.decode()).text
    assert (
        "standard: 100 steps, at most 5 doublings; prior factors 0.001, 0.01, 0.1, 1; restarts 1; "
        "probes 16; at most 12 pictures for the control"
    ) in text


def test_equal_reports_give_the_same_bytes() -> None:
    found = several()
    assert render(found) == render(found)


def test_a_report_that_went_through_json_gives_the_same_documents() -> None:
    documents = render(several())
    assert render(read(documents.json)) == documents


def test_text_that_is_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="AuditReport"):
        read('{"rows": []}')


def test_every_figure_of_the_report_is_on_the_page() -> None:
    one = report([Made("layer1", "gaussian:rel_rms=0.1", informative=True)])
    shares = (Share("A3", 1), Share("A4", 2))
    few = replace(
        one,
        rows=tuple(replace(row, rungs=row.rungs[-2:], best_of=shares) for row in one.rows),
    )
    given: list[float] = []
    found = read(json.dumps(marked(json.loads(render(few).json), given)))
    text = Page(render(found).html.decode()).text.replace("\N{NO-BREAK SPACE}", " ")
    words = {word.strip("().,;:") for word in text.split()}
    assert 100 < len(given) < 900
    assert [each for each in given if not {number(each), percent(each)[:-2]} & words] == []


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_threats_come_before_answers_and_answers_before_figures(kind: str) -> None:
    text = getattr(render(several()), kind).decode()
    heads = ["Threat model", "The answer", "Ranking by recovery", "Feature error beside recovery"]
    places = [re.search(rf"(## |-title\">){head}", text) for head in heads]
    starts = [place.start() for place in places if place]
    assert len(starts) == len(heads)
    assert starts == sorted(starts)


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_verdicts_are_said_in_their_own_words(kind: str) -> None:
    text = getattr(render(several()), kind).decode()
    for words in (
        "recovered and linkable",
        "linkable, not recovered by the attacks listed",
        "not recovered by the attacks listed",
        "inconclusive",
        "says nothing",
        "A5, a trained decoder, is not built.",
        "Feature error is no measure of leakage",
    ):
        assert words in text


def test_no_document_calls_anything_safe() -> None:
    for content in render(several()).files().values():
        assert not re.search(r"\bsafe", content.decode(), re.IGNORECASE)


def test_names_of_layers_are_text_on_the_page() -> None:
    text = render(report([Made(HOSTILE), Made(HOSTILE, "quantise:bits=4", 0.5)])).html.decode()
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE in page.text


def test_names_of_layers_are_text_in_markdown() -> None:
    text = render(report([Made(HOSTILE)])).markdown.decode()
    assert "<script" not in text
    assert r"\|\`\[a\](b)\`" in text


def test_rows_of_markdown_tables_have_as_many_cells_as_their_heads() -> None:
    text = render(report([Made(HOSTILE), Made("pool", "sign", 0.1)])).markdown.decode()
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) > 4
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(table.splitlines()) > 2
        assert len(widths) == 1


def test_csv_has_one_line_a_row_with_all_digits() -> None:
    found = several()
    rows = list(csv.DictReader(io.StringIO(render(found).csv.decode(), newline="")))
    assert [row["layer"] for row in rows] == [row.layer for row in found.rows]
    for line, row in zip(rows, found.rows, strict=True):
        assert float(line["fve_mean_lower"]) == row.best.explained.fve.mean.lower
        assert float(line["fve_over_chance"]) == row.best.explained.over_chance.estimate
        assert line["verdict"] == row.label
        assert line["lpips_mean"] == ""
    assert {line["bound_informative"] for line in rows} == {"", "true", "false"}


def test_csv_gives_no_formula_to_a_spreadsheet() -> None:
    text = render(report([Made("=cmd()")])).csv.decode()
    assert next(csv.DictReader(io.StringIO(text)))["layer"] == "'=cmd()"


def test_a_missing_figure_says_why() -> None:
    found = several()
    rows = tuple(replace(row, utility=Missing("No utility at all.")) for row in found.rows)
    documents = render(replace(found, rows=rows))
    assert "No utility at all." in documents.html.decode()
    assert "No utility at all." in documents.markdown.decode()


def test_without_a_control_or_inversions_the_page_says_so() -> None:
    found = several()
    rows = tuple(replace(row, attacks=(), plateau=None) for row in found.rows)
    text = render(replace(found, rows=rows, control=None)).html.decode()
    assert "The known-answer control was not run." in text
    assert "No code was inverted." in text


def test_a_failed_control_stands_in_the_answer() -> None:
    text = render(report([Made("layer1")], control_failed=True)).html.decode()
    start, end = text.index('id="answer"'), text.index('id="ranking"')
    assert "The known-answer control failed" in text[start:end]


def gallery(mode: PicturesMode, channels: int = 3, most_bytes: int = 2**20) -> Gallery:
    originals = np.random.default_rng(0).integers(0, 256, (8, 12, 12, channels), np.uint8)
    kept = keep(mode, originals, originals[::-1].copy(), most_bytes)
    return Gallery(mode, originals, {cell_name("layer1", "none"): kept})


def in_pairs(images: list[dict[str, str | None]]) -> list[dict[str, str | None]]:
    """Those below the rows, without the examples at a glance."""
    return [each for each in images if re.match("Original of|Its best", each["alt"] or "")]


@pytest.mark.parametrize("given", [None, gallery(PicturesMode.NONE)])
def test_unless_pictures_were_asked_for_no_document_holds_any(given: Gallery | None) -> None:
    for content in render(several(), given).files().values():
        assert b"data:" not in content
        assert b"<img" not in content
        assert b"base64" not in content


@pytest.mark.parametrize(("mode", "count"), [(PicturesMode.THUMBNAIL, 6), (PicturesMode.FULL, 8)])
def test_pictures_that_were_asked_for_stand_in_pairs_on_the_page_only(
    mode: PicturesMode, count: int
) -> None:
    documents = render(several(), gallery(mode))
    images = [attrs for tag, attrs in Page(documents.html.decode()).tags if tag == "img"]
    assert len(in_pairs(images)) == 2 * count
    assert all(attrs["alt"] for attrs in images)
    for other in (documents.json, documents.markdown, documents.csv):
        assert b"base64" not in other


@pytest.mark.parametrize(
    ("most_bytes", "words"),
    [
        (12_000, "of 8 pictures whose reconstructions came nearest; the others are farther off. P"),
        (100, "None of the 8 pictures: pictures of all rows make a page of 0 MiB at most."),
    ],
)
def test_pictures_as_they_are_make_no_page_larger_than_what_browsers_bear(
    monkeypatch: pytest.MonkeyPatch, most_bytes: int, words: str
) -> None:
    monkeypatch.setattr(gallery_module, "FULL_BYTES", most_bytes)
    one, other = cell_name("layer1", "none"), cell_name("pool", "none")
    shown = gallery(PicturesMode.FULL)
    shown = replace(shown, found={one: shown.found[one], other: shown.found[one]})
    page = Page(render(several(), shown).html.decode())
    images = in_pairs([attrs for tag, attrs in page.tags if tag == "img"])
    assert sum(len(attrs["src"] or "") for attrs in images) <= most_bytes
    assert page.text.count(words) == 2


@pytest.mark.parametrize(
    ("mode", "side", "words"),
    [
        (PicturesMode.THUMBNAIL, 64, "The 2 of 8 pictures whose reconstructions came nearest"),
        (PicturesMode.FULL, 100, "The 2 of 8 pictures whose reconstructions came nearest"),
    ],
)
def test_of_more_pictures_than_a_page_can_show_the_nearest_are_kept(
    mode: PicturesMode, side: int, words: str
) -> None:
    originals = np.full((8, 100, 100, 1), 100, np.uint8)
    found = originals + np.array([50, 9, 40, 20, 2, 60, 70, 80], np.uint8)[:, None, None, None]
    kept = keep(mode, originals, found, most_bytes=3 * side**2 - 1)
    assert kept.targets.tolist() == [4, 1]
    assert kept.pictures.shape == (2, side, side, 1)
    assert kept.pictures[:, 0, 0, 0].tolist() == [102, 109]
    shown = Gallery(mode, originals, {cell_name("layer1", "none"): kept})
    page = Page(render(several(), shown).html.decode())
    assert words in page.text
    alternatives = [each for each in page.values("alt") if each.startswith("Target 5 from")]
    assert len(alternatives) == 1, "at a glance, in the one cell that has pictures"


def test_pictures_of_two_channels_are_not_shown() -> None:
    text = render(several(), gallery(PicturesMode.FULL, channels=2)).html.decode()
    assert "Pictures of 2 channels cannot be shown." in text
    assert "<img" not in text


def test_what_an_audit_found_is_written_as_it_is() -> None:
    plan = subjects.plan(
        defences=(*parse("none"), *parse("gaussian:rel_rms=0.3"), *parse("sign")),
        profile=STANDARD,
    )
    documents = render(run(plan, Planted(planted.original(plan))))
    page = Page(documents.html.decode())
    assert "recovered" in page.text
    assert "No independent model was named." in page.text
    assert "None" not in documents.html.decode()
    assert "None" not in documents.markdown.decode()
    assert render(read(documents.json)) == documents
