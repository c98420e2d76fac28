"""`preimage audit`: what is asked, what is printed, and with which exit code it ends."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image

from preimage.audits.report import AuditReport
from preimage.cli.audit.following import AuditBar
from preimage.cli.audit.gates import GateState, Status, read_gate, status_of, try_gates
from preimage.errors import BadInput
from preimage.v1 import audit_pb2, preimage_pb2
from tests.client.cli.conftest import Run
from tests.client.fake import FakeServer
from tests.client.fake_audits import FakeAudits, files, row
from tests.client.refusals import Refusal

OPEN = row("fc", "none", 0.01, recovered="inconclusive", linkable="inconclusive")


@pytest.fixture
def audits(server: FakeServer) -> FakeAudits:
    return server.audits


@pytest.fixture
def asked(tmp_path: Path) -> Sequence[object]:
    """A command line that asks for an audit of five pictures."""
    for name, levels in (("targets", (1, 2)), ("auxiliary", (3, 4, 5))):
        (tmp_path / name).mkdir()
        for level in levels:
            picture = np.full((4, 4, 3), level, np.uint8)
            Image.fromarray(picture).save(tmp_path / name / f"{level}.png")
    words = "audit run --model toy --layers conv,fc --targets targets --auxiliary auxiliary"
    return [*words.split(), "--i-own-these-pictures"]


def test_an_audit_is_run_and_its_report_written(
    run: Run, audits: FakeAudits, asked: Sequence[object], tmp_path: Path
) -> None:
    ended = run(
        *asked,
        *("--defence", "gaussian:rel_rms=0.1,0.3", "--defence", "sign", "--profile", "standard"),
        *("--independent", "other:fc", "--pictures", "full", "--seed", 3, "-o", "report"),
    )
    assert ended.exit_code == 0, ended.output
    spec = audits.headers[0].spec
    assert (list(spec.layers), len(spec.defences), spec.seed) == (["conv", "fc"], 3, 3)
    assert spec.profile == audit_pb2.AUDIT_PROFILE_STANDARD
    assert (spec.independent_model, spec.independent_layer) == ("other", "fc")
    assert spec.pictures == audit_pb2.REPORT_PICTURES_FULL
    assert {each.name: each.read_bytes() for each in (tmp_path / "report").iterdir()} == files()
    assert "conv with gaussian:rel_rms=0.3: recovered" in ended.stdout
    assert "FVE is 0.9." in ended.stdout
    assert "2 cells, 9 to 36 inversions" in ended.stderr
    assert "report/report.html" in ended.stderr
    assert "1 of 2: cell 1\n2 of 2: cell 2\n" in ended.stderr


def test_an_interrupted_audit_leaves_no_folder_that_it_made(
    run: Run, asked: Sequence[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_bar: AuditBar, _progress: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(AuditBar, "show", interrupt)
    (tmp_path / "mine").mkdir()
    for folder in ("r3", "new/r3", "mine", "mine/r3"):
        assert run(*asked, "-o", folder).exit_code == 130
    assert not (tmp_path / "r3").exists()
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "mine").iterdir()) == []


def test_an_interrupted_audit_leaves_a_folder_that_holds_something(
    run: Run, asked: Sequence[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_and_interrupt(_bar: AuditBar, _progress: object) -> None:
        (tmp_path / "r3" / "notes").write_text("mine")
        raise KeyboardInterrupt

    monkeypatch.setattr(AuditBar, "show", write_and_interrupt)
    assert run(*asked, "-o", "r3").exit_code == 130
    assert [each.name for each in (tmp_path / "r3").iterdir()] == ["notes"]


def test_without_attestation_nothing_is_sent(
    run: Run, audits: FakeAudits, asked: Sequence[object]
) -> None:
    ended = run(*asked[:-1])
    assert ended.exit_code == 1
    assert "--i-own-these-pictures" in ended.stderr
    assert audits.headers == []


@pytest.mark.parametrize(
    ("rows", "gate", "code"),
    [
        ((), "fve.p90>1.2", 0),
        ((), "fve.p90>0.9", 2),
        ((), "utility<0.8", 0),
        ((), "utility<0.95", 2),
        ((), "lpips<0.1", 3),
        ((OPEN,), "fve>0.5", 3),
        ((OPEN,), "linkage.rank1>1.5", 3),
        ((OPEN,), "linkage.rank1>=1", 2),
        ((OPEN,), "utility<0.5", 0),
        ((OPEN, row("conv", "none", 0.9)), "fve>0.5", 2),
    ],
)
def test_the_worst_row_decides_the_exit_code(
    run: Run, asked: Sequence[object], rows: Sequence[dict[str, Any]], gate: str, code: int
) -> None:
    Path("report.json").write_bytes(files(*rows)["report.json"])
    ended = run("audit", "show", "report.json", "--fail-if", gate)
    assert ended.exit_code == code, ended.output
    assert gate in ended.stderr


def test_without_gates_an_open_verdict_is_no_failure(
    run: Run, audits: FakeAudits, asked: Sequence[object]
) -> None:
    audits.files = files(OPEN)
    assert run(*asked).exit_code == 0
    assert run(*asked, "--fail-if", "fve>0.5").exit_code == 3


def test_the_sentence_of_a_gate_names_its_row(run: Run, asked: Sequence[object]) -> None:
    ended = run(*asked, "--fail-if", "fve > 0.2")
    assert "fve>0.2: failed; the worst is 0.9, conv with none" in ended.stderr


@pytest.mark.parametrize(
    ("gate", "word"),
    [
        ("fve.p9>0.2", "did you mean fve.p90"),
        ("leakage>1", "there are fve, fve.mean"),
        ("fve", "write FIGURE>NUMBER"),
        ("fve>high", "write FIGURE>NUMBER"),
        ("fve=1", "write FIGURE>NUMBER"),
        ("fve>1.2.3", "write FIGURE>NUMBER"),
    ],
)
def test_a_gate_that_is_none_ends_with_1_before_anything_is_sent(
    run: Run, audits: FakeAudits, asked: Sequence[object], gate: str, word: str
) -> None:
    ended = run(*asked, "--fail-if", gate)
    assert ended.exit_code == 1
    assert word in ended.stderr
    assert audits.headers == []


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("", 2),
        ("@conv/none", 2),
        ("@conv/*", 2),
        ("@conv/sign", 0),
        ("@ */sign", 0),
        ("@fc/*", 3),
        ("@conv/pool*", 3),
    ],
)
def test_a_gate_may_be_asked_of_what_would_be_shared(
    run: Run, tmp_path: Path, where: str, code: int
) -> None:
    rows = (row("conv", "none", 0.9), row("conv", "sign", 0.1))
    left_out = [{"layer": "conv", "defence": "pool:k=9", "reason": "Too few positions."}]
    report = {**json.loads(files(*rows)["report.json"]), "left_out": left_out}
    (tmp_path / "report.json").write_text(json.dumps(report))
    ended = run("audit", "show", "report.json", "--fail-if", f"fve>0.5{where}")
    assert ended.exit_code == code, ended.output
    assert f"fve>0.5{where.replace(' ', '')}: " in ended.stderr


def test_what_failed_comes_before_what_is_open() -> None:
    report = AuditReport(*(each.decode() for each in files(OPEN).values()))
    gates = [read_gate(text) for text in ("fve>0.5", "utility<1", "utility<0.1")]
    results = try_gates(report, gates)
    states = [each.state for each in results]
    assert states == [GateState.INCONCLUSIVE, GateState.FAILED, GateState.MET]
    assert status_of(results) is Status.FAILED
    empty = AuditReport('{"rows": []}', "", "", "")
    assert try_gates(empty, gates)[0].state is GateState.INCONCLUSIVE


def test_one_json_object_says_all(run: Run, asked: Sequence[object]) -> None:
    ended = run(*asked, "--json", "--fail-if", "fve.p90>0.2")
    told = json.loads(ended.stdout)
    assert ended.exit_code == 2
    assert (told["id"], told["out"]) == ("audit-1", None)
    assert [each["defence"] for each in told["rows"]] == ["none", "gaussian:rel_rms=0.3"]
    assert told["rows"][0]["figures"]["fve"] == 0.9
    assert told["gates"] == [
        {
            "gate": "fve.p90>0.2",
            "state": "failed",
            "layer": "conv",
            "defence": "none",
            "value": pytest.approx(1.0),
        }
    ]


def test_an_audit_that_fails_ends_with_1_and_why(
    run: Run, audits: FakeAudits, asked: Sequence[object]
) -> None:
    audits.state = preimage_pb2.STATE_FAILED
    ended = run(*asked)
    assert ended.exit_code == 1
    assert "The targets overlap." in ended.stderr


def test_a_refusal_names_the_option(run: Run, audits: FakeAudits, asked: Sequence[object]) -> None:
    said = "header.spec.layers[1]: 'fc' is no layer of toy"
    audits.refusals.append(Refusal(grpc.StatusCode.INVALID_ARGUMENT, said, "INVALID_FIELD"))
    ended = run(*asked)
    assert ended.exit_code == 1
    assert "Not valid: layers[1]: 'fc' is no layer of toy." in ended.stderr


def test_a_detached_audit_is_shown_later(run: Run, asked: Sequence[object], tmp_path: Path) -> None:
    audit_id = run(*asked, "--detach").stdout.strip()
    assert audit_id == "audit-1"
    ended = run("audit", "show", audit_id, "-o", "later", "--fail-if", "fve>0.2")
    assert ended.exit_code == 2
    assert (tmp_path / "later" / "report.md").read_text() == "# Report"
    assert json.loads(run(*asked, "--detach", "--json").stdout)["state"] == "QUEUED"


def test_a_written_report_is_shown_and_judged_without_a_service(
    run: Run, asked: Sequence[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*asked, "-o", "report")
    monkeypatch.setenv("PREIMAGE_TARGET", "127.0.0.1:1")
    shown = run("audit", "show", "report", "--fail-if", "fve>0.95")
    assert shown.exit_code == 0
    assert "0.900" in shown.stdout
    assert run("audit", "show", "report/report.json", "--fail-if", "fve>0.5").exit_code == 2


def test_the_words_of_a_report_do_not_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(files(row("\x1b[2J", "none", 0.5))["report.json"])
    shown = run("audit", "show", "report.json").stdout
    assert "\x1b" not in shown
    assert "\\x1b[2J with none" in shown


def test_two_reports_are_compared_row_by_row(run: Run, tmp_path: Path) -> None:
    for name, rows in (
        ("old.json", (row("conv", "none", 0.9), row("fc", "none", 0.1))),
        ("new.json", (row("conv", "none", 0.5), row("conv", "sign", 0.2))),
    ):
        (tmp_path / name).write_bytes(files(*rows)["report.json"])
    compared = run("audit", "diff", "old.json", "new.json")
    assert compared.exit_code == 0
    assert "0.900 → 0.500" in compared.stdout
    assert "recovered → –" in compared.stdout
    told = json.loads(run("audit", "diff", "old.json", "new.json", "--json").stdout)["rows"]
    assert [(each["layer"], each["defence"]) for each in told] == [
        ("conv", "none"),
        ("fc", "none"),
        ("conv", "sign"),
    ]
    assert told[0]["figures"]["fve"] == [0.9, 0.5]
    assert "utility" not in told[0]["figures"]
    assert told[1]["verdict"] == ["recovered", None]


def test_a_comparison_of_audits_that_asked_something_else_says_so(run: Run, tmp_path: Path) -> None:
    old = json.loads(files()["report.json"])
    for name, asked in (("old", {}), ("same", {}), ("new", {"seed": 1, "targets": {"count": 2}})):
        (tmp_path / f"{name}.json").write_text(json.dumps({**old, "seed": 0, **asked}))
    assert run("audit", "diff", "old.json", "same.json").stderr == ""
    ended = run("audit", "diff", "old.json", "new.json")
    assert (ended.exit_code, "differ in targets, seed;" in ended.stderr) == (0, True)
    told = json.loads(run("audit", "diff", "old.json", "new.json", "--json").stdout)
    assert told["differ_in"] == ["targets", "seed"]


def test_chance_stands_beside_what_was_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(files(row("conv", "none", 0.5))["report.json"])
    headings, _, line = (
        each for each in run("audit", "show", "report.json").stdout.splitlines()[1:4]
    )
    assert "by chance" in headings
    assert line.split()[-5:] == ["0.500", "0.020", "0.600", "1.000", "0.900"]


def test_what_was_not_tried_is_told(run: Run, tmp_path: Path) -> None:
    left_out = [{"layer": "fc", "defence": "pool:k=2", "reason": "It has no positions."}]
    report = {**json.loads(files()["report.json"]), "left_out": left_out}
    (tmp_path / "report.json").write_text(json.dumps(report))
    sentence = "fc with pool:k=2 was not tried: It has no positions."
    assert sentence in run("audit", "show", "report.json").stderr
    gated = run("audit", "show", "report.json", "--fail-if", "utility<0.5")
    assert gated.exit_code == 3
    assert f"utility<0.5: inconclusive, because {sentence}" in gated.stderr
    assert run("audit", "show", "report.json", "--fail-if", "utility<0.95").exit_code == 2
    assert json.loads(run("audit", "show", "report.json", "--json").stdout)["left_out"] == [
        sentence
    ]


def test_what_an_audit_cannot_show_is_said_before_it_is_spent(
    run: Run, asked: Sequence[object]
) -> None:
    """The words are the service's, which knows profile, targets and rungs."""
    assert "3 targets are too few." in run(*asked).stderr


