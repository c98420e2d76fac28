"""What can go wrong with the embedded stack.

    PreimageError
    └── StackError               it could not start, or one of its processes died
        ├── NotInstalledError    a program or an extra is missing; the sentence says how to get it
        └── StackBusyError       another stack uses the same data folder

All of them are errors of the SDK, so whoever catches `PreimageError` catches them too.
"""

from typing import final

from preimage.errors import PreimageError

__all__ = ["NotInstalledError", "StackBusyError", "StackError"]


class StackError(PreimageError):
    """The embedded stack could not start, or one of its processes died."""


@final
class NotInstalledError(StackError):
    """Something that the stack needs is not on this machine."""


@final
class StackBusyError(StackError):
    """Another stack is using the data folder."""
