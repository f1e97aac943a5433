"""The door from Python into a step for the second and later runs of like arrays: a built-in function.

Checking arrays in Python, making those for results and telling the step where they are takes several times what a
small step takes. The door is native code that does so by Python's and NumPy's C interfaces::

    door(*arrays)     None where an array is not just as expected, and nothing has run;
                      a tuple of the results;
                      a whole number, what the step returned, where it failed

It reads what it expects from a ``Job``, the same code for all steps. Python's lock is released while the step runs.
The first run, steps that give memory away, and Pythons whose objects look otherwise go by :mod:`entry`.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from graphc.alignment import ALIGNMENT
from graphc.codegen import jit
from graphc.codegen.entry import PLAIN
from graphc.codegen.target import host

_WRITABLE = PLAIN | 0x400
_HEAD = 8  # words of a job before its arrays
_FEED = 4  # words of a feed: where its address goes, dtype, rank, sizes
_FETCH = 5  # words of a fetch: the same, and room to align it
_NEW_FROM_DESCR, _SET_BASE = 94, 282  # places in NumPy's table of functions, which never change

Door = Callable[..., Any]


class Job:
    """What a door expects and makes, in memory that it reads: the step, its frame, and the arrays of both sides."""

    def __init__(self, step: int, frame: int, feeds: Sequence[tuple[int, int]], fetches: Sequence[tuple[int, int]]):
        """A feed or fetch is the address of its word in the frame and its rank."""
        ranks = [rank for _, rank in (*feeds, *fetches)]
        self._sizes = (ctypes.c_int64 * max(sum(ranks), 1))()
        self._words = (ctypes.c_int64 * (_HEAD + _FEED * len(feeds) + _FETCH * len(fetches)))()
        head: list[ctypes.c_int64 | int] = [
            step,
            frame,
            len(feeds),
            len(fetches),
            id(np.ndarray),
            id(None),
            id(_BYTE),
            0,
        ]
        self._words[:_HEAD] = head
        self._first_fetch = len(feeds)
        self._records: list[tuple[int, int]] = []  # of each array: where its words and its sizes begin
        place, size = _HEAD, 0
        for number, (word, rank) in enumerate((*feeds, *fetches)):
            self._records.append((place, size))
            self._words[place] = word
            self._words[place + 2 : place + 4] = [rank, ctypes.addressof(self._sizes) + 8 * size]
            place, size = place + (_FEED if number < len(feeds) else _FETCH), size + rank
        self._dtypes: dict[int, Any] = {}  # kept alive

    def expect(self, number: int, dtype: np.dtype[Any], shape: Sequence[int]) -> None:
        """What the feed of this number will be."""
        place, size = self._records[number]
        self._dtypes[number] = dtype
        self._words[place + 1] = id(dtype)
        self._sizes[size : size + len(shape)] = list(shape)

    def make(self, number: int, dtype: np.dtype[Any], shape: Sequence[int], room: int) -> None:
        """What the fetch of this number is; with ``room`` bytes to begin on a cache line, where it is large."""
        self.expect(self._first_fetch + number, dtype, shape)
        self._words[self._records[self._first_fetch + number][0] + 4] = room

    def door(self) -> Door | None:
        """The function; None where Python or NumPy keep their objects otherwise than is known here."""
        make = _maker()
        return None if make is None else make(ctypes.addressof(self._words))


_BYTE = np.dtype(np.uint8)


class _Method(ctypes.Structure):
    """Python's description of a built-in function."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_FASTCALL = 0x80


@lru_cache(maxsize=1)
def _maker() -> Callable[[int], Door] | None:
    """A function from the address of a job to its door."""
    if not _is_known():
        return None
    library = jit.load(jit.compile_cached([jit.Request("door", lambda: _ir(host().triple))], host()), _symbols())
    method = _Method(b"step", library.address("graphc_door"), _FASTCALL, None)
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
        _function("PyCFunction_NewEx")
    )
    _kept.extend((library, method))
    return lambda job: new(ctypes.addressof(method), job, None)


