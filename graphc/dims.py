"""Sizes and positions that may be symbols: one small algebra of integer polynomials.

A dimension is an ``int`` or a :class:`Dim`. A ``Dim`` is a polynomial with integer coefficients over
*atoms*: symbols (the batch size ``n``), loop variables, and floor divisions of other polynomials.
Whatever is constant is an ``int`` again, so code written for numbers works for symbols too::

    n = symbol("n")
    n * 28 * 28 // 784          # -> n
    (n + 2) * (n - 2)           # -> n*n - 4

A remainder is written ``x - (x // m) * m``; that is why reshaping back and forth cancels by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import gcd
from typing import Any, Union

from graphc.records import record

DimLike = Union[int, "Dim"]


@record
class Symbol:
    """A named whole number: a size when ``extent`` is None, else a position with ``0 <= it < extent``."""

    name: str
    extent: DimLike | None = None

    def __str__(self) -> str:
        return self.name


@record
class Measured(Symbol):
    """A size that the step itself counts while it runs: at least 0, and at most ``most`` unless that is None.

    One that is ``kept`` is told though nothing mentions it: there is something to check about it. Where it checks that
    a size ``checked`` is at least 0, all that mentions what this follows from waits for it.
    """

    most: DimLike | None = 0
    kept: bool = False
    checked: DimLike = 0


@record
class FloorDiv:
    """The whole part of ``numerator / denominator``; the denominator is positive."""

    numerator: Dim
    denominator: DimLike

    def __str__(self) -> str:
        return f"(({self.numerator})//({self.denominator}))"


Atom = Any  # Symbol, FloorDiv, or any hashable object with a str: later rooms add their own.
Monomial = tuple[Atom, ...]


class Dim:
    """A polynomial that is not a constant; made by arithmetic on :func:`symbol`, never mutated."""

    __slots__ = ("_hash", "terms")

    terms: dict[Monomial, int]

    def __init__(self, terms: dict[Monomial, int]):
        self.terms = terms
        self._hash = hash(frozenset(terms.items()))

    def __reduce__(self) -> tuple[type[Dim], tuple[dict[Monomial, int]]]:
        return Dim, (self.terms,)  # hashes of texts are another process's own

    def __add__(self, other: DimLike) -> DimLike:
        return _sum(_terms(self), _terms(other))

    __radd__ = __add__

    def __neg__(self) -> DimLike:
        return Dim({monomial: -factor for monomial, factor in self.terms.items()})

    def __sub__(self, other: DimLike) -> DimLike:
        return self + (-other)

    def __rsub__(self, other: DimLike) -> DimLike:
        return -self + other

    def __mul__(self, other: DimLike) -> DimLike:
        if isinstance(other, int):
            return _make({m: f * other for m, f in self.terms.items()})
        if not isinstance(other, Dim):
            return NotImplemented
        product: dict[Monomial, int] = {}
        for left, left_factor in self.terms.items():
            for right, right_factor in other.terms.items():
                monomial = tuple(sorted(left + right, key=str))
                product[monomial] = product.get(monomial, 0) + left_factor * right_factor
        return _make(product)

    __rmul__ = __mul__

    def __floordiv__(self, other: DimLike) -> DimLike:
        return floordiv(self, other)

    def __rfloordiv__(self, other: int) -> DimLike:
        return floordiv(other, self)

    def __mod__(self, other: DimLike) -> DimLike:
        return self - floordiv(self, other) * other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        parts = [_term_text(m, f) for m, f in sorted(self.terms.items(), key=_print_order)]
        return "+".join(parts).replace("+-", "-")

    __repr__ = __str__


def symbol(name: str, extent: DimLike | None = None) -> Dim:
    """A dimension known only by name; with ``extent``, a position that runs from 0 to ``extent - 1``."""
    return Dim({(Symbol(name, extent),): 1})


def atom(thing: Atom) -> Dim:
    """The polynomial that is just ``thing``: any hashable object whose ``str`` names it."""
    return Dim({(thing,): 1})


def product(sizes: Iterable[DimLike]) -> DimLike:
    """The number of elements of a block of these sizes; 1 for no sizes."""
    count: DimLike = 1
    for size in sizes:
        count = count * size
    return count


def floordiv(numerator: DimLike, denominator: DimLike) -> DimLike:
    """``numerator // denominator``, exact parts divided out and a remainder known to be small dropped."""
    if isinstance(numerator, int) and isinstance(denominator, int):
        return numerator // denominator if denominator else 0  # only what is counted can be 0, and is checked
    if denominator == 1:
        return numerator
    whole, rest = _divide(_terms(numerator), denominator)
    if rest == 0 or _is_within(rest, denominator):
        return whole
    if isinstance(rest, int) and isinstance(denominator, int):
        return whole + rest // denominator
    coarse = _coarser(_terms(rest), denominator) if isinstance(denominator, int) else None
    if coarse is not None:
        return whole + coarse
    return whole + atom(FloorDiv(rest if isinstance(rest, Dim) else _as_dim(rest), denominator))


