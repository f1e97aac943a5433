"""Functions of ``tf.math`` that are formulas over the special ones: beta, polygamma, products that keep zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import special as s
from graphc.ops.base import check_dtype, convert_to_tensor, convert_together, graph_of
from graphc.ops.reduction import reduce_sum
from graphc.ops.scans import Scan, scanned


@telling_line
def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x * log(y)``, and 0 where ``x`` is 0."""
    return _zero_where_first_is("xlogy", name, x, y, lambda a, b: a * e.log(b))


@telling_line
def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y``, and 0 where ``x`` is 0."""
    return _zero_where_first_is("xdivy", name, x, y, lambda a, b: a / b)


def _zero_where_first_is(called: str, name: str | None, x: Any, y: Any, formula: Any) -> Tensor:
    a, b = convert_together(x, y)
    check_dtype(a.type, dtypes.FIELD, called)
    with graph_of([a]).name_scope(name or called) as scope:
        is_zero = e.equal(a, convert_to_tensor(0, a.dtype))
        safe = e.select(is_zero, convert_to_tensor(1, b.dtype), b)
        return e.select(is_zero, convert_to_tensor(0, a.dtype), formula(a, safe), name=scope)


@telling_line
def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The derivative of order ``a`` of digamma: ``(-1)^(a+1) a! zeta(a+1, x)``; it has a gradient by ``x`` alone."""
    order, value = convert_together(a, x)
    check_dtype(order.type, dtypes.FLOATS, "polygamma")
    with graph_of([order]).name_scope(name or "Polygamma") as scope:
        order = e.stop_gradient(order)
        one, zero = convert_to_tensor(1, order.dtype), convert_to_tensor(0, order.dtype)
        is_zero = e.equal(order, zero)
        power = e.select(is_zero, one, order) + 1.0
        odd = e.equal(e.floormod(order, convert_to_tensor(2, order.dtype)), one)
        factorial = e.select(odd, one, -one) * e.exp(s.lgamma(power))
        is_undefined = e.logical_or(e.less(order, zero), e.not_equal(order, e.floor(order)))
        found = e.select(is_zero, s.digamma(value), factorial * s.zeta(power, value))
        return e.select(is_undefined, convert_to_tensor(np.nan, order.dtype), found, name=scope)


@telling_line
def lbeta(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the beta function of each row of the last axis; 0 for a row of one element, -inf for none."""
    value = convert_to_tensor(x)
    check_dtype(value.type, dtypes.FLOATS, "lbeta")
    with graph_of([value]).name_scope(name or "lbeta") as scope:
        return e.subtract(reduce_sum(s.lgamma(value), -1), s.lgamma(reduce_sum(value, -1)), name=scope)


def bessel_i0(x: Any, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 0."""
    value = convert_to_tensor(x)
    with graph_of([value]).name_scope(name or "bessel_i0") as scope:
        return e.multiply(e.exp(e.abs(value)), s.bessel_i0e(value), name=scope)


def bessel_i1(x: Any, name: str | None = None) -> Tensor:
    """The modified Bessel function of order 1."""
    value = convert_to_tensor(x)
    with graph_of([value]).name_scope(name or "bessel_i1") as scope:
        return e.multiply(e.exp(e.abs(value)), s.bessel_i1e(value), name=scope)


@telling_line
def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """``1 / x``, and 0 where ``x`` is 0."""
    value = convert_to_tensor(x)
    check_dtype(value.type, dtypes.FLOATS, "reciprocal_no_nan")
    with graph_of([value]).name_scope(name or "reciprocal_no_nan") as scope:
        is_zero = e.equal(value, convert_to_tensor(0, value.dtype))
        inverse = e.reciprocal(e.select(is_zero, convert_to_tensor(1, value.dtype), value))
        return e.select(is_zero, convert_to_tensor(0, value.dtype), inverse, name=scope)


@telling_line
def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """``coeffs[0] x^(n-1) + ... + coeffs[n-1]``, by Horner's rule; zeros where there are no coefficients."""
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type found {type(coeffs)}.")
    value = convert_to_tensor(x)
    with graph_of([value]).name_scope(name or "polyval") as scope:
        total = e.multiply(value, convert_to_tensor(0, value.dtype))
        for coefficient in coeffs:
            total = convert_to_tensor(coefficient, value.dtype) + total * value
        return e.identity(total, name=scope)


@telling_line
def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """``log(cumsum(exp(x)))`` along ``axis`` without overflow, by sums of ever longer runs."""
    tensor = convert_to_tensor(x)
    check_dtype(tensor.type, dtypes.FLOATS, "cumulative_logsumexp")
    scan = Scan("CumulativeLogsumexp", "cumulative_logsumexp", _log_of_two, -np.inf)
    return scanned(scan, tensor, axis, exclusive, reverse, name)


def _log_of_two(a: Tensor, b: Tensor) -> Tensor:
    """``log(exp(a) + exp(b))``; -inf where both are."""
    greater, lesser = e.maximum(a, b), e.minimum(a, b)
    infinite = e.logical_not(e.is_finite(greater))
    zero = convert_to_tensor(0, a.dtype)
    shift = e.select(infinite, zero, lesser - e.select(infinite, zero, greater))
    return e.select(infinite, greater, greater + e.softplus(shift))
