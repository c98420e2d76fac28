"""How a result looks in a notebook."""

import base64
import re
from html.parser import HTMLParser

import preimage
from preimage.delivery import delivery_of
from preimage.v1 import preimage_pb2
from tests.client import messages

FETCH = {"fetch_float_picture": messages.float_picture, "fetch_file": messages.file}


def result(layer: str = "features.5", sentence: str = "", restarts: int = 1) -> preimage.Result:
    job = preimage_pb2.Preimage(id="job-<1>", request_id="r", attempt=1)
    job.spec.restarts = restarts
    job.spec.representation.model = "hog"
    job.spec.representation.layer = layer
    messages.succeed(job)
    for each in job.result.reconstructions:
        each.outcome_sentence = sentence or each.outcome_sentence
    pictures = [messages.png(index) for index in range(restarts)]
    delivery = delivery_of(job, pictures)
    return preimage.Result(**delivery, **FETCH)


def test_the_picture_is_inside_the_page() -> None:
    page = result()._repr_html_()
    (data,) = re.findall(r"src='data:image/png;base64,([^']+)'", page)
    assert base64.b64decode(data) == messages.png()


def test_every_restart_is_shown_the_best_one_first() -> None:
    page = result(restarts=3)._repr_html_()
    shown = re.findall(r"base64,([^']+)'", page)
    assert [base64.b64decode(each) for each in shown] == [messages.png(i) for i in (2, 0, 1)]


def test_the_numbers_stand_beside_it() -> None:
    page = result()._repr_html_()
    for number in ("6.00%", "5.00%", "31.5 dB", "0.875", "120 steps", "124 network passes", "1.5"):
        assert number in page


def test_whatever_the_server_says_is_escaped() -> None:
    page = result("<script>alert(1)</script>", "Ended & <b>well</b>.")._repr_html_()

    class Tags(HTMLParser):
        seen: set[str] = set()  # noqa: RUF012 one parser, one page

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.add(tag)

    Tags().feed(page)
    assert Tags.seen == {"div", "img", "table", "tr", "th", "td"}
    assert "&lt;script&gt;" in page
    assert "Ended &amp; &lt;b&gt;well&lt;/b&gt;." in page
    assert "job-&lt;1&gt;" in page


def test_the_short_form_names_job_representation_and_error() -> None:
    text = repr(result())
    assert text == "<Result job-<1>: hog features.5, CONVERGED, relative error 6.000%>"


def test_a_result_without_a_sent_picture_has_no_likeness() -> None:
    job = preimage_pb2.Preimage(id="job-1")
    messages.succeed(job)
    job.result.reconstructions[0].ClearField("fidelity")
    made = preimage.Result(**delivery_of(job, [messages.png()]), **FETCH)
    assert made.fidelity is None
    assert "PSNR" not in made._repr_html_()
    assert made.summary()["picture"] == {"psnr_db": None, "ssim": None}


def test_structural_similarity_may_be_missing_alone() -> None:
    job = preimage_pb2.Preimage(id="job-1")
    messages.succeed(job)
    job.result.reconstructions[0].fidelity.ClearField("ssim")
    made = preimage.Result(**delivery_of(job, [messages.png()]), **FETCH)
    assert made.fidelity == preimage.Fidelity(31.5, None)
    assert "SSIM" not in made._repr_html_()
