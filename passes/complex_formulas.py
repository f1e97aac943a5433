"""Functions of complex numbers, said with their real and imaginary parts: the formulas of :mod:`complexes`.

Before, with ``x`` and ``z`` of the dtype complex64::

    y: c64[3] = Mul(x, z)

After, with ``a + ib`` for ``x`` and ``c + id`` for ``z``::

    y: f32[3] = Mul(a, c)
    y_1: f32[3] = Mul(b, d)
    y_2: f32[3] = Sub(y, y_1)
    y_3: f32[3] = Mul(a, d)
    y_4: f32[3] = Mul(b, c)
    y_5: f32[3] = Add(y_3, y_4)
    return y_2, y_5

Formulas: W. Kahan, Branch Cuts for Complex Elementary Functions (1987); L. Smith, Algorithm 116 (1962), for the scaled
quotient; Abramowitz and Stegun, Handbook of Mathematical Functions, 4.3 and 4.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import special as s
from graphc.ops.arrays import ones_like
from graphc.ops.base import Const, convert_to_tensor


class Pair(NamedTuple):
    """A complex tensor: its real part, and its imaginary part, None where that is 0 everywhere."""

    re: Tensor
    im: Tensor | None = None

    @property
    def imag(self) -> Tensor:
        """The imaginary part as a tensor that broadcasts to the real one."""
        return _number(0, self.re) if self.im is None else self.im

    def each(self, function: Callable[[Tensor], Tensor]) -> Pair:
        """A linear function of both parts."""
        return Pair(function(self.re), None if self.im is None else function(self.im))


def _number(value: float, like: Tensor) -> Tensor:
    return convert_to_tensor(value, like.dtype)


def add(a: Pair, b: Pair) -> Pair:
    """``a + b``."""
    im = b.im if a.im is None else a.im if b.im is None else a.im + b.im
    return Pair(a.re + b.re, im)


def subtract(a: Pair, b: Pair) -> Pair:
    """``a - b``."""
    if b.im is None:
        return Pair(a.re - b.re, a.im)
    return Pair(a.re - b.re, -b.im if a.im is None else a.im - b.im)


def negative(a: Pair) -> Pair:
    """``-a``."""
    return Pair(-a.re, -a.imag)


def conjugate(a: Pair) -> Pair:
    """``re - i im``."""
    return Pair(a.re, None if a.im is None else -a.im)


def multiply(a: Pair, b: Pair) -> Pair:
    """``a b``."""
    if a.im is None:
        return Pair(a.re * b.re, None if b.im is None else a.re * b.im)
    if b.im is None:
        return Pair(a.re * b.re, a.im * b.re)
    return Pair(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)


def square(a: Pair) -> Pair:
    """``a a``."""
    if a.im is None:
        return Pair(e.square(a.re))
    product = a.re * a.im
    return Pair(a.re * a.re - a.im * a.im, product + product)


def divide(a: Pair, b: Pair) -> Pair:
    """``a conj(b) / |b|^2``, with b brought near to 1 first, so that nothing overflows; by 0, each part by +0."""
    if b.im is None:
        return Pair(a.re / b.re, None if a.im is None else a.im / b.re)
    size = e.maximum(e.abs(b.re), e.abs(b.im))
    x, y = (e.select(e.is_inf(part), e.sign(part), part / size) for part in b)  # infinity / infinity is not a number
    over = x * b.re + y * b.im
    top = multiply(a, Pair(x, -y))
    by_zero = e.equal(size, 0.0)
    return Pair(*(e.select(by_zero, part / size, p / over) for part, p in ((a.re, top.re), (a.imag, top.imag))))


def reciprocal(a: Pair) -> Pair:
    """``1 / a``."""
    return divide(Pair(_number(1, a.re)), a)


def absolute(a: Pair) -> Tensor:
    """``|a|``: the greater part times ``sqrt(1 + ratio^2)``."""
    if a.im is None:
        return e.abs(a.re)
    x, y = e.abs(a.re), e.abs(a.im)
    greater, lesser = e.maximum(x, y), e.minimum(x, y)
    # neither 0 / 0 nor infinity / infinity
    ratio = e.select(e.less(lesser, greater), lesser / greater, e.select(e.equal(greater, 0.0), greater, x / x))
    size = greater * e.sqrt(1.0 + ratio * ratio)
    return e.select(e.is_inf(greater), greater, size)


def sign(a: Pair) -> Pair:
    """``a / |a|``, and 0 at 0."""
    if a.im is None:
        return Pair(e.sign(a.re))
    size = absolute(a)
    over = e.select(e.equal(size, 0.0), _number(1, size), size)
    return Pair(a.re / over, a.im / over)


def sqrt(a: Pair) -> Pair:
    """The square root with a real part of at least 0: the part that does not cancel first, the other by division."""
    size = absolute(a)
    x, y = a.re, a.imag
    half = e.sqrt(0.5 * size + 0.5 * e.abs(x))
    quotient = 0.5 * e.abs(y) / e.select(e.equal(half, 0.0), _number(1, half), half)
    other = e.select(e.is_inf(y), e.abs(y), quotient)  # infinity / infinity is not a number
    forward = e.greater_equal(x, 0.0)
    return Pair(e.select(forward, half, other), _signed(e.select(forward, other, half), y))


def _signed(size: Tensor, like: Tensor) -> Tensor:
    """``size`` with the sign of ``like``, that of zeros too: it is on which side of a cut they lie."""
    return e.select(_is_below(like), -size, size)


def _is_below(y: Tensor) -> Tensor:
    """Whether the sign is minus, of zeros too, whose angle tells: that of ``-1 - 0i`` is minus pi."""
    return e.less(e.select(e.equal(y, 0.0), s.atan2(y, _number(-1, y)), y), 0.0)


def rsqrt(a: Pair) -> Pair:
    """``1 / sqrt(a)``."""
    return reciprocal(sqrt(a))


def exp(a: Pair) -> Pair:
    """``e^re (cos im + i sin im)``."""
    size = e.exp(a.re)
    return Pair(size) if a.im is None else Pair(size * e.cos(a.im), _scaled(size, e.sin(a.im)))


def _scaled(size: Tensor, factor: Tensor) -> Tensor:
    """``size factor``, 0 where the factor is 0 even if the size is infinite: a function real on the axis stays so."""
    return e.select(e.equal(factor, 0.0), _clipped(size), size) * factor


def _clipped(x: Tensor) -> Tensor:
    """What lies beyond 1 or -1 brought there; signs of zeros stay."""
    return e.minimum(e.maximum(x, -1.0), 1.0)


def expm1(a: Pair) -> Pair:
    """``exp(a) - 1``, with ``cos y - 1 = -2 sin^2(y/2)``."""
    if a.im is None:
        return Pair(e.expm1(a.re))
    half = e.sin(0.5 * a.im)
    return Pair(e.expm1(a.re) * e.cos(a.im) - 2.0 * half * half, _scaled(e.exp(a.re), e.sin(a.im)))


def angle(a: Pair) -> Tensor:
    """The angle in [-pi, pi]."""
    return s.atan2(a.imag, a.re)


def log(a: Pair) -> Pair:
    """``log |a| + i angle(a)``."""
    return Pair(e.log(absolute(a)), angle(a))


def log1p(a: Pair) -> Pair:
    """``log(1 + a)``; near 0 the size by ``log1p(2x + x^2 + y^2) / 2``."""
    x, y = a.re, a.imag
    moved = Pair(1.0 + x, y)
    near = e.less(e.maximum(e.abs(x), e.abs(y)), 0.5)
    inside = e.select(near, x * (2.0 + x) + y * y, _number(0, x))
    return Pair(e.select(near, 0.5 * e.log1p(inside), e.log(absolute(moved))), angle(moved))


def power(a: Pair, b: Pair) -> Pair:
    """``exp(b log(a))``; of 0, 1 where b is 0, else 0. A small whole number that is known multiplies."""
    number = _small_number(b)
    if number is not None:
        return _repeated(a, number) if number >= 0 else reciprocal(_repeated(a, -number))
    raised = exp(multiply(b, log(a)))
    is_zero = _is_zero(a)
    at_zero = e.select(_is_zero(b), _number(1, a.re), _number(0, a.re))
    return Pair(e.select(is_zero, at_zero, raised.re), e.select(is_zero, _number(0, a.re), raised.imag))


def _small_number(b: Pair) -> int | None:
    """The whole number that is known to stand everywhere in ``b``, if its size is at most 16."""
    if b.im is not None or not isinstance(b.re.op.kind, Const) or b.re.op.kind.value.size != 1:
        return None
    value = float(b.re.op.kind.value.item())
    return int(value) if value in range(-16, 17) and b.re.type.rank == 0 else None


def _repeated(a: Pair, number: int) -> Pair:
    """``a`` multiplied by itself, by squares: ``a^5 = (a^2)^2 a``."""
    if number == 0:
        return Pair(ones_like(a.re))
    if number == 1:
        return a
    even = square(_repeated(a, number // 2))
    return multiply(even, a) if number % 2 else even


def _is_zero(a: Pair) -> Tensor:
    zero = e.equal(a.re, 0.0)
    return zero if a.im is None else e.logical_and(zero, e.equal(a.im, 0.0))


def sinh(a: Pair) -> Pair:
    """``sinh x cos y + i cosh x sin y``."""
    x, y = a.re, a.imag
    return Pair(s.sinh(x) * e.cos(y), _scaled(s.cosh(x), e.sin(y)))


def cosh(a: Pair) -> Pair:
    """``cosh x cos y + i sinh x sin y``."""
    x, y = a.re, a.imag
    return Pair(s.cosh(x) * e.cos(y), _scaled(s.sinh(x), e.sin(y)))


def tanh(a: Pair) -> Pair:
    """``(t (1 + u^2) + i u (1 - t^2)) / (1 + t^2 u^2)`` with ``t = tanh x`` and ``u = tan y``."""
    t = e.tanh(a.re)
    if a.im is None:
        return Pair(t)
    u = e.tan(a.im)
    over = 1.0 + t * t * (u * u)
    inverse = 1.0 / s.cosh(a.re)  # 1 - t^2 without cancelling
    return Pair(t * (1.0 + u * u) / over, u * (inverse * inverse) / over)


def _turned(a: Pair) -> Pair:
    """``i a``."""
    return Pair(-a.imag, a.re)


def _turned_back(a: Pair) -> Pair:
    """``-i a``."""
    return Pair(a.imag, -a.re)


def sin(a: Pair) -> Pair:
    """``-i sinh(i a)``."""
    return _turned_back(sinh(_turned(a)))


def cos(a: Pair) -> Pair:
    """``cosh(i a)``."""
    return cosh(_turned(a))


def tan(a: Pair) -> Pair:
    """``-i tanh(i a)``."""
    return _turned_back(tanh(_turned(a)))


def sigmoid(a: Pair) -> Pair:
    """``1 / (1 + exp(-a))``, and ``exp(a) / (1 + exp(a))`` where that does not overflow and the other does."""
    below = e.less(a.re, 0.0)
    small = exp(Pair(-e.abs(a.re), e.select(below, a.imag, -a.imag)))
    top = Pair(e.select(below, small.re, _number(1, a.re)), e.select(below, small.imag, _number(0, a.re)))
    return divide(top, Pair(1.0 + small.re, small.imag))


def asin(a: Pair) -> Pair:
    """Kahan's, by the roots of ``1 - a`` and ``1 + a``."""
    left, right = sqrt(Pair(1.0 - a.re, -a.imag)), sqrt(Pair(1.0 + a.re, a.imag))
    return Pair(s.atan2(a.re, multiply(left, right).re), s.asinh(multiply(conjugate(left), right).imag))


