"""A look at the queue before a request is read: under overload a refusal must cost next to nothing.

Only after a recent refusal (`doubts`). What would be refused at the end, with everything decoded
and stored, is refused here with nothing but digests taken: a full queue stays quick to say no, and
what it refuses takes no memory of Redis. What may be answered all the same goes on: a request that
has a job already, and one whose inputs a live job has or a kept result is of.
"""

from collections.abc import Sequence

from preimage.v1 import preimage_service_pb2 as wire
from preimage.v1.model_service_pb2 import ExtractFeaturesRequest
from preimage.v1.spec_pb2 import PreimageSpec
from preimage_orders import AUDIT_POOL, deadline_seconds, lane_of, pool_of
from preimage_queue import Lane, Prospect, blob_digest
from preimage_service.admission import refusal
from preimage_service.backend import Backend
from preimage_service.checks.fields import DIGEST
from preimage_service.checks.layers import MOST_FURTHER_LAYERS
from preimage_service.identity import caller

_BYTES = ("encoded",)
_TENSORS = ("pixels", "features", "variance")
_REFERENCES = ("uploaded", "uploaded_features", "uploaded_variance")
"""Fields that hold or name an input, wherever a request has them."""

_NEITHER_SHARE = (wire.CACHE_CONTROL_BYPASS, wire.CACHE_CONTROL_REFRESH)


async def look_at_room(
    backend: Backend, tenant: str, request: wire.CreatePreimageRequest | wire.InvertRequest
) -> None:
    """Refuse a job for which there was no room of late, if there still is none.

    Raises:
        ExhaustedError: a limit is reached.
        InvalidRequestError: no worker has as many slots as there are restarts.
    """
    if not backend.doubts.concern(tenant):
        return
    spec = request.spec
    shares = request.cache_control not in _NEITHER_SHARE
    contents = _contents(spec)
    digests = await backend.in_thread(_digests, contents) if shares else ()
    prospect = Prospect(
        tenant=tenant,
        request_id=request.request_id,
        lane=lane_of(spec),
        slots=max(spec.restarts, 1),
        pool=await _pool(backend, spec.representation.model),
        deadline_seconds=deadline_seconds(spec),
        blobs=digests,
        size_bytes=sum(len(each) for each in contents if isinstance(each, bytes)),
        shares=shares,
    )
    await _ask(backend, prospect)


async def look_at_room_for_code(
    backend: Backend, tenant: str, request: ExtractFeaturesRequest
) -> None:
    """The same for an extraction, which shares nothing and has no name.

    Raises:
        ExhaustedError: a limit is reached.
    """
    if backend.doubts.concern(tenant):
        size_bytes = request.picture.ByteSize()
        await _ask(
            backend, Prospect(tenant=tenant, lane=Lane.INSTANT, slots=0, size_bytes=size_bytes)
        )


async def look_at_room_for_audit(backend: Backend, tenant: str, request_id: str) -> None:
    """The same for an audit, whose pictures are still to come.

    Raises:
        ExhaustedError: a limit is reached.
    """
    if backend.doubts.concern(tenant):
        await _ask(
            backend,
            Prospect(
                tenant=tenant, request_id=request_id, lane=Lane.BATCH, slots=1, pool=AUDIT_POOL
            ),
        )


async def _ask(backend: Backend, prospect: Prospect) -> None:
    no = await backend.queue.room(prospect, caller().quotas)
    if no is not None:
        raise refusal(backend, prospect.tenant, no)


async def _pool(backend: Backend, model: str) -> str:
    """What workers must serve; empty for a model that nobody has announced: it is told later."""
    known = (await backend.catalogue.models()).get(model)
    return pool_of(known) if known else ""


def _contents(spec: PreimageSpec) -> list[bytes | str]:
    """All inputs: bytes that came along, and digests of what was uploaded before."""
    terms = spec.representation.further_layers[:MOST_FURTHER_LAYERS]
    found: list[bytes | str] = []
    for holder in (spec.target.picture, spec.target, *terms, spec.objective):
        for field, value in holder.ListFields():
            if field.name in _REFERENCES and DIGEST.fullmatch(value.digest):
                found.append(value.digest)
            elif field.name in _TENSORS:
                found.append(value.data)
            elif field.name in _BYTES:
                found.append(value)
    return found


def _digests(contents: Sequence[bytes | str]) -> tuple[str, ...]:
    """The digest of every input: it takes about 2 ms for a megabyte."""
    return tuple(blob_digest(each) if isinstance(each, bytes) else each for each in contents)