def test_one_folder_cannot_be_both_sets(
    run: Run, audits: FakeAudits, asked: Sequence[object]
) -> None:
    same = ["targets" if word == "auxiliary" else word for word in asked]
    ended = run(*same)
    assert ended.exit_code == 1
    assert "are the same folder, targets. Name two" in ended.stderr
    assert audits.headers == []
    planned = run("audit", "plan", *same[2:-1])
    assert planned.exit_code == 1
    assert "are the same folder, targets. Name two" in planned.stderr


def test_nothing_is_computed_for_a_report_that_cannot_be_written(
    run: Run, audits: FakeAudits, asked: Sequence[object], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = run(*asked, "-o", "file/report")
    assert ended.exit_code == 1
    assert "file/report" in ended.stderr
    assert audits.headers == []


def test_a_folder_that_is_not_there_is_told_from_an_audit(run: Run, server: FakeServer) -> None:
    ended = run("audit", "show", "raport")
    assert ended.exit_code == 1
    assert "There is no folder raport here." in ended.stderr


def test_a_report_that_is_not_there_is_told(run: Run) -> None:
    ended = run("audit", "diff", "one", "other")
    assert ended.exit_code == 1
    assert "There is no report at one." in ended.stderr


def test_a_plan_is_told_without_sending_pictures(
    run: Run, audits: FakeAudits, asked: Sequence[object]
) -> None:
    words = ("audit", "plan", "--model", "toy", "--layers", "conv", "--auxiliary", "auxiliary")
    planned = run(*words, "--targets", 100)
    assert planned.stdout.startswith("2 cells, 9 to 36 inversions")
    assert planned.stdout.endswith("\n3 targets are too few.\n")
    assert (audits.plans[0].targets, audits.plans[0].auxiliary) == (100, 3)
    chosen = ("--rungs", "A2, A3", "--releases", 3, "--steps", 20, "--preset", "mv2016")
    run(*words, "--targets", 100, *chosen)
    spec = audits.plans[1].spec
    assert list(spec.rungs) == [audit_pb2.AUDIT_RUNG_A2, audit_pb2.AUDIT_RUNG_A3]
    assert (spec.releases, spec.budget.steps, spec.budget.preset) == (3, 20, "mv2016")
    assert json.loads(run(*words, "--targets", 1, "--json").stdout)["most_passes"] == 4200


def test_an_audit_is_cancelled_and_deleted(
    run: Run, audits: FakeAudits, asked: Sequence[object]
) -> None:
    audit_id = run(*asked, "--detach").stdout.strip()
    ended = run("audit", "cancel", audit_id, "--reason", "enough")
    assert ended.stdout == "audit-1 is CANCELLED.\n"
    assert audits.audits[audit_id].cancel_reason == "enough"
    assert run("audit", "delete", audit_id).stdout == "audit-1 is deleted.\n"
    assert run("audit", "delete", audit_id).exit_code == 1


@pytest.mark.parametrize("text", ["resnet", "resnet:", ":fc"])
def test_an_independent_model_needs_its_layer(run: Run, asked: Sequence[object], text: str) -> None:
    ended = run(*asked, "--independent", text)
    assert ended.exit_code == 1
    assert "MODEL:LAYER" in ended.stderr


@pytest.mark.parametrize(
    "words", ["run --profile quik", "run", "run --nothing", "show", "show report --fail-when fve>1"]
)
def test_a_wrong_command_line_is_not_taken_for_a_gate_that_failed(run: Run, words: str) -> None:
    ended = run("audit", *words.split())
    assert ended.exit_code == 1, ended.output
    assert "Usage:" in ended.stderr


def test_a_gate_reads_numbers_of_every_form() -> None:
    assert str(read_gate(" mse.p10 <= 1e-3 ")) == "mse.p10<=0.001"
    with pytest.raises(BadInput):
        read_gate("")
