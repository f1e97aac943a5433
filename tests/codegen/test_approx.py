"""The promised errors of the vector functions, by sweeps over all magnitudes and densely where errors are largest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from graphc.codegen import approx, ir, jit
from graphc.codegen.approx.functions import MOST_IN_PLACE
from graphc.codegen.approx.lanes import Lanes
from graphc.codegen.target import Target, host, named
from tests.codegen.native_lanes import NUMPY, WIDER, Compiled, Function, module_text, same, ulps, undefined_symbols

X86 = host().triple.startswith("x86_64")
# The plainest x86 target has no fused multiply-add: every function has two ways.
TARGETS = [host(), named("sse2")] if X86 else [host()]
LANES = {"f32": 16, "f64": 8}


def true_erf(x: Any) -> Any:
    """erf in extended precision: a series of positive terms for |x| < 6.5, where it has become 1."""
    if x.dtype == np.float64:  # enough for float32
        return np.vectorize(math.erf, otypes=[np.float64])(x)
    size = np.minimum(np.abs(x), 6.5)
    term = 2 * size / np.sqrt(np.arccos(np.longdouble(-1)))
    total = np.zeros_like(term)
    for n in range(1, 170):
        total = total + term
        term = term * 2 * size * size / (2 * n + 1)
    return np.where(np.isnan(x), x, np.copysign(np.minimum(total * np.exp(-size * size), 1), x))


def true_sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def true_softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@dataclass(frozen=True)
class Case:
    """A function, what it should be in a wider type, where to look closely, and the promised errors."""

    true: Callable[[Any], Any]
    intervals: tuple[tuple[float, float], ...]
    promise: dict[str, float]


CASES = {
    "exp": Case(np.exp, ((-104, 89), (-1, 1), (-746, 710)), {"f32": 1.20, "f64": 1.20}),
    "expm1": Case(np.expm1, ((-20, 89), (-1, 1), (-40, 710)), {"f32": 1.25, "f64": 1.25}),
    "log": Case(np.log, ((0.5, 2), (0, 100)), {"f32": 0.90, "f64": 0.90}),
    "log1p": Case(np.log1p, ((-1, 1), (0, 100)), {"f32": 1.50, "f64": 1.25}),
    "sin": Case(np.sin, ((-4, 4), (-100, 100), (-1.1e6, 1.1e6)), {"f32": 1.65, "f64": 1.65}),
    "cos": Case(np.cos, ((-4, 4), (-100, 100), (-1.1e6, 1.1e6)), {"f32": 1.65, "f64": 1.65}),
    "tan": Case(np.tan, ((-4, 4), (-100, 100), (-1.1e6, 1.1e6)), {"f32": 0.65, "f64": 2.00}),
    "tanh": Case(np.tanh, ((-1, 1), (-10, 10), (-20, 20)), {"f32": 1.40, "f64": 1.40}),
    "sigmoid": Case(true_sigmoid, ((-2, 2), (-20, 20), (-746, 40)), {"f32": 1.75, "f64": 1.80}),
    "softplus": Case(true_softplus, ((-2, 2), (-20, 20), (-746, 40)), {"f32": 1.85, "f64": 1.85}),
    "erf": Case(true_erf, ((-1.2, 1.2), (-6, 6)), {"f32": 1.30, "f64": 1.25}),
}

LIMITS = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0]
SMALLEST = {"f32": [1e-45, -1e-45, 1e-40, 1.1754944e-38], "f64": [5e-324, -5e-324, 1e-310, 2.2250738585072014e-308]}


def samples(dtype: str, intervals: tuple[tuple[float, float], ...], count: int) -> np.ndarray:
    """Numbers of all magnitudes and signs, points spread over intervals, and the special ones."""
    rng = np.random.default_rng(11)
    kind = NUMPY[dtype]
    if dtype == "f32":
        everywhere = np.arange(0, 2**32, 2**32 // count, dtype=np.uint64).astype(np.uint32).view(np.float32)
    else:
        everywhere = rng.integers(0, 2**64, count, dtype=np.uint64).view(np.float64)
    close = [rng.uniform(low, high, count).astype(kind) for low, high in intervals]
    return np.concatenate([everywhere, *close, np.array(LIMITS + SMALLEST[dtype], kind)])


def compiled(name: str, dtype: str, width: int | None, target: Target) -> Compiled:
    function = getattr(approx, name)
    return Compiled({name: Function(lambda b, x: function(b, x, fma=target.fma), [dtype], dtype)}, width, target)


def check(name: str, dtype: str, x: np.ndarray, target: Target) -> None:
    """Every result within the promise; zeros keep their sign."""
    got = compiled(name, dtype, LANES[dtype], target)(name, x)
    with np.errstate(all="ignore"):
        true = CASES[name].true(x.astype(WIDER[NUMPY[dtype]]))
    apart = ulps(got, true)
    worst = int(np.argmax(apart))
    assert apart[worst] <= CASES[name].promise[dtype], (x[worst], got[worst], true[worst], apart[worst])
    zero = (x == 0) & (true == 0)
    assert np.array_equal(np.signbit(got[zero]), np.signbit(true[zero]))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", list(CASES))
def test_float32_errors(name: str, target: Target) -> None:
    check(name, "f32", samples("f32", CASES[name].intervals, 700_000), target)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="this NumPy has no wider float to compare with")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", list(CASES))
def test_float64_errors(name: str, target: Target) -> None:
    count = 40_000 if name == "erf" else 200_000
    check(name, "f64", samples("f64", CASES[name].intervals, count), target)


def test_the_promises_are_at_most_two_ulp_and_those_of_the_documentation() -> None:
    words = (approx.__doc__ or "").split()
    for name, case in CASES.items():
        told = [float(word) for word in words[words.index(name) + 1 : words.index(name) + 3]]
        assert told == list(case.promise.values()) and max(told) <= 2, name


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="this NumPy has no wider float to compare with")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_next_to_multiples_of_a_quarter_turn(name: str, target: Target) -> None:
    """There the reduced angle is tiny, and every lost bit of pi would show."""
    quarter = np.arccos(np.longdouble(-1)) / 2
    turns = np.concatenate([np.arange(1, 100_000), np.unique(np.geomspace(1e5, 1e15, 50_000).astype(np.int64))])
    nearest = (turns * quarter).astype(np.float64)
    check(name, "f64", np.concatenate([nearest, np.nextafter(nearest, 0)]), target)
    check(name, "f32", (turns * quarter).astype(np.float32), target)


def test_the_double_closest_to_a_multiple_of_a_quarter_turn() -> None:
    # 6381956970095103 * 2^797 (Muller, Elementary Functions, 2006): its cosine is -4.69e-19.
    x = np.array([6381956970095103 * 2.0**797])
    assert compiled("cos", "f64", None, host())("cos", x)[0] == pytest.approx(-4.68716592425462761112e-19, rel=4e-16)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_power_errors(dtype: str, target: Target) -> None:
    if dtype == "f64" and np.finfo(np.longdouble).nmant < 63:
        pytest.skip("this NumPy has no wider float to compare with")
    rng = np.random.default_rng(4)
    kind, count, largest = NUMPY[dtype], 300_000, 80 if dtype == "f32" else 700
    spread = np.exp(rng.uniform(-30, 30, count))
    base = np.concatenate([spread, rng.uniform(0.9, 1.1, count), rng.uniform(0, 3, count)])
    exponent = np.concatenate(
        [
            rng.uniform(-1, 1, count) * largest / np.maximum(1e-3, np.abs(np.log(spread))),
            rng.uniform(-10, 10, count) * largest,
            rng.uniform(-5, 5, count),
        ]
    )
    x, y = base.astype(kind), exponent.astype(kind)
    function = Function(lambda b, x, y: approx.pow(b, x, y, fma=target.fma), [dtype, dtype], dtype)
    got = Compiled({"pow": function}, LANES[dtype], target)("pow", x, y)
    with np.errstate(all="ignore"):
        true = np.power(x.astype(WIDER[kind]), y.astype(WIDER[kind]))
    assert np.max(ulps(got, true)) <= (0.51 if dtype == "f32" else 1.0)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_special_powers(dtype: str, target: Target) -> None:
    values = [*LIMITS, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1e30, -1e30, 7.0, -7.0, 2.5, 1e-40]
    x, y = (part.ravel() for part in np.meshgrid(values, values))
    function = Function(lambda b, x, y: approx.pow(b, x, y, fma=target.fma), [dtype, dtype], dtype)
    got = Compiled({"pow": function}, LANES[dtype], target)("pow", x, y)
    kind = NUMPY[dtype]
    with np.errstate(all="ignore"):
        true = np.power(x.astype(kind).astype(WIDER[kind]), y.astype(kind).astype(WIDER[kind]))
        nearest = true.astype(kind)
    assert np.all(ulps(got, true) <= 1)
    assert np.array_equal(np.isnan(got), np.isnan(nearest))
    assert np.array_equal(np.signbit(got)[~np.isnan(got)], np.signbit(nearest)[~np.isnan(got)])


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_all_widths_give_the_same_bits(name: str, dtype: str) -> None:
    x = samples(dtype, CASES[name].intervals, 500)
    widest = compiled(name, dtype, 16, host())(name, x)
    for width in (None, 2, 4, 8):
        got = compiled(name, dtype, width, host())(name, x)
        assert np.all(same(got, widest)), width
        assert np.array_equal(np.signbit(got[~np.isnan(got)]), np.signbit(widest[~np.isnan(got)])), width


def test_long_chains_call_a_function_and_keep_the_bits() -> None:
    fma, places = host().fma, 9

    def emit(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
        for _ in range(places):
            x = approx.tanh(builder, x, fma=fma)
        return x

    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    chain = {"chain": Function(emit, ["f32"], "f32")}
    wanted = x
    for _ in range(places):
        wanted = compiled("tanh", "f32", 8, host())("tanh", wanted)
    assert np.array_equal(Compiled(chain, 8)("chain", x), wanted)
    text = module_text(chain, 8)
    assert text.count("graphc_tanh_v8f32") == 1 + places - MOST_IN_PLACE  # its definition, and the calls


def test_bounded_sine_and_cosine_equal_the_others() -> None:
    x = np.random.default_rng(0).uniform(-1000, 1000, 4000).astype(np.float32)
    fma = host().fma
    native = Compiled(
        {
            "sin": Function(lambda b, v: approx.sincos_bounded(b, v, fma=fma)[0], ["f32"], "f32"),
            "cos": Function(lambda b, v: approx.sincos_bounded(b, v, fma=fma)[1], ["f32"], "f32"),
        },
        8,
    )
    for name in ("sin", "cos"):
        assert np.array_equal(native(name, x), compiled(name, "f32", 8, host())(name, x))


@pytest.mark.parametrize("direction", ["floor", "ceil", "trunc", "rint"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_rounding_with_and_without_an_instruction(direction: str, dtype: str) -> None:
    half = np.arange(-40, 40) / 4
    edge = 2.0 ** np.arange(-10, 70)
    near = np.concatenate([edge + step for step in (-1, -0.5, -0.25, 0, 0.25, 0.5, 1)])
    x = np.concatenate([half, near, -near, LIMITS, SMALLEST[dtype]]).astype(NUMPY[dtype])
    wanted = getattr(np, direction)(x)
    for fma in (True, False) if host().fma else (False,):
        function = Function(lambda b, v, fma=fma: Lanes(b, v, fma).rounded(direction).value, [dtype], dtype)
        got = Compiled({"f": function}, 8)("f", x)
        assert np.all(same(got, wanted))
        assert np.array_equal(np.signbit(got), np.signbit(wanted))


@pytest.mark.parametrize("name", ["sse2", "avx2", "avx512", "neon"])
def test_objects_need_no_library(name: str) -> None:
    target = named(name)

    def function(call: Callable[..., ir.Value], count: int, dtype: str) -> Function:
        return Function(lambda b, *values: call(b, *values, fma=target.fma), [dtype] * count, dtype)

    for dtype in ("f32", "f64"):
        table = {case: function(getattr(approx, case), 1, dtype) for case in CASES}
        table["pow"] = function(approx.pow, 2, dtype)
        for width in (None, target.lanes(dtype)):
            assert undefined_symbols(jit.compile_ir(module_text(table, width), target)) == [], (dtype, width)
