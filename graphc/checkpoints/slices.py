"""Parts of a tensor that a checkpoint keeps under keys of their own: the partitioned variables of TensorFlow.

A key is the tensor's name and where the part lies, in an encoding that sorts as the values do: "ordered code",
described in TensorFlow's tensorflow/core/lib/strings/ordered_code.h. A part is a pair (start, length) for each axis; a
length of -1 is the whole axis.
"""

from __future__ import annotations

from graphc.checkpoints.wire import Fields, as_signed

Part = tuple[tuple[int, int], ...]
_ESCAPED = {0: b"\0\xff", 255: b"\xff\0"}


def part_of(message: Fields) -> Part:
    """The part that a TensorSliceProto describes; a whole axis has no length there."""
    extents = message.messages(1)
    return tuple((extent.signed(1), as_signed(extent.number(2, (1 << 64) - 1))) for extent in extents)


def part_key(name: str, part: Part) -> bytes:
    """The key under which the part of the tensor ``name`` stands."""
    key = _number(0) + b"".join(_ESCAPED.get(byte, bytes([byte])) for byte in name.encode()) + b"\0\1"
    return key + _number(len(part)) + b"".join(_signed(start) + _signed(length) for start, length in part)


def ranges(part: Part, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Where the part lies in a tensor of this shape."""
    return tuple(
        slice(start, size if length < 0 else start + length) for (start, length), size in zip(part, shape, strict=True)
    )


def _number(value: int) -> bytes:
    """A whole number, not negative: how many bytes, then these, the highest first."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _signed(value: int) -> bytes:
    """A whole number: as many one bits as it has bytes, a zero bit, then its bits; all inverted below zero."""
    magnitude = ~value if value < 0 else value
    size = magnitude.bit_length() // 7 + 1  # each byte gives up one bit to the count, and one bit is the sign
    code = value & ((1 << 8 * size) - 1)
    code ^= ((1 << size) - 1) << (7 * size)
    return code.to_bytes(size, "big")
