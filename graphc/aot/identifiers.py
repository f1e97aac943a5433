"""Names of nodes as names in C (and in Python, where the loader has them as arguments and methods)."""

from __future__ import annotations

import keyword
import re
import sys

# C99 and C++17, and the macro that some <stdlib.h> define in lower case.
_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const
const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern false
float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private
protected public register reinterpret_cast restrict return short signed sizeof static static_assert static_cast
struct switch template this thread_local throw true try typedef typeid typename typeof union unsigned using virtual
void volatile wchar_t while xor xor_eq errno linux unix int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t
uint64_t size_t
"""
_KEYWORDS = frozenset(_WORDS.split())


def is_identifier(name: object) -> bool:
    """Whether this is a name that C and C++ allow for a function."""
    return isinstance(name, str) and bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)) and not _is_taken(name)


# The loader is a file {name}.py: where it stands in the current folder, a program's own `import numpy` would find it.
_MODULES = frozenset((*sys.stdlib_module_names, "numpy", "graphc", "llvmlite"))


def is_module(name: str) -> bool:
    """Whether a Python file of this name would hide a module of Python, NumPy or graphc."""
    return name in _MODULES


def _is_taken(name: str) -> bool:
    return name in _KEYWORDS or keyword.iskeyword(name)


class Identifiers:
    """Gives each name an identifier of its own: ``hidden/kernel`` -> ``hidden_kernel``."""

    def __init__(self, *reserved: str):
        self._used = set(reserved)

    def of(self, name: str) -> str:
        """The identifier for ``name``, with a number behind it where others have taken it."""
        plain = re.sub(r"\W", "_", name, flags=re.ASCII).lstrip("_") or "value"
        if plain[0].isdigit():
            plain = f"v{plain}"
        if _is_taken(plain):
            plain += "_"
        result, number = plain, 2
        while result in self._used:
            result, number = f"{plain}_{number}", number + 1
        self._used.add(result)
        return result
