"""The tree keeps its own rules: generated code, the wire contract, who imports whom."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[1]
PROTO = ROOT / "proto"
BACKEND = (
    "preimage_exposition",
    "preimage_logging",
    "preimage_orders",
    "preimage_pictures",
    "preimage_queue",
    "preimage_service",
    "preimage_worker",
)


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def test_the_committed_code_is_what_the_sources_generate(tmp_path: Path) -> None:
    assert run(sys.executable, PROTO / "generate.py", "--out", tmp_path).returncode == 0
    committed = ROOT / "client" / "preimage" / "v1"
    generated = tmp_path / "preimage" / "v1"
    names = {path.name for path in generated.iterdir()}
    assert names == {path.name for path in committed.glob("*_pb2*.py*")}
    for name in names:
        assert (generated / name).read_bytes() == (committed / name).read_bytes(), name


def test_the_wire_contract_passes_bufs_lint_and_breaks_no_released_one() -> None:
    checked = run(sys.executable, PROTO / "check.py")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_breaking_change_would_be_noticed(tmp_path: Path) -> None:
    released = descriptor_pb2.FileDescriptorSet.FromString((PROTO / "released.binpb").read_bytes())
    (spec,) = [file for file in released.file if file.name == "preimage/v1/spec.proto"]
    del spec.message_type[0].field[-1]
    broken = tmp_path / "broken.binpb"
    broken.write_bytes(released.SerializeToString())
    against = ("--against", PROTO / "released.binpb", "--config", ROOT / "buf.yaml")
    checked = run(tool("buf"), "breaking", broken, *against)
    assert checked.returncode != 0
    assert "was deleted" in checked.stdout


def test_the_import_contracts_hold() -> None:
    checked = run(tool("lint-imports"))
    assert checked.returncode == 0, checked.stdout


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "preimage", "preimage_tracing", *BACKEND, cache_dir=None, exclude_type_checking_imports=True
    )


def test_the_backend_imports_nothing_of_the_sdk_but_the_wire(graph: grimp.ImportGraph) -> None:
    wrong = {
        (module, imported)
        for module in graph.modules
        if module.split(".")[0] in BACKEND
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[0] == "preimage" and not imported.startswith("preimage.v1")
    }
    assert wrong == set()


def test_no_module_imports_itself_in_a_circle(graph: grimp.ImportGraph) -> None:
    circles = {
        (module, other)
        for module in graph.modules
        for other in graph.find_modules_directly_imported_by(module)
        if module < other and module in graph.find_modules_directly_imported_by(other)
    }
    assert circles == set()


def test_no_file_has_more_than_four_hundred_lines() -> None:
    listed = run("git", "ls-files", "*.py").stdout.split()
    sources = [ROOT / name for name in listed if "_pb2" not in name]
    long = {path.name: n for path in sources if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_the_project_holds_no_paths_of_one_machine_and_no_addresses_of_registries() -> None:
    pattern = r"(^|[^a-zA-Z0-9_.])/(work|root|farm)/|--(extra-)?index-url|pypi\.org"
    found = run("git", "grep", "-nE", pattern, "--", ".", ":!tests/test_contracts.py")
    assert found.stdout == ""
