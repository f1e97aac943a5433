"""Link x86-64 ELF objects into the memory of this process, with the standard library alone.

A program that comes out of the on-disk cache thus runs without LLVM, whose import takes some 40 ms. Objects made of
position-independent code in the small code model need seven kinds of relocation; anything else raises `Unsupported`,
and the caller leaves the work to LLVM.

All loaded sections go into one mapping: first what is only read or executed, behind it what is written, each on pages
of its own. Code reaches things at a signed 32-bit distance. Functions of the C library may be further away, so each
name from outside gets a *slot* (eight bytes with its address) and a *stub* (a jump through the slot) behind the code.
Formulas of the relocations: System V ABI, AMD64 architecture supplement, table 4.10.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from graphc.records import record

# Numbers of <sys/mman.h>, for the module of that name is a library of its own to load.
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_PRIVATE, MAP_ANONYMOUS = 0x02, 0x20
PAGE = os.sysconf("SC_PAGESIZE")

# Numbers of <elf.h>: section types and flags, special section numbers, symbol binding, relocation kinds.
SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_INIT_ARRAY, SHT_X86_64_UNWIND = 2, 4, 8, 14, 0x70000001
SHF_WRITE, SHF_ALLOC, SHF_TLS = 1, 2, 0x400
SHN_UNDEF, SHN_LORESERVE = 0, 0xFF00
STB_LOCAL, STB_WEAK = 0, 2
R_64, R_PC32, R_PLT32, R_GOTPCREL, R_PC64, R_GOTPCRELX, R_REX_GOTPCRELX = 1, 2, 4, 9, 24, 41, 42
THROUGH_SLOT = (R_GOTPCREL, R_GOTPCRELX, R_REX_GOTPCRELX)

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
IDENT = b"\x7fELF\x02\x01"  # 64 bits, little endian
_RELOCATABLE, _X86_64 = 1, 62
_SLOT_BYTES, _STUB_BYTES = 8, 8
_JUMP_THROUGH = b"\xff\x25"  # jmp *distance(%rip): six bytes with the distance


class Unsupported(Exception):
    """The object holds something this linker does not know."""


class _Section:
    """A section of an object, and the place it gets in the image."""

    def __init__(self, kind: int, flags: int, content: memoryview, size: int, align: int, owner: int):
        self.kind = kind
        self.writable = bool(flags & SHF_WRITE)
        # Unwind tables are not needed to run: nothing is raised through generated frames.
        self.loaded = bool(flags & SHF_ALLOC) and kind != SHT_X86_64_UNWIND
        self.content = content  # Empty where memory begins as zeros.
        self.size = size
        self.align = align
        self.owner = owner  # For a table of relocations: the number of the section they are for.
        self.offset = 0  # In the image.


@record
class _Symbol:
    name: str
    binding: int
    section: int
    value: int

    @property
    def defined(self) -> bool:
        return SHN_UNDEF < self.section < SHN_LORESERVE


@record
class _Object:
    sections: list[_Section]
    symbols: list[_Symbol]

    def relocations(self) -> Iterator[tuple[_Section, int, int, _Symbol, int]]:
        """Each place to fill in: its section, the offset there, kind, symbol, addend."""
        for table in self.sections:
            if table.kind == SHT_RELA and self.sections[table.owner].loaded:
                for offset, info, addend in _RELOCATION.iter_unpack(table.content):
                    yield self.sections[table.owner], offset, info & 0xFFFFFFFF, self.symbols[info >> 32], addend


@record
class _Layout:
    """Offsets in the image: of the global names it defines, of their slots and stubs, of its writable part, its end."""

    defined: dict[str, int]
    slots: dict[str, int]
    stubs: dict[str, int]
    writable: int
    size: int


class Image:
    """Linked code in memory, with the address of each global name.

    The memory is given back when this object goes, yet never at the end of the process: threads may still run there.
    """

    def __init__(self, memory: int, size: int, addresses: dict[str, int]):
        self.addresses = addresses
        weakref.finalize(self, _libc().munmap, memory, size).atexit = False


def available() -> bool:
    """Whether objects for this process are what this linker reads."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and sys.maxsize > 2**32