def acos(a: Pair) -> Pair:
    """Kahan's, by the same roots."""
    left, right = sqrt(Pair(1.0 - a.re, -a.imag)), sqrt(Pair(1.0 + a.re, a.imag))
    half = s.atan2(left.re, right.re)
    return Pair(half + half, s.asinh(multiply(conjugate(right), left).imag))


def atan(a: Pair) -> Pair:
    """``-i atanh(i a)``."""
    return _turned_back(atanh(_turned(a)))


def asinh(a: Pair) -> Pair:
    """``-i asin(i a)``."""
    return _turned_back(asin(_turned(a)))


def acosh(a: Pair) -> Pair:
    """Kahan's, by the roots of ``a - 1`` and ``a + 1``."""
    left, right = sqrt(Pair(a.re - 1.0, a.imag)), sqrt(Pair(a.re + 1.0, a.imag))
    half = s.atan2(left.imag, right.re)
    return Pair(s.asinh(multiply(conjugate(left), right).re), half + half)


def atanh(a: Pair) -> Pair:
    """``log1p(4x / ((1 - x)^2 + y^2)) / 4 + i angle((1 - x)(1 + x) - y^2 + 2iy) / 2``; at infinity ``+-i pi / 2``."""
    x, y = a.re, a.imag
    rest = 1.0 - x
    re = 0.25 * e.log1p(4.0 * x / (rest * rest + y * y))
    infinite = e.logical_or(e.is_inf(x), e.is_inf(y))
    across = e.select(infinite, _number(-np.inf, x), rest * (1.0 + x) - y * y)
    angle = s.atan2(e.select(infinite, _clipped(y), y + y), across)
    return Pair(e.select(infinite, _signed(_number(0, x), x), re), 0.5 * angle)


