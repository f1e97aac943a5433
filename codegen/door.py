"""The door from Python into a step for the second and later runs of like arrays: a built-in function.

Checking arrays in Python, making those for results and telling the step where they are takes several times what a
small step takes. The door is native code that does so by Python's and NumPy's C interfaces::

    door(*arrays)     None where an array is not just as expected, and nothing has run;
                      a tuple of the results;
                      a whole number, what the step returned, where it failed; 0 where results find no memory

It reads what it expects from a ``Job``, the same code for all steps. A plain number may be fed for a scalar, and
results without axes are NumPy's numbers. Python's lock is released while the step runs.
The first run, steps that give memory away, and Pythons whose objects look otherwise go by :mod:`entry`.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from graphc.alignment import ALIGNMENT, address_of, aligned_bytes
from graphc.codegen import jit
from graphc.codegen.entry import PLAIN
from graphc.codegen.target import host

_WRITABLE = PLAIN | 0x400
_HEAD = 10  # words of a job before its arrays
_FEED = 7  # words of a feed: where its address goes, dtype, rank, sizes; of a number its type, its cell, if it is long
_FETCH = 6  # words of a fetch: the same four, room to align it, and its cell where it is a number
_CELL = 16  # bytes that hold any number
_NUMBER = 16  # where NumPy's numbers keep their value: right behind the object's header
# Whole numbers beyond may be rounded, and floats may overflow: that is for the careful way to say.
_EXACT = float(2**53)
_SCALAR, _NEW_FROM_DESCR, _SET_BASE = 60, 94, 282  # places in NumPy's table of functions, which never change

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
            id(float),
            id(int),
            id(np.float64),
        ]
        self._words[:_HEAD] = head
        self._cells = aligned_bytes(_CELL * len(ranks), lambda: "a step's numbers")
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
        if number < self._first_fetch and not shape:
            takes_numbers = dtype.type in _NUMBERS and dtype.isnative
            self._words[place + 4] = id(dtype.type) if takes_numbers else 0
            self._words[place + 5 : place + 7] = [self._cell(number), dtype.itemsize == 8]

    def make(self, number: int, dtype: np.dtype[Any], shape: Sequence[int], room: int) -> None:
        """What the fetch of this number is; with ``room`` bytes to begin on a cache line, where it is large."""
        number += self._first_fetch
        self.expect(number, dtype, shape)
        place, _ = self._records[number]
        self._words[place + 4 : place + 6] = [room, 0 if shape else self._cell(number)]

    def _cell(self, number: int) -> int:
        """Where a number waits that is fed or fetched."""
        return address_of(self._cells) + _CELL * number

    @property
    def address(self) -> int:
        """Where its words begin."""
        return ctypes.addressof(self._words)

    def door(self) -> Door | None:
        """The function; None where Python or NumPy keep their objects otherwise than is known here."""
        made = _library()
        return None if made is None else builtin("step", made.address("graphc_door"), self.address)


_BYTE = np.dtype(np.uint8)
_NUMBERS = (np.float32, np.float64)


class _Method(ctypes.Structure):
    """Python's description of a built-in function."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_FASTCALL = 0x80
_methods: dict[tuple[str, int], _Method] = {}  # which built-in functions need until the process ends


def builtin(name: str, function: int, words: int) -> Callable[..., Any]:
    """Native code at an address as a built-in function, which is told the address of its ``words``."""
    method = _methods.setdefault((name, function), _Method(name.encode(), function, _FASTCALL, None))
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
        python_function("PyCFunction_NewEx")
    )
    made: Callable[..., Any] = new(ctypes.addressof(method), words, None)
    return made


def opener() -> int:
    """The address of what a door does, for native code: ``ptr open(ptr job, ptr arrays, i64 count)``; 0 for none."""
    made = _library()
    return 0 if made is None else made.address("graphc_open")


@lru_cache(maxsize=1)
def _library() -> jit.Library | None:
    """The code of all doors; None where Python or NumPy keep their objects otherwise than is known here."""
    return compiled("door", lambda: _ir(host().triple), _symbols()) if _is_known() else None


def compiled(name: str, write: Callable[[], str], symbols: Mapping[str, Callable[[], int]]) -> jit.Library:
    """Native code that calls Python, with what it calls: that decides its speed, so it is compiled quickly."""
    return jit.load(jit.compile_cached([jit.Request(name, write, jit.QUICK)], host()), symbols)


def python_function(name: str) -> int:
    """The address of a function of Python's C interface."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


def _symbols() -> dict[str, Callable[[], int]]:
    """What gives the addresses of the functions that the door calls."""
    names = ["PyLong_AsVoidPtr", "PyLong_FromLong", "PyLong_AsDouble", "PyFloat_AsDouble", "PyErr_Occurred"]
    names += ["PyErr_Clear", "PyTuple_New", "PyTuple_SetItem", "Py_IncRef", "Py_DecRef"]
    names += ["PyEval_SaveThread", "PyEval_RestoreThread"]
    table, places = _numpy_table(), {"Scalar": _SCALAR, "NewFromDescr": _NEW_FROM_DESCR, "SetBaseObject": _SET_BASE}
    found: dict[str, Callable[[], int]] = {name: partial(python_function, name) for name in names}
    found.update((f"PyArray_{name}", partial(int, table[place])) for name, place in places.items())
    return found


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
        numbers = (kind.from_address(id(x) + _NUMBER).value == x for x, kind in _NUMBER_SAMPLES)
        return _numpy_table()[2] == id(np.ndarray) and all(map(_is_laid_out, samples)) and all(numbers)
    except (AttributeError, TypeError, ValueError):
        return False


_NUMBER_SAMPLES = ((np.float32(1.5), ctypes.c_float), (np.float64(2.5), ctypes.c_double))


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
    numbers = {"plain": PLAIN, "writable": _WRITABLE, "head": _HEAD, "feed": _FEED, "fetch": _FETCH, "number": _NUMBER}
    lines = {"line": -ALIGNMENT, "before_line": ALIGNMENT - 1}
    return filled("door.ll", numbers | lines | {"triple": triple, "exact": repr(_EXACT)})


def filled(name: str, words: Mapping[str, object]) -> str:
    """A file's text with words for its ``$names``."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        text = file.read()
    # as string.Template does, whose module takes a millisecond to load
    return re.sub(r"\$(\w+)", lambda match: str(words[match[1]]), text)
