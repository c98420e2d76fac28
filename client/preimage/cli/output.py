"""What the command line prints, and where: results on stdout, everything else on stderr."""

import functools
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from preimage.errors import JobCancelled, JobFailed, PreimageError, ServiceError
from preimage.fieldnames import with_setting_names
from preimage.summaries import plain

__all__ = ["counted", "errors", "print_json", "print_table", "say", "speaking"]

P = ParamSpec("P")
# Tables that go to a file or a pipe must not be folded to a terminal's width.
_UNBOUNDED_COLUMNS = 10_000

_VISIBLE = {
    each: f"\\x{each:02x}" for each in (*range(32), *range(127, 160)) if chr(each) not in "\n\t"
}
"""Words of others, such as why a job was cancelled, must not steer the terminal."""

errors = Console(stderr=True, highlight=False)


def speaking(command: Callable[P, None]) -> Callable[P, None]:
    """Turns the errors that a user can cause into one sentence on stderr and exit code 1.

    With --json, the option `as_json` of the command, they are one JSON object on stdout as well.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        try:
            command(*args, **kwargs)
        except PreimageError as error:
            if as_json:
                print_json(_error_as_json(error))
            raise _failure(str(error)) from None
        except BrokenPipeError:
            raise  # whoever read the output has enough; not an error of ours
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            sentence = f"{where}{error.strerror or error}"
            if as_json:
                print_json({"error": _refusal(sentence)})
            raise _failure(sentence) from None

    return run


def say(sentence: str) -> None:
    """Prints a sentence for the human at the terminal, on stderr."""
    errors.print(sentence.translate(_VISIBLE), markup=False, soft_wrap=True)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 worker", "2 workers"; `plural` where an s is not enough."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def print_json(value: dict[str, Any]) -> None:
    """Prints one JSON object on stdout. Numbers that JSON lacks become null."""
    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def print_table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Prints a table on stdout; columns whose heading starts with ">" are set to the right."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in headings:
        right = heading.startswith(">")
        table.add_column(heading.removeprefix(">"), justify="right" if right else "left")
    for row in rows:
        table.add_row(*(cell.translate(_VISIBLE) for cell in row))
    width = None if sys.stdout.isatty() else _UNBOUNDED_COLUMNS
    console = Console(width=width, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().strip("\n").splitlines():
        typer.echo(line.rstrip())


def _failure(sentence: str) -> typer.Exit:
    say(sentence)
    return typer.Exit(1)


def _error_as_json(error: PreimageError) -> dict[str, Any]:
    """The JSON object of what did not work: a job that has no result, or a refusal."""
    match error:
        case JobFailed():
            ended = {"reason": error.reason, "message": str(error)}
            return {"id": error.job_id, "state": "FAILED", "error": ended}
        case JobCancelled():
            ended = {"reason": "CANCELLED", "message": error.cancel_reason or str(error)}
            return {"id": error.job_id, "state": "CANCELLED", "error": ended}
        case ServiceError():
            fields = [with_setting_names(each.field) for each in error.violations]
            return {"error": _refusal(str(error), error.code, error.reason, fields)}
        case _:
            return {"error": _refusal(str(error))}


def _refusal(
    sentence: str, code: str | None = None, reason: str = "", fields: Iterable[str] = ()
) -> dict[str, Any]:
    return {
        "code": code,
        "reason": reason or None,
        "message": sentence,
        "fields": list(fields),
    }
