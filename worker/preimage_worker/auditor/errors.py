"""Why an audit stops before its end."""


class StoppedError(Exception):
    """This auditor may not go on with the audit, which is no fault of the audit."""


class CancelledError(StoppedError):
    """Its caller cancelled it."""


class LeaseLostError(StoppedError):
    """Another auditor has it, or it was deleted."""


class LeavingError(StoppedError):
    """This process ends; the audit goes back to the queue."""


class InversionFailedError(Exception):
    """An inversion could not be carried out; says which and why."""
