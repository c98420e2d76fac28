"""What an audit refuses, one class for each kind of mistake.

    AuditError
    └── PlanError         a plan that cannot be carried out as it stands
        └── OverlapError  pictures that are both targets and auxiliary

Attacks that fail are figures of the report, never exceptions. What a defence or a layer refuses is
an `inversion.errors.InversionError`.
"""


class AuditError(ValueError):
    """Any mistake of whoever plans an audit."""


class PlanError(AuditError):
    """The plan cannot be carried out as it stands."""


class OverlapError(PlanError):
    """Pictures are in two sets that must not share any."""
