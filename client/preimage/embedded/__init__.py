"""The whole service on this machine, for a notebook, a demonstration or a test.

    from preimage import Client
    from preimage.embedded import Stack

    with Stack() as stack, Client(stack.target) as client:
        ...

It needs the extras of `pip install 'preimage[all]'`, but imports none of them: the service runs in
processes of its own.
"""

from preimage.embedded.errors import NotInstalledError, StackBusyError, StackError
from preimage.embedded.stack import Stack, StackOptions

__all__ = ["NotInstalledError", "Stack", "StackBusyError", "StackError", "StackOptions"]
