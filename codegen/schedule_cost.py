"""What loops cost, roughly: instructions counted over a body, with the way each access moves along a vector.

Only comparisons are made with these numbers (which loop becomes the vector, how many iterations make a task), so
they need to be right in proportion: a gather costs about as much as its lanes, neighbours cost one load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.codegen.loops import (
    Accumulate,
    AccumulateAt,
    Apply,
    Check,
    Contract,
    Draw,
    Expression,
    For,
    If,
    IndexValue,
    Least,
    Load,
    LoadedIndex,
    Statement,
    Store,
    loaded_indices,
    postorder,
)
from graphc.codegen.plan import USUAL
from graphc.codegen.target import Target
from graphc.codegen.traverse import body_of, depends, expressions_of, loads_below
from graphc.dims import Atom, Dim, DimLike, FloorDiv, Symbol, atoms, coefficient, substitute
from graphc.records import record

OP_COST = {
    **dict.fromkeys(("exp", "expm1", "log", "log1p", "sigmoid", "softplus"), 20),
    **dict.fromkeys(("tanh", "erf", "sin", "cos"), 30),
    **dict.fromkeys(("pow", "tan"), 50),
    **dict.fromkeys(("asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh", "atanh", "erfc"), 50),
    **dict.fromkeys(("lgamma", "digamma", "bessel_i0e", "bessel_i1e"), 150),
    **dict.fromkeys(("zeta", "igamma", "igammac", "igamma_grad_a"), 600),
    **dict.fromkeys(("div", "sqrt", "rsqrt", "reciprocal"), 4),
    **dict.fromkeys(("floordiv", "mod", "truncdiv", "truncmod"), 20),
}
ACCESS = 2.0  # Reaching memory for a whole vector, against operations on it: most of it comes from a distant cache.
APART = range(2, 5)  # Elements no further apart are picked from whole vectors.
TURNED = 1.0  # An element of a transpose, from a distant cache.
FOLD = 12  # Combining the lanes of one accumulator.


@record
class Summary:
    """One body: the cost of its operations, and where its accesses go."""

    operations: float
    loads: tuple[DimLike, ...]
    stores: tuple[DimLike, ...]


def estimate_size(size: DimLike) -> int:
    """A size as a number, symbols taken to be of usual size and positions in the middle of their range."""

    def usual(thing: Atom) -> DimLike:
        if isinstance(thing, Least):
            return min(estimate_size(thing.left), estimate_size(thing.right))
        extent = getattr(thing, "extent", None)
        return USUAL if extent is None else estimate_size(extent) // 2

    number = substitute(size, usual)
    assert isinstance(number, int)
    return max(number, 0)


class CostModel:
    """Costs of statements; remembers what it has looked at."""

    def __init__(self, target: Target) -> None:
        self.register_lanes = target.lanes("f32")
        self._summaries: dict[int, tuple[Sequence[Statement], Summary]] = {}
        self._loads: dict[int, tuple[Sequence[Statement], tuple[Load, ...]]] = {}
        self._strides: dict[tuple[Any, Symbol], DimLike | None] = {}

    def body(self, body: tuple[Statement, ...], variable: Symbol | None = None, width: int = 1) -> float:
        """The cost of a body once, as scalars or with one register of ``width`` lanes along a variable."""
        summary = self._summary(body)
        cost = summary.operations
        cost += sum(self._access(offset, variable, width, APART) for offset in summary.loads)
        cost += 1.5 * sum(self._access(offset, variable, width) for offset in summary.stores)
        for statement in body:
            if isinstance(statement, For):
                cost += self.loop(statement, variable, width)
            else:
                inner = body_of(statement)
                cost += self.body(inner, variable, width) if inner else 0
        return cost

    def loop(self, loop: For, variable: Symbol | None = None, width: int = 1) -> float:
        """The cost of a loop. Registers side by side cost as much each, but the end of a turn only once."""
        if loop.turned:
            inner = loop.body[0]
            assert isinstance(inner, For)
            return TURNED * estimate_size(loop.extent) * estimate_size(inner.extent)
        if loop.width == 1:
            return estimate_size(loop.extent) * (self.body(loop.body, variable, width) + 1)
        lanes = min(loop.width, self.register_lanes)
        turns = -(-estimate_size(loop.extent) // loop.width)
        return turns * (loop.width // lanes * self.body(loop.body, loop.variable, lanes) + 1)

    def operations(self, body: tuple[Statement, ...]) -> float:
        """The operations in a body alone: how much there is to do between memory accesses."""
        return self._summary(body).operations + sum(self.operations(body_of(s)) for s in body if body_of(s))

    def stride(self, offset: DimLike, variable: Symbol) -> DimLike | None:
        """How far an offset moves with a variable; None where not in equal steps."""
        key = (offset, variable)
        if key not in self._strides:
            self._strides[key] = _stride(offset, variable)
        return self._strides[key]

    def loads(self, body: tuple[Statement, ...]) -> tuple[Load, ...]:
        """Every load below a body."""
        found = self._loads.get(id(body))
        if found is None:
            found = self._loads[id(body)] = (body, tuple(loads_below(body)))
        return found[1]

    def _access(self, offset: DimLike, variable: Symbol | None, width: int, apart: range = range(0)) -> float:
        if variable is None or width == 1:
            return 1
        step = self.stride(offset, variable)
        if step == 0:
            return 0.5
        if isinstance(step, int) and step in apart:
            return min(ACCESS * step, width)
        return ACCESS if step in (1, -1) else width

    def _summary(self, body: tuple[Statement, ...]) -> Summary:
        found = self._summaries.get(id(body))
        if found is None:
            found = self._summaries[id(body)] = (body, _summarise(body))
        return found[1]


def _summarise(body: tuple[Statement, ...]) -> Summary:
    """A body's own statements; a value that several of them use is computed once."""
    roots: list[Expression] = []
    stores: list[DimLike] = []
    for statement in body:
        roots += expressions_of(statement)
        if isinstance(statement, Store):
            roots += loaded_indices(statement.offset)
            stores += [statement.offset] * (1 if statement.combine is None else 2)
    operations, loads = sum(_fixed_cost(statement) for statement in body), []
    for node in postorder(roots):
        if isinstance(node, Apply):
            operations += OP_COST.get(node.op, 1)
        elif isinstance(node, Load):
            loads.append(node.offset)
        elif isinstance(node, IndexValue):
            operations += 1
    return Summary(operations, tuple(loads), tuple(stores))


