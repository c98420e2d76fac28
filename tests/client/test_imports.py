"""What is loaded when, and what is exported."""

import importlib.metadata
import subprocess
import sys

import pytest

import preimage


def modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split())


HEAVY = {"torch", "torchvision", "redis", "skimage", "prometheus_client", "typer", "rich"}
LATER = {"grpc", "google", "google.protobuf", "numpy", "PIL", "safetensors"}


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = modules_after("import preimage")
    assert loaded & (HEAVY | LATER) == set()
    assert {name for name in loaded if name.startswith("preimage.")} == set()


def test_importing_the_wire_contract_loads_no_module_of_the_sdk() -> None:
    loaded = modules_after("import preimage.v1.preimage_service_pb2_grpc")
    assert {name for name in loaded if name.startswith("preimage")} == {
        "preimage",
        "preimage.v1",
        *(name for name in loaded if name.startswith("preimage.v1.")),
    }
    assert loaded & (HEAVY | {"numpy", "PIL", "safetensors"}) == set()


def test_the_errors_need_no_grpc() -> None:
    assert modules_after("from preimage import PreimageError, NotFound") & (HEAVY | LATER) == set()


def test_the_whole_surface_needs_only_the_base_dependencies() -> None:
    loaded = modules_after("from preimage import *")
    assert loaded & HEAVY == set()
    assert "grpc" in loaded


def test_all_that_is_exported_is_there_and_sorted() -> None:
    assert preimage.__all__ == sorted(preimage.__all__)
    assert len(set(preimage.__all__)) == len(preimage.__all__)
    for name in preimage.__all__:
        assert getattr(preimage, name) is not None
    assert set(preimage.__all__) <= set(dir(preimage))


def test_what_can_be_loaded_lazily_is_what_is_exported() -> None:
    assert {*preimage._HOMES, "__version__"} == set(preimage.__all__)


def test_the_version_is_that_of_the_distribution() -> None:
    assert preimage.__version__ == importlib.metadata.version("preimage")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'invert_everything'"):
        _ = preimage.invert_everything
