"""What can go wrong in a worker.

    WorkerError
     +-- SettingsError            a PREIMAGE_* variable cannot be used; the process stops
     +-- CatalogueError           the catalogue file is wrong; the process stops
     +-- ReferenceSetError        a reference set cannot be built or read; the process stops
     +-- ConversionError          a file of weights cannot be converted; the command stops
     +-- WeightsError             a model has no weights to compute with; it is announced as such
          +-- WeightsMissingError  they cannot be had
          +-- WeightsUnfitError    they are here, and not this network's
     +-- JobError                 a job cannot be done; it ends FAILED with `reason`
          +-- InvalidSpecError     the specification or its inputs are impossible
          +-- DivergedError        every restart stopped being finite
          +-- OutOfMemoryError     the device cannot hold the job alone

Each message is one sentence that a user or an operator can act on: it says what was wrong, where,
and what to do.
"""

from typing import ClassVar, final


class WorkerError(Exception):
    """Base of everything that this package raises on purpose."""


@final
class SettingsError(WorkerError):
    """A setting is impossible."""


@final
class CatalogueError(WorkerError):
    """The catalogue file is wrong."""


@final
class ReferenceSetError(WorkerError):
    """A reference set cannot be built, written or read."""


@final
class ConversionError(WorkerError):
    """A file of weights is not what the conversion needs, or would be overwritten."""


class WeightsError(WorkerError):
    """A model has no weights to compute with."""


@final
class WeightsMissingError(WeightsError):
    """The weights of a model cannot be had here and now."""


@final
class WeightsUnfitError(WeightsError):
    """The weights of a model are here, and cannot be read or are not its network's."""


class JobError(WorkerError):
    """A job cannot be done. Ends that job, never the process."""

    reason: ClassVar[str] = "WORKER_ERROR"
    """An ErrorReason of the wire contract, without its prefix."""


@final
class InvalidSpecError(JobError):
    """The specification, or what it refers to, is impossible."""

    reason = "INVALID_SPEC"


@final
class DivergedError(JobError):
    """The objective stopped being finite in every restart."""

    reason = "DIVERGED"


@final
class OutOfMemoryError(JobError):
    """The device cannot hold this job, even alone."""

    reason = "OUT_OF_MEMORY"
