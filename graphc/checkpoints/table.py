"""Sorted tables of keys and values, the container of TensorFlow's checkpoint files.

The format is that of LevelDB (doc/table_format.md): blocks of entries, a block that says where the blocks are, and a
footer of 48 bytes. In a block a key is written as how many bytes it shares with the one before, and the rest. After a
block stand its kind of packing and a masked CRC-32C of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphc.checkpoints import snappy
from graphc.checkpoints.wire import Damaged, read_varint, varint
from graphc.checksums import masked_crc32c

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_FOOTER = 48
_TRAILER = 5  # a byte for the packing, four for the checksum
_RESTART_EVERY = 16  # entries; there a key is written whole


def read_table(data: bytes) -> dict[bytes, bytes]:
    """The entries of a table in order; :class:`Damaged` where a checksum or a length is wrong."""
    if data[-8:] != MAGIC or len(data) < _FOOTER:
        raise Damaged("it does not end as a table of checkpoint entries does")
    footer = data[-_FOOTER:]
    offset, size, at = _handle(footer, 0)
    _block(data, offset, size)  # of filters and statistics: empty in these files, but it shall be whole
    offset, size, _ = _handle(footer, at)
    found: dict[bytes, bytes] = {}
    for _, handle in _entries(_block(data, offset, size)):
        offset, size, _ = _handle(handle, 0)
        found.update(_entries(_block(data, offset, size)))
    return found


def table_bytes(entries: Mapping[bytes, bytes]) -> bytes:
    """A table of these entries, which come sorted by key: one block of entries, unpacked."""
    data = _sealed(_block_bytes(list(entries.items())))
    content = _handle_bytes(0, len(data) - _TRAILER)
    statistics_at = len(data)
    data += _sealed(_block_bytes([]))
    statistics = _handle_bytes(statistics_at, len(data) - statistics_at - _TRAILER)
    index_at = len(data)
    data += _sealed(_block_bytes([(max(entries, default=b""), content)]))
    index = _handle_bytes(index_at, len(data) - index_at - _TRAILER)
    return data + (statistics + index).ljust(_FOOTER - 8, b"\0") + MAGIC


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    offset, at = read_varint(data, at)
    size, at = read_varint(data, at)
    return offset, size, at


def _handle_bytes(offset: int, size: int) -> bytes:
    return varint(offset) + varint(size)


def _block(data: bytes, offset: int, size: int) -> bytes:
    whole = data[offset : offset + size + _TRAILER]
    if len(whole) < size + _TRAILER:
        raise Damaged("a block reaches past the end of the file")
    if masked_crc32c(whole[: size + 1]) != int.from_bytes(whole[size + 1 :], "little"):
        raise Damaged("the checksum of a block does not fit its bytes")
    packing, content = whole[size], whole[:size]
    if packing > 1:
        raise Damaged(f"a block is packed by an unknown method ({packing})")
    return snappy.unpacked(content) if packing else content


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(block) < 4:
        raise Damaged("a block is too short")
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = read_varint(block, at)
        fresh, at = read_varint(block, at)
        size, at = read_varint(block, at)
        if shared > len(key) or at + fresh + size > end:
            raise Damaged("an entry reaches past its block")
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + size]
        at += size


def _sealed(block: bytes) -> bytes:
    plain = block + b"\0"
    return plain + masked_crc32c(plain).to_bytes(4, "little")


def _block_bytes(entries: list[tuple[bytes, bytes]]) -> bytes:
    block, restarts, last = bytearray(), [], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % _RESTART_EVERY == 0:
            restarts.append(len(block))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        block += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    restarts = restarts or [0]
    for place in (*restarts, len(restarts)):
        block += place.to_bytes(4, "little")
    return bytes(block)