def ceildiv(numerator: DimLike, denominator: int) -> DimLike:
    """The least whole number not below ``numerator / denominator``."""
    return floordiv(numerator + denominator - 1, denominator)


def evaluate(dim: DimLike, values: Mapping[Atom, int]) -> int:
    """The number that ``dim`` is when each of its atoms has the value given (looked up by atom or by name)."""
    result = substitute(dim, lambda thing: values[thing] if thing in values else values[thing.name])
    if not isinstance(result, int):
        raise TypeError(f"not a number after substitution: {result}")
    return result


def substitute(dim: DimLike, replace: Callable[[Atom], DimLike]) -> DimLike:
    """``dim`` with every atom replaced; floor divisions are taken apart and done again."""
    if isinstance(dim, int):
        return dim
    total: DimLike = 0
    for monomial, factor in dim.terms.items():
        term: DimLike = factor
        for thing in monomial:
            term = term * _substitute_atom(thing, replace)
        total = total + term
    return total


def atoms(dim: DimLike) -> set[Atom]:
    """Every atom that ``dim`` mentions, those inside floor divisions included."""
    found: set[Atom] = set()
    if isinstance(dim, int):
        return found
    for monomial in dim.terms:
        for thing in monomial:
            found.add(thing)
            if isinstance(thing, FloorDiv):
                found |= atoms(thing.numerator) | atoms(thing.denominator)
    return found


def measured_in(dim: Any) -> set[Measured]:
    """The sizes that ``dim`` mentions and that are counted while the step runs."""
    return {thing for thing in atoms(dim) if isinstance(thing, Measured)} if isinstance(dim, Dim) else set()


def is_bounded(dim: DimLike) -> bool:
    """Whether it is known before the step runs how large a size can be."""
    return all(size.most is not None for size in measured_in(dim))


def most(dim: DimLike) -> DimLike:
    """A size that ``dim``, a bounded size itself, never exceeds, whatever is counted: what room for it must have."""
    if not measured_in(dim):
        return dim
    total: DimLike = 0
    for monomial, factor in dim.terms.items():  # type: ignore[union-attr]
        counted = any(measured_in(atom(thing)) for thing in monomial)
        if not counted:
            total = total + _make({monomial: factor})
        elif factor > 0:
            total = total + factor * product(map(_most_of_atom, monomial))
    return max(total, 0) if isinstance(total, int) else total  # what counts leave less of is no size, and is refused


def _most_of_atom(thing: Atom) -> DimLike:
    if isinstance(thing, Measured):
        assert thing.most is not None, f"{thing} has no bound"
        return thing.most
    if isinstance(thing, FloorDiv) and measured_in(atom(thing)):
        return floordiv(most(thing.numerator), 1 if measured_in(thing.denominator) else thing.denominator)
    return atom(thing)


def coefficient(dim: DimLike, thing: Atom) -> DimLike | None:
    """The factor of ``thing`` in ``dim`` where ``dim`` is linear in it, 0 where absent, else None."""
    if isinstance(dim, int):
        return 0
    factor: DimLike = 0
    for monomial, number in dim.terms.items():
        rest = [other for other in monomial if other != thing]
        if len(rest) == len(monomial):
            if any(thing in atoms(atom(other)) for other in monomial if isinstance(other, FloorDiv)):
                return None
            continue
        if len(rest) < len(monomial) - 1:
            return None
        factor = factor + _make({tuple(rest): number})
    return factor


def row_major_strides(sizes: Sequence[DimLike]) -> tuple[DimLike, ...]:
    """The distance in elements between neighbours along each axis of a packed row-major block."""
    strides: list[DimLike] = []
    step: DimLike = 1
    for size in reversed(sizes):
        strides.append(step)
        step = step * size
    return tuple(reversed(strides))


def _terms(value: DimLike) -> dict[Monomial, int]:
    if isinstance(value, Dim):
        return value.terms
    return {(): int(value)} if value else {}


def _make(terms: dict[Monomial, int]) -> DimLike:
    kept = {monomial: factor for monomial, factor in terms.items() if factor}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    return Dim(kept)


def _as_dim(value: DimLike) -> Dim:
    return value if isinstance(value, Dim) else Dim(_terms(value))


def _sum(left: dict[Monomial, int], right: dict[Monomial, int]) -> DimLike:
    total = dict(left)
    for monomial, factor in right.items():
        total[monomial] = total.get(monomial, 0) + factor
    return _make(total)


