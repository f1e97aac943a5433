"""The 64-bit fingerprint of a byte string: FarmHash (Geoff Pike, 2014), which stays the same for all time.

Source: github.com/google/farmhash, the hash that it calls ``farmhashna::Hash64``. All arithmetic is modulo 2**64.
"""

from __future__ import annotations

import struct

_MASK = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
Pair = tuple[int, int]


def fingerprint64(text: bytes) -> int:
    """The fingerprint, in ``[0, 2**64)``."""
    size = len(text)
    if size <= 16:
        return _up_to_16(text, size)
    if size <= 32:
        return _up_to_32(text, size)
    return _up_to_64(text, size) if size <= 64 else _beyond_64(text, size)


def _word(text: bytes, place: int) -> int:
    return struct.unpack_from("<Q", text, place)[0]


def _half(text: bytes, place: int) -> int:
    return struct.unpack_from("<I", text, place)[0]


def _rotate(value: int, bits: int) -> int:
    value &= _MASK
    return (value >> bits | value << (64 - bits)) & _MASK


def _shift_mix(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _mixed(u: int, v: int, factor: int) -> int:
    a = _shift_mix((u ^ v) * factor)
    return _shift_mix(((v & _MASK) ^ a) * factor) * factor & _MASK


def _up_to_16(text: bytes, size: int) -> int:
    factor = _K2 + size * 2
    if size >= 8:
        a, b = _word(text, 0) + _K2, _word(text, size - 8)
        c = _rotate(b, 37) * factor + a
        d = (_rotate(a, 25) + b) * factor
        return _mixed(c & _MASK, d & _MASK, factor)
    if size >= 4:
        return _mixed(size + (_half(text, 0) << 3), _half(text, size - 4), factor)
    if size == 0:
        return _K2
    y = text[0] + (text[size >> 1] << 8)
    z = size + (text[size - 1] << 2)
    return _shift_mix(y * _K2 ^ z * _K0) * _K2 & _MASK


def _up_to_32(text: bytes, size: int) -> int:
    factor = _K2 + size * 2
    a, b = _word(text, 0) * _K1, _word(text, 8)
    c, d = _word(text, size - 8) * factor, _word(text, size - 16) * _K2
    u = _rotate(a + b, 43) + _rotate(c, 30) + d
    return _mixed(u & _MASK, (a + _rotate(b + _K2, 18) + c) & _MASK, factor)


def _up_to_64(text: bytes, size: int) -> int:
    factor = _K2 + size * 2
    a, b = _word(text, 0) * _K2, _word(text, 8)
    c, d = _word(text, size - 8) * factor, _word(text, size - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _mixed(y & _MASK, (a + _rotate(b + _K2, 18) + c) & _MASK, factor)
    e, f = _word(text, 16) * factor, _word(text, 24)
    g, h = (y + _word(text, size - 32)) * factor, (z + _word(text, size - 24)) * factor
    u = _rotate(e + f, 43) + _rotate(g, 30) + h
    return _mixed(u & _MASK, (e + _rotate(f + a, 18) + g) & _MASK, factor)


def _beyond_64(text: bytes, size: int) -> int:
    x, y = 81, (81 * _K1 + 113) & _MASK
    z = _shift_mix(y * _K2 + 113) * _K2 & _MASK
    v: Pair = (0, 0)
    w: Pair = (0, 0)
    x = (x * _K2 + _word(text, 0)) & _MASK
    end = (size - 1) // 64 * 64
    for place in range(0, end, 64):
        x, y, z, v, w = _round(text, place, x, y, z, v, w, _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1)
    w = ((w[0] + ((size - 1) & 63)) & _MASK, w[1])
    v = ((v[0] + w[0]) & _MASK, v[1])
    w = ((w[0] + v[0]) & _MASK, w[1])
    x, y, z, v, w = _round(text, size - 64, x, y, z, v, w, factor, 9)
    first = _mixed(v[0], w[0], factor) + _shift_mix(y) * _K0 + z
    return _mixed(first & _MASK, (_mixed(v[1], w[1], factor) + x) & _MASK, factor)


def _round(
    text: bytes, place: int, x: int, y: int, z: int, v: Pair, w: Pair, factor: int, weight: int
) -> tuple[int, int, int, Pair, Pair]:
    """The state after the 64 bytes from ``place`` on."""
    x = _rotate(x + y + v[0] + _word(text, place + 8), 37) * factor & _MASK
    y = _rotate(y + v[1] + _word(text, place + 48), 42) * factor & _MASK
    x ^= w[1] * weight & _MASK
    y = (y + v[0] * weight + _word(text, place + 40)) & _MASK
    z = _rotate(z + w[0], 33) * factor & _MASK
    v = _weak(text, place, v[1] * factor, x + w[0])
    w = _weak(text, place + 32, z + w[1], y + _word(text, place + 16))
    return z, y, x, v, w


def _weak(text: bytes, place: int, a: int, b: int) -> Pair:
    """A quick hash of 32 bytes, from two seeds."""
    first, second, third, last = (_word(text, place + 8 * n) for n in range(4))
    a += first
    b = _rotate(b + a + last, 21)
    c = a
    a += second + third
    b += _rotate(a, 44)
    return (a + last) & _MASK, (b + c) & _MASK
