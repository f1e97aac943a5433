"""LLVM IR to object code, and object code to functions in this process.

Two halves between which nothing but bytes goes, so that an on-disk cache fits there::

    data = compile_ir(text, target)          # bytes of an object file; a pure function of its arguments
    library = load([data, other])            # objects link with each other
    address = library.address("kernel")      # valid as long as the library is referenced

Objects may ask the C library for `EXTERNALS` only: mathematics is ours, so a call of `expf` is a mistake, and is
reported by name.

LLVM's back end works without a pass pipeline before it: loops come vectorised and in SSA form. Measured on a vector
loop and on a GEMM tile: `sroa` and `instcombine` add 10 to 20 % of time and leave every byte as it is, `O1` and `O2`
double the time; the back end's levels 1 to 3 differ neither in time nor in code. Level 0 takes a quarter of the time,
for code that is twice as large and keeps nothing in registers from block to block: for what runs once, or only calls
kernels. The values are the same: what may be rounded together is said in the text, by ``llvm.fma``.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphc import settings
from graphc.codegen import cache, elf
from graphc.codegen.llvm import Machine
from graphc.codegen.target import Target, host, machine, target_machine
from graphc.records import record

if TYPE_CHECKING:
    from graphc.codegen.ir import Module

# Instructions of a module, of which LLVM makes code in 50 to 100 ms: the threads that compile should end together.
LARGE = 2000
_ELSEWHERE = b"in "  # begins an entry of the cache that names the one which has the code; object files begin otherwise
FAST, QUICK = 3, 0  # LLVM's levels of code generation: for code that is fast, and for code that is there quickly

# What objects may use without defining it: the thread pool's functions, and what LLVM makes of copies and clears.
EXTERNALS = frozenset(
    [
        "memcpy",
        "memmove",
        "memset",
        "calloc",
        "realloc",
        "aligned_alloc",
        "free",
        "getpid",
        "sched_getaffinity",
        "sysconf",
        "sigfillset",
    ]
    + [f"pthread_{name}" for name in ("create", "join", "sigmask", "attr_init", "attr_setstacksize", "attr_destroy")]
    + [f"pthread_mutex_{name}" for name in ("init", "lock", "unlock", "destroy")]
    + [f"pthread_cond_{name}" for name in ("init", "wait", "signal", "broadcast", "destroy")]
)


@record
class Request:
    """What code is wanted: all that it depends on besides target and graphc's version, and what writes its IR.

    That gives the text of a module; or, where the code ``joins`` other code in one, it writes into the module it is
    given. What it defines there is weak, for the same code may be in two object files.
    """

    description: str
    write: Callable[..., object]
    level: int = FAST
    joins: bool = False


def compile_ir(ir: object, target: Target, level: int = FAST) -> bytes:
    """The object file LLVM makes of one module, given as text (or as anything whose ``str`` is the text)."""
    return _machine(target, level).object_of(str(ir))


def _machine(target: Target, level: int) -> Machine:
    """This thread's code generator, as LLVM wants it: a new one takes longer than a small module."""
    machines: dict[tuple[Target, int], Machine] = _own.__dict__.setdefault("machines", {})
    if (target, level) not in machines:
        machines[target, level] = machine(target, level)
    return machines[target, level]


_own = threading.local()


def compile_many(
    irs: Iterable[object], target: Target, threads: int | None = None, levels: Sequence[int] | None = None
) -> list[bytes]:
    """`compile_ir` of each module, several at a time; ``threads`` defaults to the setting, or fewer where CPUs are.

    The first modules are compiled by helpers while this thread is still taking others out of ``irs``, which may add
    the level of each to ``levels`` as it comes.
    """
    most = (threads or min(settings.thread_count(), settings.usable_cpus())) - 1
    if most > 0:
        return _by_helpers(irs, target, most, levels)
    # each before the next is written, so that there is one text at a time
    return [compile_ir(ir, target, FAST if levels is None else levels[number]) for number, ir in enumerate(irs)]


def _by_helpers(irs: Iterable[object], target: Target, most: int, levels: Sequence[int] | None) -> list[bytes]:
    """`compile_many` by this thread and at most so many others."""
    from queue import SimpleQueue  # late: it takes a millisecond to load

    todo: SimpleQueue[tuple[int, str, int] | None] = SimpleQueue()
    objects: dict[int, bytes] = {}
    errors: list[Exception] = []
    helpers: list[threading.Thread] = []

    def work() -> None:
        while (item := todo.get()) is not None:
            if errors:
                continue
            number, text, level = item
            try:
                objects[number] = compile_ir(text, target, level)
            except Exception as error:
                errors.append(error)

    count = 0
    try:
        for count, ir in enumerate(irs, start=1):
            if len(helpers) < most:
                try:
                    helper = threading.Thread(target=work)
                    helper.start()
                    helpers.append(helper)
                except RuntimeError:  # no memory for another thread: those that there are do the work
                    most = len(helpers)
            todo.put((count - 1, str(ir), FAST if levels is None else levels[count - 1]))
            if errors:  # of a helper: what is still to be written is wanted no more
                break
    finally:
        for _ in range(len(helpers) + 1):
            todo.put(None)
        work()
        for helper in helpers:
            helper.join()
    if errors:
        raise errors[0]
    return [objects[index] for index in range(count)]


