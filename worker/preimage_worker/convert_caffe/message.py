"""The part of Caffe's NetParameter that holds weights, as a message made while the program runs.

Names and numbers of the fields are those of caffe.proto. Everything else in a file, such as the
settings of the layers, is left unread: a parser skips what it does not know. Both forms of a layer
are here, the present one (field 100) and the one before it (field 2).

Packed numbers stand in a message as bytes do. So a blob's numbers are had at once, and not one by
one, by reading it a second time as "PackedBlob".
"""

from functools import cache

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_PACKAGE = "preimage.caffe"
_Field = descriptor_pb2.FieldDescriptorProto
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "BlobShape": {"dim": (1, "int64[]")},
    "BlobProto": {
        "num": (1, "int32"),
        "channels": (2, "int32"),
        "height": (3, "int32"),
        "width": (4, "int32"),
        "data": (5, "float[]"),
        "shape": (7, "BlobShape"),
        "double_data": (8, "double[]"),
    },
    "PackedBlob": {"data": (5, "bytes"), "double_data": (8, "bytes")},
    "V1LayerParameter": {"name": (4, "string"), "blobs": (6, "BlobProto[]")},
    "LayerParameter": {"name": (1, "string"), "blobs": (7, "BlobProto[]")},
    "NetParameter": {
        "name": (1, "string"),
        "layers": (2, "V1LayerParameter[]"),
        "layer": (100, "LayerParameter[]"),
    },
}
"""Fields by message: name, number and type; [] is repeated, and packed where that is possible."""


@cache
def messages() -> dict[str, type[Message]]:
    """The classes of the messages, by name."""
    file = descriptor_pb2.FileDescriptorProto(
        name="preimage/caffe.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        message.field.extend(_field(key, *facts) for key, facts in fields.items())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def _field(name: str, number: int, described: str) -> descriptor_pb2.FieldDescriptorProto:
    kind = described.removesuffix("[]")
    repeated = kind != described
    field = _Field(
        name=name,
        number=number,
        label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
    )
    if kind in _MESSAGES:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
        return field
    field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
    field.options.packed = repeated
    return field
