"""Takes down what is released: `python proto/release.py [TREE]`, run once for each release.

`released.binpb` is the wire contract as a descriptor set; `check.py` lets nothing break it.
`released.tar.xz` holds the sources of that version; `tests/upgrade` runs its frontend with a worker
of this tree on one Redis, and the reverse.
"""

import io
import sys
import tarfile
from pathlib import Path

import generate

RELEASED = generate.PROTO / "released.binpb"
SOURCES = generate.PROTO / "released.tar.xz"
_PACKAGES = ("client", "service", "worker")
_KINDS = (".py", ".pyi", ".lua", ".toml", ".html", ".typed")


def main(tree: Path) -> None:
    """Write both from a checkout."""
    sources = sorted((tree / "proto").rglob("*.proto"))
    generate.protoc(
        [f"--descriptor_set_out={RELEASED}", "--include_imports"], tree / "proto", sources
    )
    with tarfile.open(SOURCES, "w:xz") as archive:
        for package in _PACKAGES:
            for path in sorted((tree / package).rglob("*")):
                if path.suffix in _KINDS:
                    _add(archive, path, path.relative_to(tree))


def _add(archive: tarfile.TarFile, path: Path, name: Path) -> None:
    """The bytes alone, so that one tree makes one archive."""
    data = path.read_bytes()
    entry = tarfile.TarInfo(str(name))
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else generate.PROTO.parent)
