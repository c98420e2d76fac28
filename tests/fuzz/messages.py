"""Mutated messages: the descriptor says what there is to get wrong.

A mutation keeps most of a valid message, so that what is wrong lies deep inside; then the bytes
themselves may be damaged in ways that no message can hold.
"""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.fuzz.mutate import FLOATS, WHOLE, mutated

_TEXTS: Final = (
    *("", "toy", "tiny", "hog", "conv", "fc", "features.3", "auto", "mv2016", "\0", "é" * 70),
    *("a" * 10_000, "../../etc/passwd", "1-1+0", "0" * 32, "f" * 64, "%s%n", "\u202e", "a|b+c@d"),
    *("٣-٣+1", "1-1+٣", f"٣ {'0' * 32}"),  # digits to Python, and to nobody else
)
_BYTES: Final = (b"", b"\xff\xfe", bytes(40), b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF")
_RANGES: Final = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_UNKNOWN_FIELD: Final = bytes([0xFA, 0x3E, 0x05]) + b"hello"  # number 1007
_BROKEN_TEXT: Final = bytes([0x0A, 0x02, 0xC3, 0x28])  # field 1, invalid UTF-8


def mutate_message(dice: Random, message: Message) -> None:
    """Change one to four things in a message, in place."""
    for _ in range(dice.choice((1, 1, 2, 4))):
        holders = list(_walk(message))
        holder = dice.choice(holders)
        if holder.DESCRIPTOR.fields:
            _change(dice, holder, dice.choice(list(holder.DESCRIPTOR.fields)))


def mutated_bytes(dice: Random, message: Message) -> bytes:
    """A mutated message as bytes, which are at times damaged on their own."""
    mutate_message(dice, message)
    data = message.SerializeToString()
    match dice.randrange(12):
        case 0:
            return mutated(dice, data)
        case 1:
            return data + dice.choice((_UNKNOWN_FIELD, _BROKEN_TEXT))
        case 2:
            return _nested(dice.randrange(1, 300), data)
        case _:
            return data


def _nested(depth: int, data: bytes) -> bytes:
    """The bytes as field 1 of field 1 of …"""
    for _ in range(depth):
        if len(data) > 2000:
            break
        data = b"\x0a" + _varint(len(data)) + data
    return data


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _walk(message: Message) -> Iterator[Message]:
    """The message and all that are in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else (value,):
            yield from _walk(each)


def _change(dice: Random, message: Any, field: Any) -> None:  # noqa: ANN401  two kinds of descriptor
    if dice.random() < 0.15:
        message.ClearField(field.name)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        return
    elif field.is_repeated:
        _change_repeated(dice, message, field)
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        inner.SetInParent()
        _fill(dice, inner)
    else:
        setattr(message, field.name, _value(dice, field, getattr(message, field.name)))


def _change_repeated(dice: Random, message: Any, field: Any) -> None:  # noqa: ANN401
    values = getattr(message, field.name)
    if values and dice.random() < 0.3:
        del values[dice.randrange(len(values))]
    elif field.message_type is not None:
        for _ in range(dice.choice((1, 1, 3, 40))):
            _fill(dice, values.add())
    elif values and dice.random() < 0.5:
        at = dice.randrange(len(values))
        values[at] = _value(dice, field, values[at])
    else:
        values.extend(_value(dice, field, None) for _ in range(dice.choice((1, 2, 10))))


def _fill(dice: Random, message: Any) -> None:  # noqa: ANN401
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None and not field.is_repeated and dice.random() < 0.5:
            setattr(message, field.name, _value(dice, field, getattr(message, field.name)))


def _value(dice: Random, field: Any, now: Any) -> Any:  # noqa: ANN401
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return mutated(dice, now) if now and dice.random() < 0.7 else dice.choice(_BYTES)
        return dice.choice(_TEXTS)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return dice.random() < 0.5
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return dice.choice((*range(8), -1, 99, 2**31 - 1))
    if field.cpp_type in _RANGES:
        least, most = _RANGES[field.cpp_type]
        near = (now or 0) + dice.randrange(-2, 3)
        return min(max(dice.choice((*WHOLE, near, near, 2, 3, 8)), least), most)
    return dice.choice((*FLOATS, (now or 1.0) * dice.choice((0.5, 2.0, 1e6, 1e-6))))
