"""Classes of protocol buffer messages, which the protobuf library makes of a short schema.

A line of a schema is a message and its fields, each ``name=number:type``; ``*`` before the type stands for repeated,
``?group`` after it for one of a group. A message inside another is named ``Outer.Inner``; ``enum`` begins a line of
numbered names.
"""

from __future__ import annotations

from typing import Any

# The numbers of FieldDescriptorProto.Type.
_TYPES = {
    "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "bool": 8, "string": 9, "bytes": 12, "uint32": 13,
}  # fmt: skip
_MESSAGE, _ENUM = 11, 14
_OPTIONAL, _REPEATED = 1, 3


def classes(schema: str, package: str, extra: str, purpose: str) -> dict[str, Any]:
    """The class of each message of a schema; ``ImportError`` says which ``extra`` brings the protobuf library."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # loads when a message is made
    except ImportError:
        raise ImportError(f"{purpose} need the library protobuf: pip install 'graphc[{extra}]'") from None
    file = descriptor_pb2.FileDescriptorProto(name=f"graphc/{extra}.proto", package=package, syntax="proto3")
    lines = [line.split() for line in schema.strip().splitlines()]
    enums = {words[1] for words in lines if words[0] == "enum"}
    described: dict[str, Any] = {}
    for first, *rest in lines:
        if first == "enum":
            _add_enum(file, described, rest[0], rest[1:])
            continue
        outer, _, name = first.rpartition(".")
        described[first] = (described[outer].nested_type if outer else file.message_type).add(name=name)
        for field in rest:
            _add_field(described[first], field, package, enums)
    # A pool of its own: where TensorFlow or TensorBoard is loaded too, the common one has messages of these names.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in described
    }


def _add_enum(file: Any, described: dict[str, Any], full: str, values: list[str]) -> None:
    outer, _, name = full.rpartition(".")
    enum = (described[outer] if outer else file).enum_type.add(name=name)
    for number, value in enumerate(values):
        enum.value.add(name=value, number=number)


def _add_field(message: Any, text: str, package: str, enums: set[str]) -> None:
    name, _, rest = text.partition("=")
    number, _, kind = rest.partition(":")
    kind, _, group = kind.partition("?")
    field = message.field.add(name=name, number=int(number), label=_REPEATED if kind[0] == "*" else _OPTIONAL)
    kind = kind.lstrip("*")
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type, field.type_name = (_ENUM if kind in enums else _MESSAGE), f".{package}.{kind}"
    if group:
        if not message.oneof_decl:
            message.oneof_decl.add(name=group)
        field.oneof_index = 0
