"""What some elementwise ops, and the scalar steps they become, mean in NumPy where it has no function for it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def sigmoid(x: Any) -> Any:
    if np.asarray(x).dtype.kind == "c":
        e = np.exp(np.where(x.real < 0, x, -x))
        return np.where(x.real < 0, e, 1) / (1 + e)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softsign(x: Any) -> Any:
    return x / (np.abs(x) + 1)


def erf(x: Any) -> Any:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def relu(x: Any) -> Any:
    return np.maximum(x, np.zeros((), np.asarray(x).dtype))


def floor_division(a: Any, b: Any) -> Any:
    if np.asarray(a).dtype == object or np.asarray(b).dtype == object:
        return a // b
    # Of floats, the rounded quotient rounded down, as in TensorFlow: 1.0 // 0.1 is 10 in float32, where NumPy says 9.
    return np.floor(np.true_divide(a, b)) if np.asarray(a).dtype.kind == "f" else np.floor_divide(a, b)


def truncated_division(a: Any, b: Any) -> Any:
    if np.asarray(a).dtype.kind == "f":
        return np.trunc(np.true_divide(a, b))
    quotient = np.floor_divide(a, b)
    inexact = (quotient * b != a) & (b != 0)
    return quotient + ((quotient < 0) & inexact)


def rsqrt(x: Any) -> Any:
    return 1 / np.sqrt(x)


def pow(a: Any, b: Any) -> Any:
    if np.asarray(a).dtype.kind != "i":
        return np.power(a, b)
    # NumPy refuses negative whole exponents; here they give the true value cut to a whole number, 0 for a base of 0.
    of_minus_one = np.where(b % 2 == 0, 1, -1)
    reciprocal = np.where(a == 1, 1, np.where(a == -1, of_minus_one, 0))
    return np.where(b < 0, reciprocal, np.power(a, np.maximum(b, 0))).astype(np.asarray(a).dtype)
