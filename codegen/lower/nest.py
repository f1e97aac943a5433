"""The nodes of a kernel as plain loops over a block of positions.

    for kept axes:
        accumulators of the first reductions
        for reduced axes: combine; store full values that need no reduction
        accumulators of the reductions that need the first ones
        for reduced axes: combine; store full values that need the first reductions
        ...
        store kept values

A softmax is three such inner loops; an elementwise chain is the outer loops alone; the epilogue of a contraction is
their innermost body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from graphc.codegen.kernels.affine import Axis, Contraction, Edge
from graphc.codegen.loops import Buffer, Check, Contract, Expression, For, Local, Statement, Store
from graphc.codegen.lower import reduction
from graphc.codegen.lower.reshaping import unflatten
from graphc.codegen.lower.rows import Rows
from graphc.codegen.lower.values import Index, Values, offset
from graphc.codegen.traverse import depends
from graphc.dims import DimLike, Symbol, symbol
from graphc.nodes import Operation, Tensor
from graphc.ops import contraction
from graphc.ops.arrays import ConcatV2
from graphc.ops.fused import Space


class Nest:
    """A block of positions of a kernel and what is computed in it."""

    def __init__(
        self,
        number: int,
        nodes: Sequence[Operation],
        space: Space,
        values: Values,
        outputs: dict[Tensor, Buffer],
        errors: Callable[[Operation], tuple[Buffer, int]],
    ):
        self.number = number  # of the nest in its kernel, so that names differ
        self.nodes = nodes
        self.space = space
        self.values = values
        self.outputs = outputs
        self.errors = errors
        self.levels: dict[Operation, int] = {}
        self.scratch: list[Buffer] = []
        self.sizes, self.reduced = self.space.sizes, self.space.reduced
        self.variables = [Symbol(f"i{axis}", size) for axis, size in enumerate(self.sizes)]
        self.index: Index = tuple(
            0 if size == 1 else symbol(v.name, size) for v, size in zip(self.variables, self.sizes, strict=True)
        )
        prefix = f"r{self.number}_" if self.number else "r"
        self.names = {node: f"{prefix}{n}" for n, node in enumerate(filter(reduction.is_reduction, self.nodes))}
        for node, name in self.names.items():
            self.values.locals[node.outputs[0]] = partial(self._combined, node, name)

    def _combined(self, node: Operation, name: str, index: Index) -> Expression:
        return reduction.result(node, name)  # at every position of its rows

    def statements(self) -> tuple[Statement, ...]:
        """The whole nest."""
        for node in self.nodes:
            if isinstance(node.kind, contraction.Contract):
                start, step = (0,) * len(node.kind.shape), (1,) * len(node.kind.shape)
                return (self._contract(node, node.kind, start, step),)
            if isinstance(node.kind, contraction.ContractPhases):
                phases = zip(node.kind.parts, node.kind.places, strict=True)
                return tuple(self._contract(node, part, *place, phase=True) for part, place in phases)
        kept = [axis for axis in range(len(self.sizes)) if axis not in self.reduced]
        return self._loops(kept, self._row())

    def _row(self) -> tuple[Statement, ...]:
        """Everything for one position of the kept axes."""
        statements: list[Statement] = []
        rounds = self._rounds()
        needed = [[*(node.inputs[0] for node in combined), *full] for combined, full in rounds]
        rows = Rows(self.number, self.space, self.index, self.values, needed)
        self.scratch += rows.buffers.values()
        for number, (combined, full) in enumerate(rounds):
            for node in combined:
                statements += reduction.begin(node, self.names[node])
            if combined or full:
                steps = [reduction.step(self.values, node, self.names[node], self.index) for node in combined]
                steps += [store for tensor in full for store in self._stores(tensor)]
                steps += rows.stores(number)
                outer, inner = self._checks()
                statements += (*outer, *self._loops(self.reduced, (*inner, *steps)))
            rows.end(number)
        kept = [store for t in self.outputs if not self._is_full(t) for store in self._stores(t)]
        return (*statements, *self.with_checks(*kept))

    def with_checks(self, *statements: Statement) -> tuple[Statement, ...]:
        """The statements, after the checks that the values in them ask for."""
        return (*self.values.take_checks(self.errors), *statements)

    def _checks(self) -> tuple[list[Check], list[Check]]:
        """The checks of a round: those that are the same all along its loops, and the others."""
        checks = self.values.take_checks(self.errors)
        inner = [c for c in checks if any(depends(c.condition, self.variables[axis]) for axis in self.reduced)]
        return [check for check in checks if check not in inner], inner

    def _rounds(self) -> list[tuple[list[Operation], list[Tensor]]]:
        """What each round over the reduced axes combines, and what it stores."""
        last = max((self._level(tensor.op) for tensor in self.outputs), default=0)
        return [
            (
                [node for node in self.names if self._level(node) == level + 1],
                [t for t in self.outputs if self._level(t.op) == level and self._is_full(t)],
            )
            for level in range(last + 1)
        ]

    def _level(self, node: Operation) -> int:
        """How many rounds of reductions must be complete before the node's value is known."""
        if node not in self.levels:
            for earlier in self.nodes:
                before = max((self.levels.get(x.op, 0) for x in earlier.inputs), default=0)
                self.levels[earlier] = before + (1 if reduction.is_reduction(earlier) else 0)
        return self.levels[node]

    def _is_full(self, tensor: Tensor) -> bool:
        if not self.reduced or isinstance(tensor.op.kind, ConcatV2):
            return True
        return tensor.type.sizes == self.sizes and not self._only_kept(tensor)

    def _only_kept(self, tensor: Tensor) -> bool:
        """Whether a value of the block's own shape is one for each kept position: where reduced axes have size 1."""
        return reduction.is_reduction(tensor.op)

    def _stores(self, tensor: Tensor) -> list[Store]:
        """The stores of an output: of one value, or of the parts that a concatenation puts beside each other."""
        kind = tensor.op.kind
        if not isinstance(kind, ConcatV2):
            return [self._store(tensor, tensor, 0, 0)]
        parts = enumerate(tensor.op.inputs)
        return [self._store(tensor, part, kind.axis, number * self.sizes[kind.axis]) for number, part in parts]

    def _store(self, output: Tensor, value: Tensor, axis: int, start: DimLike) -> Store:
        """A value stored at its position, moved by ``start`` along an axis."""
        sizes = value.type.sizes
        kept = tuple(p for axis, p in enumerate(self.index) if axis not in self.reduced)
        index = self.index if len(sizes) == len(self.sizes) else kept
        index = tuple(0 if size == 1 else position for position, size in zip(index, sizes, strict=True))
        place = index if start == 0 else (*index[:axis], index[axis] + start, *index[axis + 1 :])
        return Store(self.outputs[output], offset(place, output.type.sizes), self.values.at(value, index))

    def _loops(self, axes: Sequence[int], body: tuple[Statement, ...]) -> tuple[Statement, ...]:
        for axis in reversed(axes):
            if self.sizes[axis] != 1:
                body = (For(self.variables[axis], body),)
        return body

    def _contract(
        self,
        node: Operation,
        kind: contraction.Contract,
        start: Sequence[int],
        step: Sequence[int],
        phase: bool = False,
    ) -> Contract:
        """A contraction that gives the result at ``start + step * index``."""
        dtype = node.outputs[0].dtype.short
        batch, rows, cols, inner, paired = (
            tuple(Axis(*axis) for axis in axes) for axes in (kind.batch, kind.rows, kind.cols, kind.inner, kind.paired)
        )
        edges = tuple(Edge(*edge) for edge in kind.edges)
        spec = Contraction(dtype, batch, rows, cols, inner, kind.a_offset, kind.b_offset, paired, edges)
        sizes = tuple(axis.extent for axis in spec.output)
        coordinates = tuple(Symbol(f"i{n}", size) for n, size in enumerate(sizes))
        place = offset(tuple(symbol(f"i{n}", size) for n, size in enumerate(sizes)), sizes)
        found = unflatten(place, kind.shape)
        self.index = tuple(first + each * p for first, each, p in zip(start, step, found, strict=True))
        self.values.locals[node.outputs[0]] = lambda _: Local("sum", dtype)
        stores = tuple(store for tensor in self.outputs for store in self._stores(tensor))
        epilogue = self.with_checks(*stores)
        a, b = (self.values.buffers[x] for x in node.inputs)
        return Contract(spec, a, b, coordinates, "sum", epilogue, phase=phase)