def link(objects: Iterable[bytes], resolve: Callable[[list[str]], dict[str, int]]) -> Image:
    """Place the objects in memory; ``resolve`` tells the addresses of names that none of them defines, or raises."""
    parts = [_read(data) for data in objects]
    layout = _lay_out(parts)
    outside = resolve([name for name in layout.slots if name not in layout.defined])
    return _build(parts, layout, outside)


# Reading


def _read(data: bytes) -> _Object:
    if len(data) < HEADER.size or not data.startswith(IDENT):
        raise Unsupported("not a 64-bit little-endian ELF file")
    _, kind, machine, _, _, _, table, _, _, _, _, _, count, _ = HEADER.unpack_from(data)
    if (kind, machine) != (_RELOCATABLE, _X86_64):
        raise Unsupported(f"ELF type {kind} for machine {machine}, not an x86-64 object")
    view = memoryview(data)
    headers = [_SECTION.unpack_from(data, table + i * _SECTION.size) for i in range(count)]
    sections = [_section(view, header) for header in headers]
    symbols = [
        symbol
        for header, section in zip(headers, sections)
        if section.kind == SHT_SYMTAB
        for symbol in _symbols(section.content, bytes(sections[header[6]].content))
    ]
    return _Object(sections, symbols)


def _section(view: memoryview, header: tuple[int, ...]) -> _Section:
    _, kind, flags, _, offset, size, _, info, align, _ = header
    if flags & SHF_TLS or kind == SHT_INIT_ARRAY:
        raise Unsupported("thread-local data or initialisers")
    content = view[offset : offset + size] if kind != SHT_NOBITS else view[:0]
    return _Section(kind, flags, content, size, max(align, 1), info)


def _symbols(table: memoryview, strings: bytes) -> Iterator[_Symbol]:
    for name, info, _, section, value, _ in _SYMBOL.iter_unpack(table):
        yield _Symbol(strings[name : strings.index(b"\0", name)].decode(), info >> 4, section, value)


# Placing


def _lay_out(parts: list[_Object]) -> _Layout:
    """Give every loaded section its place, and a slot and a stub to every name that is not reached directly."""
    loaded = [section for part in parts for section in part.sections if section.loaded]
    names = _indirect_names(parts)
    slots = _round_up(_place([section for section in loaded if not section.writable], 0), _SLOT_BYTES)
    stubs = slots + len(names) * _SLOT_BYTES
    writable = _round_up(stubs + len(names) * _STUB_BYTES, PAGE)
    size = _place([section for section in loaded if section.writable], writable)
    return _Layout(
        _definitions(parts),
        {name: slots + i * _SLOT_BYTES for i, name in enumerate(names)},
        {name: stubs + i * _STUB_BYTES for i, name in enumerate(names)},
        writable,
        size,
    )


def _place(sections: Iterable[_Section], offset: int) -> int:
    """Put sections one behind the other; returns where the last one ends."""
    for section in sections:
        section.offset = _round_up(offset, section.align)
        offset = section.offset + section.size
    return offset


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _indirect_names(parts: list[_Object]) -> list[str]:
    """Global names that some relocation reaches through a slot, or that no object defines; in order of first use."""
    known = {symbol.name for part in parts for symbol in part.symbols if symbol.defined and symbol.binding != STB_LOCAL}
    names: dict[str, None] = {}
    for part in parts:
        for _, _, kind, symbol, _ in part.relocations():
            if symbol.binding == STB_LOCAL and kind in THROUGH_SLOT:
                raise Unsupported("a local name reached through a slot")
            if kind in THROUGH_SLOT or (symbol.binding != STB_LOCAL and symbol.name not in known):
                names[symbol.name] = None
    return list(names)