def _fixed_cost(statement: Statement) -> float:
    if isinstance(statement, Contract):
        return 1000.0
    if isinstance(statement, Draw):
        return 8.0 * estimate_size(statement.buffer.size)
    return {Accumulate: 1.0, AccumulateAt: 8.0, Check: 2.0, If: 1.0}.get(type(statement), 0.0)


def _stride(offset: DimLike, variable: Symbol) -> DimLike | None:
    if any(isinstance(thing, LoadedIndex) and depends(thing.value, variable) for thing in atoms(offset)):
        return None
    return coefficient(offset, variable)


def walks_as_one(offset: DimLike, outer: Symbol, inner: Symbol) -> bool:
    """Whether an offset sees two loop variables only as ``outer * extent(inner) + inner``."""
    if isinstance(offset, int):
        return True
    steps: dict[Any, DimLike] = {outer: 0, inner: 0}
    for monomial, factor in offset.terms.items():
        variables = [thing for thing in monomial if thing in steps]
        rest = tuple(thing for thing in monomial if thing not in steps)
        quotients = [thing for thing in rest if isinstance(thing, FloorDiv)]
        if len(variables) > 1 or (variables and quotients):
            return False
        parts = (part for quotient in quotients for part in (quotient.numerator, quotient.denominator))
        if not all(walks_as_one(part, outer, inner) for part in parts):
            return False
        if variables:
            steps[variables[0]] += Dim({rest: factor}) if rest else factor
    return steps[outer] == steps[inner] * (inner.extent if inner.extent is not None else 1)
