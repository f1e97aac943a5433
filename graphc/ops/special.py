"""The special functions element by element: a second page of the formulary, which few programs open."""

from __future__ import annotations

import math
from functools import cache, cached_property
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import FIELD, FLOATS
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import meaning_special as meaning
from graphc.ops.base import convert_to_tensor, convert_together
from graphc.ops.elementwise import Elementwise, Record
from graphc.records import record

INTEGERS = tuple(dtype for dtype in dtypes.ALL if dtype.is_integer)


@record
class Special(Elementwise):
    """``y[i] = f(a[i], b[i], ...)``, where ``f`` is the record of this file called ``fn``."""

    @cached_property
    def record(self) -> Record:
        """The row of this page."""
        return SPECIAL[self.fn]


def _call(fn: str, *inputs: Any, name: str | None = None) -> Tensor:
    """The op ``fn`` of values that are converted to one dtype."""
    return e.call(_kind(fn), *inputs, name=name)


@cache
def _kind(fn: str) -> Special:
    return Special(fn)


def _density(a: Tensor, x: Tensor) -> Tensor:
    """The derivative of ``P(a, x)`` by x: ``x^(a-1) exp(-x) / gamma(a)``."""
    return e.exp((a - 1.0) * e.log(x) - x - lgamma(a))


def _no_gradient(*_: Tensor) -> Tensor:
    raise LookupError(
        "No gradient defined for operation IgammaGradA: tf.igamma and tf.igammac can be differentiated once by a; "
        "tf.stop_gradient(a) leaves it out"
    )


def _i1e_slope(x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    """``I0(x) - I1(x) / x``, scaled; 1/2 at zero."""
    at_zero = e.equal(x, convert_to_tensor(0, x.dtype))
    safe = e.select(at_zero, convert_to_tensor(1, x.dtype), x)
    slope = bessel_i0e(x) - y * (e.sign(x) + 1.0 / safe)
    return g * e.select(at_zero, convert_to_tensor(0.5, x.dtype), slope)


_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)

# fmt: off
SPECIAL: dict[str, Record] = {record.type: record for record in [
    # angles
    Record("Asin", "asin", np.arcsin, FIELD, (lambda x, y, g: g * e.rsqrt(1.0 - e.square(x)),), flops=40),
    Record("Acos", "acos", np.arccos, FIELD, (lambda x, y, g: -g * e.rsqrt(1.0 - e.square(x)),), flops=40),
    Record("Atan", "atan", np.arctan, FIELD, (lambda x, y, g: g / (1.0 + e.square(x)),), flops=40),
    Record("Atan2", "atan2", np.arctan2, FLOATS,
           (lambda a, b, y, g: g * b / (e.square(a) + e.square(b)),
            lambda a, b, y, g: -g * a / (e.square(a) + e.square(b))), flops=50),
    # hyperbolic functions
    Record("Sinh", "sinh", np.sinh, FIELD, (lambda x, y, g: g * cosh(x),), flops=40),
    Record("Cosh", "cosh", np.cosh, FIELD, (lambda x, y, g: g * sinh(x),), flops=40),
    Record("Asinh", "asinh", np.arcsinh, FIELD, (lambda x, y, g: g / cosh(y),), flops=50),
    Record("Acosh", "acosh", np.arccosh, FIELD, (lambda x, y, g: g / sinh(y),), flops=50),
    Record("Atanh", "atanh", np.arctanh, FIELD, (lambda x, y, g: g / (1.0 - e.square(x)),), flops=50),
    # what integrals define
    Record("Lgamma", "lgamma", meaning.lgamma, FLOATS, (lambda x, y, g: g * digamma(x),), flops=150),
    Record("Digamma", "digamma", meaning.digamma, FLOATS,
           (lambda x, y, g: g * zeta(convert_to_tensor(2, x.dtype), x),), flops=150),
    Record("Zeta", "zeta", meaning.zeta, FLOATS, (None, lambda s, q, y, g: -g * s * zeta(s + 1.0, q)), flops=600),
    Record("Erfc", "erfc", meaning.erfc, FLOATS,
           (lambda x, y, g: g * -_TWO_OVER_ROOT_PI * e.exp(-e.square(x)),), flops=80),
    Record("Igamma", "igamma", meaning.igamma, FLOATS,
           (lambda a, x, y, g: g * _call("IgammaGradA", a, x), lambda a, x, y, g: g * _density(a, x)), flops=600),
    Record("Igammac", "igammac", meaning.igammac, FLOATS,
           (lambda a, x, y, g: -g * _call("IgammaGradA", a, x), lambda a, x, y, g: -g * _density(a, x)), flops=600),
    Record("IgammaGradA", "igamma_grad_a", meaning.igamma_grad_a, FLOATS, (_no_gradient, _no_gradient), flops=600),
    Record("BesselI0e", "bessel_i0e", meaning.bessel_i0e, FLOATS,
           (lambda x, y, g: g * (bessel_i1e(x) - e.sign(x) * y),), flops=80),
    Record("BesselI1e", "bessel_i1e", meaning.bessel_i1e, FLOATS, (_i1e_slope,), flops=80),
    Record("MulNoNan", "mul_no_nan", meaning.mul_no_nan, FLOATS,
           (lambda x, y, z, g: multiply_no_nan(g, y), lambda x, y, z, g: multiply_no_nan(x, g))),
    # bits
    Record("BitwiseAnd", "bit_and", np.bitwise_and, INTEGERS, (None, None)),
    Record("BitwiseOr", "bit_or", np.bitwise_or, INTEGERS, (None, None)),
    Record("BitwiseXor", "bit_xor", np.bitwise_xor, INTEGERS, (None, None)),
    Record("Invert", "bit_not", np.invert, INTEGERS, (None,)),
    Record("LeftShift", "shift_left", np.left_shift, INTEGERS, (None, None)),
    Record("RightShift", "shift_right", np.right_shift, INTEGERS, (None, None)),
]}
# fmt: on


