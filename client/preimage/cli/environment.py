"""Options become PREIMAGE_* variables: the processes of the service read nothing else."""

from pathlib import Path

__all__ = ["variables"]


def variables(**options: str | int | Path | None) -> dict[str, str]:
    """The variables of the options that were given; an option's name in capitals is its variable's.

    `weights_dir=Path("w")` becomes `{"PREIMAGE_WEIGHTS_DIR": "/absolute/w"}`; None is left out, so
    that the environment's value, or the process's default, holds.
    """
    return {
        f"PREIMAGE_{name.upper()}": str(value.resolve() if isinstance(value, Path) else value)
        for name, value in options.items()
        if value is not None
    }
