"""What can go wrong: nothing but the start."""

from typing import final


@final
class TracingError(ValueError):
    """Why spans cannot be sent, as a sentence for an operator."""
