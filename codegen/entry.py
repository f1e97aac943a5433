"""The way from Python into a step for the first run, and wherever :mod:`door` does not serve: by array objects.

Asking an array for its address costs Python several times what a small step costs. The entry reads it from the
array object, where NumPy's C interface puts it: right behind the object's header.

    i64 enter(ptr frame)      every feed and fetch word holds an array object; replaced by its data; then step(frame)
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

ENTRY = "enter"
PLAIN = 0x1 | 0x100  # NumPy's flags for C order and for elements at multiples of their size


@lru_cache(maxsize=1)
def data_offset() -> int | None:
    """Where an array object keeps the address of its data; None where that is not right behind the header."""
    offset = object.__basicsize__
    samples = [np.zeros(n) for n in (1, 3)]
    found = [ctypes.c_void_p.from_address(id(a) + offset).value == a.__array_interface__["data"][0] for a in samples]
    return offset if all(found) else None


def entry_ir(words: Iterable[int], offset: int) -> str:
    """The entry as part of the step's module, for a frame in which ``words`` hold array objects."""
    lines = [f"define i64 @{ENTRY}(ptr %frame) {{"]
    for word in words:
        lines += [
            f"  %slot{word} = getelementptr i64, ptr %frame, i64 {word}",
            f"  %object{word} = load ptr, ptr %slot{word}",
            f"  %field{word} = getelementptr i8, ptr %object{word}, i64 {offset}",
            f"  %data{word} = load ptr, ptr %field{word}",
            f"  store ptr %data{word}, ptr %slot{word}",
        ]
    lines += ["  %status = call i64 @step(ptr %frame)", "  ret i64 %status", "}", ""]
    return "\n".join(lines)
