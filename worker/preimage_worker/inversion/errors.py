"""What a caller can do wrong, one class for each kind of mistake.

Outcomes of an inversion (diverged, out of steps…) are values, see `outcome`; only mistakes raise.
Every message says what was wrong, where, and what to do. The tree:

    InversionError
    ├── ProblemError                  a problem that cannot be posed
    │   ├── ShapeMismatchError        target, mask or picture size do not fit the representation
    │   │   └── ChannelMismatchError  pictures have another number of channels than the model takes
    │   ├── NonFiniteTargetError      NaN or infinity in the target or the mask
    │   ├── ZeroTargetError           the (masked) target is zero: no relative error exists
    │   └── SettingError              a number outside the range where it has a meaning
    ├── RepresentationError           a representation that cannot be made
    │   ├── UnknownNodeError          no such node in the model
    │   ├── UntraceableError          a network that is not one graph
    │   ├── ProgramError              an exported program that is no function of pictures
    │   └── PictureTooSmallError      too few pixels for a single code
    ├── DefenceError                  a defence that cannot be read, or fitted to these codes
    └── BatchError                    lanes that cannot run together
        └── CheckpointError           a snapshot that does not belong to the problem
"""


class InversionError(ValueError):
    """Any mistake of a caller of `preimage_worker.inversion`."""


class ProblemError(InversionError):
    """The problem cannot be posed as it stands."""


class ShapeMismatchError(ProblemError):
    """A tensor or a picture size does not fit the representation."""


class ChannelMismatchError(ShapeMismatchError):
    """The model takes pictures with another number of channels."""


class NonFiniteTargetError(ProblemError):
    """A target or mask holds NaN or infinity."""


class ZeroTargetError(ProblemError):
    """The masked target has no energy, so a relative error does not exist."""


class SettingError(ProblemError):
    """A setting lies outside the range where it has a meaning."""


class RepresentationError(InversionError):
    """The representation cannot be made."""


class UnknownNodeError(RepresentationError):
    """The model has no node of this name, or its output is not one float tensor."""


class UntraceableError(RepresentationError):
    """What the network does depends on the pictures' numbers."""


class ProgramError(RepresentationError):
    """The exported program takes something else than pictures, or is not a function of them."""


class PictureTooSmallError(RepresentationError):
    """The picture has too few pixels for the representation."""


class DefenceError(InversionError):
    """The defence cannot be read, or not be fitted to these codes."""


class BatchError(InversionError):
    """The lanes cannot run together, or are not in the state that the call needs."""


class CheckpointError(BatchError):
    """The snapshot does not belong to this problem or representation."""
