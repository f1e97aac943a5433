"""The value of a node at a position, as an expression over loads: the pulling half of lowering.

A rule answers: what is the output of this node at ``index``, given how to get the inputs at any index? Fusion is
nothing more than asking the rules of the producers instead of loading from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphc.codegen.loops import Apply, Buffer, Check, Expression, For, Literal, Load, Statement
from graphc.dims import DimLike, Symbol, row_major_strides, symbol
from graphc.nodes import Op, Operation, Tensor

Index = tuple[DimLike, ...]
Rule = Callable[["Values", Operation, Index], Expression]
# The nest in which the op stands (it stands above this file), and its node.
Root = Callable[[Any, Operation], tuple[Statement, ...]]


class Values:
    """Expressions for the tensors of a kernel's body at positions asked for."""

    def __init__(self, rule_of: Callable[[type[Op]], Rule | None], buffers: Mapping[Tensor, Buffer]):
        self.rule_of = rule_of
        self.buffers = dict(buffers)
        self.locals: dict[Tensor, Callable[[Index], Expression]] = {}  # what a loop computes: reductions, contractions
        self._checks: list[tuple[Operation, Expression]] = []  # where an expression is true, the node fails
        self._checked: set[tuple[Operation, Index]] = set()
        self._known: dict[tuple[Tensor, Index], Expression] = {}
        self._where: Expression | None = None  # where it is false, nothing is read, and nothing fails

    def at(self, tensor: Tensor, index: Index) -> Expression:
        """The value of ``tensor`` at ``index``."""
        key = (tensor, index)
        if key not in self._known:
            self._known[key] = self._make(tensor, index)
        return self._known[key]

    def at_where(self, tensor: Tensor, index: Index, where: Expression) -> Expression:
        """The value at ``index`` where a condition holds; elsewhere some value made without reading anything."""
        self.forget()
        self._where = where
        value = self.at(tensor, index)
        self._where = None
        self.forget()
        return value

    def _make(self, tensor: Tensor, index: Index) -> Expression:
        if tensor in self.locals:
            return self.locals[tensor](index)
        if tensor in self.buffers:
            return Load(self.buffers[tensor], offset(index, tensor.type.sizes), self._where)
        return self.computed(tensor, index)

    def computed(self, tensor: Tensor, index: Index) -> Expression:
        """The value of ``tensor`` by the rule of its op."""
        kind = tensor.op.kind
        rule = self.rule_of(type(kind))
        if rule is None:
            raise NotImplementedError(f"{tensor.op.type} has no lowering")
        return rule(self, tensor.op, index)

    def forget(self) -> None:
        """Starts a new body of loops: expressions of the former one are not in scope there."""
        self._known.clear()

    def fail_where(self, node: Operation, index: Index, condition: Expression) -> None:
        """Asks for a check of what the node reads at ``index``; once, however often the value is made."""
        if (node, index) not in self._checked:
            self._checked.add((node, index))
            if self._where is not None:
                condition = Apply("logical_and", (self._where, condition), "bool")
            self._checks.append((node, condition))

    def take_checks(self, errors: Callable[[Operation], tuple[Buffer, int]]) -> tuple[Check, ...]:
        """The checks that the values made since the last call ask for."""
        found, self._checks = self._checks, []
        made = []
        for node, condition in found:
            buffer, code = errors(node)
            made.append(Check(condition, buffer, code))
        return tuple(made)


def offset(index: Index, sizes: Index) -> DimLike:
    """The place of ``index`` in a packed row-major block of ``sizes``."""
    total: DimLike = 0
    for position, stride in zip(index, row_major_strides(sizes), strict=True):
        total = total + position * stride
    return total


def broadcast_index(index: Index, sizes: Index) -> Index:
    """The position in a block of ``sizes`` that is repeated to the position ``index`` of a larger one."""
    own = index[len(index) - len(sizes) :]
    return tuple(0 if size == 1 else position for position, size in zip(own, sizes, strict=True))


def literal(value: Any, dtype: str) -> Literal:
    """A NumPy or Python number as a constant of the loops."""
    if dtype == "bool":
        return Literal(bool(value), dtype)
    return Literal(float(value) if "f" in dtype else int(value), dtype)


def loops(prefix: str, sizes: Index, body: object) -> tuple[Statement, ...]:
    """One loop for each size other than 1, around the statement that ``body`` gives for the position."""
    variables = [Symbol(f"{prefix}{axis}", size) for axis, size in enumerate(sizes)]
    index = tuple(0 if size == 1 else symbol(v.name, size) for v, size in zip(variables, sizes, strict=True))
    made = body(index)  # type: ignore[operator]
    statements: tuple[Statement, ...] = made if isinstance(made, tuple) else (made,)
    for variable in reversed(variables):
        if variable.extent != 1:
            statements = (For(variable, statements),)
    return statements
