"""Special functions in TensorFlow and in graphc: values and gradients agree, also at the edges of their domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.ops.peer import compare

RNG = np.random.default_rng(1)
INSIDE = RNG.uniform(-0.95, 0.95, (3, 5)).astype(np.float32)
WIDE = np.concatenate([RNG.uniform(-4, 4, 12), [0.0, 1.0, -1.0]]).astype(np.float32)
ABOVE = RNG.uniform(0.2, 9, (2, 7)).astype(np.float32)
EDGES = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.5], np.float32)
WORDS = [RNG.integers(-99, 99, (3, 4)).astype(np.int32), np.array([31, 32, -1, 3], np.int32)]

PROGRAMS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "inverse functions": (
        lambda tf, x: [tf.asin(x), tf.acos(x), tf.atan(x), tf.atanh(x), tf.asinh(x), tf.sinh(x), tf.cosh(x)], [INSIDE]),
    "acosh": (lambda tf, x: tf.acosh(x + 1.0), [ABOVE]),
    "atan2": (lambda tf, y, x: tf.atan2(y, x), [INSIDE, RNG.uniform(0.3, 2, (3, 5)).astype(np.float32)]),
    "lgamma and digamma": (lambda tf, x: [tf.lgamma(x), tf.digamma(x), tf.lbeta(x)], [ABOVE]),
    "digamma twice": (lambda tf, x: tf.gradients(tf.digamma(x), x)[0], [ABOVE]),
    "polygamma": (lambda tf, x: [tf.polygamma(tf.constant(float(n)), x) for n in (0, 1, 3)], [ABOVE]),
    "zeta": (lambda tf, q: tf.zeta(tf.constant(2.5), q), [ABOVE]),
    "erfc and bessel": (lambda tf, x: [tf.erfc(x), tf.math.bessel_i0e(x), tf.math.bessel_i1e(x)], [WIDE]),
    "igamma": (lambda tf, a, x: [tf.igamma(a, x), tf.igammac(a, x)], [ABOVE, ABOVE[::-1].copy()]),
    "xlogy and xdivy": (lambda tf, x, y: [tf.math.xlogy(x, y), tf.math.xdivy(x, y)],
                        [np.array([0, 0, 2, -1], np.float32), np.array([0, 3, 2, 0.5], np.float32)]),
    "multiply_no_nan": (lambda tf, x, y: tf.math.multiply_no_nan(x, y),
                        [np.array([1, 2, -1], np.float32), np.array([0, 3, 0], np.float32)]),
    "cumulative_logsumexp": (lambda tf, x: [
        tf.math.cumulative_logsumexp(x, 1), tf.math.cumulative_logsumexp(x, 0, True, True)], [INSIDE]),
    "sign and where": (lambda tf, x: tf.sign(x) * x + tf.where(x > 0.0, x, x * x), [WIDE]),
    "bits": (lambda tf, x, n: [
        tf.bitwise.bitwise_and(x, n), tf.bitwise.bitwise_or(x, n), tf.bitwise.bitwise_xor(x, n), tf.bitwise.invert(x),
        tf.bitwise.left_shift(x, n), tf.bitwise.right_shift(x, n)], WORDS),
}  # fmt: skip

AT_EDGES = ("asin", "acos", "atan", "asinh", "acosh", "atanh", "sinh", "cosh", "lgamma", "digamma", "erfc")


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_values_and_gradients(name: str) -> None:
    compare(*PROGRAMS[name])


@pytest.mark.peer("tensorflow")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", AT_EDGES)
def test_edges(name: str) -> None:
    compare(lambda tf, x: getattr(tf, name)(x), [EDGES], gradients=False)
