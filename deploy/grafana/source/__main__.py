"""Writes the dashboards: `python -m deploy.grafana.source [--out FOLDER]`."""

import argparse
from pathlib import Path

from deploy.grafana.source import audits, batching, quality, queue, runbook, service
from grafana_foundation_sdk.cog.encoder import JSONEncoder

_COMMITTED = Path(__file__).parents[1] / "dashboards"
_BOARDS = (
    service.BOARD,
    batching.BOARD,
    quality.BOARD,
    queue.BOARD,
    audits.BOARD,
    runbook.BOARD,
)


def main() -> None:
    """Write a file for each dashboard."""
    parser = argparse.ArgumentParser(prog="python -m deploy.grafana.source", description=__doc__)
    parser.add_argument("--out", type=Path, default=_COMMITTED, help="folder for the files")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    for board in _BOARDS:
        text = encoder.encode(board.build()) + "\n"
        (folder / f"{board.slug}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