def _divide(terms: dict[Monomial, int], denominator: DimLike) -> tuple[DimLike, DimLike]:
    """Quotient and remainder, where the quotient takes every term that the leading term divides exactly."""
    divisor = _terms(denominator)
    lead, lead_factor = max(divisor.items(), key=lambda term: (len(term[0]), str(term[0])))
    tail = {m: f for m, f in divisor.items() if m != lead}
    whole: DimLike = 0
    rest: DimLike = _make(dict(terms))
    for _ in range(len(terms) + 4):
        step = _first_divisible(_terms(rest), lead, lead_factor)
        if step is None:
            return whole, rest
        whole = whole + step
        rest = rest - step * denominator if tail else _make(_without(_terms(rest), step, lead, lead_factor))
    return whole, rest


def _coarser(terms: dict[Monomial, int], denominator: int) -> DimLike | None:
    """``(12*i + j) // 36 -> i // 3`` where ``0 <= j < 12``; None where there is no such common part."""
    for step in sorted({gcd(factor, denominator) for factor in terms.values()} - {1, denominator}, reverse=True):
        if _is_within(_make({m: f for m, f in terms.items() if f % step}), step):
            return floordiv(_make({m: f // step for m, f in terms.items() if f % step == 0}), denominator // step)
    return None


def _first_divisible(terms: dict[Monomial, int], lead: Monomial, lead_factor: int) -> DimLike | None:
    for monomial, factor in terms.items():
        remaining = _remove(monomial, lead)
        if remaining is not None and factor % lead_factor == 0:
            return _make({remaining: factor // lead_factor})
    return None


def _without(terms: dict[Monomial, int], step: DimLike, lead: Monomial, lead_factor: int) -> dict[Monomial, int]:
    gone = {tuple(sorted(m + lead, key=str)): f * lead_factor for m, f in _terms(step).items()}
    return {m: f - gone.get(m, 0) for m, f in terms.items()}


def _remove(monomial: Monomial, part: Monomial) -> Monomial | None:
    remaining = list(monomial)
    for thing in part:
        if thing not in remaining:
            return None
        remaining.remove(thing)
    return tuple(remaining)


def _is_within(value: DimLike, limit: DimLike) -> bool:
    """Whether ``0 <= value < limit`` follows from the extents of the positions in ``value``."""
    if isinstance(value, int) and isinstance(limit, int):
        return 0 <= value < limit
    largest: DimLike = 0
    for monomial, factor in _terms(value).items():
        if factor < 0:
            return False
        term: DimLike = factor
        for thing in monomial:
            extent = getattr(thing, "extent", None)
            if extent is None:
                if not isinstance(thing, Symbol):
                    return False
                term = term * atom(thing)
            else:
                term = term * (extent - 1)
        largest = largest + term
    return is_nonnegative(limit - largest - 1)


def is_nonnegative(value: DimLike) -> bool:
    """Whether ``value >= 0`` is certain: no term is negative; a symbol without extent is a size and so at least 1.

    What is counted while the step runs may be 0, and is no more than its bound.
    """
    terms = dict(_terms(value))
    least = terms.pop((), 0)
    for monomial, factor in terms.items():
        if factor < 0 and len(monomial) == 1 and getattr(monomial[0], "most", None) is not None:
            return is_nonnegative(value - factor * atom(monomial[0]) + factor * monomial[0].most)
        smallest = _smallest(monomial)
        if factor < 0 or smallest is None:
            return False
        least += factor * smallest
    return least >= 0


def _smallest(monomial: Monomial) -> int | None:
    """What a product of atoms is at least: 1 for sizes, 0 where a position or a quotient is among them, else None."""
    for thing in monomial:
        if isinstance(thing, FloorDiv) and not (is_nonnegative(thing.numerator) and is_nonnegative(thing.denominator)):
            return None
    sizes_only = all(type(thing) is Symbol and thing.extent is None for thing in monomial)
    return 1 if sizes_only else 0


def _substitute_atom(thing: Atom, replace: Callable[[Atom], DimLike]) -> DimLike:
    if isinstance(thing, FloorDiv):
        return floordiv(substitute(thing.numerator, replace), substitute(thing.denominator, replace))
    return replace(thing)


def _term_text(monomial: Monomial, factor: int) -> str:
    names = "*".join(str(thing) for thing in monomial)
    if not names:
        return str(factor)
    return names if factor == 1 else f"-{names}" if factor == -1 else f"{factor}*{names}"


def _print_order(term: tuple[Monomial, int]) -> tuple[int, str]:
    return (-len(term[0]), str([str(thing) for thing in term[0]]))
