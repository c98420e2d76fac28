"""The small checks that field validation is made of.

A check is a pure function from a value to violations, none if all is well. Checks never raise and
never stop at the first fault: a caller learns everything that is wrong with a request at once.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration

from preimage_orders import is_of_an_audit
from preimage_service.errors import Violation

FLOAT32_MAX = 3.4028234663852886e38
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST_SECONDS = 366 * 86_400
_MOST_NANOS = 999_999_999


def check_request_id(value: str, path: str) -> Iterator[Violation]:
    """Empty, or 1 to 64 of A-Z a-z 0-9 . _ -."""
    if value and not _REQUEST_ID.fullmatch(value):
        yield Violation(path, "must be 1 to 64 of A-Z a-z 0-9 . _ -; a UUID4 does")
    elif is_of_an_audit(value):
        yield Violation(path, "begins as those of an audit's inversions do; choose another")


def check_digest(value: str, path: str) -> Iterator[Violation]:
    """A SHA-256 as UploadTensor returns it."""
    if not DIGEST.fullmatch(value):
        yield Violation(path, "must be 64 lower-case hexadecimal digits, as UploadTensor returned")


def check_text(value: str, path: str, longest: int) -> Iterator[Violation]:
    """At most `longest` characters."""
    if len(value) > longest:
        yield Violation(path, f"has {len(value)} characters; at most {longest} are kept")


def check_enum(value: int, kinds: EnumDescriptor, path: str) -> Iterator[Violation]:
    """One of the enum's own values: open enums let any number through."""
    if value not in kinds.values_by_number:
        names = ", ".join(each.name for each in kinds.values[1:])
        yield Violation(path, f"has the unknown value {value}; known are {names}")


def check_whole(value: int, path: str, least: int, most: int) -> Iterator[Violation]:
    """A whole number of a closed range."""
    if not least <= value <= most:
        yield Violation(path, f"is {value}; must be {least} to {most}")


def check_number(
    value: float,
    path: str,
    least: float = 0.0,
    most: float = FLOAT32_MAX,
    *,
    open_below: bool = False,
) -> Iterator[Violation]:
    """A finite number of a range, `least` itself excluded where `open_below`."""
    if not (least < value <= most or (value == least and not open_below)):
        bound = f"{'above' if open_below else 'at least'} {least:g}"
        limit = "" if most == FLOAT32_MAX else f" and at most {most:g}"
        yield Violation(path, f"is {value:g}; must be a finite float32, {bound}{limit}")


def check_duration(value: Duration, path: str) -> Iterator[Violation]:
    """A well-formed duration above 0, short enough to be meant."""
    formed = 0 <= value.seconds < _LONGEST_SECONDS and 0 <= value.nanos <= _MOST_NANOS
    if not formed or (value.seconds, value.nanos) == (0, 0):
        yield Violation(path, "must be above 0 and at most 366 days; leave it out for no limit")


def suggest(word: str, known: list[str]) -> str:
    """The part of a sentence that names what was meant: near matches, else what there is."""
    near = get_close_matches(word[:128], known, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(repr(name) for name in near) + "?"
    shown = ", ".join(repr(name) for name in known[:12])
    return f"there are {shown}" + (", …" if len(known) > len(known[:12]) else "")
