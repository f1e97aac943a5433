"""Amounts that a person can read: ``1.2 MFLOP``, and ``6.6·batch MFLOP`` where a size is a symbol.

A size is a polynomial of symbols and floor divisions. In a picture it is told about: divisions are taken as exact, and
a term is left out that never makes up a hundredth of another.
"""

from __future__ import annotations

from graphc.dims import Dim, DimLike, FloorDiv

PREFIXES = ((10**9, "G"), (10**6, "M"), (10**3, "k"), (1, ""))
SEEN = 0.01  # of the largest term
ROUNDING = 2  # what dividing and rounding up, twice, adds at most

Terms = dict[tuple[str, ...], float]  # the symbols of each term, sorted, and its factor; () is the constant


def amount(count: DimLike, unit: str) -> str:
    """The count with a unit and its prefix."""
    terms = approximate(count)
    largest = max(map(abs, terms.values()), default=0.0)
    factor, prefix = next((pair for pair in PREFIXES if largest >= pair[0]), (1, ""))
    return f"{_sum_text(terms, factor)} {prefix}{unit}"


def number(count: DimLike) -> str:
    """The count alone, of something that is rounded up."""
    terms = approximate(count)
    if len(terms) > 1 and terms.get((), ROUNDING) < ROUNDING:
        del terms[()]
    if len(terms) == 1 and 0 < next(iter(terms.values())) < 1:
        ((symbols, factor),) = terms.items()
        return f"{'·'.join(symbols)}/{_digits(1 / factor)}"
    return _sum_text(terms, 1)


def approximate(count: DimLike) -> Terms:
    """The terms of a polynomial that matter."""
    terms = _terms(count)
    return {
        symbols: factor
        for symbols, factor in terms.items()
        if not any(set(symbols) <= set(other) and abs(factor) < SEEN * abs(f) for other, f in terms.items())
    }


def _terms(count: DimLike) -> Terms:
    if not isinstance(count, Dim):
        return {(): float(count)}
    terms: Terms = {}
    for monomial, factor in count.terms.items():
        product: Terms = {(): float(factor)}
        for thing in monomial:
            product = _times(product, _atom_terms(thing))
        for symbols, value in product.items():
            terms[symbols] = terms.get(symbols, 0.0) + value
    return terms


def _atom_terms(thing: object) -> Terms:
    if isinstance(thing, FloorDiv) and isinstance(thing.denominator, int):
        return {symbols: value / thing.denominator for symbols, value in _terms(thing.numerator).items()}
    return {(str(thing),): 1.0}


def _times(left: Terms, right: Terms) -> Terms:
    product: Terms = {}
    for one, a in left.items():
        for other, b in right.items():
            symbols = tuple(sorted((*one, *other)))
            product[symbols] = product.get(symbols, 0.0) + a * b
    return product


def _sum_text(terms: Terms, unit: int) -> str:
    """``6.6·batch + 1.5``, the highest powers first."""
    ordered = sorted(terms.items(), key=lambda term: (-len(term[0]), term[0]))
    return " + ".join("·".join((_digits(factor / unit), *symbols)) for symbols, factor in ordered).replace("+ -", "- ")


def _digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:.0f}"
