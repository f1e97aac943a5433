"""A program's object files: some with its distinct kernels, and one for the step function that calls them in order.

Objects come from the cache where they can. What writes LLVM IR is imported when one is missing: a program that was
compiled before starts without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from graphc.codegen import jit
from graphc.codegen.digest import short_digest
from graphc.codegen.entry import data_offset, entry_ir
from graphc.codegen.jit import Request
from graphc.codegen.loops import Contract, Draw, Kernel
from graphc.codegen.outline import Slot
from graphc.codegen.program import Action, Branch, Call, Copy, Give, Hand, Loop, Place, Program, Take
from graphc.codegen.schedule_cost import CostModel, estimate_size
from graphc.codegen.target import Target
from graphc.codegen.traverse import statements_below
from graphc.dims import product

if TYPE_CHECKING:
    from graphc.codegen import ir

TEXT_OF_PRODUCT = 4000  # characters of plain loops that take as long to compile as the code of one contraction
HARDLY = 1e-3  # of a step: quick code takes up to four times as long, so all of it adds less than a hundredth
SHORT = 1e6  # instructions, of which a core does several in a nanosecond: less than compiling for speed takes longer


def compile_program(
    program: Program, target: Target, name: str = "step", for_python: bool = False, once: bool = False
) -> dict[str, bytes]:
    """Object files that together define the function ``name``, by their keys in the cache.

    Each distinct kernel is compiled once.
    With ``for_python``, an entry that takes array objects is added. A program that runs ``once``, as one that sets
    variables to their first values, is compiled quickly where its code need not be fast.
    """
    kernels = distinct_kernels(program)
    hardly = _hardly_running(program, kernels, target, once)
    fills = {symbol: _fills(kernel) for symbol, kernel in kernels.items()}
    requests = [
        Request(
            f"{symbol} {program.symbols}\n{kernel.text}",
            partial(kernel_ir if fills[symbol] else write_kernel, symbol, kernel, program, target),
            jit.QUICK if symbol in hardly else jit.FAST,
            # What calls a function of another module stands alone: who wants its neighbours would need that function.
            joins=not fills[symbol],
        )
        for symbol, kernel in sorted(kernels.items(), key=lambda item: -_effort(item[1]))
    ]
    distinct_fills = dict.fromkeys(fill for found in fills.values() for fill in found)
    requests += [Request(fill, partial(fill_ir, fill, target)) for fill in distinct_fills]
    entry = _python_entry(program) if for_python else ""
    description = f"{name}\n{program_text(program)}\n{entry}"
    requests.append(Request(description, lambda: _step_ir(program, target, name) + entry, jit.QUICK))
    return jit.compile_keyed(requests, target)


def _python_entry(program: Program) -> str:
    """The entry for array objects, where Python is known to keep the address of their data at one place."""
    offset = data_offset()
    if offset is None:
        return ""
    slots = [slot for slot in program.slots if slot.kind == "feed" or (slot.kind == "fetch" and not slot.is_given)]
    return entry_ir([slot.word for slot in slots], offset)


def kernel_symbol(kernel: Kernel, symbols: Sequence[str]) -> str:
    """The name of a kernel's function: a digest of its loops, so that equal kernels are one function."""
    key = tuple(symbols)
    if key not in kernel.notes:
        kernel.notes[key] = "graphc_k" + short_digest(f"{symbols}\n{kernel.text}")
    return str(kernel.notes[key])


def distinct_kernels(program: Program) -> dict[str, Kernel]:
    """The program's kernels by the names of their functions."""
    return {kernel_symbol(call.kernel, program.symbols): call.kernel for call in program.calls}


def _fills(kernel: Kernel) -> list[str]:
    """The functions of other modules that a kernel calls: those that draw random numbers."""
    return [statement.function for statement in statements_below(kernel.body) if isinstance(statement, Draw)]


def _effort(kernel: Kernel) -> int:
    """About how long a kernel takes to compile: those that take longest come first, so that threads end together."""
    products = sum(isinstance(statement, Contract) for statement in statements_below(kernel.body))
    return len(kernel.text) + TEXT_OF_PRODUCT * products


