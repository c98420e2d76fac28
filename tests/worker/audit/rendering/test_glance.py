"""The table that answers at a glance, and the words of defences in it."""

import re

import numpy as np
import pytest

from preimage_worker.audit.measures.verdict import Answer
from preimage_worker.audit.rendering import Gallery, PicturesMode, keep, render
from preimage_worker.audit.rendering.defences import WORDS, plainly
from preimage_worker.audit.rendering.glance import glance
from preimage_worker.audit.rendering.view import view
from preimage_worker.audit.run import cell_name
from preimage_worker.inversion.defences.grammar import STAGES
from tests.worker.audit.rendering.made_up import Made, report
from tests.worker.audit.rendering.pages import Page

MADE = [
    Made("layer1", "sign", 0.9),
    Made("layer1", fve=0.8),
    Made("pool", fve=0.1, recovered=Answer.NO),
    Made("pool", "pool:k=2", 0.05),
]


def test_layers_stand_across_and_defences_down_those_without_one_first() -> None:
    table = glance(view(report(MADE)).rows)
    assert table.layers == ("layer1", "pool")
    assert [line.defence for line in table.lines] == ["none", "sign", "pool:k=2"]
    tried = [[one and one.row.best.explained.fve.mean.estimate for one in line.cells]
             for line in table.lines]  # fmt: skip
    assert tried == [[0.8, 0.1], [0.9, None], [None, 0.05]]


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_the_table_stands_in_the_answer_with_verdicts_and_words(kind: str) -> None:
    text = getattr(render(report(MADE)), kind).decode()
    answer = text[text.index("The answer") : text.index("Ranking by recovery")]
    for words in ("only the signs kept", "means over 2 × 2 positions", "not tried"):
        assert words in answer
    assert answer.count("recovered and linkable") >= 3
    assert "linkable, not recovered by the attacks listed" in answer


def test_every_stage_has_words() -> None:
    assert set(WORDS) == set(STAGES)


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ("none", "codes as they are"),
        ("quantise:bits=4", "each number rounded to one of 16"),
        (
            "clip:rel_norm=1+gaussian:rel_rms=0.3",
            f"{plainly('clip:rel_norm=1')}, then {plainly('gaussian:rel_rms=0.3')}",
        ),
        ("clip:rel_norm=1", "length cut at 1 × the usual one"),
        ("gaussian:rel_rms=0.3", "Gaussian noise of 0.3 × the codes' size"),
        ("pca:components=32", "only the first 32 principal components kept"),
        (
            "pca:variance=0.9",
            "principal components kept up to 90\N{NO-BREAK SPACE}% of the variance",
        ),
        ("projection:dimensions=64,keyed=true", "mixed into 64 numbers with a secret key"),
        ("drop_channels:fraction=0.5", "50\N{NO-BREAK SPACE}% of the channels left out"),
        ("of_a_later_version:k=1", ""),
    ],
)
def test_defences_are_said_in_plain_words(chain: str, words: str) -> None:
    assert plainly(chain) == words


def test_where_pictures_may_be_shown_the_one_that_came_nearest_stands_in_every_cell() -> None:
    originals = np.full((5, 8, 8, 3), 100, np.uint8)
    found = originals + np.array([50, 40, 20, 30, 60], np.uint8)[:, None, None, None]
    names = [cell_name(each.layer, each.defence) for each in MADE]
    kept = keep(PicturesMode.THUMBNAIL, originals, found, 2**20)
    pictures = Gallery(PicturesMode.THUMBNAIL, originals, dict.fromkeys(names, kept))
    text = render(report(MADE), pictures).html.decode()
    table = re.findall(r'<table class="glance">.*?</table>', text, re.DOTALL)[0]
    alternatives = Page(table).values("alt")
    assert alternatives[0] == "The original of target 3"
    assert len(alternatives) == 1 + len(MADE)
    assert alternatives[1].startswith("Target 3 from layer1, none: 22.1")


def test_without_pictures_the_table_has_none() -> None:
    assert "<img" not in render(report(MADE)).html.decode()
