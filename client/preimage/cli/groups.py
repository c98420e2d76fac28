"""Groups of options: a frozen dataclass whose fields are options, as one parameter of a command.

A command with thirty options would be a function with thirty parameters. Here it has a few, each
of them a group; `flat` makes the function that the command line library wants to see.
"""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["flat"]


def flat(command: Callable[..., None]) -> Callable[..., None]:
    """Turns each parameter that is a dataclass into its fields, as keyword parameters.

    The names of all fields and other parameters must differ.
    """
    parameters = inspect.signature(command).parameters.values()
    groups = {each.name: each.annotation for each in parameters if _is_group(each)}
    flattened = [part for each in parameters for part in _parts(each)]

    def run(**values: Any) -> None:
        made = {
            name: group(
                **{field.name: values.pop(field.name) for field in dataclasses.fields(group)}
            )
            for name, group in groups.items()
        }
        command(**made, **values)

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__annotations__ = {each.name: each.annotation for each in flattened}
    run.__signature__ = inspect.Signature(flattened)  # type: ignore[attr-defined]  # PEP 362 allows it
    return run


def _is_group(parameter: inspect.Parameter) -> bool:
    return dataclasses.is_dataclass(parameter.annotation)


def _parts(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    if not _is_group(parameter):
        return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=field.type,
            default=(
                inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
            ),
        )
        for field in dataclasses.fields(parameter.annotation)
    ]
