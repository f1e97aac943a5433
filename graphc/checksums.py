"""CRC-32C (Castagnoli), by which TensorFlow's files guard their bytes; in NumPy, many lanes at a time.

The checksum of a file is linear over bits: that of ``a + b`` is that of ``a`` moved past ``len(b)`` zero bytes, xor
that of ``b``. So equal stretches of the data are worked off side by side and joined in pairs. The polynomial is that of
RFC 3720, appendix B.4; masking is described in LevelDB's doc/log_format.md.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

_POLYNOMIAL = 0x82F63B78  # 0x1EDC6F41 with its bits in reverse order
_LANE = 512  # bytes that one lane works off, a power of two
_FEW = 16  # so many lanes are as fast byte by byte
_MOST_AT_ONCE = 1 << 24  # bytes, so that the transposed copy stays small
_MASK = 0xA282EAD8

Words = np.ndarray[Any, np.dtype[np.uint32]]


def crc32c(data: Any) -> int:
    """The CRC-32C of a bytes-like object."""
    view = np.frombuffer(data, np.uint8)
    register = 0xFFFFFFFF
    for start in range(0, len(view), _MOST_AT_ONCE):
        register = _continued(register, view[start : start + _MOST_AT_ONCE])
    return register ^ 0xFFFFFFFF


def masked_crc32c(data: Any) -> int:
    """The checksum as files hold it: rotated and shifted, as a checksum of data that holds checksums is weak."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def _continued(register: int, data: np.ndarray[Any, Any]) -> int:
    lanes = len(data) // _LANE
    if lanes > _FEW:
        register = _moved(register, lanes) ^ _joined(_by_lanes(data[: lanes * _LANE].reshape(lanes, _LANE)))
        data = data[lanes * _LANE :]
    table = _byte_table().tolist()
    for byte in data.tolist():
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register


def _by_lanes(data: np.ndarray[Any, Any]) -> Words:
    """The checksum of each row, from a register of zeros."""
    table, registers = _byte_table(), np.zeros(len(data), np.uint32)
    for column in np.ascontiguousarray(data.T):
        registers = table[(registers ^ column) & 0xFF] ^ (registers >> 8)
    return registers


def _joined(registers: Words) -> int:
    """The checksum of all lanes in a row; zero lanes in front change nothing and make their number a power of two."""
    wanted = 1 << (len(registers) - 1).bit_length()
    registers = np.concatenate([np.zeros(wanted - len(registers), np.uint32), registers])
    doublings = 0
    while len(registers) > 1:
        registers = _applied(_past_lanes(doublings), registers[0::2]) ^ registers[1::2]
        doublings += 1
    return int(registers[0])


def _moved(register: int, lanes: int) -> int:
    """The register after ``lanes`` lanes of zero bytes."""
    moved = np.array([register], np.uint32)
    for doublings in range(lanes.bit_length()):
        if lanes >> doublings & 1:
            moved = _applied(_past_lanes(doublings), moved)
    return int(moved[0])


@cache
def _byte_table() -> Words:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


@cache
def _past_lanes(doublings: int) -> Words:
    """The move past ``2**doublings`` lanes of zeros, as a table for each byte of a register: [4, 256]."""
    if doublings:
        half = _past_lanes(doublings - 1)
        return _applied(half, half)
    words = np.arange(256, dtype=np.uint32) << (8 * np.arange(4, dtype=np.uint32))[:, None]
    move = _byte_table()[words & 0xFF] ^ (words >> 8)  # past one zero byte
    for _ in range(_LANE.bit_length() - 1):
        move = _applied(move, move)
    return move


def _applied(move: Words, registers: Words) -> Words:
    return (
        move[0][registers & 0xFF] ^ move[1][registers >> 8 & 0xFF] ^ move[2][registers >> 16 & 0xFF]
        ^ move[3][registers >> 24]
    )  # fmt: skip
