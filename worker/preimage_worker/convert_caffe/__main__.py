"""Converts weights: `python -m preimage_worker.convert_caffe IN OUT [--force]`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from safetensors.numpy import save

from preimage_worker.convert_caffe.fitting import State, fit
from preimage_worker.convert_caffe.reading import read
from preimage_worker.errors import ConversionError


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes one file; returns the exit status: 1, with a sentence on stderr, where it did not."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.output.exists() and not asked.force:
            raise ConversionError(f"{asked.output} exists; overwrite it with --force.")  # noqa: TRY301
        _write(fit(read(asked.input)), asked.output)
    except ConversionError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"{error.filename or asked.output}: {error.strerror or error}.")
    print(f"{asked.output}: weights of cnn_a from {asked.input}")  # noqa: T201 - the result
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="preimage weights convert",
        description="Convert weights of Caffe's reference model for the network cnn_a.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="a binary .caffemodel file")
    parser.add_argument("output", type=Path, metavar="OUT", help="the safetensors file to write")
    parser.add_argument("--force", action="store_true", help="overwrite OUT")
    return parser


def _write(state: State, output: Path) -> None:
    """Writes beside the file and renames, so that nobody finds half of one."""
    part = output.with_name(f"{output.name}.part")
    try:
        part.write_bytes(save(state, metadata={"architecture": "cnn_a"}))
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _failed(sentence: str) -> int:
    print(f"preimage weights convert: {sentence}", file=sys.stderr)  # noqa: T201 - for the caller
    return 1


if __name__ == "__main__":
    sys.exit(main())