def _definitions(parts: list[_Object]) -> dict[str, int]:
    """Where each global name stands in the image; of several weak definitions the first one counts."""
    offsets: dict[str, int] = {}
    strong: set[str] = set()
    for part in parts:
        for symbol in part.symbols:
            if symbol.binding == STB_LOCAL or symbol.section == SHN_UNDEF:
                continue
            if not symbol.defined:
                raise Unsupported(f"'{symbol.name}' in section {symbol.section:#x}")
            weak = symbol.binding == STB_WEAK
            if not weak and symbol.name in strong:
                raise RuntimeError(f"two objects of generated code define '{symbol.name}'")
            if symbol.name not in offsets or not (weak or symbol.name in strong):
                offsets[symbol.name] = part.sections[symbol.section].offset + symbol.value
            if not weak:
                strong.add(symbol.name)
    return offsets


# Writing


def _build(parts: list[_Object], layout: _Layout, outside: dict[str, int]) -> Image:
    """Write the image, then take the right to write from its first part and give the right to execute."""
    size = max(layout.size, PAGE)
    base = _libc().mmap(None, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    if base in (None, _MAP_FAILED):
        raise MemoryError(f"cannot map {size} bytes for generated code")
    image = Image(base, size, {name: base + offset for name, offset in layout.defined.items()})
    writer = _Writer(memoryview((ctypes.c_ubyte * size).from_address(base)).cast("B"), base, layout, outside)
    writer.write_slots_and_stubs()
    for part in parts:
        writer.write_sections(part)
        writer.relocate(part)
    if layout.writable and _libc().mprotect(base, layout.writable, PROT_READ | PROT_EXEC):
        raise RuntimeError("the system does not let this process run generated code: mprotect was refused")
    return image


@record
class _Writer:
    memory: memoryview
    base: int
    layout: _Layout
    outside: dict[str, int]

    def write_slots_and_stubs(self) -> None:
        for name, slot in self.layout.slots.items():
            stub = self.layout.stubs[name]
            address = self.outside[name] if name in self.outside else self.base + self.layout.defined[name]
            struct.pack_into("<Q", self.memory, slot, address)
            struct.pack_into("<2si", self.memory, stub, _JUMP_THROUGH, slot - (stub + 6))

    def write_sections(self, part: _Object) -> None:
        for section in part.sections:
            if section.loaded:
                self.memory[section.offset : section.offset + len(section.content)] = section.content

    def relocate(self, part: _Object) -> None:
        for section, offset, kind, symbol, addend in part.relocations():
            place = section.offset + offset
            if kind in THROUGH_SLOT:
                struct.pack_into("<i", self.memory, place, self.layout.slots[symbol.name] + addend - place)
            elif kind in (R_PC32, R_PLT32):
                struct.pack_into("<i", self.memory, place, self._near(part, symbol, kind) + addend - place)
            elif kind == R_PC64:
                struct.pack_into("<q", self.memory, place, self._near(part, symbol, kind) + addend - place)
            elif kind == R_64:
                struct.pack_into("<Q", self.memory, place, self._address(part, symbol) + addend)
            else:
                raise Unsupported(f"relocation kind {kind} for '{symbol.name}'")

    def _near(self, part: _Object, symbol: _Symbol, kind: int) -> int:
        """The offset in the image by which code reaches the symbol; for a function from outside, its stub."""
        if symbol.binding == STB_LOCAL:
            return part.sections[symbol.section].offset + symbol.value
        if symbol.name in self.layout.defined:
            return self.layout.defined[symbol.name]
        if kind == R_PLT32:
            return self.layout.stubs[symbol.name]
        raise Unsupported(f"data '{symbol.name}' from outside, reached without a slot")

    def _address(self, part: _Object, symbol: _Symbol) -> int:
        if symbol.binding != STB_LOCAL and symbol.name in self.outside:
            return self.outside[symbol.name]
        return self.base + self._near(part, symbol, R_64)


_MAP_FAILED = ctypes.c_void_p(-1).value


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None)
    word, number = ctypes.c_size_t, ctypes.c_int
    libc.mmap.argtypes = [ctypes.c_void_p, word, number, number, number, ctypes.c_long]
    libc.mmap.restype = ctypes.c_void_p
    libc.mprotect.argtypes = [ctypes.c_void_p, word, number]
    libc.munmap.argtypes = [ctypes.c_void_p, word]
    return libc
