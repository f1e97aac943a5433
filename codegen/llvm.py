"""LLVM's code generator, by the C functions of llvmlite's library.

``llvmlite.binding`` is the door for all of LLVM: its import takes 30 ms of Python, as long as compiling a small step,
and it lets one thread at a time in. Making an object of a text takes these few functions, and LLVM is safe for threads
that share neither context nor target machine, as here: two threads finish 40 kernels in 0.6 of the time.
"""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_void_p
from functools import lru_cache
from typing import Any

from graphc.codegen import pages

# What the functions take and give, as in the headers of llvmlite's ffi folder.
_TEXT = POINTER(c_void_p)  # receives a string that `LLVMPY_DisposeString` frees
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "LLVMPY_InitializeNativeTarget": (None, []),
    "LLVMPY_InitializeNativeAsmPrinter": (None, []),
    "LLVMPY_InitializeAllTargetInfos": (None, []),
    "LLVMPY_InitializeAllTargets": (None, []),
    "LLVMPY_InitializeAllTargetMCs": (None, []),
    "LLVMPY_InitializeAllAsmPrinters": (None, []),
    "LLVMPY_DisposeString": (None, [c_void_p]),
    "LLVMPY_GetProcessTriple": (None, [_TEXT]),
    "LLVMPY_GetHostCPUName": (None, [_TEXT]),
    "LLVMPY_GetHostCPUFeatures": (c_int, [_TEXT]),
    "LLVMPY_GetTargetFromTriple": (c_void_p, [c_char_p, _TEXT]),
    "LLVMPY_CreateTargetMachine": (
        c_void_p,
        [c_void_p, c_char_p, c_char_p, c_char_p, c_int, c_char_p, c_char_p, c_int, c_int, c_char_p],
    ),
    "LLVMPY_SetTargetMachineAsmVerbosity": (None, [c_void_p, c_int]),
    "LLVMPY_DisposeTargetMachine": (None, [c_void_p]),
    "LLVMPY_ContextCreate": (c_void_p, []),
    "LLVMPY_ContextDispose": (None, [c_void_p]),
    "LLVMPY_ParseAssembly": (c_void_p, [c_void_p, c_char_p, _TEXT]),
    "LLVMPY_VerifyModule": (c_bool, [c_void_p, _TEXT]),
    "LLVMPY_DisposeModule": (None, [c_void_p]),
    "LLVMPY_TargetMachineEmitToMemory": (c_void_p, [c_void_p, c_void_p, c_int, _TEXT]),
    "LLVMPY_GetBufferStart": (c_void_p, [c_void_p]),
    "LLVMPY_GetBufferSize": (c_size_t, [c_void_p]),
    "LLVMPY_DisposeMemoryBuffer": (None, [c_void_p]),
}
_OBJECT_FILE = 1  # what `EmitToMemory` makes; 0 is assembly
# Characters of a module beside whose 30 ms it counts little to read LLVM's pages once more, which several of them would
# keep all of: a transformer's training step takes 105 MB at its peak, and took 133.
LARGE_TEXT = 1 << 16


def library() -> Any:
    """The library, in which the processor of this process is registered."""
    if not is_loaded():
        with _registering:
            _loaded()
    return _loaded()


_registering = threading.Lock()  # LLVM's list of processors is not for several threads at once


@lru_cache(maxsize=1)
def _loaded() -> Any:
    functions = ctypes.CDLL(_library_file())
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(functions, name)
        function.restype, function.argtypes = result, arguments
    functions.LLVMPY_InitializeNativeTarget()
    functions.LLVMPY_InitializeNativeAsmPrinter()
    pages.give_back(_address(functions))  # 37 MB of which constructors have used a little
    return functions


def is_loaded() -> bool:
    """Whether this process has needed LLVM."""
    return _loaded.cache_info().currsize > 0


def rest() -> None:
    """LLVM's code leaves this process's memory until there is more to compile. That takes 2 ms, now and then."""
    if is_loaded():
        pages.give_back(address())


def address() -> int:
    """Where one of LLVM's functions stands."""
    return _address(library())


def _address(functions: Any) -> int:
    return ctypes.cast(functions.LLVMPY_ContextCreate, c_void_p).value or 0


def register_all() -> None:
    """Every processor that LLVM was built for is registered."""
    functions = library()
    if not _register_all.cache_info().currsize:
        with _registering:
            _register_all(functions)


