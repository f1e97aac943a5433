"""Rows for ops that work element by element, and for reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as tf
from graphc.ops import elementwise as e
from graphc.ops import reduction as r
from tests.ops.harness import ALL, FLOATS, INTS, NUMBERS, Case, In

NAN, INF = float("nan"), float("inf")
SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 1.0, -2.5]


def _erf(x: Any) -> Any:
    """``2 / sqrt(pi)`` times the integral of ``exp(-t*t)`` from 0 to x, by Gauss's rule."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    half = np.asarray(x, np.float64)[..., None] / 2
    area = np.sum(weights * np.exp(-((half * (nodes + 1)) ** 2)), axis=-1) * half[..., 0]
    return (2 / np.sqrt(np.pi) * area).astype(x.dtype)


def _log_sum_exp(axis: Any = None, keepdims: bool = False) -> Any:
    def reference(x: Any) -> Any:
        return np.logaddexp.reduce(x, axis=axis, keepdims=keepdims).astype(x.dtype)

    return reference


def _truncated(a: Any, b: Any) -> Any:
    return np.trunc(a.astype(np.float64) / b).astype(a.dtype)


def _unary(name: str, reference: Any, low: float = -2.0, high: float = 2.0, dtypes: Any = FLOATS, **more: Any) -> Case:
    return Case(name, getattr(e, name), reference, (In((3, 5), low=low, high=high),), dtypes, **more)


def _binary(
    name: str, reference: Any, dtypes: Any = NUMBERS, low: float = -2.0, high: float = 2.0, **more: Any
) -> Case:
    inputs = (In((2, 3, 5), low=low, high=high), In((3, 1), low=low, high=high))
    return Case(name, getattr(e, name), reference, inputs, dtypes, **more)


def _special(name: str, reference: Any, function: Any = None) -> Case:
    return Case(f"{name} of special values", function or getattr(e, name), reference, (In(values=SPECIAL),), FLOATS, ())


def _pairs(name: str, reference: Any) -> Case:
    """Every pair of special values."""
    column, row = np.array(SPECIAL)[:, None], np.array(SPECIAL)
    inputs = (In(values=column), In(values=row))
    return Case(f"{name} of special values", getattr(e, name), reference, inputs, FLOATS, ())


SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()), ((4,), ()), ((), (3, 2)), ((1,), (5,)), ((3, 1), (1, 4)), ((2, 3, 4, 5), (3, 1, 5)), ((0, 4), (4,)),
    ((0,), (1,)), ((3, 0), (1, 1)),
]  # fmt: skip

