"""The page by itself."""

import re
from importlib.resources import files

import pytest

from preimage_worker.audit.measures.verdict import Answer
from preimage_worker.audit.rendering import render
from preimage_worker.audit.rendering.chart import BOTTOM, LEFT, RIGHT, TOP, draw
from preimage_worker.audit.rendering.tradeoffs import family, layers
from preimage_worker.audit.rendering.words import KINDS, SIGNS
from tests.worker.audit.rendering.made_up import Made, report, row
from tests.worker.audit.rendering.pages import Page

MADE = [
    Made("layer1"),
    Made("layer1", "gaussian:rel_rms=0.1", 0.7, 20.0, 1.0, 0.97, informative=True),
    Made("layer1", "gaussian:rel_rms=1", 0.3, 16.0, 1.0, 0.48, informative=True),
    Made("layer1", "sign", 0.02, 13.0, 0.9, 0.96, Answer.INCONCLUSIVE),
]


def page() -> Page:
    return Page(render(report(MADE)).html.decode())


def test_it_needs_no_network_and_no_script() -> None:
    text = render(report(MADE)).html.decode()
    tags = {tag for tag, _ in Page(text).tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "img"}
    assert not re.search(r"https?://|url\(|@import", text)
    assert "default-src 'none'" in text


def test_one_row_is_one_combination() -> None:
    one, many = render(report(MADE[:1])), render(report(MADE))
    for found in (one.html, one.markdown):
        assert b"1 combination of layer and defence" in found
    assert b"4 combinations of layer and defence" in many.html


def test_the_words_of_attackers_and_of_utility_are_explained() -> None:
    text = page().text
    for rung in ("B0", "B1", "L1", "A1", "A2", "A3", "A4"):
        assert re.search(rf"{rung} [a-z]+ [^.]+\.", text), rung
    assert "sees the class that it sees without a defence" in text


def test_every_link_leads_to_a_place_on_it() -> None:
    found = page()
    targets = found.values("id")
    assert len(set(targets)) == len(targets)
    assert {link.removeprefix("#") for link in found.values("href")} <= set(targets)


def test_strengths_break_before_their_name_and_not_within_their_digits() -> None:
    text = render(report([Made("a", "clip:rel_norm=1+gaussian:rel_rms=10")])).html.decode()
    assert "clip:<wbr>rel_norm=1+<wbr>gaussian:<wbr>rel_rms=10<" in text


def test_what_labels_refer_to_is_there() -> None:
    found = page()
    wanted = {each for value in found.values("aria-labelledby") for each in value.split()}
    assert wanted <= set(found.values("id"))


def test_charts_have_a_name_and_say_each_point_in_words() -> None:
    found = page()
    charts = [attrs for tag, attrs in found.tags if tag == "svg" and attrs.get("role") == "img"]
    assert len(charts) == 2
    for number in range(1, len(MADE) + 1):
        assert re.search(rf"{number}, \S+: FVE ", found.text)
        assert re.search(rf"{number}, \S+: linked in ", found.text)


def test_boxes_that_scroll_can_be_reached_by_keyboard_and_have_a_name() -> None:
    boxes = [attrs for _, attrs in page().tags if attrs.get("class") == "scroll"]
    assert boxes
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)


def test_rows_of_tables_are_as_wide_as_their_heads() -> None:
    text = render(report(MADE)).html.decode()
    tables = re.findall(r"<table.*?</table>", text, re.DOTALL)
    assert len(tables) > 4
    for table in tables:
        widths = {width(line) for line in re.findall(r"<tr.*?</tr>", table, re.DOTALL)}
        assert len(widths) == 1, table


def width(line: str) -> int:
    cells = re.findall(r"<t[hd]\b([^>]*)>", line)
    spans = [re.search(r'colspan="(\d+)"', cell) for cell in cells]
    return sum(int(span.group(1)) if span else 1 for span in spans)


def test_no_verdict_is_told_by_colour_alone() -> None:
    assert len(set(SIGNS.values())) == len(KINDS)


def test_marks_of_the_three_answers_differ_in_shape() -> None:
    found = page()
    shapes = {
        (tag, attrs["class"]) for tag, attrs in found.tags if "mark" in (attrs.get("class") or "")
    }
    assert ("circle", "mark yes") in shapes
    assert ("rect", "mark open") in shapes


def test_curves_join_strengths_of_one_kind_of_defence() -> None:
    (layer,) = layers([row(made) for made in MADE])
    recovery = layer.panels[0]
    joined = [[layer.rows[index].defence for index in curve] for curve in recovery.curves]
    assert joined == [["gaussian:rel_rms=0.1", "gaussian:rel_rms=1"]]
    assert family("clip:rel_norm=1+gaussian:rel_rms=0.3") == "clip:rel_norm+gaussian:rel_rms"


def test_marks_stand_where_their_figures_say() -> None:
    (layer,) = layers([row(made) for made in MADE])
    for mark in draw(layer.panels[0]).marks:
        assert (mark.x - LEFT) / (RIGHT - LEFT) == pytest.approx(mark.point.utility.estimate)
        assert (BOTTOM - mark.y) / (BOTTOM - TOP) == pytest.approx(mark.point.value.estimate)
        assert mark.left <= mark.x <= mark.right
        assert mark.high <= mark.y <= mark.low


def test_numbers_of_equal_points_do_not_cover_each_other() -> None:
    made = [Made("a", f"quantise:bits={bits}", 0.5, 15.0, 0.5, 0.5) for bits in range(1, 5)]
    (layer,) = layers([row(each) for each in made])
    places = [(mark.label_x, mark.label_y) for mark in draw(layer.panels[0]).marks]
    for index, (x, y) in enumerate(places):
        assert all(abs(x - a) >= 7 or abs(y - b) >= 12 for a, b in places[:index])


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block))


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * each for each in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_has_the_contrast_of_wcag_aa(scheme: int) -> None:
    folder = files("preimage_worker.audit.rendering") / "templates"
    style = (folder / "style.css").read_text()
    found = colours(re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme])
    pairs = [(ink, paper) for ink in ("ink", "faint", "link") for paper in ("paper", "panel")]
    pairs += [(kind, f"{kind}-paper") for kind in set(KINDS.values())]
    pairs += [("faint", f"{kind}-paper") for kind in set(KINDS.values())]
    for ink, paper in pairs:
        low, high = sorted((luminance(found[ink]), luminance(found[paper])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, paper)