@lru_cache(maxsize=1)
def _register_all(functions: Any) -> None:
    functions.LLVMPY_InitializeAllTargetInfos()
    functions.LLVMPY_InitializeAllTargets()
    functions.LLVMPY_InitializeAllTargetMCs()
    functions.LLVMPY_InitializeAllAsmPrinters()


def _library_file() -> str:
    """Where llvmlite keeps its library."""
    import llvmlite  # late: a step from the cache needs none of it
    from llvmlite.utils import get_library_name

    file = os.path.join(os.path.dirname(llvmlite.__file__), "binding", get_library_name())
    if os.path.exists(file):
        return file
    from llvmlite.binding import ffi  # knows packages that stand elsewhere, as in an archive

    return str(ffi.lib._name)


def host_names() -> tuple[str, str, str]:
    """What LLVM calls this process's platform, this processor and its features, each with + or -."""
    functions = library()
    triple, cpu, features = c_void_p(), c_void_p(), c_void_p()
    functions.LLVMPY_GetProcessTriple(byref(triple))
    functions.LLVMPY_GetHostCPUName(byref(cpu))
    functions.LLVMPY_GetHostCPUFeatures(byref(features))
    names = sorted(filter(None, _taken(features).split(",")), key=lambda name: name[1:])
    return _taken(triple), _taken(cpu), ",".join(names)


class Machine:
    """A target machine, for one thread at a time: it makes objects of texts."""

    def __init__(self, triple: str, cpu: str, features: str, optimisation: int):
        functions = library()
        self.level = optimisation
        target = _processor(triple)
        texts = [text.encode() for text in (triple, cpu, features)]
        self._machine = functions.LLVMPY_CreateTargetMachine(
            target, *texts, optimisation, b"pic", b"default", 0, 0, b""
        )
        if not self._machine:
            raise RuntimeError(f"LLVM makes no code for {triple}")
        functions.LLVMPY_SetTargetMachineAsmVerbosity(self._machine, 0)
        self._dispose = functions.LLVMPY_DisposeTargetMachine

    def __del__(self) -> None:
        if getattr(self, "_machine", None):
            self._dispose(self._machine)

    def object_of(self, text: str) -> bytes:
        """The object file of a module; a RuntimeError where the text is none."""
        functions = library()
        context = functions.LLVMPY_ContextCreate()
        try:
            return self._object_of(functions, context, text)
        finally:
            functions.LLVMPY_ContextDispose(context)
            if len(text) >= LARGE_TEXT:
                rest()

    def _object_of(self, functions: Any, context: int, text: str) -> bytes:
        error = c_void_p()
        module = functions.LLVMPY_ParseAssembly(context, text.encode(), byref(error))
        if error.value:
            raise RuntimeError(f"LLVM IR parsing error\n{_taken(error)}")
        try:
            if functions.LLVMPY_VerifyModule(module, byref(error)):
                raise RuntimeError(f"LLVM IR is not valid\n{_taken(error)}")
            _taken(error)
            buffer = functions.LLVMPY_TargetMachineEmitToMemory(self._machine, module, _OBJECT_FILE, byref(error))
            if not buffer:
                raise RuntimeError(f"LLVM could not make object code: {_taken(error)}")
            return _bytes_of(functions, buffer)
        finally:
            functions.LLVMPY_DisposeModule(module)


def _processor(triple: str) -> int:
    """The processor of a platform; others than this one are registered when they are first asked for."""
    functions = library()
    error = c_void_p()
    for register in (library, register_all):
        register()
        target = functions.LLVMPY_GetTargetFromTriple(triple.encode(), byref(error))
        if target:
            return int(target)
        reason = _taken(error)
    raise RuntimeError(reason)


def _bytes_of(functions: Any, buffer: int) -> bytes:
    try:
        return ctypes.string_at(functions.LLVMPY_GetBufferStart(buffer), functions.LLVMPY_GetBufferSize(buffer))
    finally:
        functions.LLVMPY_DisposeMemoryBuffer(buffer)


def _taken(text: c_void_p) -> str:
    """A string that LLVM has made, which is given back."""
    if not text.value:
        return ""
    content = ctypes.string_at(text.value).decode(errors="replace")
    library().LLVMPY_DisposeString(text)
    text.value = None
    return content
