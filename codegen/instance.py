"""Where each slot of a program is ahead of time: in an instance, in the caller's hands, or in the artifact itself.

:mod:`artifact` draws the picture and writes the code; this part of it needs no LLVM.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.codegen.program import Program


@dataclass(frozen=True)
class Argument:
    """The caller's pointer number ``number``."""

    number: int


@dataclass(frozen=True)
class Given:
    """Memory that the step takes: its address goes where the caller's pointer number ``number`` points."""

    number: int


@dataclass(frozen=True)
class InInstance:
    """``offset`` bytes from the start of the instance."""

    offset: int


@dataclass(frozen=True)
class InWorking:
    """``offset`` bytes into the working memory."""

    offset: int


@dataclass(frozen=True)
class Data:
    """Bytes that are part of the artifact."""

    content: bytes


Where = Argument | Given | InInstance | InWorking | Data


@dataclass(frozen=True)
class EntryCode:
    """A function ``int symbol(instance, sizes..., pointers...)`` that runs a program."""

    symbol: str
    program: Program
    places: tuple[Where, ...]  # of the program's slots, in order
    arguments: int  # how many pointers the caller gives
    needed: tuple[int, ...] = ()  # those that may not be NULL: all that have elements
    sizes: tuple[tuple[str, int], ...] = ()  # names and largest values of the sizes that the caller gives
    first_error: int = 0  # the code of the first of the program's errors


@dataclass(frozen=True)
class Memory:
    """Where things are in an instance, in bytes."""

    state_offset: int
    state_bytes: int
    working_offset: int
    scratch_offset: int  # in the working memory; the arena is at its beginning
    scratch_stride: int
    bytes: int
