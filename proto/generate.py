"""Generates `preimage.v1` from the sources beside this file, and the descriptor set that Buf reads.

The generator is pinned old (grpcio-tools 1.76) so that its code runs on every runtime since. A test
generates again into an empty folder and compares the bytes with what is committed.

    python proto/generate.py                      writes client/preimage/v1/*_pb2*.py[i]
    python proto/generate.py --descriptors FILE   writes a descriptor set with comments
"""

import argparse
import sys
import sysconfig
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

PROTO = Path(__file__).resolve().parent
SOURCES = sorted(PROTO.rglob("*.proto"))


def includes(folder: Path) -> list[str]:
    """The folders that hold our sources, google.rpc's and google.protobuf's."""
    rpc = Path(next(iter(files("google.rpc")._paths)))  # type: ignore[attr-defined]  # noqa: SLF001 - a namespace package has no __file__
    protobuf = Path(str(files("grpc_tools"))) / "_proto"
    return [f"-I{folder}", f"-I{rpc.parent.parent}", f"-I{protobuf}"]


def protoc(arguments: list[str], folder: Path = PROTO, sources: Sequence[Path] = SOURCES) -> None:
    """Runs the pinned protoc on sources in a folder; raises SystemExit when it fails."""
    from grpc_tools import protoc as compiler  # noqa: PLC0415 - a development dependency

    names = [path.relative_to(folder).as_posix() for path in sources]
    status = compiler.main(["protoc", *includes(folder), *arguments, *names])
    if status:
        raise SystemExit(status)


def generate(folder: Path) -> None:
    """Writes messages, stubs and their types under `folder`/preimage/v1."""
    folder.mkdir(parents=True, exist_ok=True)
    scripts = Path(sysconfig.get_path("scripts"))
    protoc(
        [
            f"--plugin=protoc-gen-mypy={scripts / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}",
            f"--python_out={folder}",
            f"--grpc_python_out={folder}",
            f"--mypy_out={folder}",
            f"--mypy_grpc_out={folder}",
        ]
    )


def describe(file: Path) -> None:
    """Writes a descriptor set with imports and comments to `file`."""
    protoc([f"--descriptor_set_out={file}", "--include_imports", "--include_source_info"])


def main(arguments: list[str]) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=PROTO.parent / "client")
    parser.add_argument("--descriptors", type=Path)
    options = parser.parse_args(arguments)
    if options.descriptors:
        describe(options.descriptors)
    else:
        generate(options.out)


if __name__ == "__main__":
    main(sys.argv[1:])
