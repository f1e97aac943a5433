"""Unpacking of Snappy, by which TensorFlow's older checkpoint files pack their blocks.

The format is google/snappy's format_description.txt: the unpacked length, then literals and copies of what came before.
"""

from __future__ import annotations

from graphc.checkpoints.wire import Damaged, read_varint


def unpacked(data: bytes) -> bytes:
    """The bytes that were packed; :class:`Damaged` where these are no packed bytes."""
    length, at = read_varint(data, 0)
    found = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            size, at = _literal_size(data, at, tag >> 2)
            found += data[at : at + size]
            at += size
        else:
            size, offset, at = _copy(data, at, tag)
            if not 0 < offset <= len(found):
                raise Damaged("a packed block copies from before its beginning")
            start = len(found) - offset
            period = bytes(found[start : start + size])
            found += (period * (size // len(period) + 1))[:size]  # a copy may overlap what it makes
    if len(found) != length:
        raise Damaged(f"a packed block gave {len(found)} bytes of {length}")
    return bytes(found)


def _literal_size(data: bytes, at: int, code: int) -> tuple[int, int]:
    if code < 60:
        return code + 1, at
    width = code - 59
    return int.from_bytes(data[at : at + width], "little") + 1, at + width


def _copy(data: bytes, at: int, tag: int) -> tuple[int, int, int]:
    """How many bytes, from how far back, and where the next element begins."""
    kind, code = tag & 3, tag >> 2
    if kind == 1:
        low = data[at] if at < len(data) else 0
        return (code & 7) + 4, (code >> 3) << 8 | low, at + 1
    width = 2 if kind == 2 else 4
    return code + 1, int.from_bytes(data[at : at + width], "little"), at + width
