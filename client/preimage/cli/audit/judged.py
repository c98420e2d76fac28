"""Commands that end with the verdict of gates, in which 2 means a gate that failed."""

from typing import Any, final

from typer.core import TyperCommand

__all__ = ["JudgedCommand"]

_WRONG_LINE = 2
"""The exit code that the library has for a wrong command line."""


@final
class JudgedCommand(TyperCommand):
    """Ends with 1 where the command line is wrong: a pipeline must not read that as a leak."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - its class is private
        """Reads the command line."""
        try:
            return super().make_context(*args, **kwargs)
        except Exception as error:
            if getattr(error, "exit_code", None) == _WRONG_LINE:
                error.exit_code = 1  # type: ignore[attr-defined]  # its class is private
            raise
