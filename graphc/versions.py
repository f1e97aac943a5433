"""Which compiled version of a step serves which shapes.

The first shapes seen are compiled as constants. When a size that was declared unknown shows a second value, the step
is compiled once more with a symbol in its place, and that serves every later size. Sizes that have been equal in every
run so far share a symbol, and 0 and 1 are always compiled as constants, since they mean something to broadcasting.

Where a size follows from the value of a feed, as in ``tf.zeros([batch_size, 10])`` with a fed ``batch_size``, that feed
is written in: each of its values has versions of its own. Where it is computed from feeds, as in
``tf.sequence_mask(lengths)`` with fed ``lengths``, what is computed, the greatest length, is written in: it is worked
out before each run. Where many values have been seen, and where it follows from variables too, the step itself takes
the size from there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import compiler, errors
from graphc.dims import DimLike, symbol
from graphc.faults import RefusedValue
from graphc.graph import Graph
from graphc.interpret import evaluate
from graphc.nodes import Operation, Tensor
from graphc.ops.measured import CheckSize
from graphc.ops.shape_values import MAX_ELEMENTS, DependsOnData, inputs_behind_sizes
from graphc.ops.state import VariableV2
from graphc.passes.trim import trimmed
from graphc.shapes import is_constant
from graphc.step import Step

if TYPE_CHECKING:
    from graphc.session_state import Array, State

MOST_NODES = 64  # behind a size that NumPy computes before each run: for more it is cheaper to count in the step
# Values that decide sizes and are written in; for more, the step takes sizes from data when it runs. A program has few
# fed sizes that recur, for training, for a last batch, for testing: those run best. A fifth says that there is no end.
MOST_EXACT = 4
MOST_VALUES = 64  # where it cannot: versions kept; a program that needs more compiles the oldest again

Position = tuple[int, int]  # an input, and an axis of it
Shapes = tuple[tuple[int, ...], ...]
# Of arenas for sizes that have been seen, each of which only runs with its sizes need. Beyond that, values are so large
# that making an arena anew is cheap beside the step, and a hundred lengths of batches would keep a hundred arenas.
KEPT_BYTES = 1 << 28


def within_itself() -> RuntimeError:
    """The error of a run that a signal handler or a finalizer asks for while the same step runs in the same thread."""
    return RuntimeError(
        "a session cannot run a step from within its own run: a signal handler or a finalizer has asked for the step "
        "that it interrupts, whose memory is in use; note there what is wanted, and run it when this run has ended"
    )


class _Symbolic:
    """A version for many sizes: which positions are which symbol, and the constants of all others.

    Positions whose sizes have been equal in every run share a symbol, be they of different feeds: rows of ``x`` and of
    ``labels`` are nearly always one number, and only where that is known can the two be read in one loop. Where they
    differ one day, this version does not serve them, and the next one tells them apart.
    """

    def __init__(self, seen: Sequence[Shapes], free: Sequence[Position]):
        self.names: dict[Position, str] = {}
        groups: dict[tuple[int, ...], str] = {}
        self.shapes: list[list[DimLike]] = [list(shape) for shape in seen[-1]]
        for place, axis in free:
            values = tuple(shapes[place][axis] for shapes in seen)
            if len(set(values)) > 1:
                name = groups.setdefault(values, f"n{len(groups)}")
                self.names[place, axis] = name
                self.shapes[place][axis] = symbol(name)

    def sizes_for(self, shapes: Shapes) -> dict[str, int] | None:
        """The symbols' values for these shapes, or None where this version does not serve them."""
        if list(map(len, shapes)) != list(map(len, self.shapes)):
            return None  # of unknown rank, and another this time
        sizes: dict[str, int] = {}
        for place, shape in enumerate(shapes):
            for axis, size in enumerate(shape):
                name = self.names.get((place, axis))
                if name is None:
                    if size != self.shapes[place][axis]:
                        return None
                elif size < 2 or sizes.setdefault(name, size) != size:
                    return None
        return sizes


