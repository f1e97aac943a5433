"""The description of the processor that code is made for: all that choices of tiles, widths and blocks may ask.

A target is made by name (``named("avx2")``), or read from this machine (``host()``). Kernels never hold a
vector width or a cache size of their own; they ask the target, so the same code serves SSE, AVX2, AVX-512
and NEON, and what is chosen can be printed and tested for a processor one does not have.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from graphc import settings
from graphc.codegen import cache, llvm
from graphc.codegen.loops import ITEM_BYTES
from graphc.records import record, replace

PAGE = 4096  # Bytes, of most targets' memory.
LINE = 64  # Bytes, of most targets' caches.


@record
class Target:
    """A processor: what to tell LLVM (triple, cpu, features), and what the choices need to know."""

    name: str
    triple: str
    cpu: str
    features: str
    vector_bytes: int
    vector_registers: int
    fma: bool
    masks: bool  # Whether a vector load or store can skip lanes in one instruction.
    broadcasts: bool = False  # Whether a multiply-add can take an element of memory for each of its lanes.
    starts: int = 4  # Instructions that a core starts in a cycle.
    l1: int = 32 * 1024  # Data caches in bytes, as one core sees them.
    l2: int = 512 * 1024
    l3: int = 8 * 1024 * 1024
    cores: int = 1
    winograd: bool = False  # Whether convolutions may round as sums of their largest terms do: a wish, no fact.

    def lanes(self, dtype: str) -> int:
        """How many elements of ``dtype`` fill one vector register."""
        return self.vector_bytes // ITEM_BYTES[dtype]

    @property
    def vector_names(self) -> list[str]:
        """The vector registers, as LLVM calls them."""
        letter = {16: "xmm", 32: "ymm", 64: "zmm"}[self.vector_bytes] if self.triple.startswith("x86") else "v"
        return [f"{letter}{number}" for number in range(self.vector_registers)]

    def __str__(self) -> str:
        caches = "/".join(f"{size // 1024}K" for size in (self.l1, self.l2, self.l3))
        return f"{self.name}: {self.cpu}, {self.vector_registers} x {self.vector_bytes} B, {caches}, {self.cores} cores"


# LLVM prefers 256-bit registers on several processors with AVX-512 because the first of them slowed their clock;
# whole vectors win for the dense loops made here. (llvmlite cannot set the function attribute for it.)
_WHOLE_VECTORS = "-prefer-256-bit"

_LINUX_X86 = "x86_64-unknown-linux-gnu"
_NAMED = {
    target.name: target
    for target in (
        Target("sse2", _LINUX_X86, "x86-64", "", 16, 16, fma=False, masks=False),
        Target("avx2", _LINUX_X86, "x86-64-v3", "", 32, 16, fma=True, masks=True),
        Target("avx512", _LINUX_X86, "x86-64-v4", _WHOLE_VECTORS, 64, 32, True, True, broadcasts=True, l2=1024 * 1024),
        Target("neon", "aarch64-unknown-linux-gnu", "generic", "+neon", 16, 32, fma=True, masks=False),
    )
}


def named(name: str) -> Target:
    """The plain processor of a family: ``sse2``, ``avx2``, ``avx512`` (x86-64) or ``neon`` (aarch64)."""
    if name not in _NAMED:
        raise ValueError(f"unknown target '{name}': choose one of {', '.join(sorted(_NAMED))}")
    return replace(_NAMED[name], winograd=True) if settings.current().winograd else _NAMED[name]


@lru_cache(maxsize=1)
def host() -> Target:
    """The processor this process runs on, with its caches and the cores it may use."""
    triple, cpu, flags = _host_names()
    family = named(_family(triple, flags.split(",")))
    if family.name == "avx512":
        flags = f"{flags},{_WHOLE_VECTORS}"
    base = replace(family, triple=triple, cpu=cpu, features=flags, cores=usable_cores(), starts=_starts(flags))
    return replace(base, **_caches("/sys/devices/system/cpu/cpu0/cache"))


def _host_names() -> tuple[str, str, str]:
    """What LLVM calls this platform, processor and its features.

    Asking LLVM means to load it, which takes longer than all else that a program from the cache needs to start; so the
    answer is kept there too, under what the system says about the processor.
    """
    identity = _processor_text("/proc/cpuinfo")
    key = cache.make_key("host", identity, os.uname().machine, str(sys.maxsize)) if identity else None
    stored = cache.get(key) if key else None
    if stored is not None:
        triple, cpu, flags = stored.decode().split("\n")
        return triple, cpu, flags
    names = llvm.host_names()
    if key:
        cache.put(key, "\n".join(names).encode())
    return names


def _processor_text(file: str) -> str:
    """What Linux says about the first processor, without what changes from moment to moment; empty elsewhere."""
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            first = opened.read().partition("\n\n")[0]
    except OSError:
        return ""
    return "\n".join(line for line in first.splitlines() if not line.lower().startswith(("cpu mhz", "bogomips")))


def usable_cores() -> int:
    """The number of cores this process may run on."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # Not offered by this operating system.
        return os.cpu_count() or 1


def machine(target: Target, optimisation: int = 3) -> llvm.Machine:
    """LLVM's code generator for object files of ``target``."""
    return llvm.Machine(target.triple, target.cpu, target.features, optimisation)


def target_machine(target: Target, jit: bool = False) -> Any:
    """llvmlite's code generator for ``target``: position-independent, for this process or for an object file."""
    from llvmlite import binding  # Late: takes long to load.

    llvm.register_all()
    machine = binding.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu,
        features=target.features,
        opt=3,
        reloc="pic",
        codemodel="jitdefault" if jit else "default",
    )
    machine.set_asm_verbosity(False)
    return machine


def _family(triple: str, flags: Sequence[str]) -> str:
    if triple.startswith(("aarch64", "arm64")):
        return "neon"
    if {"+avx512f", "+avx512bw", "+avx512dq", "+avx512vl"} <= set(flags):
        return "avx512"
    if {"+avx2", "+fma"} <= set(flags):
        return "avx2"
    return "sse2"


def _starts(flags: str) -> int:
    """Instructions a cycle, by a feature that came with wider cores: Ice Lake starts five, later ones and Zen 4 six."""
    return 6 if "+avx512vbmi2" in flags else 4


def _caches(folder: str) -> dict[str, Any]:
    """The data cache sizes Linux reports, as fields of a target; nothing where it reports none."""
    sizes: dict[str, Any] = {}
    for index in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        try:
            level, kind, size = (_line(f"{folder}/{index}/{name}") for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction" and level in ("1", "2", "3"):
            sizes[f"l{level}"] = _bytes(size)
    return sizes


def _line(file: str) -> str:
    with open(file, encoding="utf-8") as opened:
        return opened.read().strip()


def _bytes(text: str) -> int:
    """The number a size such as ``32K`` or ``4M`` means."""
    units = {"K": 1024, "M": 1024**2, "G": 1024**3}
    if text[-1:] in units:
        return int(text[:-1]) * units[text[-1]]
    return int(text)