_kept: list[Any] = []  # what every door needs, until the process ends


def _function(name: str) -> int:
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


def _symbols() -> dict[str, Callable[[], int]]:
    """What gives the addresses of the functions that the door calls."""
    names = ["PyLong_AsVoidPtr", "PyLong_FromLong", "PyTuple_New", "PyTuple_SetItem", "Py_IncRef", "Py_DecRef"]
    names += ["PyEval_SaveThread", "PyEval_RestoreThread"]
    table = _numpy_table()
    return {name: partial(_function, name) for name in names} | {
        "PyArray_NewFromDescr": lambda: int(table[_NEW_FROM_DESCR]),
        "PyArray_SetBaseObject": lambda: int(table[_SET_BASE]),
    }


def _numpy_table() -> Any:
    """NumPy's functions for C."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.argtypes, get.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
    core = getattr(np, "_core", None) or np.core
    address = get(core._multiarray_umath._ARRAY_API, None)
    return (ctypes.c_size_t * (_SET_BASE + 1)).from_address(address)


def _is_known() -> bool:
    """Whether array objects keep their fields where the door looks for them, in this Python and this NumPy."""
    if ctypes.sizeof(ctypes.c_void_p) != 8 or object.__basicsize__ != 16 or not hasattr(ctypes, "pythonapi"):
        return False
    try:
        samples = [np.zeros((2, 3), np.float32), np.zeros(5, np.int64)[1:], np.zeros((), np.int32)]
        return _numpy_table()[2] == id(np.ndarray) and all(map(_is_laid_out, samples))
    except (AttributeError, TypeError, ValueError):
        return False


def _is_laid_out(array: Any) -> bool:
    start = id(array)

    def word(offset: int, kind: Any = ctypes.c_size_t) -> int:
        return int(kind.from_address(start + offset).value)

    sizes = (ctypes.c_int64 * max(array.ndim, 1)).from_address(word(32) or start)
    return (
        word(8) == id(type(array))
        and word(16) == array.__array_interface__["data"][0]
        and word(24, ctypes.c_int) == array.ndim
        and tuple(sizes[: array.ndim]) == array.shape
        and word(56) == id(array.dtype)
        and word(64, ctypes.c_int) & _WRITABLE == array.flags.num & _WRITABLE
    )


def _ir(triple: str) -> str:
    numbers = {"plain": PLAIN, "writable": _WRITABLE, "head": _HEAD, "feed": _FEED, "fetch": _FETCH}
    words = numbers | {"triple": triple, "line": -ALIGNMENT, "before_line": ALIGNMENT - 1}
    # as string.Template does, whose module takes a millisecond to load
    return re.sub(r"\$(\w+)", lambda match: str(words[match[1]]), _TEXT)


# Fields of an array object: type 8, data 16, rank 24, sizes 32, dtype 56, flags 64.
_TEXT = """
target triple = "$triple"

