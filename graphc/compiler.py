"""From what a run asks for to machine code: the table of contents of graphc.

capture     fetches and feeds -> a step without effects          graphc/capture.py
optimise    Graph -> Graph: exact sizes first, kernels last      passes/pipeline.py
build       kernels -> scheduled loops, places, one Program      codegen/build.py
compile     Program -> object code, through the cache            codegen/step.py
load        object code -> a function of this process            codegen/jit.py

What an earlier process compiled is loaded at once             graphc/recall.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphc import errors, settings
from graphc.capture import capture
from graphc.collector import collector_paused
from graphc.dims import DimLike, Measured, measured_in
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.records import replace
from graphc.shapes import TensorType
from graphc.step import Step

if TYPE_CHECKING:  # code generation loads when a step is compiled
    from graphc.codegen.build import Interface
    from graphc.codegen.outline import Outline
    from graphc.codegen.program import Program
    from graphc.codegen.target import Target
    from graphc.executable import Executable
    from graphc.passes.pipeline import Observer

__all__ = ["build_program", "capture", "compile_step", "exact_types", "interface_of", "optimised"]


def exact_types(step: Step, shapes: Mapping[Tensor, Sequence[DimLike]]) -> dict[str, TensorType]:
    """The exact type of every input of the step, by name; ``shapes`` gives those that differ from what was declared."""
    inputs = [*step.feeds.values(), *step.states.values(), *step.flags.values()]
    return {x.op.name: TensorType(x.dtype, tuple(shapes[x]) if x in shapes else x.type.shape) for x in inputs}


def optimised(
    step: Step, types: Mapping[str, TensorType], fixed: Mapping[str, Any] | None = None, by_value: bool = False
) -> Graph:
    """The step in kernels, for inputs of these types; those named in ``fixed`` have that value, written in.

    With ``by_value``, sizes that depend on other values are taken from them when the step runs.
    """
    from graphc.passes.pipeline import optimise  # passes load when a step is compiled
    from graphc.passes.specialise import Given

    _check_native(step)
    return optimise(step.graph, Given(types, fixed or {}, by_value), _observers())


def _observers() -> Sequence[Observer]:
    """Who watches the passes, as the settings say."""
    if settings.current().verbose < 2 and not settings.current().dump:
        return ()
    from graphc.passes.observe import observers  # those who watch load what shows files and differences

    return observers()


def _check_native(step: Step) -> None:
    """``UnimplementedError`` where part of the step runs in Python."""
    if step.is_native:
        return
    first = next(iter(step.hosts), None) or next(t.op for t in step.feeds.values() if t.dtype.is_string)
    raise errors.UnimplementedError(
        first,
        first,
        f"{first.describe()} runs in Python, beside native code: a Session can run this step, but it is no one native "
        "program that could be shipped, profiled or drawn; feed what that operation gives instead",
    )


def interface_of(step: Step, graph: Graph, exact: Mapping[str, TensorType]) -> Interface:
    """What the program takes and gives: feeds and flags in order, then states; ``exact`` types are by input."""
    from graphc.codegen.build import Interface  # code generation loads when a step is compiled

    placed = {node.name: node.outputs[0] for node in graph.nodes if node.type in ("Placeholder", "VariableV2")}
    # a feed that is read for its shape alone is not in the graph any more, and keeps its place
    feeds = [placed.get(x.op.name, x) for x in (*step.feeds.values(), *step.flags.values())]
    states = state_operations(step)
    types = _state_types(step, graph, exact)
    inputs = [placed.get(step.states[s].op.name) if s in step.states else None for s in states]
    return Interface(
        tuple(feeds), tuple(zip(inputs, types, strict=True)), step.fetches, tuple(states.index(s) for s in step.updates)
    )


def state_operations(step: Step) -> list[Operation]:
    """The variables and random operations whose state the step reads or replaces, in the order of the frame."""
    return list(dict.fromkeys((*step.states, *step.updates)))


def _state_types(step: Step, graph: Graph, exact: Mapping[str, TensorType]) -> list[TensorType]:
    new = dict(zip(step.updates, graph.targets[step.fetches :]))
    types = []
    for state in state_operations(step):
        type = new[state].type if state in new else _input_type(step.states[state], graph, exact)
        if any(map(measured_in, type.sizes)):
            raise errors.UnimplementedError(
                state,
                state,
                f"{state.describe()} would take a value of type {type}, whose size is counted while the step "
                "runs: fetch the value, and feed it to a step that assigns it",
            )
        types.append(type)
    return types


def _input_type(tensor: Tensor, graph: Graph, exact: Mapping[str, TensorType]) -> TensorType:
    """The type of the input that stands for ``tensor``, also where no pass found it needed."""
    types = {node.name: node.outputs[0].type for node in graph.nodes if node.type in ("Placeholder", "VariableV2")}
    return types.get(tensor.op.name) or exact.get(tensor.op.name, tensor.type)


@collector_paused()
def compile_step(
    step: Step,
    shapes: Mapping[Tensor, Sequence[DimLike]],
    sizes: Mapping[str, int],
    threads: int,
    fixed: Mapping[str, Any] | None = None,
    by_value: bool = False,
) -> Executable:
    """The step compiled and loaded for inputs of these shapes, with memory for ``sizes`` of the symbols in them."""
    from graphc import recall  # what is to do with code loads when a step is compiled
    from graphc.codegen import jit
    from graphc.codegen.outline import PARALLEL_FOR
    from graphc.codegen.runtime import parallel_for, process_pool
    from graphc.codegen.target import host
    from graphc.executable import Code, Executable

    key = recall.key_of(step, exact_types(step, shapes), fixed or {}, by_value, host())
    found, program = recall.recalled(key, step) if key else None, None
    if found is None:
        program = build_program(step, shapes, host(), fixed, by_value)[1]
        found = _compiled(step, program, key)
    outline, objects = found
    pool = process_pool(threads) if outline.is_parallel else 0
    library = jit.load(objects, {PARALLEL_FOR: parallel_for if pool else _nothing})

    def build() -> Program:
        return program or build_program(step, shapes, host(), fixed, by_value)[1]

    executable = Executable(Code(outline, library, build), sizes, threads, pool)
    if settings.current().verbose >= 1:
        _tell(step, shapes, outline.kernels, executable.arena_bytes)
    return executable


def _compiled(step: Step, program: Program, key: str | None) -> tuple[Outline, list[bytes]]:
    """The outline of a program and its object files, remembered under the key."""
    from graphc import recall  # what is to do with code loads when a step is compiled
    from graphc.codegen.objects import compile_program
    from graphc.codegen.target import host

    once = not (step.feeds or step.fetches or step.read)  # it sets variables to their first values
    objects = compile_program(program, host(), for_python=True, once=once)
    outline = program.outline
    if key:
        recall.remember(key, step, outline, objects)
    return outline, list(objects.values())


def _tell(step: Step, shapes: Mapping[Tensor, Sequence[DimLike]], kernels: int, arena_bytes: int) -> None:
    """One line on what was compiled: what it is fed, what it gives, and what became of it."""
    types = [TensorType(x.dtype, tuple(shapes.get(x, x.type.shape or ()))) for x in step.feeds.values()]
    fed = ", ".join(f"{key.op.name} {exact}" for key, exact in zip(step.feeds, types, strict=True))
    fetched = [x.op.name for x in step.graph.targets[: step.fetches]]
    gives = ", ".join(fetched + [f"new {operation.name}" for operation in step.updates])
    text = f"{len(step.graph)} nodes, {kernels} kernels, {arena_bytes} bytes"
    print(f"graphc: compiled ({fed}) -> ({gives}): {text}", file=sys.stderr)


def _nothing() -> int:
    """The address of what nobody calls: a program without a pool calls its kernels itself."""
    return 0


@collector_paused()
def build_program(
    step: Step,
    shapes: Mapping[Tensor, Sequence[DimLike]],
    target: Target,
    fixed: Mapping[str, Any] | None = None,
    by_value: bool = False,
    counts: bool = False,
) -> tuple[Graph, Program]:
    """The step in kernels, and the program for a target; with ``counts``, it gives those of its fetches after them."""
    from graphc.codegen.build import build  # code generation loads when a step is compiled

    exact = exact_types(step, shapes)
    graph = optimised(step, exact, fixed, by_value)
    interface = interface_of(step, graph, exact)
    if counts:
        types = [tensor.type for tensor in graph.targets[: step.fetches]]
        wanted = tuple(graph.measured[size] for size in measured_sizes(types))
        graph.targets = (*graph.targets[: step.fetches], *wanted, *graph.targets[step.fetches :])
        interface = replace(interface, fetches=step.fetches + len(wanted))
    program = build(graph, interface, target)
    _see_complex(program, step)
    if settings.current().dump:
        _dump_loops(program, target)
    return graph, program


def _see_complex(program: Program, step: Step) -> None:
    """Gives slots the complex types that the step has for them: for the caller, a pair of floats is one number."""
    tensors = {
        "feed": (*step.feeds.values(), *step.flags.values()),
        "fetch": step.graph.targets[: step.fetches],
        "state": tuple(operation.outputs[0] for operation in state_operations(step)),
    }
    for place, slot in enumerate(program.slots):
        given = tensors.get(slot.kind, ())
        if slot.number < len(given) and given[slot.number].dtype.is_complex:
            program.slots[place] = replace(slot, type=_as_given(slot.type, given[slot.number]))
    for place, tensor in enumerate(tensors["fetch"]):
        program.fetches[place] = _as_given(program.fetches[place], tensor)


def _as_given(type: TensorType, tensor: Tensor) -> TensorType:
    """The packed type as the complex one; a feed that nothing reads has that already."""
    is_packed = tensor.dtype.is_complex and not type.dtype.is_complex
    return TensorType(tensor.dtype, type.sizes[:-1]) if is_packed else type


def measured_sizes(types: Iterable[TensorType]) -> list[Measured]:
    """The sizes in these types that the step counts while it runs, by their names."""
    found = {size for type in types for dim in type.sizes for size in measured_in(dim)}
    return sorted(found, key=lambda size: size.name)


def _dump_loops(program: Program, target: Target) -> None:
    """The loops of each kernel beside the graphs that the passes left."""
    from graphc.codegen.dump import loops_text  # loads for those who watch alone
    from graphc.passes.observe import next_file

    file = next_file(settings.current().dump or "", "loops")
    file.write_text(loops_text(program, target), encoding="utf-8")