def equal(a: Pair, b: Pair) -> Tensor:
    """Whether both parts are equal."""
    return e.logical_and(e.equal(a.re, b.re), e.equal(a.imag, b.imag))


def not_equal(a: Pair, b: Pair) -> Tensor:
    """Whether a part differs."""
    return e.logical_not(equal(a, b))


FORMULAS: dict[str, Callable[..., Any]] = {
    "Add": add, "Sub": subtract, "Mul": multiply, "RealDiv": divide, "Pow": power, "Neg": negative, "Sign": sign,
    "Square": square, "Sqrt": sqrt, "Rsqrt": rsqrt, "Reciprocal": reciprocal, "Exp": exp, "Expm1": expm1, "Log": log,
    "Log1p": log1p, "Sin": sin, "Cos": cos, "Tan": tan, "Tanh": tanh, "Sigmoid": sigmoid, "Sinh": sinh, "Cosh": cosh,
    "Asin": asin, "Acos": acos, "Atan": atan, "Asinh": asinh, "Acosh": acosh, "Atanh": atanh, "Equal": equal,
    "NotEqual": not_equal, "Conj": conjugate,
    "ComplexAbs": absolute,
}  # fmt: skip


def constant_pair(value: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]:
    """The parts of a known array, no imaginary one where that is +0 everywhere."""
    has_imaginary = np.any(value.imag) or np.any(np.signbit(value.imag))
    return np.array(value.real), np.array(value.imag) if has_imaginary else None