def asin(x: Any, name: str | None = None) -> Tensor:
    """The angle in [-pi/2, pi/2] whose sine is ``x``; NaN beyond 1."""
    return _call("Asin", x, name=name)


def acos(x: Any, name: str | None = None) -> Tensor:
    """The angle in [0, pi] whose cosine is ``x``; NaN beyond 1."""
    return _call("Acos", x, name=name)


def atan(x: Any, name: str | None = None) -> Tensor:
    """The angle in [-pi/2, pi/2] whose tangent is ``x``."""
    return _call("Atan", x, name=name)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle in [-pi, pi] of the point ``(x, y)``."""
    return _call("Atan2", y, x, name=name)


def sinh(x: Any, name: str | None = None) -> Tensor:
    """``(exp(x) - exp(-x)) / 2``."""
    return _call("Sinh", x, name=name)


def cosh(x: Any, name: str | None = None) -> Tensor:
    """``(exp(x) + exp(-x)) / 2``."""
    return _call("Cosh", x, name=name)


def asinh(x: Any, name: str | None = None) -> Tensor:
    """The inverse of sinh."""
    return _call("Asinh", x, name=name)


def acosh(x: Any, name: str | None = None) -> Tensor:
    """The inverse of cosh; NaN below 1."""
    return _call("Acosh", x, name=name)


def atanh(x: Any, name: str | None = None) -> Tensor:
    """The inverse of tanh; infinite at 1, NaN beyond."""
    return _call("Atanh", x, name=name)


def lgamma(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function."""
    return _call("Lgamma", x, name=name)


def digamma(x: Any, name: str | None = None) -> Tensor:
    """The derivative of :func:`lgamma`."""
    return _call("Digamma", x, name=name)


def zeta(x: Any, q: Any, name: str | None = None) -> Tensor:
    """Hurwitz's zeta function, the sum of ``(q + n) ** -x`` over n >= 0; it has a gradient by ``q`` alone."""
    return _call("Zeta", x, q, name=name)


def erfc(x: Any, name: str | None = None) -> Tensor:
    """``1 - erf(x)``, exact to the last digits also where it is small."""
    return _call("Erfc", x, name=name)


def igamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The lower regularised incomplete gamma function ``P(a, x)``; NaN where ``a <= 0`` or ``x < 0``."""
    return _call("Igamma", a, x, name=name)


def igammac(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The upper regularised incomplete gamma function ``Q(a, x) = 1 - P(a, x)``."""
    return _call("Igammac", a, x, name=name)


def bessel_i0e(x: Any, name: str | None = None) -> Tensor:
    """``exp(-|x|)`` times the modified Bessel function of order 0."""
    return _call("BesselI0e", x, name=name)


def bessel_i1e(x: Any, name: str | None = None) -> Tensor:
    """``exp(-|x|)`` times the modified Bessel function of order 1."""
    return _call("BesselI1e", x, name=name)


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x * y``, and 0 where ``y`` is 0, even if ``x`` is infinite or NaN."""
    return _call("MulNoNan", x, y, name=name)


def bitwise_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that both whole numbers have."""
    return _call("BitwiseAnd", x, y, name=name)


def bitwise_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that one or both whole numbers have."""
    return _call("BitwiseOr", x, y, name=name)


def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that one of two whole numbers has."""
    return _call("BitwiseXor", x, y, name=name)


def invert(x: Any, name: str | None = None) -> Tensor:
    """Every bit of a whole number turned."""
    return _call("Invert", x, name=name)


def left_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x`` shifted left by ``y`` bits; a count outside of the type is taken as the nearest one inside."""
    return _call("LeftShift", x, _count(x, y), name=name)


def right_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x`` shifted right by ``y`` bits, its sign kept; a count outside is taken as the nearest one inside."""
    return _call("RightShift", x, _count(x, y), name=name)


def _count(x: Any, y: Any) -> Tensor:
    value, count = convert_together(x, y)
    most = 8 * value.dtype.size - 1
    return e.minimum(e.maximum(count, convert_to_tensor(0, count.dtype)), convert_to_tensor(most, count.dtype))