declare ptr @PyLong_AsVoidPtr(ptr)
declare ptr @PyLong_FromLong(i64)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyArray_NewFromDescr(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
declare i32 @PyArray_SetBaseObject(ptr, ptr)

define ptr @graphc_door(ptr %self, ptr %args, i64 %count) {
entry:
  %job = call ptr @PyLong_AsVoidPtr(ptr %self)
  %feeds.at = getelementptr i64, ptr %job, i64 2
  %feeds = load i64, ptr %feeds.at
  %fetches.at = getelementptr i64, ptr %job, i64 3
  %fetches = load i64, ptr %fetches.at
  %array.at = getelementptr i64, ptr %job, i64 4
  %array = load ptr, ptr %array.at
  %first = getelementptr i64, ptr %job, i64 $head
  %as.many = icmp eq i64 %count, %feeds
  br i1 %as.many, label %feed.test, label %other

feed.test:                                   ; for each feed
  %n = phi i64 [0, %entry], [%n.next, %feed.done]
  %feed = phi ptr [%first, %entry], [%feed.next, %feed.done]
  %more = icmp slt i64 %n, %feeds
  br i1 %more, label %feed.type, label %results
feed.type:
  %arg.at = getelementptr ptr, ptr %args, i64 %n
  %arg = load ptr, ptr %arg.at
  %type.at = getelementptr i8, ptr %arg, i64 8
  %type = load ptr, ptr %type.at
  %is.array = icmp eq ptr %type, %array
  br i1 %is.array, label %feed.fields, label %other
feed.fields:
  %dtype.at = getelementptr i8, ptr %arg, i64 56
  %dtype = load ptr, ptr %dtype.at
  %dtype.want.at = getelementptr i64, ptr %feed, i64 1
  %dtype.want = load ptr, ptr %dtype.want.at
  %dtype.fits = icmp eq ptr %dtype, %dtype.want
  %rank.at = getelementptr i8, ptr %arg, i64 24
  %rank.32 = load i32, ptr %rank.at
  %rank = sext i32 %rank.32 to i64
  %rank.want.at = getelementptr i64, ptr %feed, i64 2
  %rank.want = load i64, ptr %rank.want.at
  %rank.fits = icmp eq i64 %rank, %rank.want
  %flags.at = getelementptr i8, ptr %arg, i64 64
  %flags = load i32, ptr %flags.at
  %flags.plain = and i32 %flags, $plain
  %flags.fit = icmp eq i32 %flags.plain, $plain
  %two.fit = and i1 %dtype.fits, %rank.fits
  %all.fit = and i1 %two.fit, %flags.fit
  %sizes.at = getelementptr i8, ptr %arg, i64 32
  %sizes = load ptr, ptr %sizes.at
  %sizes.want.at = getelementptr i64, ptr %feed, i64 3
  %sizes.want = load ptr, ptr %sizes.want.at
  br i1 %all.fit, label %size.test, label %other
size.test:                                   ; for each axis
  %axis = phi i64 [0, %feed.fields], [%axis.next, %size.same]
  %axes.left = icmp slt i64 %axis, %rank
  br i1 %axes.left, label %size.compare, label %feed.done
size.compare:
  %size.at = getelementptr i64, ptr %sizes, i64 %axis
  %size = load i64, ptr %size.at
  %size.want.at = getelementptr i64, ptr %sizes.want, i64 %axis
  %size.want = load i64, ptr %size.want.at
  %size.fits = icmp eq i64 %size, %size.want
  br i1 %size.fits, label %size.same, label %other
size.same:
  %axis.next = add i64 %axis, 1
  br label %size.test
feed.done:
  %data.at = getelementptr i8, ptr %arg, i64 16
  %data = load ptr, ptr %data.at
  %word = load ptr, ptr %feed
  store ptr %data, ptr %word
  %n.next = add i64 %n, 1
  %feed.next = getelementptr i64, ptr %feed, i64 $feed
  br label %feed.test

results:
  %tuple = call ptr @PyTuple_New(i64 %fetches)
  %tuple.fails = icmp eq ptr %tuple, null
  br i1 %tuple.fails, label %no.memory, label %fetch.test

fetch.test:                                  ; for each fetch
  %m = phi i64 [0, %results], [%m.next, %fetch.done]
  %fetch = phi ptr [%feed, %results], [%fetch.next, %fetch.done]
  %fetch.more = icmp slt i64 %m, %fetches
  br i1 %fetch.more, label %fetch.make, label %run
fetch.make:
  %made.dtype.at = getelementptr i64, ptr %fetch, i64 1
  %made.dtype = load ptr, ptr %made.dtype.at
  %made.rank.at = getelementptr i64, ptr %fetch, i64 2
  %made.rank.64 = load i64, ptr %made.rank.at
  %made.rank = trunc i64 %made.rank.64 to i32
  %made.sizes.at = getelementptr i64, ptr %fetch, i64 3
  %made.sizes = load ptr, ptr %made.sizes.at
  %room.at = getelementptr i64, ptr %fetch, i64 4
  %room = load i64, ptr %room.at
  call void @Py_IncRef(ptr %made.dtype)      ; the new array takes a reference over
  %is.small = icmp eq i64 %room, 0
  br i1 %is.small, label %fetch.small, label %fetch.large
fetch.small:
  %small = call ptr @PyArray_NewFromDescr(ptr %array, ptr %made.dtype, i32 %made.rank, ptr %made.sizes, ptr null,
                                          ptr null, i32 0, ptr null)
  %small.fails = icmp eq ptr %small, null
  br i1 %small.fails, label %drop, label %fetch.done
fetch.large:                                 ; a view, from a cache line on, of an array of bytes
  %byte.at = getelementptr i64, ptr %job, i64 6
  %byte = load ptr, ptr %byte.at
  call void @Py_IncRef(ptr %byte)
  %base = call ptr @PyArray_NewFromDescr(ptr %array, ptr %byte, i32 1, ptr %room.at, ptr null, ptr null, i32 0,
                                         ptr null)
  %base.fails = icmp eq ptr %base, null
  br i1 %base.fails, label %drop.dtype, label %fetch.align
fetch.align:
  %base.data.at = getelementptr i8, ptr %base, i64 16
  %base.data = load i64, ptr %base.data.at
  %beyond = add i64 %base.data, $before_line
  %line = and i64 %beyond, $line
  %line.at = inttoptr i64 %line to ptr
  %view = call ptr @PyArray_NewFromDescr(ptr %array, ptr %made.dtype, i32 %made.rank, ptr %made.sizes, ptr null,
                                         ptr %line.at, i32 $writable, ptr null)
  %view.fails = icmp eq ptr %view, null
  br i1 %view.fails, label %drop.base, label %fetch.base
fetch.base:                                  ; the view takes the reference to the bytes over
  %ignored = call i32 @PyArray_SetBaseObject(ptr %view, ptr %base)
  br label %fetch.done
fetch.done:
  %made = phi ptr [%small, %fetch.small], [%view, %fetch.base]
  %made.data.at = getelementptr i8, ptr %made, i64 16
  %made.data = load ptr, ptr %made.data.at
  %made.word = load ptr, ptr %fetch
  store ptr %made.data, ptr %made.word
  %set = call i32 @PyTuple_SetItem(ptr %tuple, i64 %m, ptr %made)
  %m.next = add i64 %m, 1
  %fetch.next = getelementptr i64, ptr %fetch, i64 $fetch
  br label %fetch.test

run:
  %step = load ptr, ptr %job
  %frame.at = getelementptr i64, ptr %job, i64 1
  %frame = load ptr, ptr %frame.at
  %thread = call ptr @PyEval_SaveThread()
  %status = call i64 %step(ptr %frame)
  call void @PyEval_RestoreThread(ptr %thread)
  %works = icmp eq i64 %status, 0
  br i1 %works, label %done, label %failed
done:
  ret ptr %tuple
failed:
  call void @Py_DecRef(ptr %tuple)
  %number = call ptr @PyLong_FromLong(i64 %status)
  ret ptr %number

other:
  %none.at = getelementptr i64, ptr %job, i64 5
  %none = load ptr, ptr %none.at
  call void @Py_IncRef(ptr %none)
  ret ptr %none

drop.base:                                   ; NumPy has said that there is no memory, and dropped the dtype
  call void @Py_DecRef(ptr %base)
  br label %drop
drop.dtype:
  call void @Py_DecRef(ptr %made.dtype)
  br label %drop
drop:
  call void @Py_DecRef(ptr %tuple)
  br label %no.memory
no.memory:
  ret ptr null
}
"""
