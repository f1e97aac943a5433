"""Rows for the special functions and for bits."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

import graphc as tf
from graphc.ops import meaning_special as meaning
from graphc.ops import special as s
from tests.ops.cases_elementwise import SPECIAL
from tests.ops.harness import FLOATS, INTS, Case, In


def _unary(name: str, reference: Any, low: float, high: float, **more: Any) -> Case:
    return Case(name, getattr(s, name), reference, (In((3, 5), low=low, high=high),), FLOATS, **more)


def _special(name: str, reference: Any) -> Case:
    return Case(f"{name} of special values", getattr(s, name), reference, (In(values=SPECIAL),), FLOATS, ())


def _like(reference: Any) -> Any:
    """The meaning in float64, rounded to the dtype of the input."""
    return lambda *x: np.asarray(reference(*(v.astype(np.float64) for v in x))).astype(x[0].dtype)


def _xlogy(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0, x * np.log(np.where(x == 0, 1, y))).astype(x.dtype)


def _xdivy(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0, x / np.where(x == 0, 1, y)).astype(x.dtype)


def _cumulative_logsumexp(x: Any) -> Any:
    return np.logaddexp.accumulate(x, axis=1)


def _polygamma(a: Any, x: Any) -> Any:
    """``(-1)^(a+1) a! zeta(a + 1, x)``, and digamma where a is 0."""
    order, value = np.broadcast_arrays(a.astype(np.float64), x.astype(np.float64))
    safe = np.maximum(order, 1)
    high = np.where(order % 2 == 1, 1, -1) * np.exp(meaning.lgamma(safe + 1)) * meaning.zeta(safe + 1, value)
    return np.where(order == 0, meaning.digamma(value), high)


COLUMN = np.array(SPECIAL)[:, None]
BITS = (In((3, 5), low=-40, high=40), In((5,), low=-40, high=40))
WORDS = (*INTS, "uint8")


def _normal_quantile(p: float) -> float:
    """By Python's own inverse (Wichura's AS 241), which takes what is inside (0, 1)."""
    if not 0 < p < 1:
        return {0.0: -np.inf, 1.0: np.inf}.get(p, np.nan)
    return NormalDist().inv_cdf(p)


def _bits(a: str, b: str, shape: tuple[int, ...] = (3, 4)) -> Case:
    return Case(
        f"bitcast {a} to {b}", lambda x: tf.bitcast(x, b), lambda x: x.view(b).reshape(_bits_shape(x, b)),
        (In(shape, a, -30, 30),), (a,), (), known_sizes=np.dtype(a).itemsize < np.dtype(b).itemsize,
    )  # fmt: skip


def _bits_shape(x: Any, b: str) -> tuple[int, ...]:
    old, new = x.itemsize, np.dtype(b).itemsize
    return x.shape if old == new else (*x.shape, old // new) if old > new else x.shape[:-1]


CASES: list[Case] = [
    *(
        _bits(a, b)
        for a, b in [
            ("float32", "int32"),
            ("float32", "uint32"),
            ("int32", "float32"),
            ("float64", "int64"),
            ("uint64", "float64"),
            ("int64", "uint64"),
            ("float64", "uint8"),
            ("int32", "uint16"),
        ]
    ),
    _bits("uint8", "float32"),
    _bits("int32", "int64", (3, 2)),
    Case("nextafter", tf.math.nextafter, np.nextafter, (In((3, 5)), In((5,))), FLOATS, ()),
    Case(
        "nextafter of special values",
        tf.math.nextafter,
        np.nextafter,
        (In(values=np.array(SPECIAL)[:, None]), In(values=SPECIAL)),
        FLOATS,
        (),
    ),
    Case("ndtri", tf.math.ndtri, _like(np.vectorize(_normal_quantile)), (In((3, 5), low=0.01, high=0.99),), FLOATS),
    Case(
        "ndtri of tails",
        tf.math.ndtri,
        _like(np.vectorize(_normal_quantile)),
        (In(values=[1e-30, 1e-20, 1e-10, 1e-3, 0.999, 0.0, 1.0, -1.0, 2.0]),),
        FLOATS,
        (),
        loose=4.0,
    ),
    Case(
        "erfinv",
        tf.math.erfinv,
        lambda x: (
            _like(np.vectorize(_normal_quantile))((x.astype("f8") + 1) / 2).astype(x.dtype) / np.sqrt(x.dtype.type(2))
        ),
        (In((3, 5), low=-0.9, high=0.9),),
        FLOATS,
    ),
    _unary("asin", np.arcsin, -0.9, 0.9),
    _unary("acos", np.arccos, -0.9, 0.9),
    _unary("atan", np.arctan, -4, 4),
    _unary("sinh", np.sinh, -3, 3),
    _unary("cosh", np.cosh, -3, 3),
    _unary("asinh", np.arcsinh, -3, 3),
    _unary("acosh", np.arccosh, 1.2, 4),
    _unary("atanh", np.arctanh, -0.9, 0.9),
    _unary("lgamma", _like(meaning.lgamma), 0.3, 12),
    _unary("digamma", _like(meaning.digamma), 0.3, 12),
    _unary("erfc", _like(meaning.erfc), -1, 3),
    _unary("bessel_i0e", _like(meaning.bessel_i0e), -12, 12),
    _unary("bessel_i1e", _like(meaning.bessel_i1e), -12, 12),
    *(
        _special(name, _like(getattr(meaning, name)))
        for name in ("lgamma", "digamma", "erfc", "bessel_i0e", "bessel_i1e")
    ),
    *(_special(name, getattr(np, f"arc{name[1:]}")) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")),
    _special("sinh", np.sinh),
    _special("cosh", np.cosh),
    Case("atan2", s.atan2, np.arctan2, (In((4, 3), low=-2, high=2), In((3,), low=0.5, high=2)), FLOATS),
    Case("atan2 of special values", s.atan2, np.arctan2, (In(values=COLUMN), In(values=SPECIAL)), FLOATS, ()),
    Case("lgamma below zero", s.lgamma, _like(meaning.lgamma), (In(values=[-0.3, -1.6, -2.2, -7.7]),), FLOATS),
    Case("digamma below zero", s.digamma, _like(meaning.digamma), (In(values=[-0.3, -1.6, -2.2, -7.7]),), FLOATS),
    Case("zeta", s.zeta, _like(meaning.zeta), (In((3, 1), low=1.5, high=6), In((4,), low=0.3, high=12)), FLOATS, (1,)),
    Case(
        "polygamma",
        tf.math.polygamma,
        lambda a, x: _polygamma(a, x).astype(x.dtype),
        (In(values=[[0.0], [1.0], [2.0]]), In((4,), low=0.5, high=9)),
        FLOATS,
        (1,),
    ),
    Case(
        "igamma",
        s.igamma,
        _like(meaning.igamma),
        (In((3, 1), low=0.4, high=6), In((4,), low=0.3, high=12)),
        FLOATS,
        second=False,
        loose=8,
    ),
    Case(
        "igammac",
        s.igammac,
        _like(meaning.igammac),
        (In((3, 1), low=0.4, high=6), In((4,), low=0.3, high=12)),
        FLOATS,
        second=False,
        loose=8,
    ),
    Case(
        "igamma at limits",
        s.igamma,
        _like(meaning.igamma),
        (In(values=[0.0, 1, -1, 1, 2, 0, np.inf, 1]), In(values=[0.0, 0, 1, -1, np.inf, 1, 1, 1])),
        FLOATS,
        (),
    ),
    Case(
        "igammac at limits",
        s.igammac,
        _like(meaning.igammac),
        (In(values=[0.0, 1, -1, 1, 2, 0, np.inf, 1]), In(values=[0.0, 0, 1, -1, np.inf, 1, 1, 1])),
        FLOATS,
        (),
    ),
    Case(
        "lbeta",
        tf.lbeta,
        lambda x: (meaning.lgamma(x).sum(-1) - meaning.lgamma(x.sum(-1))).astype(x.dtype),
        (In((2, 3), low=0.4, high=3),),
        FLOATS,
        loose=2,
    ),
    Case("xlogy", tf.math.xlogy, _xlogy, (In((2, 3)), In((3,), low=0.5, high=2)), FLOATS),
    Case("xdivy", tf.math.xdivy, _xdivy, (In((2, 3)), In((3,), low=0.5, high=2)), FLOATS),
    Case("xlogy of zero", tf.math.xlogy, _xlogy, (In(values=[0.0, 1.5, 0.0]), In(values=[-1.0, 0.5, 0.0])), FLOATS, ()),
    Case(
        "xdivy of zero", tf.math.xdivy, _xdivy, (In(values=[0.0, 1.5, 0.0]), In(values=[0.0, 0.5, np.nan])), FLOATS, ()
    ),
    Case("multiply_no_nan", s.multiply_no_nan, np.multiply, (In((2, 3)), In((3,), low=0.5, high=2)), FLOATS),
    Case(
        "multiply_no_nan of nothing",
        s.multiply_no_nan,
        lambda x, y: np.zeros_like(x),
        (In(values=[np.nan, np.inf, 1]), In(values=[0.0, 0, 0])),
        FLOATS,
        (),
    ),
    Case(
        "cumulative_logsumexp",
        lambda x: tf.math.cumulative_logsumexp(x, 1),
        _cumulative_logsumexp,
        (In((3, 5)),),
        FLOATS,
    ),
    Case(
        "bessel_i0 and bessel_i1",
        lambda x: [tf.math.bessel_i0(x), tf.math.bessel_i1(x)],
        lambda x: [(np.exp(abs(x)) * f(x)).astype(x.dtype) for f in (meaning.bessel_i0e, meaning.bessel_i1e)],
        (In((3, 5)),),
        FLOATS,
    ),
    Case("bitwise_and", s.bitwise_and, np.bitwise_and, BITS, WORDS),
    Case("bitwise_or", s.bitwise_or, np.bitwise_or, BITS, WORDS),
    Case("bitwise_xor", s.bitwise_xor, np.bitwise_xor, BITS, WORDS),
    Case("invert", s.invert, np.invert, BITS[:1], WORDS),
    Case("left_shift", s.left_shift, np.left_shift, (BITS[0], In(values=[0, 1, 2, 3, 7])), WORDS),
    Case("right_shift", s.right_shift, np.right_shift, (BITS[0], In(values=[0, 1, 2, 3, 7])), WORDS),
]