def _hardly_running(program: Program, kernels: Mapping[str, Kernel], target: Target, once: bool) -> set[str]:
    """The kernels whose code need not be fast: together they take less than a thousandth of the step.

    Where the step runs once, also those that take less time than their compilation.
    """
    if program.symbols or any(isinstance(action, (Branch, Loop)) for action in program.actions):
        return set()  # how long loops run is not known, nor how often
    calls = Counter(kernel_symbol(call.kernel, program.symbols) for call in program.calls)
    costs = {symbol: calls[symbol] * _cost(kernel, target) for symbol, kernel in kernels.items()}
    left = sum(costs.values()) * HARDLY / target.cores  # for other kernels have all cores
    found = {symbol for symbol, cost in costs.items() if once and cost < SHORT}
    for symbol in sorted(costs, key=costs.__getitem__):
        left -= costs[symbol]
        if left < 0:
            break
        found.add(symbol)
    return found


def _cost(kernel: Kernel, target: Target) -> float:
    """About how many instructions a kernel takes."""
    products = [statement.spec for statement in statements_below(kernel.body) if isinstance(statement, Contract)]
    sizes = (product(axis.extent for axis in (*spec.output, *spec.inner)) for spec in products)
    return CostModel(target).body(kernel.body) + sum(2 * estimate_size(size) / target.lanes("f32") for size in sizes)


def program_text(program: Program) -> str:
    """All that the step function depends on."""
    lines = [f"symbols {program.symbols} slots {len(program.slots)} stacks {program.stacks}"]
    lines += _action_texts(program, program.actions)
    return "\n".join(lines)


def _action_texts(program: Program, actions: Iterable[Action]) -> Iterator[str]:
    for action in actions:
        match action:
            case Copy():
                source, target = _place_text(action.source), _place_text(action.target)
                yield f"copy {source} {target} {action.bytes}"
            case Call():
                places = " ".join(_place_text(place) for place in action.places)
                yield f"{kernel_symbol(action.kernel, program.symbols)} {action.kernel.tasks} {places}"
            case Take():
                yield f"take {action.block} {action.bytes}"
            case Give():
                yield f"give {action.block} {_place_text(action.slot)}"
            case Hand():
                source, target = _place_text(action.source), _place_text(action.target)
                yield f"hand {source} {target} {action.sizes} {action.item_bytes} {action.kept}"
            case Branch():
                yield f"if {_place_text(action.predicate)}"
                yield from _action_texts(program, action.then)
                yield "else"
                yield from _action_texts(program, action.orelse)
                yield "end"
            case Loop():
                yield f"loop {action.saves} {action.replays}"
                yield from _action_texts(program, action.condition)
                yield f"while {_place_text(action.predicate)}"
                yield from _action_texts(program, action.body)
                yield "end"


def _place_text(place: Place) -> str:
    return f"frame[{place.word}]" if isinstance(place, Slot) else str(place)


def write_kernel(symbol: str, kernel: Kernel, program: Program, target: Target, module: ir.Module) -> None:
    """The function of one kernel, weak: another object file may have it too."""
    from graphc.codegen.emit import emit_kernel  # for a kernel that the cache has not

    emit_kernel(module, kernel, target, program.symbols, symbol).linkage = "weak"


def kernel_ir(symbol: str, kernel: Kernel, program: Program, target: Target) -> ir.Module:
    """A module with the function of one kernel."""
    from graphc.codegen import ir  # for a kernel that the cache has not

    module = ir.Module(symbol, target.triple)
    write_kernel(symbol, kernel, program, target, module)
    return module


def fill_ir(name: str, target: Target) -> str:
    """The module of a function that draws random numbers for all kernels."""
    from graphc.codegen import philox  # for a function that the cache has not

    return philox.fill_ir(name, target)


def _step_ir(program: Program, target: Target, name: str) -> str:
    from graphc.codegen.step import step_ir  # for a step that the cache has not

    return step_ir(program, target, name)
