"""Fourier transforms as small matrix products: what :mod:`complexes` makes of a node FFT, whose length is known then.

Before, with ``a + ib`` for ``x``::

    y: c64[2,4] = FFT(x)

After::

    y: f32[8,8] = Const(value=<64 elements>)
    y_1: f32[2,8] = ConcatV2(a, b, axis=1)
    y_2: f32[2,8] = MatMul(y_1, y, transpose_b=True)
    y_3: f32[2,4] = Slice(y_2, begin=[0,0], size=[2,4])
    y_4: f32[2,4] = Slice(y_2, begin=[0,4], size=[2,4])
    return y_3, y_4

A length ``n = n1 n2`` is transformed in two steps (Cooley and Tukey 1965, in the form of Bailey 1990): with
``j = n2 j1 + j2`` and ``k = k1 + n1 k2``,

    y[k1, j2] = sum over j1 of x[j1, j2] w1^(j1 k1)           a product with the n1 x n1 matrix of a short transform
    y[k1, j2] *= w^(j2 k1)                                     numbers that are known: the twiddles
    z[k1, k2] = sum over j2 of y[k1, j2] w2^(j2 k2)           the short transform of length n2, or two steps again

so that ``n log n`` multiplications do, in blocks that run as fast as matrix products do. A product of complex numbers
is one of real ones, of the parts one below the other:

    [re]   [ c  -s ] [re]
    [im] = [ s   c ] [im]

A length with a prime factor that is no short transform is a convolution with a chirp, of a length that is a power of
two (Bluestein 1970). All that is known is computed in float64 and rounded once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from graphc.dims import DimLike, product
from graphc.nodes import Tensor
from graphc.ops.arrays import ConcatV2
from graphc.ops.base import apply, constant
from graphc.ops.blocks import along, flip, pad_edges
from graphc.ops.contraction import matmul
from graphc.ops.reshaping import BroadcastTo, Reshape, Transpose
from graphc.ops.shape_values import NeedsNumbers
from graphc.passes.complex_formulas import Pair, multiply

SHORT = 64  # the longest transform that is one product
PASS = 40  # what a further step costs, in multiplications for each number: once more through memory
LONGEST_PRIME = 160  # for a prime factor, one product is cheaper up to here than two transforms of twice its length


def transform(x: Pair, axis: int, inverse: bool, scaled: bool) -> Pair:
    """The transform along ``axis``, counted from the end."""
    sizes = x.re.type.sizes
    n = _known(sizes[axis])
    place = len(sizes) + axis
    outer, inner = product(sizes[:place]), product(sizes[place + 1 :])
    flat = _each(x, (outer, n, inner))
    result = _Transform(1 if inverse else -1).of(flat, 1 / n if scaled else 1.0)
    return Pair(_reshaped(result.re, sizes), _reshaped(result.imag, sizes))


def real_transform(x: Tensor) -> Pair:
    """The first half of the transform of real numbers along the last axis."""
    sizes = x.type.sizes
    n = _known(sizes[-1])
    half = n // 2 + 1
    result = _Transform(-1, kept=half).of(Pair(_reshaped(x, (product(sizes[:-1]), n, 1))), 1.0)
    return Pair(_reshaped(result.re, (*sizes[:-1], half)), _reshaped(result.imag, (*sizes[:-1], half)))


def inverse_real_transform(x: Pair, length: DimLike | None, scaled: bool) -> Tensor:
    """The real numbers of which the first half of the transform is given: the other half is conjugate, backwards."""
    sizes = x.re.type.sizes
    n = _known(length)
    outer = product(sizes[:-1])
    re, im = (_reshaped(part, (outer, n // 2 + 1, 1)) for part in (x.re, _full(x)))
    if n > 2:
        last = (n + 1) // 2
        re = apply(ConcatV2(1), re, flip(along(re, 1, 1, last), (1,)))
        im = apply(ConcatV2(1), im, -flip(along(im, 1, 1, last), (1,)))
    result = _Transform(1, only_real=True).of(Pair(re, im), 1 / n if scaled else 1.0)
    return _reshaped(result.re, (*sizes[:-1], n))


def _known(size: Any) -> int:
    if not isinstance(size, int):
        raise NeedsNumbers(
            f"a Fourier transform is another program for each length; the length here is {size}, wanted a number"
        )
    return size


def _full(x: Pair) -> Tensor:
    """The imaginary part in the shape of the real one."""
    return x.im if x.im is not None else apply(BroadcastTo(x.re.type.shape), x.imag)


def _reshaped(x: Tensor, sizes: Any) -> Tensor:
    return x if x.type.shape == tuple(sizes) else apply(Reshape(tuple(sizes)), x)


def _turns(sign: int, products: Any, n: int) -> Any:
    """``exp(2 pi i sign p / n)`` of whole numbers p, reduced first so that nothing is lost; quarters are exact."""
    places = sign * products % n
    quarters = np.array([1, 1j, -1, -1j])[4 * places // n]
    return np.where(4 * places % n == 0, quarters, np.exp(2j * np.pi * places / n))


class _Transform:
    """Transforms with ``exp(sign 2 pi i j k / n)``; ``kept`` of the results are wanted, or only their real parts."""

    def __init__(self, sign: int, kept: int | None = None, only_real: bool = False):
        self.sign, self.kept, self.only_real = sign, kept, only_real

    def of(self, x: Pair, factor: float) -> Pair:
        """The transform along the middle axis of ``x: [outer, n, inner]``, times a factor."""
        outer, n, inner = _sizes(x)
        steps = factors(n)
        if len(steps) == 1:
            return self._product(x, factor) if n <= LONGEST_PRIME else self._chirped(x, factor)
        n1 = steps[0]
        n2 = n // n1
        first = _Transform(self.sign).of(_each(x, (outer, n1, n2 * inner)), 1.0)
        turns = _turns(self.sign, np.outer(np.arange(n1), np.arange(n2)), n)[None, :, :, None]
        turned = multiply(_each(first, (outer, n1, n2, inner)), _constants(turns, x.re))
        rest = _Transform(self.sign, None if self.kept is None else (self.kept - 1) // n1 + 1, self.only_real)
        second = rest.of(_each(turned, (outer * n1, n2, inner)), factor)
        count = _sizes(second)[1]
        split = _each(second, (outer, n1, count, inner))
        whole = _each(split.each(lambda part: apply(Transpose((0, 2, 1, 3)), part)), (outer, count * n1, inner))
        return whole if self.kept is None else _first(whole, self.kept)

    def _product(self, x: Pair, factor: float) -> Pair:
        """One product with the matrix of the transform."""
        outer, n, inner = _sizes(x)
        kept = n if self.kept is None else self.kept
        turns = factor * _turns(self.sign, np.outer(np.arange(kept), np.arange(n)), n)
        c, s = turns.real, turns.imag
        columns = [np.vstack([c] if self.only_real else [c, s])]
        if x.im is not None:
            columns.append(np.vstack([-s] if self.only_real else [-s, c]))
        matrix = constant(np.hstack(columns).astype(x.re.dtype.numpy))
        stacked = x.re if x.im is None else apply(ConcatV2(1), x.re, x.im)
        if inner == 1:
            flat = _reshaped(stacked, (outer, matrix.type.sizes[1]))
            y = _reshaped(matmul(flat, matrix, transpose_b=True), (outer, matrix.type.sizes[0], 1))
        else:
            y = matmul(matrix, stacked)
        return Pair(y) if self.only_real else Pair(along(y, 1, 0, kept), along(y, 1, kept, 2 * kept))

    def _chirped(self, x: Pair, factor: float) -> Pair:
        """``jk = (j^2 + k^2 - (k - j)^2) / 2``: a product, a convolution and a product with chirps."""
        n = _sizes(x)[1]
        kept = n if self.kept is None else self.kept
        longer = 1 << (2 * n - 2).bit_length()
        places = np.arange(n)
        chirp = _turns(self.sign, places * places, 2 * n)
        kernel = np.zeros(longer, complex)
        kernel[:n] = chirp.conj()
        kernel[longer - n + 1 :] = chirp.conj()[1:][::-1]
        turned = multiply(x, _constants(chirp[None, :, None], x.re))
        padded = Pair(*(pad_edges(part, (0, 0, 0), (0, longer - n, 0)) for part in (turned.re, turned.imag)))
        spectrum = multiply(_Transform(-1).of(padded, 1.0), _constants(np.fft.fft(kernel)[None, :, None], x.re))
        convolved = _first(_Transform(1, kept).of(spectrum, 1 / longer), kept)
        return multiply(convolved, _constants(factor * chirp[None, :kept, None], x.re))


def _sizes(x: Pair) -> tuple[DimLike, int, DimLike]:
    outer, n, inner = x.re.type.sizes
    return outer, _known(n), inner


def _each(x: Pair, sizes: Any) -> Pair:
    return x.each(lambda part: _reshaped(part, sizes))


def _first(x: Pair, count: int) -> Pair:
    """The first positions of the middle axis."""
    return x.each(lambda part: along(part, 1, 0, count))


def _constants(values: Any, like: Tensor) -> Pair:
    return Pair(*(constant(np.ascontiguousarray(part).astype(like.dtype.numpy)) for part in (values.real, values.imag)))


def factors(n: int) -> tuple[int, ...]:
    """The lengths of the steps for a transform of length n, whose product it is: those that cost least together."""
    return _cheapest(n)[1]


@cache
def _cheapest(n: int) -> tuple[int, tuple[int, ...]]:
    """What the steps cost for each number, and the steps."""
    divisors = [d for d in range(2, int(n**0.5) + 1) if n % d == 0]
    found: list[tuple[int, tuple[int, ...]]] = [(n + PASS, (n,))] if n <= SHORT or not divisors else []
    for d in {*divisors, *(n // d for d in divisors)}:
        if d <= SHORT or not any(other < d and d % other == 0 for other in divisors):
            cost, rest = _cheapest(n // d)
            found.append((d + PASS + cost, (d, *rest)))
    return min(found)
