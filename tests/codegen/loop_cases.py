"""Plain kernels with their data and their NumPy meaning: what the tests of interpreter, schedule and emitter run.

A case builds its kernel for a size that may be a number or a symbol, and its arrays for a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graphc.codegen.loops import Kernel
from graphc.dims import DimLike
from tests.codegen.plain_kernels import (
    best_place,
    bias,
    channels,
    columns,
    doubles,
    elementwise,
    gather,
    interleaved,
    masks,
    mirrored,
    normalise,
    padded,
    pick,
    pooled,
    reduction,
    reshaped,
    running_sum,
    scatter,
    several,
    softmax,
    total,
    transpose,
)

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """``build(n)`` makes the kernel; ``arrays(rng, n)`` its data; ``expect`` fills the results as NumPy would."""

    name: str
    build: Callable[[DimLike], Kernel]
    arrays: Callable[[np.random.Generator, int], Arrays]
    expect: Callable[[Arrays, int], Arrays]
    exact: bool = True


def floats(rng: np.random.Generator, count: int, dtype: str = "f4") -> np.ndarray:
    return rng.standard_normal(count).astype(dtype)


def with_specials(rng: np.random.Generator, count: int) -> np.ndarray:
    """Numbers with a NaN and infinities among them."""
    x = floats(rng, count)
    for special, places in ((np.nan, count // 13), (np.inf, count // 9), (-np.inf, count // 9)):
        x[rng.integers(0, max(count, 1), places)] = special
    return x


def _rows(x: np.ndarray, rows: int) -> np.ndarray:
    return x.reshape(rows, x.size // rows)


def _reduction_case(combine: str, dtype: str, start: float, reduce: Callable, data: Callable, exact: bool) -> Case:
    numpy = {"f32": "f4", "f64": "f8", "i32": "i4", "i64": "i8", "u8": "u1", "bool": "?"}[dtype]
    return Case(
        f"{combine}_{dtype}",
        reduction(combine, dtype, start),
        lambda rng, n: {"x": data(rng, 3 * n).astype(numpy), "y": np.zeros(3, numpy)},
        lambda a, n: {"y": reduce(a["x"].reshape(3, n), axis=1, initial=start).astype(numpy)},
        exact,
    )


def _integers(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.integers(-50, 50, count)


def _bits(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.integers(0, 9, count) > 0


def _place(function: Callable) -> Callable[[Arrays, int], Arrays]:
    def expect(a: Arrays, n: int) -> Arrays:
        rows = a["x"].reshape(3, n)
        if n == 0:
            return {"p": np.zeros(3, np.int64)}
        place = function(rows, axis=1)  # NaN is passed over
        return {"p": place, "y": rows[np.arange(3), place]}

    return expect


def _gathered(a: Arrays, n: int) -> Arrays:
    bad = (a["place"] < 0) | (a["place"] > 8)
    rows = a["table"].reshape(9, 6)[np.where(bad, 0, a["place"])]
    return {"y": rows.reshape(-1), "errors": np.array([7 if bad.any() else 0])}


def _scattered(a: Arrays, n: int) -> Arrays:
    y = a["y"].reshape(9, 6).copy()
    np.add.at(y, a["place"], a["g"].reshape(n, 6))
    return {"y": y.reshape(-1)}


def _softmaxed(a: Arrays, n: int) -> Arrays:
    x = a["x"].reshape(n, 10)
    power = np.exp(x - x.max(1, keepdims=True))
    return {"y": (power / power.sum(1, keepdims=True)).reshape(-1)}


def _normalised(a: Arrays, n: int) -> Arrays:
    x = 2 * a["x"].reshape(4, n)
    return {"y": (x - x.sum(1, keepdims=True) / np.float32(n)).reshape(-1)}


CASES = (
    Case(
        "elementwise",
        elementwise,
        lambda rng, n: {"x": floats(rng, n), "y": floats(rng, n), "z": np.zeros(n, "f4")},
        lambda a, n: {"z": np.maximum(a["x"] * a["y"] + np.float32(0.5), 0)},
    ),
    Case(
        "doubles",
        doubles,
        lambda rng, n: {"x": floats(rng, n), "k": _integers(rng, n).astype("i4"), "y": np.zeros(n)},
        lambda a, n: {"y": a["x"].astype("f8") + a["k"]},
    ),
    Case(
        "masks",
        masks,
        lambda rng, n: {
            "x": with_specials(rng, n),
            "y": floats(rng, n),
            "p": _bits(rng, n),
            "q": np.zeros(n, "?"),
            "z": np.zeros(n, "f4"),
        },
        lambda a, n: {
            "q": (a["x"] < a["y"]) & a["p"],
            "z": np.where((a["x"] < a["y"]) & a["p"], a["x"], a["y"]),
        },
    ),
    Case(
        "bias",
        bias,
        lambda rng, n: {
            "x": floats(rng, 12 * n),
            "b": floats(rng, 12),
            "s": floats(rng, 1),
            "y": np.zeros(12 * n, "f4"),
        },
        lambda a, n: {"y": ((a["x"].reshape(n, 12) + a["b"]) * a["s"]).reshape(-1)},
    ),
    Case(
        "transpose",
        transpose,
        lambda rng, n: {"x": floats(rng, 5 * n), "y": np.zeros(5 * n, "f4")},
        lambda a, n: {"y": a["x"].reshape(n, 5).T.reshape(-1)},
    ),
    _reduction_case("add", "f32", 0.0, np.sum, floats, False),
    _reduction_case("add", "f64", 0.0, np.sum, floats, False),
    _reduction_case("add", "i32", 0, np.sum, _integers, True),
    _reduction_case("mul", "i64", 1, np.prod, lambda rng, n: rng.integers(-1, 2, n), True),
    _reduction_case("maximum", "f32", float("-inf"), np.max, with_specials, True),
    _reduction_case("minimum", "f32", float("inf"), np.min, with_specials, True),
    _reduction_case("maximum", "i32", -(2**31), np.max, _integers, True),
    _reduction_case("minimum", "u8", 255, np.min, lambda rng, n: rng.integers(0, 255, n), True),
    _reduction_case("logical_and", "bool", True, np.logical_and.reduce, _bits, True),
    _reduction_case("logical_or", "bool", False, np.logical_or.reduce, lambda rng, n: ~_bits(rng, n), True),
    Case(
        "columns",
        columns,
        lambda rng, n: {"x": floats(rng, 37 * n), "y": np.zeros(37, "f4"), "z": np.zeros(37, "f4")},
        lambda a, n: {"y": a["x"].reshape(n, 37).sum(0), "z": (a["x"].reshape(n, 37) ** 2).sum(0)},
        exact=False,
    ),
    Case(
        "total",
        total,
        lambda rng, n: {"x": floats(rng, 7 * n), "y": np.zeros(1, "f4")},
        lambda a, n: {"y": a["x"].sum(keepdims=True)},
        exact=False,
    ),
    Case(
        "channels",
        channels,
        lambda rng, n: {"x": floats(rng, 60 * n), "y": np.zeros(3, "f4")},
        lambda a, n: {"y": a["x"].reshape(n, 3, 20).sum((0, 2))},
        exact=False,
    ),
    Case(
        "softmax",
        softmax,
        lambda rng, n: {"x": floats(rng, 10 * n), "y": np.zeros(10 * n, "f4")},
        _softmaxed,
        exact=False,
    ),
    Case(
        "normalise",
        normalise,
        lambda rng, n: {"x": floats(rng, 4 * n), "y": np.zeros(4 * n, "f4")},
        _normalised,
        exact=False,
    ),
    Case(
        "argmax",
        best_place("maximum"),
        lambda rng, n: {"x": with_specials(rng, 3 * n), "y": np.zeros(3, "f4"), "p": np.zeros(3, "i8")},
        _place(np.nanargmax),
    ),
    Case(
        "argmin",
        best_place("minimum"),
        lambda rng, n: {"x": with_specials(rng, 3 * n).round(), "y": np.zeros(3, "f4"), "p": np.zeros(3, "i8")},
        _place(np.nanargmin),
    ),
    Case(
        "gather",
        gather,
        lambda rng, n: {
            "table": floats(rng, 54),
            "place": rng.integers(-1 if n > 50 else 0, 9, n).astype("i4"),
            "y": np.zeros(6 * n, "f4"),
            "errors": np.zeros(1, "i8"),
        },
        _gathered,
    ),
    Case(
        "pick",
        pick,
        lambda rng, n: {"x": floats(rng, 6 * n), "place": rng.integers(0, 6, n), "y": np.zeros(n, "f4")},
        lambda a, n: {"y": a["x"].reshape(n, 6)[np.arange(n), a["place"]]},
    ),
    Case(
        "scatter",
        scatter,
        lambda rng, n: {"g": floats(rng, 6 * n), "place": rng.integers(0, 9, n).astype("i4"), "y": floats(rng, 54)},
        _scattered,
    ),
    Case(
        "padded",
        padded,
        lambda rng, n: {"x": floats(rng, n), "y": np.full(n + 3, 9, "f4")},
        lambda a, n: {"y": np.pad(a["x"], (2, 1))},
    ),
    Case(
        "reshaped",
        reshaped,
        lambda rng, n: {"x": floats(rng, 6 * n), "y": np.zeros(6 * n, "f4")},
        lambda a, n: {"y": a["x"].reshape(6, n).T.reshape(-1)},
    ),
    Case(
        "mirrored",
        mirrored,
        lambda rng, n: {"x": floats(rng, 3 * n), "y": np.zeros(3 * n, "f4")},
        lambda a, n: {"y": a["x"].reshape(3, n)[:, ::-1].reshape(-1)},
    ),
    Case(
        "interleaved",
        interleaved,
        lambda rng, n: {"x": _integers(rng, n).astype("i4"), "y": np.zeros(4 * n, "i4")},
        lambda a, n: {"y": (a["x"][:, None] + np.arange(4, dtype="i4")).reshape(-1)},
    ),
    Case(
        "pooled",
        pooled,
        lambda rng, n: {"x": floats(rng, 60 * n), "y": np.zeros(15 * n, "f4")},
        lambda a, n: {"y": a["x"].reshape(n, 2, 3, 2, 5).max((1, 3)).reshape(-1)},
    ),
    Case(
        "running_sum",
        running_sum,
        lambda rng, n: {"x": floats(rng, 5 * n), "y": np.zeros(5 * n, "f4")},
        lambda a, n: {"y": np.cumsum(a["x"].reshape(n, 5), axis=0).reshape(-1)},
    ),
    Case(
        "several",
        several,
        lambda rng, n: {"v": floats(rng, n), "w": floats(rng, 3 * n), "rate": np.full(1, 0.25, "f4")},
        lambda a, n: {"v": a["v"] - a["rate"] * a["v"], "w": a["w"] * a["rate"]},
    ),
)


def same(case: Case, results: Arrays, before: Arrays, n: int) -> None:
    """Fails unless the results are what NumPy makes of the arrays before."""
    with np.errstate(all="ignore"):
        expected = case.expect({name: array.copy() for name, array in before.items()}, n)
    for name, array in expected.items():
        if case.exact:
            np.testing.assert_array_equal(results[name], array, err_msg=f"{case.name}: {name} for n = {n}")
        else:
            np.testing.assert_allclose(results[name], array, rtol=2e-5, atol=2e-6, err_msg=f"{case.name}: n = {n}")
