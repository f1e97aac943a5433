"""``tf.sysconfig``: where graphc stands; there are no headers to build custom operations with."""

from __future__ import annotations

import os
from typing import NoReturn

__all__ = ["CXX11_ABI_FLAG", "MONOLITHIC_BUILD", "get_compile_flags", "get_include", "get_lib", "get_link_flags"]

CXX11_ABI_FLAG = 1
MONOLITHIC_BUILD = 0


def get_lib() -> str:
    """The folder of the package."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def get_include() -> str:
    """The folder of C headers that ahead-of-time compiled steps are used through: written beside each of them."""
    return os.path.join(get_lib(), "aot")


def _no_custom_operations(what: str) -> NoReturn:
    raise NotImplementedError(
        f"{what}: graphc has no C++ operations to build against; declare the operation by others, or use tf.py_func"
    )


def get_compile_flags() -> list[str]:
    """``NotImplementedError``: custom C++ operations are not provided."""
    _no_custom_operations("tf.sysconfig.get_compile_flags")


def get_link_flags() -> list[str]:
    """``NotImplementedError``: custom C++ operations are not provided."""
    _no_custom_operations("tf.sysconfig.get_link_flags")