ARITHMETIC = [
    *(Case(f"add {a} {b}", tf.add, np.add, (In(a), In(b)), ALL[:4]) for a, b in SHAPES),
    *(Case(f"multiply {a} {b}", tf.multiply, np.multiply, (In(a), In(b)), ALL[:4]) for a, b in SHAPES),
    _binary("subtract", np.subtract),
    _binary("multiply", np.multiply, (*NUMBERS, "uint8")),
    _binary("realdiv", np.true_divide, FLOATS, 0.5, 2.0),
    _binary("truediv", lambda a, b: np.true_divide(a, b), INTS, 1, 9),
    _binary("div", lambda a, b: a // b, INTS, 1, 9),
    _binary("floordiv", lambda a, b: np.floor(a / b).astype(a.dtype), NUMBERS, 1, 9, differentiable=()),
    Case("floordiv by negatives", tf.floordiv, np.floor_divide, (In((4, 3), low=-9, high=9),
         In(values=[-2, 3, -5])), INTS),
    Case("truncatediv", tf.truncatediv, _truncated, (In((4, 3), low=-9, high=9), In(values=[-2, 3, -5])), INTS),
    Case("truncatediv of floats", tf.truncatediv, lambda a, b: np.trunc(a / b),
         (In((4, 3), low=-9, high=9), In(values=[-2.5, 3.5, 0])), FLOATS, ()),
    Case("floormod", tf.floormod, np.mod, (In((4, 3), low=-9, high=9), In(values=[-2, 3, -5])), INTS),
    Case("floormod of floats", tf.floormod, np.mod, (In((4, 3), low=-9, high=9), In(values=[-2.25, 3.5, 5.75])),
         FLOATS, (0,)),
    Case("truncatemod", tf.truncatemod, np.fmod, (In((4, 3), low=-9, high=9), In(values=[-2, 3, -5])), NUMBERS, ()),
    Case("truncatemod of floats", tf.truncatemod, np.fmod,
         (In((4, 3), low=-9, high=9), In(values=[-2.25, 3.5, 5.75])), FLOATS, (0,)),
    _binary("maximum", np.maximum, (*NUMBERS, "uint8")),
    _binary("minimum", np.minimum, (*NUMBERS, "uint8")),
    _binary("squared_difference", lambda a, b: (a - b) ** 2),
    _binary("pow", np.power, FLOATS, 0.5, 2.0, loose=4),
    Case("div_no_nan", tf.div_no_nan, lambda a, b: np.where(b == 0, 0, a / np.where(b == 0, 1, b)),
         (In((2, 3)), In(values=[0.0, 2.0, -0.5])), FLOATS, (0,)),
    Case("pow of whole numbers", tf.pow, np.power, (In((2, 3), low=-3, high=3), In((3,), low=0, high=4)), INTS),
    Case("pow of zero", tf.pow, np.power, (In(values=[0.0, 0.0, 2.0]), In(values=[2.0, 0.5, 0.5])), FLOATS, ()),
    Case("gradients of pow at zero", lambda a, b: tf.gradients(tf.pow(a, b), [a, b]),
         lambda a, b: [b * a ** (b - 1), np.zeros_like(b)],
         (In(values=[0.0, 0.0]), In(values=[2.0, 3.0])), FLOATS, ()),
    _binary("divide", np.true_divide, FLOATS, 0.5, 2.0),
]  # fmt: skip

FUNCTIONS = [
    _unary("negative", np.negative, dtypes=NUMBERS),
    _unary("abs", np.abs, 0.1, 3.0, NUMBERS),
    Case("abs below zero", tf.abs, np.abs, (In((3, 5), low=-3.0, high=-0.1),), NUMBERS),
    _unary("sign", np.sign, 0.1, 3.0, dtypes=NUMBERS),
    Case("sign below zero", tf.sign, np.sign, (In((3, 5), low=-3.0, high=-0.1),), NUMBERS),
    _unary("square", np.square, dtypes=NUMBERS),
    _unary("sqrt", np.sqrt, 0.3, 3.0),
    _unary("rsqrt", lambda x: x**-0.5, 0.3, 3.0),
    _unary("reciprocal", lambda x: 1 / x, 0.5, 3.0),
    _unary("exp", np.exp),
    _unary("expm1", lambda x: (np.exp(x.astype(np.longdouble)) - 1).astype(x.dtype)),
    Case("expm1 near zero", tf.expm1, lambda x: x + x * x / 2 + x**3 / 6, (In((4,), low=-1e-5, high=1e-5),)),
    _unary("log", np.log, 0.3, 3.0),
    _unary("log1p", np.log1p, -0.6, 3.0),
    _unary("sin", np.sin),
    _unary("cos", np.cos),
    _unary("tan", lambda x: np.sin(x) / np.cos(x), -1.0, 1.0),
    _unary("tanh", np.tanh),
    _unary("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    _unary("softplus", lambda x: np.log(1 + np.exp(x))),
    Case("softsign", tf.nn.softsign, lambda x: x / (1 + np.abs(x)), (In((3, 5), low=0.1, high=5.0),)),
    Case("softplus far out", tf.nn.softplus, lambda x: np.where(x > 0, x, 0), (In(values=[-800.0, 800.0, 1e30]),),
         FLOATS, ()),
    _unary("erf", _erf),
    Case("relu above", tf.nn.relu, lambda x: x, (In((3, 5), low=0.1, high=2.0),), NUMBERS),
    Case("relu below", tf.nn.relu, lambda x: 0 * x, (In((3, 5), low=-2.0, high=-0.1),), NUMBERS),
    _unary("floor", np.floor, -5, 5, differentiable=()),
    _unary("ceil", np.ceil, -5, 5, differentiable=()),
    Case("round", tf.round, np.rint, (In(values=[[0.5, 1.5, 2.5, -0.5], [-1.5, 0.4, -2.6, 3.5]]),), FLOATS, ()),
    Case("round of whole numbers", tf.round, lambda x: x, (In((3, 5)),), INTS, ()),
    _unary("identity", lambda x: x, dtypes=ALL),
    Case("stop_gradient", tf.stop_gradient, lambda x: x, (In((3, 5)),), FLOATS, ()),
    *(
        Case(f"cast {a} to {b}", lambda x, b=b: tf.cast(x, b), lambda x, b=b: x.astype(b), (In((3, 5), a, 0, 4),),
             (a,), ())
        for a in ALL
        for b in ALL
        if a != b and (a, b) != ("float32", "uint8")
    ),
    Case("cast cuts towards zero", lambda x: tf.cast(x, "int32"), lambda x: np.trunc(x).astype(np.int32),
         (In(values=[-1.7, -0.2, 1.7]),), FLOATS, ()),
]  # fmt: skip

LOGIC = [
    *(
        Case(name, getattr(tf, name), getattr(np, name), (In((2, 3, 5)), In((3, 1))), NUMBERS, ())
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    ),
    Case("equal of bools", tf.equal, np.equal, (In((2, 5)), In((5,))), ("bool", "uint8"), ()),
    *(
        Case(name, getattr(tf, name), getattr(np, name), (In((2, 3, 5)), In((3, 1))), ("bool",))
        for name in ("logical_and", "logical_or", "logical_xor")
    ),
    *(
        Case(f"is_{name}", getattr(tf, f"is_{name}"), getattr(np, f"is{name}"),
             (In(values=[[NAN, 1.0, INF], [-INF, 0.0, NAN]]),), FLOATS, ())
        for name in ("nan", "inf", "finite")
    ),
    Case("logical_not", tf.logical_not, np.logical_not, (In((4, 3)),), ("bool",)),
    Case("select", e.select, np.where, (In((3, 1), "bool"), In((2, 3, 5)), In((5,))), (*NUMBERS, "bool"),
         peer=lambda c, a, b: tf.where_v2(c, a, b)),
    Case("where by elements", tf.where, np.where, (In((2, 3), "bool"), In((2, 3)), In((2, 3))), ALL),
    Case("where by rows", tf.where, lambda c, a, b: np.where(c[:, None, None], a, b),
         (In((4,), "bool"), In((4, 3, 2)), In((4, 3, 2))), NUMBERS),
    Case("where by a scalar", tf.where, np.where, (In(values=True, dtype="bool"), In((2, 3)), In((2, 3))), NUMBERS),
]  # fmt: skip

SPECIAL_VALUES = [
    *(
        _special(name, getattr(np, name))
        for name in ("exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh", "abs", "sign", "floor", "ceil",
                     "square", "negative")
    ),
    _special("sigmoid",
         lambda x: np.array([NAN, 1, 0, 0.5, 0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(2.5))], x.dtype)),
    _special("relu", lambda x: np.where(np.isnan(x), x, np.where(x > 0, x, 0)), tf.nn.relu),
    _special("is_nan", np.isnan), _special("is_inf", np.isinf), _special("is_finite", np.isfinite),
    *(
        _pairs(name, getattr(np, name))
        for name in ("maximum", "minimum", "add", "multiply", "less", "equal", "not_equal")
    ),
    _pairs("realdiv", np.true_divide),
    _pairs("pow", np.power),
]  # fmt: skip


def _reduced(name: str, reference: Any, axis: Any, keepdims: bool, dtypes: Any = NUMBERS, **more: Any) -> Case:
    def call(x: Any) -> Any:
        return getattr(r, name)(x, axis, keepdims=keepdims)

    def wanted(x: Any) -> Any:
        axes = tuple(axis) if isinstance(axis, list) else axis
        return np.asarray(reference(x, axis=axes, keepdims=keepdims)).astype(x.dtype)

    return Case(f"{name} axis={axis} keepdims={keepdims}", call, wanted, (In((2, 3, 4)),), dtypes, **more)


AXES: list[tuple[Any, bool]] = [(None, False), (0, False), (-1, True), ([0, 2], False), ([1, -1], True), ([], False)]

REDUCTIONS = [
    *(_reduced("reduce_sum", np.sum, axis, keep, (*NUMBERS, "uint8")) for axis, keep in AXES),
    *(_reduced("reduce_prod", np.prod, axis, keep) for axis, keep in AXES[:4]),
    *(_reduced("reduce_max", np.max, axis, keep, (*NUMBERS, "uint8")) for axis, keep in AXES[:4]),
    *(_reduced("reduce_min", np.min, axis, keep) for axis, keep in AXES[:4]),
    *(_reduced("reduce_mean", np.mean, axis, keep, FLOATS) for axis, keep in AXES[:4]),
    _reduced("reduce_mean", lambda x, **k: np.trunc(np.mean(x, **k)), 1, False, INTS),
    *(_reduced("reduce_all", np.all, axis, keep, ("bool",)) for axis, keep in AXES[:4]),
    *(_reduced("reduce_any", np.any, axis, keep, ("bool",)) for axis, keep in AXES[:4]),
    *(
        Case(f"reduce_logsumexp axis={axis} keepdims={keep}", lambda x, a=axis, k=keep: r.reduce_logsumexp(x, a, k),
             _log_sum_exp(axis, keep), (In((3, 4)),))
        for axis, keep in [(0, False), (1, True)]
    ),
    Case("reduce_logsumexp of all", r.reduce_logsumexp, lambda x: np.log(np.sum(np.exp(x))), (In((3, 4)),)),
    Case("reduce_logsumexp far out", r.reduce_logsumexp, lambda x: np.max(x) + np.log(x.dtype.type(2)),
         (In(values=[1e4, 1e4, -1e4]),), second=False, differentiable=()),
    Case("reduce_sum of nothing", lambda x: tf.reduce_sum(x, 0), lambda x: np.zeros(4, x.dtype),
         (In((0, 4)),), NUMBERS),
    Case("reduce_max of nothing", lambda x: tf.reduce_max(x, 0), lambda x: np.full(4, -INF, x.dtype), (In((0, 4)),),
         FLOATS, ()),
    Case("reduce_mean of nothing", tf.reduce_mean, lambda x: np.array(NAN, x.dtype), (In((0, 4)),), FLOATS, ()),
    Case("reduce_prod with zeros", lambda x: tf.reduce_prod(x, 1), lambda x: np.prod(x, 1),
         (In(values=[[2.0, 0.0, 3.0], [0.0, 0.0, 1.0], [1.0, 2.0, -1.5]]),), second=False),
    Case("reduce_max of equals", lambda x: tf.gradients(tf.reduce_max(x, 1), x)[0],
         lambda x: np.array([[0.5, 0.5, 0], [0, 0, 1]], x.dtype), (In(values=[[2.0, 2.0, 1.0], [0.0, 1.0, 3.0]]),),
              FLOATS, ()),
    Case("reduce_max with NaN", lambda x: tf.reduce_max(x, 1), lambda x: np.max(x, 1),
         (In(values=[[1.0, NAN, 2.0], [-INF, 3.0, INF]]),), FLOATS, ()),
    Case("reduce_sum with inf", lambda x: tf.reduce_sum(x, 1), lambda x: np.sum(x, 1),
         (In(values=[[1.0, NAN, 2.0], [-INF, 3.0, INF], [INF, 1.0, 2.0]]),), FLOATS, ()),
    Case("argmax", lambda x: tf.argmax(x, 1), lambda x: np.argmax(x, 1), (In((2, 5, 3)),), (*NUMBERS, "uint8"), ()),
    Case("argmin", lambda x: tf.argmin(x, -1, output_type=tf.int32), lambda x: np.argmin(x, -1).astype(np.int32),
         (In((2, 5, 3)),), NUMBERS, ()),
    Case("argmax of equals", lambda x: tf.argmax(x, 1), lambda x: np.array([1, 0]),
         (In(values=[[1, 3, 3], [2, 2, 2]]),), NUMBERS, ()),
    *(Case(f"{fn} with NaN", lambda x, fn=fn: [getattr(tf, fn)(x, 0), getattr(tf, fn)(x, 1)],
           lambda x, fn=fn: [getattr(np, f"nan{fn}")(x, 0), getattr(np, f"nan{fn}")(x, 1)],
           (In(values=np.where(np.arange(60).reshape(3, 20) % 17 == 5, np.nan, np.arange(60).reshape(3, 20) % 7)),),
           FLOATS, ()) for fn in ("argmax", "argmin")),
    Case("argmax of a scalar axis", lambda x: tf.argmax(x), lambda x: np.argmax(x, 0), (In((4, 3)),), FLOATS, ()),
]  # fmt: skip

CASES = [*ARITHMETIC, *FUNCTIONS, *LOGIC, *SPECIAL_VALUES, *REDUCTIONS]
