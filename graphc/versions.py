"""Which compiled version of a step serves which shapes.

The first shapes seen are compiled as constants. When a size that was declared unknown shows a second value, the step
is compiled once more with a symbol in its place, and that serves every later size. Sizes that have been equal in every
run so far share a symbol, and 0 and 1 are always compiled as constants, since they mean something to broadcasting.

Where a size follows from the value of a feed, as in ``tf.zeros([batch_size, 10])`` with a fed ``batch_size``, that feed
is written in: each of its values has versions of its own. Where it follows from what the step computes, the step takes
it from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import compiler, errors
from graphc.capture import Step
from graphc.dims import DimLike, symbol
from graphc.nodes import Tensor
from graphc.ops.shape_values import MAX_ELEMENTS, DependsOnData, inputs_behind_sizes
from graphc.ops.state import VariableV2

if TYPE_CHECKING:
    from graphc.session import Array, State

MOST_VALUES = 64  # versions kept for values that decide sizes; a program that needs more compiles the oldest again

Position = tuple[int, int]  # an input, and an axis of it
Shapes = tuple[tuple[int, ...], ...]
KEPT_BYTES = 1 << 28  # of arenas for sizes that have been seen; beyond that making one anew is cheap beside the step


class _Symbolic:
    """A version for many sizes: which positions are which symbol, and the constants of all others."""

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
            if isinstance(state.kind, VariableV2) and not compiler.is_exact(tensor.type.shape)
        ]
        self.known: dict[Shapes, Any] = {}  # by the shapes of all inputs
        self._seen: list[Shapes] = []
        self._symbolic: list[tuple[_Symbolic, Any]] = []
        self._deciding: list[int] = []  # inputs whose values decide sizes
        self._by_values: dict[tuple[bytes, ...], Versions] = {}
        self._by_value = False  # whether sizes that depend on data are taken from it when the step runs
        self._sized: dict[Shapes, Any] = {}  # those of the known that share their code, oldest first
        self.compilations = 0

    def find(self, feeds: Sequence[Array], state: State) -> Any:
        """The version for these feeds, compiled now if it must be."""
        if self._deciding:
            return self._for_values(feeds).find(feeds, state)
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

    def serves(self, executable: Any, feeds: Sequence[Array]) -> bool:
        """Whether the executable is for all feeds of these shapes, whatever their values and those of variables."""
        return self.known.get(tuple([array.shape for array in feeds])) is executable

    def _behind(self, error: errors.InvalidArgumentError, feeds: Sequence[Array]) -> list[int]:
        """The inputs whose values would tell the size for want of which a compilation failed."""
        if not isinstance(error.__cause__, DependsOnData):
            return []
        wanted = error.__cause__.tensors
        if wanted is None:
            wanted = inputs_behind_sizes(error.op)
        return [
            place
            for place, (tensor, array) in enumerate(zip(self.inputs, feeds, strict=True))
            if tensor in wanted and tensor.op.name not in self._fixed and array.size <= MAX_ELEMENTS
        ]

    def _for_values(self, feeds: Sequence[Array]) -> Versions:
        """The versions for the values that the deciding inputs have now."""
        values = {self.inputs[place].op.name: np.array(feeds[place]) for place in self._deciding}
        key = tuple(value.tobytes() for value in values.values())
        if key not in self._by_values:
            if len(self._by_values) >= MOST_VALUES:
                del self._by_values[next(iter(self._by_values))]
            self._by_values[key] = Versions(self.step, self.threads, self._fixed | values)
        return self._by_values[key]

    def bind(self, executable: Any, state: State) -> None:
        """Tells the executable where the variables are."""
        slots = [slot for slot in executable.program.slots if slot.kind == "state"]
        for operation, slot in zip(self.operations, slots, strict=True):
            state.room(operation, tuple(executable.number(size) for size in slot.type.sizes))
        executable.operations = self.operations
        executable.bind_states([state.arrays[operation] for operation in self.operations], state.version)

    def _for(self, shapes: Shapes) -> Any:
        for symbolic, compiled in self._symbolic:
            sizes = symbolic.sizes_for(shapes)
            if sizes is not None:
                return self._keep(shapes, compiled.executable.for_sizes(sizes))
        self._seen.append(shapes)
        if len(self._seen) > 1:
            executable = self._try_symbolic(shapes)
            if executable is not None:
                return executable
        try:
            return self._compile([list(shape) for shape in shapes], {}).executable
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
        return compiled.executable

    def _typed_inputs(self) -> list[Tensor]:
        return self.inputs + [self.step.states[operation] for operation in self._loose_states]

    def _free_axes(self, tensor: Tensor, rank: int) -> list[int]:
        shape = tensor.type.shape
        return list(range(rank)) if shape is None else [axis for axis, size in enumerate(shape) if size is None]

    def _compile(self, shapes: Sequence[Sequence[DimLike]], sizes: Mapping[str, int]) -> Any:
        self.compilations += 1
        given = dict(zip(self._typed_inputs(), shapes, strict=True))
        return compiler.compile_step(self.step, given, sizes, self.threads, self._fixed, self._by_value)
