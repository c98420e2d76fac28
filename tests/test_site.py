"""The documentation becomes a site without a warning, and the site needs no other host."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from preimage.v1 import (
    admin_service_pb2,
    audit_service_pb2,
    model_service_pb2,
    preimage_service_pb2,
)

DOCS = Path(__file__).parents[1] / "docs"
CONTRACTS = (admin_service_pb2, audit_service_pb2, model_service_pb2, preimage_service_pb2)
# Whatever a browser fetches by itself; links that a reader may follow lead anywhere.
FETCHED = re.compile(r"<(?:script|img|iframe|link|source)\b[^>]*(?:src|href)=\"(https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    built = subprocess.run(
        [*command, "-d", place / "trees", DOCS, place / "html"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return place / "html"


def test_every_page_is_built_and_the_folder_opens_at_the_index(site: Path) -> None:
    pages = [page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")]
    assert [page for page in pages if not (site / page).is_file()] == []
    assert "README.html" in (site / "index.html").read_text()


def test_every_page_stands_in_the_table_of_contents(site: Path) -> None:
    navigation = (site / "README.html").read_text().split('class="sidebar-tree"')[1]
    linked = set(re.findall(r'href="([\w/-]+\.html)"', navigation.split("</div>")[0]))
    pages = {str(page.relative_to(DOCS).with_suffix(".html")) for page in DOCS.rglob("*.md")}
    assert linked == pages - {"README.html"}


def test_no_page_fetches_anything_from_another_host(site: Path) -> None:
    fetching = [page for page in site.rglob("*.html") if FETCHED.search(page.read_text())]
    assert fetching == []


def test_the_page_on_the_wire_contract_lists_every_method_and_every_file() -> None:
    page = (DOCS / "reference" / "wire.md").read_text()
    methods = {
        method.name
        for contract in CONTRACTS
        for service in contract.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == methods
    files = {path.name for path in (DOCS.parent / "proto/preimage/v1").glob("*.proto")}
    assert set(re.findall(r"^\| \[(\w+\.proto)\]", page, re.MULTILINE)) == files
