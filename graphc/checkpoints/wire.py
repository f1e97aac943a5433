"""Protocol buffer messages as numbered fields, as far as checkpoint files need them: no library, no schema.

The encoding is described at protobuf.dev/programming-guides/encoding: a field is its number and wire type in one
varint, then a varint (0), eight bytes (1), a length and so many bytes (2), or four bytes (5).
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Damaged(ValueError):
    """Bytes that are not what the format says."""


class Fields(NamedTuple):
    """The values of a message's fields by number, in the order they came: ints, or bytes where a length was given."""

    values: dict[int, list[Any]]

    def number(self, field: int, default: int = 0) -> int:
        """The last value of a field that is a whole number, not negative."""
        return int(self.values.get(field, [default])[-1])

    def signed(self, field: int) -> int:
        """The last value of a field that may be negative."""
        return as_signed(self.number(field))

    def bytes(self, field: int) -> bytes:
        """The last value of a field that is a string or a message."""
        return bytes(self.values.get(field, [b""])[-1])

    def messages(self, field: int) -> list[Fields]:
        """The values of a repeated field of messages."""
        return [parse(value) for value in self.values.get(field, [])]


def as_signed(value: int) -> int:
    """The number whose two's complement in 64 bits is ``value``."""
    return value - (1 << 64) if value >= 1 << 63 else value


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The whole number that begins at ``at``, seven bits a byte, the lowest first; and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Damaged("a number does not end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def varint(value: int) -> bytes:
    """A whole number, seven bits a byte; a negative one as its two's complement in 64 bits."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def parse(data: bytes) -> Fields:
    """The fields of a message; :class:`Damaged` where the bytes are none."""
    values: dict[int, list[Any]] = {}
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        value: Any
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = int.from_bytes(_taken(data, at, size), "little"), at + size
        elif kind == 2:
            size, at = read_varint(data, at)
            value, at = _taken(data, at, size), at + size
        else:
            raise Damaged(f"a field has the wire type {kind}")
        values.setdefault(key >> 3, []).append(value)
    return Fields(values)


def _taken(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise Damaged("a field is longer than its message")
    return data[at : at + size]


def number_field(field: int, value: int) -> bytes:
    """A whole number as a field; nothing for 0, which is what a missing field means."""
    return varint(field << 3) + varint(value) if value else b""


def bytes_field(field: int, value: bytes) -> bytes:
    """A string or message as a field."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def fixed32_field(field: int, value: int) -> bytes:
    """Four bytes as a field."""
    return varint(field << 3 | 5) + value.to_bytes(4, "little")