def compile_cached(requests: Sequence[Request], target: Target) -> list[bytes]:
    """Object files that hold what was requested, each once; the IR is written only when it is needed."""
    return list(compile_keyed(requests, target).values())


def compile_keyed(requests: Sequence[Request], target: Target) -> dict[str, bytes]:
    """The same by their keys in the cache."""
    wanted = {cache.make_key(request.description, repr(target), str(request.level)): request for request in requests}
    objects: dict[str, bytes] = {}  # by their own keys
    places = {key: place for key in wanted if (place := _kept(key, objects)) is not None}
    modules: list[list[str]] = []
    levels: list[int] = []
    missing = {key: request for key, request in wanted.items() if key not in places}
    texts = _modules(missing, target, modules, levels)
    for keys, data in zip(modules, compile_many(texts, target, levels=levels)):
        home = keys[0] if len(keys) == 1 else cache.make_key(*keys)
        objects[home] = data
        cache.put(home, data)
        for key in keys:
            places[key] = home
            if key != home:
                cache.put(key, _ELSEWHERE + home.encode())
    # A module of quick code may also hold what this step wants fast: of two definitions the first counts.
    fast_first = sorted(wanted, key=lambda key: -wanted[key].level)
    return {home: objects[home] for home in dict.fromkeys(places[key] for key in fast_first)}


def _kept(key: str, objects: dict[str, bytes]) -> str | None:
    """The key of the object file in the cache that holds the code, which is then among ``objects``."""
    data, home = cache.get(key), key
    if data is not None and data.startswith(_ELSEWHERE):
        home = data.removeprefix(_ELSEWHERE).decode()
        data = objects.get(home) or cache.get(home)
    if data is None:
        return None
    objects[home] = data
    return home


def _modules(
    requests: Mapping[str, Request], target: Target, modules: list[list[str]], levels: list[int]
) -> Iterator[object]:
    """The texts of modules for requests by their keys; which keys each holds, and its level, are noted before it.

    A module costs LLVM about a millisecond beside its code, as much as some 40 instructions: so what joins others fills
    modules of :data:`LARGE`.
    """
    filling: dict[int, tuple[Module, list[str]]] = {}

    def noted(level: int, keys: list[str], text: object) -> object:
        modules.append(keys)
        levels.append(level)
        return text

    for key, request in requests.items():
        if not request.joins:
            yield noted(request.level, [key], request.write())
            continue
        if request.level not in filling:
            from graphc.codegen.ir import Module  # for code that the cache has not

            filling[request.level] = Module(f"from {key}", target.triple), []
        module, keys = filling[request.level]
        request.write(module)
        keys.append(key)
        if module.size >= LARGE:
            del filling[request.level]
            yield noted(request.level, keys, module)
    for level, (module, keys) in filling.items():
        yield noted(level, keys, module)


class Library:
    """Objects linked into this process. Who keeps an address from it must keep the library: its end frees the code."""

    def __init__(self, find: Callable[[str], int | None], code: object):
        self._find = find
        self._code = code

    def address(self, symbol: str) -> int:
        """Where a function or a global of the objects stands."""
        address = self._find(symbol)
        if address is None:
            raise RuntimeError(f"the generated code defines no '{symbol}'")
        return address


def load(objects: Sequence[bytes], symbols: Mapping[str, Callable[[], int]] | None = None) -> Library:
    """Link the objects with each other, with the C library's `EXTERNALS` and with ``symbols``.

    Those are names and what gives their addresses, which is asked for those that the objects want.
    """
    known = dict(symbols or {})
    if elf.available():
        try:
            image = elf.link(objects, lambda names: _resolve(names, known))
            return Library(image.addresses.get, image)
        except elf.Unsupported:
            pass  # LLVM knows the rare things too.
    return _load_with_llvm(objects, known)


def _resolve(names: Iterable[str], symbols: Mapping[str, Callable[[], int]]) -> dict[str, int]:
    """The addresses of names from outside; a RuntimeError lists all that may not come from there."""
    missing = sorted(name for name in names if name not in symbols and name not in EXTERNALS)
    if missing:
        raise RuntimeError(f"generated code uses what nothing defines: {', '.join(missing)}")
    return {name: symbols[name]() if name in symbols else _process_address(name) for name in names}


def _process_address(name: str) -> int:
    return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0


def _load_with_llvm(objects: Sequence[bytes], symbols: Mapping[str, Callable[[], int]]) -> Library:
    """`load` on platforms that `elf` does not know. What is undefined shows at the first `Library.address`."""
    from llvmlite import binding  # Late: takes long to load.

    builder = binding.JITLibraryBuilder().add_current_process()
    for data in objects:
        builder.add_object_img(data)
    for name, address in symbols.items():
        builder.import_symbol(name, address())
    engine, name = _llvm_linker(), f"graphc{next(_numbers)}"
    trackers = [builder.link(engine, name)]  # The code goes as soon as one of its trackers does.

    def find(symbol: str) -> int | None:
        try:
            trackers.append(engine.lookup(name, symbol))
        except RuntimeError as error:
            raise RuntimeError(f"cannot link '{symbol}' of the generated code: {error}") from None
        return int(trackers[-1][symbol])

    return Library(find, trackers)


_numbers = itertools.count()


@lru_cache(maxsize=1)
def _llvm_linker() -> Any:
    from llvmlite import binding  # Late: takes long to load.

    return binding.create_lljit_compiler(target_machine(host()), suppress_errors=True)
