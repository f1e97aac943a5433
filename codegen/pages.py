"""The memory of a library's code, given back: the system reads it from the file again where it is needed.

Loading LLVM runs constructors all over its 140 MB, and a step's compilation passes through a third of them, once. What
was read stays in the process's memory until it is let go.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from functools import lru_cache
from typing import Any

from graphc.codegen.elf import HEADER, IDENT, PAGE

# Of <elf.h> and <sys/mman.h>.
_SEGMENT = struct.Struct("<IIQQQQQQ")
_PT_LOAD, _PF_W = 1, 2
_DONT_NEED = 4


class _Place(ctypes.Structure):
    """What `dladdr` says of an address: the library, and where it begins; the symbol, and where that is."""

    _fields_ = [
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("at", ctypes.c_void_p),
    ]


def give_back(address: int) -> None:
    """Lets go of what is only read of the library that an address lies in; of nothing elsewhere than on Linux.

    It stays in the system's cache of files, so that to need a page again takes a microsecond.
    """
    for begin, size in _only_read(address):
        _libc().madvise(begin, size, _DONT_NEED)


@lru_cache
def _only_read(address: int) -> list[tuple[int, int]]:
    """Begin and size of the segments, in whole pages, that hold code and constants of the library at an address.

    Taken from the library's own list: what the loader has written to and then protected looks the same to the system.
    """
    place = _Place()
    if sys.platform != "linux" or not _libc().dladdr(address, ctypes.byref(place)) or not place.base:
        return []
    header = ctypes.string_at(place.base, HEADER.size)
    if not header.startswith(IDENT):
        return []
    _, _, _, _, _, table, _, _, _, _, count, _, _, _ = HEADER.unpack(header)
    segments = list(_SEGMENT.iter_unpack(ctypes.string_at(place.base + table, count * _SEGMENT.size)))
    loaded = [(flags, start, size) for kind, flags, _, start, _, size, _, _ in segments if kind == _PT_LOAD]
    shift = place.base - loaded[0][1] // PAGE * PAGE
    ends = [(_up(shift + start), (shift + start + size) // PAGE * PAGE, flags) for flags, start, size in loaded]
    return [(begin, end - begin) for begin, end, flags in ends if begin < end and not flags & _PF_W]


def _up(address: int) -> int:
    return -(-address // PAGE) * PAGE


@lru_cache(maxsize=1)
def _libc() -> Any:
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.dladdr.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    return libc
