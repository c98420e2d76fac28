"""Audits through both clients: what is sent, what is told, and the report."""

import json
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image

import preimage
from preimage.aio import AsyncClient
from preimage.audits.defences import each_defence
from preimage.audits.report import AuditReport
from preimage.v1 import audit_pb2, preimage_pb2
from tests.client.fake import FakeServer
from tests.client.fake_audits import FakeAudits, files, row
from tests.client.refusals import Refusal, unavailable


@pytest.fixture
def audits(server: FakeServer) -> FakeAudits:
    return server.audits


def picture(level: int) -> np.ndarray[Any, Any]:
    return np.full((4, 4, 3), level, np.uint8)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with two targets, and one with three auxiliary pictures."""
    targets, auxiliary = tmp_path / "targets", tmp_path / "auxiliary"
    for folder, levels in ((targets, (1, 2)), (auxiliary, (3, 4, 5))):
        folder.mkdir()
        for level in levels:
            Image.fromarray(picture(level)).save(folder / f"{level}.png")
        (folder / "notes.txt").write_text("no picture")
    return targets, auxiliary


def wish(folders: tuple[Path, Path], **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "model": "toy",
        "layers": ["conv"],
        "targets": folders[0],
        "auxiliary": folders[1],
        "own_these_pictures": True,
    }
    return given | changes


async def test_an_audit_is_sent_as_it_was_asked_for(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    asked = wish(
        folders,
        defences=["gaussian:rel_rms=0.1,0.3", "sign"],
        profile="standard",
        independent=("other", "fc"),
        pictures="thumbnail",
        input_size=(8, 9),
        seed=7,
        doublings=0,
        preset="auto",
        rungs=["A3", "L1"],
        releases=4,
        request_id="mine",
    )
    audit = await client.audit(**asked)
    (header,) = audits.headers
    spec = header.spec
    assert (header.request_id, spec.model, list(spec.layers)) == ("mine", "toy", ["conv"])
    assert [each.chain for each in spec.defences] == [
        "gaussian:rel_rms=0.1",
        "gaussian:rel_rms=0.3",
        "sign",
    ]
    assert (spec.independent_model, spec.independent_layer) == ("other", "fc")
    assert spec.profile == audit_pb2.AUDIT_PROFILE_STANDARD
    assert spec.pictures == audit_pb2.REPORT_PICTURES_THUMBNAIL
    assert (spec.input_size.height, spec.input_size.width, spec.seed) == (8, 9, 7)
    assert list(spec.rungs) == [audit_pb2.AUDIT_RUNG_A3, audit_pb2.AUDIT_RUNG_L1]
    assert spec.releases == 4
    assert (spec.budget.HasField("steps"), spec.budget.doublings) == (False, 0)
    assert spec.own_these_pictures
    assert [each.role for each in audits.pictures] == [1, 1, 2, 2, 2]
    assert audits.pictures[0].encoded == (folders[0] / "1.png").read_bytes()
    assert (audit.id, audit.state, audit.info.plan.cells) == ("audit-1", preimage.State.QUEUED, 2)


async def test_nothing_is_attested_unless_it_is_said(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    asked = wish(folders)
    del asked["own_these_pictures"]
    await client.audit(**asked)
    assert not audits.headers[0].spec.own_these_pictures


async def test_pictures_may_be_given_one_by_one(client: AsyncClient, audits: FakeAudits) -> None:
    given = {"targets": [picture(1)], "auxiliary": [Image.fromarray(picture(2)), picture(3)]}
    await client.audit(model="toy", layers=["conv"], own_these_pictures=True, **given)
    sent = [each.encoded[:4] for each in audits.pictures]
    assert sent == [b"\x89PNG"] * 3


async def test_a_request_that_was_turned_away_for_now_is_sent_again(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    audits.refusals.append(unavailable())
    await client.audit(**wish(folders))
    assert len(audits.headers) == 1
    assert len(audits.pictures) == 5


async def test_a_picture_that_is_wrong_is_told_by_its_file(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    sentence = "picture[1].encoded is no picture; picture[3].role is needed; picture[9] is no more."
    audits.refusals.append(Refusal(grpc.StatusCode.INVALID_ARGUMENT, sentence, "INVALID_REQUEST"))
    with pytest.raises(preimage.InvalidRequest) as told:
        await client.audit(**wish(folders))
    second, fourth = folders[0] / "2.png", sorted(folders[1].iterdir())[1]
    assert f"{second} is no picture; {fourth}.role is needed; picture[9] is" in str(told.value)


async def test_the_report_comes_when_the_audit_has_ended(
    client: AsyncClient, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    audit = await client.audit(**wish(folders))
    told: list[preimage.AuditProgress] = []
    report = await audit.result(on_progress=told.append)
    assert [each.doing for each in told] == ["cell 1", "cell 2"]
    assert audit.state is preimage.State.SUCCEEDED
    assert report.markdown == "# Report"
    place = report.save(tmp_path / "report")
    assert {each.name: each.read_bytes() for each in place.iterdir()} == files()
    assert preimage.AuditReport.load(place) == report
    assert preimage.AuditReport.load(place / "report.json") == report


async def test_a_page_that_was_not_written_is_empty_but_the_numbers_must_be_there(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    del audits.files["report.html"]
    report = await (await client.audit(**wish(folders))).result()
    assert (report.html, report.markdown) == ("", "# Report")
    assert not (report.save(tmp_path / "report") / "report.html").exists()
    del audits.files["report.json"]
    audit = await client.audit(**wish(folders))
    with pytest.raises(preimage.NotFound, match="Not written"):
        await audit.result()


async def test_a_watch_that_breaks_goes_on_behind_what_was_seen(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    audits.cuts = [3]
    audit = await client.audit(**wish(folders))
    events = [event async for event in audit.watch()]
    assert [type(event).__name__ for event in events] == [
        "StateChanged",
        "StateChanged",
        "AuditProgress",
        "AuditProgress",
        "AuditFinished",
    ]
    assert [each.resume_token for each in audits.watches] == ["", "3"]
    assert events[-1].audit.state is preimage.State.SUCCEEDED


async def test_a_report_that_breaks_off_is_fetched_again(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    audit = await client.audit(**wish(folders))
    async for _ in audit.watch():
        pass
    audits.cuts = [1]
    report = await audit.result()
    assert report.data == json.loads(files()["report.json"])


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (preimage_pb2.STATE_FAILED, preimage.JobFailed),
        (preimage_pb2.STATE_CANCELLED, preimage.JobCancelled),
    ],
)
async def test_an_audit_without_a_report_raises(
    client: AsyncClient,
    audits: FakeAudits,
    folders: tuple[Path, Path],
    state: preimage_pb2.State.ValueType,
    error: type[Exception],
) -> None:
    audits.state = state
    audit = await client.audit(**wish(folders))
    with pytest.raises(error, match=r"The targets overlap|was cancelled"):
        await audit.result()


async def test_an_audit_whose_service_went_away_is_named(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    audit = await client.audit(**wish(folders))
    audits.cuts = [0] * 20
    said = f"Audit {audit.id} goes on if its queue is still there; take .*`preimage audit show"
    with pytest.raises(preimage.Unavailable, match=said):
        await audit.result()


async def test_an_audit_is_taken_up_cancelled_and_deleted_by_its_id(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    made = await client.audit(**wish(folders))
    audit = await client.audit_by_id(made.id)
    assert (await audit.cancel("enough")).state is preimage.State.CANCELLED
    assert audits.audits[made.id].cancel_reason == "enough"
    await audit.delete()
    with pytest.raises(preimage.NotFound):
        await client.audit_by_id(made.id)


async def test_cancelling_and_deleting_ask_for_nothing_else(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    made = await client.audit(**wish(folders))
    assert (await client.cancel_audit(made.id, "enough")).state is preimage.State.CANCELLED
    await client.delete_audit(made.id)
    assert (audits.audits, audits.gets) == ({}, 0)


async def test_a_plan_is_asked_for_with_numbers_of_pictures(
    client: AsyncClient, audits: FakeAudits, folders: tuple[Path, Path]
) -> None:
    plan = await client.plan_audit(model="toy", layers=["conv"], targets=100, auxiliary=folders[1])
    assert (audits.plans[0].targets, audits.plans[0].auxiliary) == (100, 3)
    assert (plan.most_passes, plan.most_seconds) == (4200, 7200)
    assert plan.remarks == ("3 targets are too few.",)
    assert str(plan) == ("2 cells, 9 to 36 inversions, 700 to 4,200 passes, 30 seconds to 2 hours")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"layers": "conv"}, "list of texts"),
        ({"defences": "sign"}, "list of texts"),
        ({"profile": "fast"}, "'quick', 'standard', 'thorough'"),
        ({"pictures": True}, "'none', 'thumbnail', 'full'"),
        ({"independent": "other"}, "(model, layer)"),
        ({"rungs": "A3"}, "list of texts"),
        ({"rungs": ["A3", "A5"]}, "'A3', 'A4', not 'A5'"),
        ({"releases": "2"}, "whole number"),
        ({"steps": 2.5}, "whole number"),
        ({"seed": -1}, "beyond"),
        ({"input_size": 8}, "(height, width)"),
        ({"own_these_pictures": "yes"}, "True or False"),
        ({"profiles": "quick"}, "no setting of an audit"),
        ({"targets": "nowhere"}, "no folder nowhere of targets"),
        ({"targets": 3}, "folder or a list"),
        ({"targets": ["1.txt"]}, "1.txt"),
    ],
)
async def test_a_mistake_is_told_before_anything_is_sent(
    client: AsyncClient,
    audits: FakeAudits,
    folders: tuple[Path, Path],
    changes: dict[str, Any],
    word: str,
) -> None:
    with pytest.raises(preimage.BadInput) as caught:
        await client.audit(**wish(folders, **changes))
    assert word in str(caught.value)
    assert audits.headers == []


async def test_the_same_file_twice_is_told_by_its_names(
    client: AsyncClient, folders: tuple[Path, Path]
) -> None:
    (folders[1] / "again.png").write_bytes((folders[0] / "2.png").read_bytes())
    with pytest.raises(preimage.BadInput, match=r"again\.png is the same file as .*2\.png"):
        await client.audit(**wish(folders))


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with (
        preimage.Client("127.0.0.1:1") as client,
        pytest.raises(preimage.BadInput, match="holds no"),
    ):
        client.plan_audit(model="toy", layers=["conv"], targets=tmp_path, auxiliary=2)


@pytest.mark.parametrize("number", [99_999_999_999, -1, True])
def test_a_number_of_pictures_that_cannot_be_is_told(number: int) -> None:
    with (
        preimage.Client("127.0.0.1:1") as client,
        pytest.raises(preimage.BadInput, match=f"The setting auxiliary .*{number}"),
    ):
        client.plan_audit(model="toy", layers=["conv"], targets=1, auxiliary=number)


@pytest.mark.parametrize(
    ("text", "chains"),
    [
        ("sign", ["sign"]),
        ("gaussian:rel_rms=0.1,1e+3", ["gaussian:rel_rms=0.1", "gaussian:rel_rms=1e+3"]),
        (
            "clip:rel_norm=1,2+drop_channels:fraction=0.5,0.9,seed=3",
            [
                f"clip:rel_norm={norm}+drop_channels:fraction={fraction},seed=3"
                for norm in (1, 2)
                for fraction in (0.5, 0.9)
            ],
        ),
        ("none", []),
        ("gaussian:0.3", ["gaussian:0.3"]),
    ],
)
def test_several_values_stand_for_several_defences(text: str, chains: list[str]) -> None:
    assert list(each_defence([text, text])) == chains


def _report(*rows: dict[str, Any], **changes: str) -> preimage.AuditReport:
    names = ("json", "html", "markdown", "csv")
    texts = dict(zip(names, (each.decode() for each in files(*rows).values()), strict=True))
    return preimage.AuditReport(**(texts | changes))


def test_a_row_has_its_figures_by_name_and_keeps_what_is_not_known() -> None:
    found = _report().row("conv")
    assert (found.verdict, found.recovered, found.reasons) == ("recovered", "yes", ("FVE is 0.9.",))
    assert found.figures["fve"] == found.figures["fve.mean"] == 0.9
    assert found.figures["fve.p90"] == pytest.approx(1.0)
    assert found.figures["fve.p90.upper"] == pytest.approx(1.05)
    assert found.figures["linkage.rank1"] == 1.0
    assert found.figures["utility"] == 0.9
    assert found.figures["lpips"] is None
    assert found.figures["ssim.median"] is None
    assert found.data["later"] == {"unknown": True}
    with pytest.raises(preimage.BadInput, match="there are conv with none"):
        _report().row("fc")


def test_re_identification_is_that_of_the_attack_that_found_most() -> None:
    def rung(name: str, rank1: float | None) -> dict[str, Any]:
        missing = {"reason": "Chosen by the originals."}
        found = missing if rank1 is None else {"rank1": {"estimate": rank1, "lower": 0, "upper": 1}}
        return {"name": name, "pixels": found, "independent": missing}

    rungs = [rung("B1", 1.0), rung("A1", 0.2), rung("A3", 0.7), rung("A4 by weights", 0.4)]
    best = rung("the best for each picture", None)
    figures = _report({"layer": "x", "rungs": rungs, "best": best}).rows[0].figures
    assert figures["reid_pixels.rank1"] == 0.7
    assert figures["reid_independent.rank1"] is None


def test_every_row_has_the_same_names_of_figures() -> None:
    assert set(_report({"layer": "x"}).rows[0].figures) == set(_report().rows[0].figures)


def test_a_notebook_shows_the_page_in_a_frame_that_runs_nothing() -> None:
    shown = _report()._repr_html_()
    assert "sandbox=''" in shown
    assert "<script>" not in shown
    table = _report(row("<b>", "none", 0.5), html="")._repr_html_()
    assert "&lt;b&gt;" in table
    assert "0.500" in table


@pytest.mark.parametrize("text", ["", "[]", "{", '{"rows": 3}'])
def test_what_is_no_report_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(preimage.BadInput, match="report"):
        preimage.AuditReport.load(tmp_path)


def test_a_row_is_printed_without_its_thousand_numbers() -> None:
    report = AuditReport(*(each.decode() for each in files().values()))
    assert "verdict='recovered'" in repr(report.rows[0])
    assert "0.9}" not in repr(report.rows[0])
    assert len(repr(report.rows[0])) < 300
