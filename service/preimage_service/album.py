"""Taking in the pictures of an audit, one a message, and finding all that is wrong with them.

Nothing is stored before the last one came: until then their bytes are held in memory, out of the
budget that all uploads share. Only the files are kept, not the messages that they came in.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, final

from preimage.v1.audit_pb2 import AuditRole
from preimage.v1.audit_service_pb2 import CreateAuditRequest
from preimage_pictures import Decoder
from preimage_queue import blob_digest
from preimage_service.backend import Backend
from preimage_service.checks.audits import check_counts
from preimage_service.checks.pictures import read_encoded
from preimage_service.errors import InvalidRequestError, Violation
from preimage_service.methods.parts import Parts

_WORDS = {AuditRole.AUDIT_ROLE_TARGET: "a target", AuditRole.AUDIT_ROLE_AUXILIARY: "auxiliary"}
_PATHS = ("pictures of the role TARGET", "pictures of the role AUXILIARY")


@final
@dataclass(frozen=True, slots=True)
class Leaf:
    """A picture that was taken in."""

    role: AuditRole.ValueType
    encoded: bytes
    digest: str


class _Sent(NamedTuple):
    """What is kept of a message."""

    role: AuditRole.ValueType
    encoded: bytes


class _Seen(NamedTuple):
    """What a thread finds out about a picture."""

    digest: str
    faults: list[Violation]


async def take_album(
    backend: Backend, parts: Parts[CreateAuditRequest], held: ExitStack
) -> Sequence[Leaf]:
    """Take in everything behind the header.

    Args:
        backend: the process.
        parts: the stream.
        held: lets go of the memory's budget when the caller is done with the pictures.

    Raises:
        InvalidRequestError: too many, or too large together; or, told together, what is no
            picture, has no role, came twice, or is missing.
        QueueBytesFullError: other uploads hold too much now.
        WaitTimeoutError: nothing came for too long.
    """
    pictures: list[_Sent] = []
    looks: list[asyncio.Task[_Seen]] = []
    size_bytes = 0
    try:
        for index in count():
            if (part := await parts.next()) is None:
                break
            picture = _read_part(part, index)
            size_bytes += len(picture.encoded)
            _check_room(backend, index, size_bytes)
            held.enter_context(backend.uploads.hold(len(picture.encoded)))
            pictures.append(picture)
            looks.append(_begin_look(backend, picture, index))
        seen = await asyncio.gather(*looks)
    finally:
        for look in looks:
            look.cancel()
    album = [
        Leaf(picture.role, picture.encoded, one.digest)
        for picture, one in zip(pictures, seen, strict=True)
    ]
    faults = [fault for one in seen for fault in one.faults]
    faults += [*_check_roles(album), *_check_twice(album), *_check_numbers(backend, album)]
    if faults:
        raise InvalidRequestError(faults)
    return album


def _read_part(part: CreateAuditRequest, index: int) -> _Sent:
    if not part.HasField("picture"):
        sentence = "must follow the header, and nothing else"
        raise InvalidRequestError([Violation(f"picture[{index}]", sentence)])
    return _Sent(part.picture.role, part.picture.encoded)


def _check_room(backend: Backend, index: int, size_bytes: int) -> None:
    most, most_bytes = backend.settings.maximum_audit_pictures, backend.settings.maximum_audit_bytes
    if index >= most:
        sentence = f"is more than the {most} that this server takes for one audit"
        raise InvalidRequestError([Violation(f"picture[{index}]", sentence)])
    if size_bytes > most_bytes:
        sentence = f"goes beyond the {most_bytes} bytes that this server takes for one audit"
        raise InvalidRequestError([Violation(f"picture[{index}].encoded", sentence)])


def _begin_look(backend: Backend, picture: _Sent, index: int) -> asyncio.Task[_Seen]:
    path = f"picture[{index}].encoded"
    looking = backend.in_thread(_look, picture.encoded, backend.decoder, path)
    return asyncio.get_running_loop().create_task(looking)


def _look(encoded: bytes, decoder: Decoder, path: str) -> _Seen:
    _, faults = read_encoded(encoded, decoder, path)
    return _Seen(blob_digest(encoded), faults)


def _check_roles(album: Sequence[Leaf]) -> Iterator[Violation]:
    for index, leaf in enumerate(album):
        if leaf.role not in _WORDS:
            yield Violation(f"picture[{index}].role", "must be TARGET or AUXILIARY")


def _check_twice(album: Sequence[Leaf]) -> Iterator[Violation]:
    first: dict[str, int] = {}
    for index, leaf in enumerate(album):
        before = first.setdefault(leaf.digest, index)
        if before == index:
            continue
        same = _WORDS.get(album[before].role, "without a role")
        sentence = f"is the same file as picture[{before}], which is {same}: send it once"
        if album[before].role != leaf.role:
            sentence += ", because an attacker who has the target recovers nothing"
        yield Violation(f"picture[{index}]", sentence)


def _check_numbers(backend: Backend, album: Sequence[Leaf]) -> Iterator[Violation]:
    roles = Counter(leaf.role for leaf in album)
    targets = roles[AuditRole.AUDIT_ROLE_TARGET]
    auxiliary = roles[AuditRole.AUDIT_ROLE_AUXILIARY]
    yield from check_counts(targets, auxiliary, backend.settings, _PATHS)
