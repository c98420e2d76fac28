"""The client for plain Python: every method returns when it is done.

It uses gRPC's synchronous stubs. What happens in a call stands once, in `preimage.core`, for this
client and for `AsyncClient`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, Unpack, final

from preimage.audits.clients import Auditing
from preimage.blocking import SyncTransport
from preimage.connection import Connection
from preimage.core import Core
from preimage.inverting import invert
from preimage.jobs import Job
from preimage.many import invert_many
from preimage.running import run
from preimage.settings import make_request, raised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from preimage.enums import State
    from preimage.events import Preview, Progress
    from preimage.features import Features
    from preimage.jobinfo import JobInfo
    from preimage.models import ModelInfo
    from preimage.parts import Unit
    from preimage.pictures import PictureSource
    from preimage.request import Request, Settings, Task
    from preimage.results import Result
    from preimage.settled import Settled
    from preimage.sources import Source


@final
class Client(Auditing):
    """A connection to the service.

        with preimage.Client("127.0.0.1:8790") as client:
            result = client.invert(picture, model="squeezenet1_0", layer="features.5", seed=1)

    Safe to share between threads. Calls that find the service unavailable or overloaded are
    repeated twice, when the server says so.
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        token: str | None = None,
        ca: str | Path | None = None,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        timeout_seconds: float = 60.0,
    ) -> None:
        """Opens no connection yet; the first call does.

        Args:
            target: where the service listens: "host:port" or "unix:/path". None:
                PREIMAGE_TARGET, or 127.0.0.1:8790.
            token: sent as "authorization: Bearer …". None: PREIMAGE_TOKEN, the content of the file
                PREIMAGE_TOKEN_FILE, which is read again for every call, or none.
            ca: PEM file with the authorities that are trusted, or "system". Turns TLS on. None:
                PREIMAGE_CA, or no TLS.
            certificate: PEM file with this client's certificate. None: PREIMAGE_CERT, or none.
            key: PEM file with its key. None: PREIMAGE_KEY, or none. An empty text for any of these
                stands for none, whatever the variables say.
            timeout_seconds: how long one call may take; waiting for a job is not limited by it.

        Raises:
            BadInput: the target is not host:port, a file cannot be read or used, or a token would
                travel unprotected.
        """
        connection = Connection.resolve(
            target=target, token=token, ca=ca, certificate=certificate, key=key
        )
        self._core = Core(SyncTransport(connection), timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection. Jobs go on."""
        run(self._core.close())

    def invert(
        self,
        source: Source,
        *,
        model: str,
        layer: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Preview], None] | None = None,
        request_id: str | None = None,
        **settings: Unpack[Settings],
    ) -> Result:
        """Finds a picture whose code is that of `source`, and waits for it.

        When the wait is interrupted, the job is cancelled.

        Args:
            source: a picture or a code, told apart by its type: see `preimage.request.Source`.
            model: name of a model.
            layer: name of one of its layers; for several see the setting `layers`.
            on_progress: called with every progress.
            on_preview: called with every preview; ask for them with `preview_every_steps`.
            request_id: name of the request for safe repetition. None: a UUID4.
            **settings: the fields of `Request`: preset, steps, data_weight, restarts, seed, …

        Raises:
            BadInput: the source or a setting is wrong, as seen from here.
            ServiceError: the service refused the request.
            JobFailed: the job failed.
            JobCancelled: somebody cancelled the job.
        """
        request = make_request(source, model, layer, request_id, **settings)
        return invert(self._core, request, on_progress, on_preview)

    def maximise(
        self,
        *,
        model: str,
        layer: str,
        unit: int | Unit | None = None,
        direction: Source | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Preview], None] | None = None,
        request_id: str | None = None,
        **settings: Unpack[Settings],
    ) -> Result:
        """Finds a picture to which a unit of a layer answers strongly, and waits for it.

        Mahendran & Vedaldi 2016, section 5. When the wait is interrupted, the job is cancelled.

        Args:
            model: name of a model.
            layer: name of one of its layers.
            unit: a channel by its number, from 0, or a `Unit` at one position.
            direction: in its place, any direction Φ₀: an array of the shape of a code, or a picture
                whose code is the direction.
            on_progress: called with every progress.
            on_preview: called with every preview; ask for them with `preview_every_steps`.
            request_id: name of the request for safe repetition. None: a UUID4.
            **settings: the fields of `Request`: activation_scale, preset, steps, restarts, …

        Raises:
            BadInput: there is neither a unit nor a direction, or one of them or a setting is wrong.
            ServiceError: the service refused the request.
            JobFailed: the job failed.
            JobCancelled: somebody cancelled the job.
        """
        source = raised(unit, direction)
        request = make_request(source, model, layer, request_id, "maximise", **settings)
        return invert(self._core, request, on_progress, on_preview)

    def caricature(
        self,
        picture: PictureSource,
        *,
        model: str,
        layer: str,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Preview], None] | None = None,
        request_id: str | None = None,
        **settings: Unpack[Settings],
    ) -> Result:
        """Exaggerates what a layer sees in a picture, and waits for it.

        Mahendran & Vedaldi 2016, section 6. It starts from the picture itself. When the wait is
        interrupted, the job is cancelled.

        Args:
            picture: a picture in any of the forms that `invert` takes.
            model: name of a model.
            layer: name of one of its layers.
            on_progress: called with every progress.
            on_preview: called with every preview; ask for them with `preview_every_steps`.
            request_id: name of the request for safe repetition. None: a UUID4.
            **settings: the fields of `Request`: preset, steps, data_weight, …

        Raises:
            BadInput: the picture or a setting is wrong, as seen from here.
            ServiceError: the service refused the request.
            JobFailed: the job failed.
            JobCancelled: somebody cancelled the job.
        """
        request = make_request(picture, model, layer, request_id, "caricature", **settings)
        return invert(self._core, request, on_progress, on_preview)

    def submit(
        self,
        source: Source,
        *,
        model: str,
        layer: str | None = None,
        task: Task = "invert",
        request_id: str | None = None,
        **settings: Unpack[Settings],
    ) -> Job:
        """Hands in a job and returns as soon as it is accepted.

        Args:
            source: a picture or a code; to be maximised: a `Unit`, or a direction.
            model: name of a model.
            layer: name of one of its layers; for several see the setting `layers`.
            task: "invert", "maximise" or "caricature".
            request_id: name of the request for safe repetition. None: a UUID4.
            **settings: the fields of `Request`.
        """
        request = make_request(source, model, layer, request_id, task, **settings)
        return Job(run(self._core.submit(request)))

    def submit_many(
        self, requests: Iterable[Request], *, in_flight: int = 32
    ) -> Iterator[Settled[Result]]:
        """Inverts many and yields them as they finish, in any order.

        One that fails does not stop the others: its error is yielded. At most `in_flight` are on
        the server at a time, and `requests` is read only as places become free. Who leaves the loop
        early cancels those in flight.

        Args:
            requests: what to compute; may be endless.
            in_flight: how many at a time, at least 1.
        """
        return invert_many(self._core, requests, in_flight)

    def job(self, job_id: str) -> Job:
        """Takes up a job by the server's name for it.

        Raises:
            NotFound: there is none, or it has expired.
        """
        return Job(run(self._core.job(job_id)))

    def cancel(self, job_id: str, reason: str = "") -> JobInfo:
        """Cancels a job by the server's name for it; needs the scope `submit` alone.

        Args:
            job_id: which.
            reason: why, for the record; at most 200 characters.

        Raises:
            NotFound: there is none, or it has expired.
        """
        return run(self._core.named(job_id).cancel(reason))

    def delete(self, job_id: str) -> None:
        """Deletes a terminal job with all that belongs to it; needs the scope `submit` alone.

        Raises:
            NotFound: there is none, or it has expired.
            NotReady: it is not terminal; cancel it first.
        """
        run(self._core.named(job_id).delete())

    def jobs(
        self,
        *,
        state: State | str | None = None,
        model: str | None = None,
        layer: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """Yields the caller's jobs, newest first, fetching pages as they are needed.

        Args:
            state: only those in this state.
            model: only those of this model.
            layer: only those of this layer.
            limit: at most so many.
        """
        pages = self._core.pages(state, model, layer, limit)
        while (page := run(pages.read())) is not None:
            yield from map(Job, page)

    def models(self) -> tuple[ModelInfo, ...]:
        """Returns the models by name, without their layers."""
        return run(self._core.models())

    def model(self, name: str) -> ModelInfo:
        """Returns one model with its layers.

        Raises:
            NotFound: there is no such model.
        """
        return run(self._core.model(name))

    def extract_features(
        self,
        picture: PictureSource,
        model: str,
        layer: str,
        *,
        input_size: tuple[int, int] | None = None,
    ) -> Features:
        """Computes the code of a picture on the service.

        Args:
            picture: a picture in any of the forms that `invert` takes.
            model: name of a model.
            layer: name of one of its layers.
            input_size: (height, width) in pixels to resize to. None: the model's own.
        """
        return run(self._core.extract_features(picture, model, layer, input_size))
