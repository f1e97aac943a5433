"""Products of complex numbers over an axis, of matrices or of all the numbers along it: part of :mod:`complexes`.

Before, with ``x`` and ``z`` of the dtype complex64::

    y: c64[2,4] = MatMul(x, z)

After, with ``a + ib`` for ``x`` and ``c + id`` for ``z``::

    y: f32[2,4] = MatMul(a, c)
    y_1: f32[2,4] = MatMul(b, d)
    y_2: f32[2,4] = Sub(y, y_1)
    y_3: f32[2,4] = MatMul(a, d)
    y_4: f32[2,4] = MatMul(b, c)
    y_5: f32[2,4] = Add(y_3, y_4)
    return y_2, y_5
"""

from __future__ import annotations

from typing import Any

from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import ConcatV2
from graphc.ops.base import apply
from graphc.ops.blocks import along
from graphc.ops.matrices import MatrixSolve
from graphc.ops.reduction import Reduce
from graphc.ops.reshaping import BroadcastTo, Squeeze
from graphc.passes.complex_formulas import Pair, absolute, angle, multiply


def matrix_product(kind: Any, a: Pair, b: Pair) -> Pair:
    """``a @ b``: four products of real matrices, fewer where a part is 0."""
    if a.im is None:
        return Pair(apply(kind, a.re, b.re), None if b.im is None else apply(kind, a.re, b.im))
    if b.im is None:
        return Pair(apply(kind, a.re, b.re), apply(kind, a.im, b.re))
    re = apply(kind, a.re, b.re) - apply(kind, a.im, b.im)
    return Pair(re, apply(kind, a.re, b.im) + apply(kind, a.im, b.re))


def solution(kind: MatrixSolve, a: Pair, b: Pair) -> Pair:
    """The x with ``a x = b``, of real matrices twice as large: ``[[re, -im], [im, re]] [x; y] = [re b; im b]``."""
    rank = len(a.re.type.sizes)
    re, im = a.re, _whole_imag(a)
    rows = [apply(ConcatV2(rank - 1), left, right) for left, right in ((re, -im), (im, re))]
    both = apply(kind, apply(ConcatV2(rank - 2), *rows), apply(ConcatV2(rank - 2), b.re, _whole_imag(b)))
    size: Any = b.re.type.sizes[rank - 2]
    return Pair(along(both, rank - 2, 0, size), along(both, rank - 2, size, None))


def _whole_imag(x: Pair) -> Tensor:
    return x.im if x.im is not None else apply(BroadcastTo(x.re.type.sizes), x.imag)


def product_along(kind: Reduce, x: Pair) -> Pair:
    """The product over the axes of ``kind``, one after the other."""
    if x.im is None:
        return Pair(apply(kind, x.re))
    sizes = x.re.type.sizes
    axes = tuple(range(len(sizes))) if kind.axes is None else kind.axes
    if not all(isinstance(sizes[axis], int) for axis in axes):
        return _by_angles(Reduce("Prod", axes, kind.keep_dims), x)
    for axis in axes:
        x = _halved(x, axis)
    if kind.keep_dims or not axes:
        return x
    return Pair(apply(Squeeze(axes), x.re), apply(Squeeze(axes), x.imag))


def _halved(x: Pair, axis: int) -> Pair:
    """The product along an axis of known size, which stays with size 1: halves times each other again and again."""
    size: Any = x.re.type.sizes[axis]
    if size == 0:
        return Pair(*(apply(Reduce(fn, (axis,), True), part) for fn, part in (("Prod", x.re), ("Sum", x.imag))))
    while size > 1:
        half = size // 2
        product = multiply(_part(x, axis, 0, half), _part(x, axis, half, 2 * half))
        if size % 2:
            last = _part(x, axis, 2 * half, size)
            first = multiply(_part(product, axis, 0, 1), last)
            product = first if half == 1 else _joined(first, _part(product, axis, 1, half), axis)
        x, size = product, half
    return x


def _part(x: Pair, axis: int, begin: int, end: int) -> Pair:
    return Pair(along(x.re, axis, begin, end), along(x.imag, axis, begin, end))


def _joined(a: Pair, b: Pair, axis: int) -> Pair:
    return Pair(apply(ConcatV2(axis), a.re, b.re), apply(ConcatV2(axis), a.imag, b.imag))


def _by_angles(kind: Reduce, x: Pair) -> Pair:
    """The product of the sizes, turned by the sum of the angles: for any number of factors."""
    size, turn = apply(kind, absolute(x)), apply(Reduce("Sum", kind.axes, kind.keep_dims), angle(x))
    return Pair(size * e.cos(turn), size * e.sin(turn))