class Versions:
    """The compiled versions of one step."""

    def __init__(self, step: Step, threads: int, fixed: Mapping[str, Array] | None = None):
        self.step = step
        self.threads = threads
        self._fixed = dict(fixed or {})  # inputs whose value is written in, by name
        self.inputs: list[Tensor] = [*step.feeds.values(), *step.flags.values()]
        self.operations = compiler.state_operations(step)
        self._loose_states = [
            state
            for state, tensor in step.states.items()
            if isinstance(state.kind, VariableV2) and not is_constant(tensor.type.shape)
        ]
        self._moving = [  # which may be of another shape after a run
            operation
            for operation in self.operations
            if isinstance(operation.kind, VariableV2) and not is_constant(operation.outputs[0].type.shape)
        ]
        self.known: dict[Shapes, Any] = {}  # by the shapes of all inputs
        self._seen: list[Shapes] = []
        self._symbolic: list[tuple[_Symbolic, Any]] = []
        self._deciding: list[Tensor] = []  # inputs, and what is computed from feeds alone, whose values decide sizes
        self._decided: Graph | None = None  # how these follow from the inputs
        self._by_values: dict[tuple[bytes, ...], Versions] = {}
        self._all_values: Versions | None = None  # that takes sizes from data
        self._needs_values = False  # whether it cannot
        self._by_value = False  # whether sizes that depend on data are taken from it when the step runs
        self._sized: dict[Shapes, Any] = {}  # those of the known that share their code, oldest first
        self.compilations = 0

    def find(self, feeds: Sequence[Array], state: State) -> Any:
        """The version for these feeds, compiled now if it must be."""
        if self._deciding:
            return self._for_values(feeds, state).find(feeds, state)
        shapes = tuple([array.shape for array in feeds])
        if self._loose_states:
            shapes += tuple(state.arrays[operation].shape for operation in self._loose_states)
        executable = self.known.get(shapes)
        if executable is None:
            try:
                executable = self.known[shapes] = self._for(shapes)
            except errors.InvalidArgumentError as error:
                self._deciding = self._behind(error, feeds)
                if not self._deciding:
                    if self._by_value or not isinstance(error.__cause__, DependsOnData):
                        raise
                    self._by_value = True
                return self.find(feeds, state)
        return executable

    def bound(self, feeds: Sequence[Array], state: State) -> Any:
        """The version for these feeds, which knows where the variables are now."""
        executable = self.find(feeds, state)
        if executable.states_version != state.version:
            self.bind(executable, state)
        return executable

    def run(self, feeds: Sequence[Array], state: State) -> tuple[list[Array], Any]:
        """What the version for these feeds gives, and that version.

        One that takes sizes from data assumes how they fit each other where there are several ways, as by broadcasting:
        what it refuses for a size, a version with the values written in decides, and says more about.
        """
        held = [(operation, state.arrays.get(operation)) for operation in self._moving]
        try:
            executable = self.bound(feeds, state)
            return executable.run(feeds), executable
        except Exception as failure:
            self._put_back(held, state)
            decides = isinstance(failure, RefusedValue) and isinstance(failure.op.kind, CheckSize)
            if not self._deciding or not decides:
                raise
        return self._written_in(*self._values(feeds)).run(feeds, state)

    def _put_back(self, held: Sequence[tuple[Operation, Array | None]], state: State) -> None:
        """Where a run has failed, variables that were to take another shape are as they were."""
        for operation, array in held:
            if array is not None and state.arrays[operation] is not array:
                state.arrays[operation] = array
                state.moved()

    def serves(self, executable: Any, feeds: Sequence[Array]) -> bool:
        """Whether the executable is for all feeds of these shapes, whatever their values and those of variables."""
        return self.known.get(tuple([array.shape for array in feeds])) is executable

    def _behind(self, error: errors.InvalidArgumentError, feeds: Sequence[Array]) -> list[Tensor]:
        """The tensors whose values would tell the size for want of which a compilation failed."""
        if not isinstance(error.__cause__, DependsOnData):
            return []
        wanted = error.__cause__.tensors
        if wanted is None:
            wanted = inputs_behind_sizes(error.op)
        fed = [
            tensor
            for tensor, array in zip(self.inputs, feeds, strict=True)
            if tensor in wanted and tensor.op.name not in self._fixed and array.size <= MAX_ELEMENTS
        ]
        computed = [x for x in wanted if x.op.inputs and x.name not in self._fixed and self._follows_from_feeds(x)]
        return fed + sorted(computed, key=lambda tensor: tensor.name)

    def _follows_from_feeds(self, tensor: Tensor) -> bool:
        """Whether a tensor of the step is a few numbers that feeds alone decide."""
        sizes = tensor.type.shape
        if tensor.op.graph is not self.step.graph or sizes is None or None in sizes:
            return False
        nodes = trimmed(self.step.graph, [tensor]).nodes
        fed = {x.op.name for x in self.step.feeds.values()}
        if len(nodes) > MOST_NODES:
            return False
        leaves_are_fed = all(node.inputs or node.type == "Const" or node.name in fed for node in nodes)
        is_few = math.prod(sizes) <= MAX_ELEMENTS  # type: ignore[arg-type]
        return is_few and leaves_are_fed and not any(node.kind.has_effect for node in nodes)

    def _for_values(self, feeds: Sequence[Array], state: State) -> Versions:
        """The versions for the values that the deciding tensors have now."""
        key, values = self._values(feeds)
        is_one_more = key not in self._by_values and len(self._by_values) >= MOST_EXACT
        if is_one_more and self._for_all_values(feeds, state) is not None:
            return self._all_values  # type: ignore[return-value]
        return self._written_in(key, values)

    def _values(self, feeds: Sequence[Array]) -> tuple[tuple[bytes, ...], dict[str, Array]]:
        """The values that the deciding tensors have now, by name, and what tells them from others."""
        if self._decided is None:
            self._decided = trimmed(self.step.graph, self._deciding)
        given = dict(zip((tensor.op.name for tensor in self.inputs), feeds, strict=True))
        nodes = self._decided.nodes
        found = evaluate(self._decided, {node.outputs[0]: given[node.name] for node in nodes if node.name in given})
        # An input is written in under the name of its node, what is computed under the name of its tensor.
        names = [tensor.name if tensor.op.inputs else tensor.op.name for tensor in self._deciding]
        values = dict(zip(names, map(np.array, found), strict=True))
        return tuple(value.tobytes() for value in values.values()), values

    def _written_in(self, key: tuple[bytes, ...], values: dict[str, Array]) -> Versions:
        """The versions with these values as constants."""
        if key not in self._by_values:
            if len(self._by_values) >= MOST_VALUES:
                del self._by_values[next(iter(self._by_values))]
            self._by_values[key] = Versions(self.step, self.threads, self._fixed | values)
        return self._by_values[key]

    def _for_all_values(self, feeds: Sequence[Array], state: State) -> Any:
        """The version that takes these sizes from data when it runs; None where the program needs the values."""
        if self._needs_values:
            return None
        if self._all_values is None:
            self._all_values = Versions(self.step, self.threads, self._fixed)
            self._all_values._by_value = True
        try:
            return self._all_values.find(feeds, state)
        except (errors.InvalidArgumentError, errors.UnimplementedError):
            self._needs_values = True
            return None

    def bind(self, executable: Any, state: State) -> None:
        """Tells the executable where the variables are."""
        slots = [slot for slot in executable.outline.slots if slot.kind == "state"]
        for operation, slot in zip(self.operations, slots, strict=True):
            sizes = tuple(executable.number(size) for size in slot.type.sizes)
            state.room(operation, sizes, keep=operation in self.step.states)
        executable.operations = self.operations
        executable.bind_states([state.arrays[operation] for operation in self.operations], state.version)

    def _for(self, shapes: Shapes) -> Any:
        for symbolic, compiled in self._symbolic:
            sizes = symbolic.sizes_for(shapes)
            if sizes is not None and not compiled.is_for(sizes):
                return self._compile([list(shape) for shape in shapes], {})  # or an error, said in numbers
            if sizes is not None:
                return self._keep(shapes, compiled.for_sizes(sizes))
        self._seen.append(shapes)
        if len(self._seen) > 1:
            executable = self._try_symbolic(shapes)
            if executable is not None:
                return executable
        try:
            return self._compile([list(shape) for shape in shapes], {})
        except errors.InvalidArgumentError:
            self._seen.pop()  # what no program serves says nothing of the sizes to come
            raise

    def _keep(self, shapes: Shapes, executable: Any) -> Any:
        """The version, kept for these shapes; the oldest give their memory back: their code serves them again."""
        self._sized[shapes] = executable
        while len(self._sized) > 1 and sum(kept.arena_bytes for kept in self._sized.values()) > KEPT_BYTES:
            oldest = next(iter(self._sized))
            del self._sized[oldest]
            self.known.pop(oldest, None)
        return executable

    def _try_symbolic(self, shapes: Shapes) -> Any:
        free = [(n, axis) for n, x in enumerate(self._typed_inputs()) for axis in self._free_axes(x, len(shapes[n]))]
        ranks = [s for s in self._seen if list(map(len, s)) == list(map(len, shapes))]
        seen = [s for s in ranks if all(s[n][axis] >= 2 for n, axis in free)]
        symbolic = _Symbolic(seen, free) if seen and seen[-1] == shapes else None
        if symbolic is None or not symbolic.names or symbolic.sizes_for(shapes) is None:
            return None
        sizes = symbolic.sizes_for(shapes) or {}
        try:
            compiled = self._compile(symbolic.shapes, sizes)
        except (errors.InvalidArgumentError, errors.UnimplementedError, TypeError, ValueError):
            return None  # the sizes decide what the program is: it is compiled for numbers
        self._symbolic.append((symbolic, compiled))
        return compiled if compiled.is_for(sizes) else None

    def _typed_inputs(self) -> list[Tensor]:
        return self.inputs + [self.step.states[operation] for operation in self._loose_states]

    def _free_axes(self, tensor: Tensor, rank: int) -> list[int]:
        shape = tensor.type.shape
        return list(range(rank)) if shape is None else [axis for axis, size in enumerate(shape) if size is None]

    def _compile(self, shapes: Sequence[Sequence[DimLike]], sizes: Mapping[str, int]) -> Any:
        self.compilations += 1
        given = dict(zip(self._typed_inputs(), shapes, strict=True))
        return compiler.compile_step(self.step, given, sizes, self.threads, self._fixed, self._by_value)
