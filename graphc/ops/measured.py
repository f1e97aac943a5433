"""Sizes that are counted while the step runs: how many elements are true, how many different ones there are.

Once the other sizes are exact, such an op counts by ops that there are already, and names the count::

    y: i64[?,1] = Where(c)      ->      count: i64[] = Sum(Cast(c));  y: i64[m0,1] = Where(c, count=m0)

From there on ``m0`` is a size like any other. The step notes the count where every kernel reads its sizes, before the
first kernel that mentions it. Memory is planned for the most that it can be.

Where a program puts a measured size beside another one that must be equal, as in ``tf.boolean_mask(x, mask) + y`` with
``y: f32[3]``, the sizes are made exact once more under that assumption, and the op that counts checks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count as counting
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import (
    Dim,
    DimLike,
    Measured,
    atom,
    atoms,
    coefficient,
    floordiv,
    is_bounded,
    is_nonnegative,
    measured_in,
    most,
    product,
    substitute,
)
from graphc.errors import InvalidArgumentError
from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import Const, apply, constant
from graphc.ops.blocks import along
from graphc.ops.checks import Refused, differs, is_negative
from graphc.ops.reshaping import DimValue, dim_value, reshape
from graphc.ops.shape_values import MAX_ELEMENTS, DependsOnData, compute
from graphc.records import record
from graphc.scopes import default_graphs, get_default_graph
from graphc.shapes import Size, TensorType


class MustBe(Exception):
    """A measured size fits what stands beside it only where it is equal to another size."""

    def __init__(self, size: Measured, other: DimLike):
        super().__init__(f"{size} must be {other}")
        self.size, self.other = size, other


class AtMost(Exception):
    """A size is only there where a measured one is no more than so many."""

    def __init__(self, size: Measured, limit: DimLike):
        super().__init__(f"{size} must be at most {limit}")
        self.size, self.limit = size, limit


class Measuring:
    """What the graphs of one step have in common while their sizes are made exact.

    ``equal`` are the sizes that measured ones must be equal to, by name; ``here`` those that they must be equal to in
    the branch that is made exact. ``limits`` are what they must not exceed, and ``limited`` the counts of those as they
    were before they were checked. ``by_value``: a size that is asked for and does not follow from shapes is taken from
    its tensor when the step runs.
    """

    def __init__(self, by_value: bool = False):
        self.by_value = by_value
        self.equal: dict[str, DimLike] = {}
        self.here: dict[str, DimLike] = {}
        self.limits: dict[str, DimLike] = {}
        self.limited: dict[str, Tensor] = {}
        self._names = counting()

    def again(self, found: MustBe | AtMost) -> Measuring:
        """The same for another attempt, at which sizes get the names that they had."""
        if isinstance(found, AtMost):
            other = Measuring(self.by_value)
            other.equal, other.limits = self.equal, {**self.limits, found.size.name: found.limit}
            return other
        assert found.size.name not in self.equal, f"{found.size} is measured though it must be {found.other}"
        other = Measuring(self.by_value)
        other.limits = self.limits
        known = {**self.equal, found.size.name: found.other}
        other.equal = {name: _with(size, found.size, found.other) for name, size in known.items()}
        return other

    def name(self) -> str:
        """A further name."""
        return f"m{next(self._names)}"

    @staticmethod
    def of(graph: Graph) -> Measuring | None:
        """That of a graph whose sizes are being made exact; None for another."""
        return graph.extras.get(Measuring)


@record
class CheckSize(Op):
    """``y = x``; it is an error where that is not ``wanted``, or is negative.

    ``why`` says what is wrong then, if that is known; ``text`` is the whole message, with the node that it is about.
    """

    wanted: DimLike | None = None
    text: str | None = None
    why: str | None = None

    def infer(self, x: TensorType) -> TensorType:
        return x

    def evaluate(self, x: Any) -> Any:
        if np.any(x < 0) if self.wanted is None else np.any(x != self.wanted):
            raise InvalidArgumentError(
                message=f"a size is {x}, not {'at least 0' if self.wanted is None else self.wanted}"
            )
        return x

    def runtime_error(self, node: Operation, size: Any = None) -> str:
        """What went wrong where a size is another."""
        if self.text is not None or self.why is not None:
            return self.text or self.why or ""
        if isinstance(self.wanted, Dim):
            return "two sizes that are told while the step runs differ, and what they belong to is used together"
        if self.wanted is not None:
            return f"a size that is told while the step runs is not {self.wanted}, which is the size beside it"
        found = "" if size is None else f": {size}"
        return f"a size that is told while the step runs is not at least 0{found}"

    def refused(self, node: Operation) -> Refused:
        """A size that is another."""
        if self.wanted is not None:
            return Refused(0, differs, self.wanted)
        source = node.inputs[0].op.kind
        return Refused(0, is_negative, source.dim if isinstance(source, DimValue) else None)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]


def measure(count: Tensor, limit: DimLike | None) -> DimLike:
    """The size that ``count``, an ``i64[]`` that is at least 0 and at most ``limit``, tells while the step runs.

    Equal counts are one size: what two masks of one condition leave fits together.
    """
    if isinstance(count.op.kind, Const):
        return int(count.op.kind.value)
    graph = count.op.graph
    measuring = Measuring.of(graph)
    assert measuring is not None, "sizes are measured while a graph is made exact"
    for size, known in graph.measured.items():
        assumed = measuring.equal.get(size.name)
        known = measuring.limited.get(size.name, known)
        if _are_equal(known.op.inputs[0] if isinstance(known.op.kind, CheckSize) else known, count):
            return atom(size) if assumed is None else assumed
    name = measuring.name()
    if name in measuring.equal:
        other = measuring.equal[name]
        graph.measured[Measured(name, None, 0, kept=True)] = apply(CheckSize(other), count)
        return other
    bound = most(limit) if limit is not None and is_bounded(limit) else None
    if name in measuring.limits:  # checked by what counts, since all that mentions the size waits for that
        measuring.limited[name], bound = count, measuring.limits[name]
        greatest = dim_value(bound, dtypes.int64)
        why = f"a size that is told while the step runs is above {bound}, and what it leaves of that is a size"
        count = e.subtract(greatest, apply(CheckSize(why=why), e.subtract(greatest, count)))
    size = Measured(name, None, bound)
    graph.measured[size] = count
    return atom(size)


def check_sizes(types: Sequence[TensorType]) -> None:
    """What has a type with a counted size that may be below 0 waits until that is known not to be."""
    for type in types:
        if type.shape:
            check_at_least_0(type.shape)


def check_at_least_0(sizes: Iterable[Size]) -> None:
    """It is an error of the step where a counted one of the sizes is negative, before anything runs that mentions it.

    :class:`AtMost` where it is what one count leaves of another size: then more is known of that count.
    """
    for size in sizes:
        if isinstance(size, Dim) and not is_nonnegative(size) and measured_in(size):
            _limit_counted(size)
            if not any(size == one.checked for graph in default_graphs.items for one in graph.measured):
                _check(size)


def _limit_counted(size: Dim) -> None:
    graph = get_default_graph()
    measuring = Measuring.of(graph)
    assert measuring is not None, "sizes are measured while a graph is made exact"
    for one in measured_in(size):
        rest = size + atom(one)
        is_size = not measured_in(rest) and is_nonnegative(rest)
        if is_size and one in graph.measured and one.name not in measuring.limits:
            raise AtMost(one, rest)


def _check(size: Dim) -> None:
    graph = get_default_graph()
    measuring = Measuring.of(graph)
    assert measuring is not None, "sizes are measured while a graph is made exact"
    check = apply(CheckSize(), dim_value(size, dtypes.int64))
    graph.measured[Measured(measuring.name(), None, 0, kept=True, checked=size)] = check


def require(size: DimLike, other: DimLike) -> None:
    """It is an error of the step where the sizes, one of them measured, differ."""
    require_count(apply(CheckSize(other), dim_value(size, dtypes.int64)))


def require_count(check: Tensor) -> None:
    """What a :class:`CheckSize` finds wrong is an error of the step."""
    measuring = Measuring.of(check.op.graph)
    assert measuring is not None, "sizes are measured while a graph is made exact"
    check.op.graph.measured[Measured(measuring.name(), None, 0, kept=True)] = check


def refuse(text: str) -> None:
    """It is an error of the step, or of what is part of it, that it runs at all."""
    require_count(apply(CheckSize(0, text), constant(1, dtypes.int64)))


def guards(count: Tensor) -> list[Tensor]:
    """The checks of what a count must be, for what should not run where one fails."""
    checks = (check for size, check in count.op.graph.measured.items() if size.kept)
    return [check for check in checks if check.op.inputs[0] is count]


FOLLOWED = frozenset({
    "Pack", "ConcatV2", "ExpandDims", "Squeeze", "Slice", "Reshape", "Cast", "NotNegative", "Add", "Mul", "Identity",
})  # fmt: skip


def measured_value(sizes: Tensor, known: dict[Tensor, Any]) -> Any:
    """The value of a few whole numbers, those of them measured that do not follow from shapes.

    ``known`` are the values that do; what is measured is noted there.
    """
    if known.get(sizes) is None:
        value = None
        if sizes.op.type in FOLLOWED:
            inputs = [measured_value(x, known) for x in sizes.op.inputs]
            value = compute(sizes, [x.type for x in sizes.op.inputs], inputs)
        elif not sizes.op.inputs:
            value = compute(sizes, (), ())
        # a sum may be negative where nothing says so: then it is told by its own value, and checked
        if value is None or not all(_is_size(entry) for entry in value.reshape(-1)):
            value = _measured_entries(sizes)
        known[sizes] = value
    return known[sizes]


def _is_size(entry: Any) -> bool:
    return isinstance(entry, int) or is_nonnegative(entry)


def _measured_entries(sizes: Tensor) -> Any:
    shape = sizes.type.sizes
    count = product(shape)
    if not isinstance(count, int) or count > MAX_ELEMENTS or not sizes.dtype.is_integer:
        raise DependsOnData(f"{sizes.type} is no list of sizes that a program can count")
    flat = e.cast(reshape(sizes, (count,)), dtypes.int64)
    entries = [apply(CheckSize(), reshape(along(flat, 0, n, n + 1), ())) for n in range(count)]
    found = np.empty(count, object)
    found[:] = [measure(entry, None) for entry in entries]
    return found.reshape(shape)


def assumption(types: Sequence[TensorType], fit: Callable[[list[TensorType]], bool]) -> MustBe | None:
    """The size that a measured one in ``types`` must be equal to so that they fit each other, or None."""
    sizes: list[DimLike] = [size for type in types for size in type.sizes]
    sizes.sort(key=lambda size: size == 1)  # which fits by broadcasting where another one is meant
    counted = sorted({thing for size in sizes for thing in measured_in(size)}, key=_order)
    for one in reversed(counted):  # the last one was counted when the others were known
        for other in dict.fromkeys([*sizes, *_by_elements(one, types), *map(atom, counted), 1]):  # 1: by broadcasting
            if isinstance(other, int) and not 0 <= other <= (one.most if isinstance(one.most, int) else other):
                continue  # no size of its kind
            if _is_known_before(other, one) and fit([_replaced(type, one, other) for type in types]):
                return MustBe(one, other)
    return _term_by_term(types, fit) or _axis_by_axis(types, fit)


def _axis_by_axis(types: Sequence[TensorType], fit: Callable[[list[TensorType]], bool]) -> MustBe | None:
    """The first of several that stand on axes of their own: of ``[m1+1,3]`` and ``[m2,m3]``, ``m2`` to ``m1+1``."""
    changed, pairs = list(types), []
    for column in zip(*(reversed(type.sizes) for type in types)):
        lone = {thing: size for size in column for thing in measured_in(size) if size == atom(thing)}
        one = max(lone, key=_order, default=None)
        other = next((size for size in column if one is not None and _is_known_before(size, one)), None)
        if one is not None and other is not None:
            pairs.append((one, other))
            changed = [_replaced(type, one, other) for type in changed]
    return MustBe(*pairs[-1]) if len(pairs) > 1 and fit(changed) else None


def _term_by_term(types: Sequence[TensorType], fit: Callable[[list[TensorType]], bool]) -> MustBe | None:
    """The first of several that must be equal at once: of ``m0 + m1`` and ``m2 + m3``, ``m2`` to ``m0``."""
    sums = [size for type in types for size in type.sizes if isinstance(size, Dim) and measured_in(size)]
    for a in sums:
        for b in sums:
            pairs = _pairs(a, b)
            changed = list(types)
            for one, other in pairs:
                changed = [_replaced(type, one, atom(other)) for type in changed]
            if pairs and fit(changed):
                return MustBe(pairs[0][0], atom(pairs[0][1]))
    return None


def _pairs(a: Dim, b: Dim) -> list[tuple[Measured, Measured]]:
    """The measured sizes at the same places of two sums of which the first was told later."""
    if len(a.terms) != len(b.terms) or [*a.terms.values()] != [*b.terms.values()]:
        return []
    firsts, seconds = ([*map(tuple, size.terms)] for size in (a, b))
    pairs = [(x[0], y[0]) for x, y in zip(firsts, seconds, strict=True) if len(x) == len(y) == 1 and x != y]
    if not all(isinstance(thing, Measured) for pair in pairs for thing in pair):
        return []
    return pairs if all(_order(one) > _order(other) for one, other in pairs) else []


def _order(size: Measured) -> int:
    """When a size was counted: ``m10`` after ``m9``."""
    return int(size.name[1:])


def _is_known_before(other: DimLike, one: Measured) -> bool:
    """Whether a measured size can be checked to be another: all that this mentions was counted before."""
    return all(_order(size) < _order(one) for size in measured_in(other))


def _by_elements(one: Measured, types: Sequence[TensorType]) -> Iterator[DimLike]:
    """What a measured size must be so that two of the types have as many elements, or two sizes are equal."""
    for a in types:
        each = coefficient(a.elements, one)
        for b in types:
            if each and atom(one) * each == a.elements and floordiv(b.elements, each) * each == b.elements:
                yield floordiv(b.elements, each)
    sizes = [size for type in types for size in type.sizes]
    for first in sizes:
        rest = first - atom(one)
        if one in atoms(first) and one not in atoms(rest):  # ``one + rest == second``
            yield from (second - rest for second in sizes if one not in atoms(second - rest))


def settle(size: DimLike, other: DimLike) -> None:
    """:class:`MustBe` where the sizes differ, and one of them is measured when the other is known."""
    for a, b in ((size, other), (other, size)):
        for counted in measured_in(a):
            if a == atom(counted) and _is_known_before(b, counted):
                raise MustBe(counted, b)


def _replaced(type: TensorType, one: Measured, other: DimLike) -> TensorType:
    return TensorType(type.dtype, tuple(_with(size, one, other) for size in type.sizes))


def _with(size: DimLike, one: Measured, other: DimLike) -> DimLike:
    """A size with another in place of a measured one."""
    return substitute(size, lambda thing: other if thing == one else atom(thing))


def is_measured(size: object) -> bool:
    """Whether a size depends on a count."""
    return isinstance(size, Dim) and bool(measured_in(size))


def _are_equal(a: Tensor, b: Tensor) -> bool:
    """Whether the same ops compute two tensors from the same inputs."""
    waiting = [(a, b)]
    seen: set[tuple[Operation, Operation]] = set()
    while waiting:
        a, b = waiting.pop()
        if a is b or (a.op, b.op) in seen:
            continue
        kinds_differ = a.op.kind.by_identity or a.op.kind != b.op.kind or a.value_index != b.value_index
        if kinds_differ or len(a.op.inputs) != len(b.op.inputs):
            return False
        seen.add((a.op, b.op))
        waiting.extend(zip(a.op.inputs, b.op.inputs, strict=True))
    return True
