"""Reshaping to sizes that are known only while the step runs: a copy, so that nothing is read beyond the elements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import Dim, DimLike, floordiv, product, symbol
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, constant
from graphc.ops.blocks import along
from graphc.ops.indexing import GatherV2
from graphc.ops.measured import FOLLOWED, CheckSize, is_measured, measure, measured_value, require
from graphc.ops.reshaping import Reshape, dim_value, reshape
from graphc.ops.sequences import Iota
from graphc.ops.shape_values import MAX_ELEMENTS, compute

_COMPUTED = frozenset({"Add", "Mul", "NotNegative"})  # what comes out is no entry that was given
Open = dict[Dim, Tensor]  # entries that may turn out to be -1, each as an i64[]


def reshaped(x: Tensor, shape: Any, *told: tuple[Tensor, Any]) -> Tensor:
    """``x`` under a shape, or under the one that a tensor tells, with its value as far as that is known.

    One entry may be -1. It is an error of the step where the numbers of elements differ.
    """
    total, old = x.type.elements, x.type.sizes
    sizes = list(shape) if not told else _told(*told[0], old)
    if -1 in sizes and (0 in sizes or not _divides(product(size for size in sizes if size != -1), total)):
        # of sizes that may be 0 themselves, those that are not are told by data
        minus = constant(-1, dtypes.int64)
        sizes = _measured(sizes, _filled(sizes, [minus if size == -1 else None for size in sizes], old))
    if -1 in sizes:
        rest = floordiv(total, product(size for size in sizes if size != -1))
        sizes = [rest if size == -1 else size for size in sizes]
    require(product(sizes), total)
    flat = apply(Reshape((total,)), x)
    return apply(Reshape(tuple(sizes)), apply(GatherV2(0), flat, apply(Iota(product(sizes), dtypes.int64))))


def _divides(given: DimLike, total: DimLike) -> bool:
    """Whether what is given leaves the same of all elements, be there none or some: it is never 0, or a factor."""
    return not is_measured(given) or floordiv(total, given) * given == total


def _told(shape: Tensor, value: Any, old: Sequence[DimLike]) -> list[DimLike]:
    """The entries of a shape; those that data decides are measured, one of them being what remains if it is -1."""
    opened: Open = {}
    entries = list(_entries(shape, {shape: value}, opened).reshape(-1))
    told = [opened.get(entry) for entry in entries]
    if opened and -1 not in entries:
        told = _filled(entries, told, old)
    return _measured(entries, told)


def _measured(entries: Sequence[DimLike], told: Sequence[Tensor | None]) -> list[DimLike]:
    return [
        entry if count is None else measure(apply(CheckSize(), count), None)
        for entry, count in zip(entries, told, strict=True)
    ]


def _entries(sizes: Tensor, known: dict[Tensor, Any], opened: Open) -> Any:
    """The entries of a list of sizes; what is read from data as it stands is a symbol in ``opened``."""
    if known.get(sizes) is not None or sizes.op.type in _COMPUTED or not _is_short(sizes):
        return measured_value(sizes, known)
    value = None
    if sizes.op.type in FOLLOWED or not sizes.op.inputs:
        inputs = [_entries(x, known, opened) for x in sizes.op.inputs]
        value = compute(sizes, [x.type for x in sizes.op.inputs], inputs)
    return _opened(sizes, opened) if value is None else value


def _is_short(sizes: Tensor) -> bool:
    count = sizes.type.elements
    return sizes.dtype.is_integer and isinstance(count, int) and count <= MAX_ELEMENTS


def _opened(sizes: Tensor, opened: Open) -> Any:
    count = sizes.type.elements
    flat = e.cast(reshape(sizes, (count,)), dtypes.int64)
    names = [symbol(f"?{sizes.name}.{n}") for n in range(count)]  # type: ignore[arg-type]
    opened.update((name, reshape(along(flat, 0, n, n + 1), ())) for n, name in enumerate(names))
    return np.array(names, object).reshape(sizes.type.sizes)


def _filled(entries: Sequence[DimLike], told: Sequence[Tensor | None], old: Sequence[DimLike]) -> list[Tensor | None]:
    """What data tells with the first -1 replaced by what the other sizes leave of ``old``, as :class:`Reshape` does."""
    one, minus = constant(1, dtypes.int64), constant(-1, dtypes.int64)
    new = [
        dim_value(entry, dtypes.int64) if count is None else count for entry, count in zip(entries, told, strict=True)
    ]
    sizes = [dim_value(size, dtypes.int64) for size in old]
    has_zero = _any([e.equal(size, constant(0, dtypes.int64)) for size in new])
    left = e.select(has_zero, _times([e.maximum(size, one) for size in sizes]), _times(sizes))
    given = _times([e.maximum(size, one) for size in new])
    rest = e.floordiv(left, e.maximum(given, one))  # of sizes whose product no number holds, some other is refused
    free = constant(True)  # whether there was no -1 yet
    filled: list[Tensor | None] = []
    for count in told:
        if count is not None:
            is_rest = e.logical_and(free, e.equal(count, minus))
            count = e.select(is_rest, rest, count)
            free = e.logical_and(free, e.logical_not(is_rest))
        filled.append(count)
    return filled


def _times(numbers: Sequence[Tensor]) -> Tensor:
    return reduce(e.multiply, numbers, constant(1, dtypes.int64))


def _any(found: Sequence[Tensor]) -> Tensor:
    return reduce(e.logical_or, found, constant(False))
