"""Every row of the scalar table, compiled, against its NumPy meaning: all dtypes, single values and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.codegen import jit
from graphc.codegen.approx.lanes import constant
from graphc.codegen.scalar import OPS, ScalarOp
from graphc.codegen.scalar_cast import cast_meaning
from graphc.codegen.target import Target, host, named
from tests.codegen.native_lanes import NUMPY, WIDER, Compiled, Function, module_text, same, ulps, undefined_symbols

COMPARISONS = {"eq", "ne", "lt", "le", "gt", "ge", "is_nan", "is_inf", "is_finite"}
ARITY = {
    **dict.fromkeys(["fma", "select"], 3),
    **dict.fromkeys(
        ["neg", "square", "reciprocal", "relu", "abs", "sign", "floor", "ceil", "round", "sqrt", "rsqrt"], 1
    ),
    **dict.fromkeys(
        ["exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sigmoid", "softplus", "softsign", "erf"], 1
    ),
    **dict.fromkeys(["is_nan", "is_inf", "is_finite", "logical_not", "bit_not", "bits", "cast"], 1),
}
# Approximations: their own tests say how close they are everywhere.
SPECIAL = {
    *("asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh", "atanh", "erfc", "lgamma", "digamma", "zeta"),
    *("igamma", "igammac", "igamma_grad_a", "bessel_i0e", "bessel_i1e"),
}
DRAWN = {"gamma_draw", "poisson_draw"}  # of bits: tests/ops/test_sampling.py
FUNCTIONS = "exp expm1 log log1p sin cos tan tanh sigmoid softplus erf pow rsqrt"
WITHIN_2_ULP = set(FUNCTIONS.split())
# These round differently from NumPy by what they are: one rounding instead of two.
FUSED = {"fma"}

LIMITS = [0.0, -0.0, np.inf, -np.inf, np.nan]
FLOATS = [*LIMITS, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 3.0, -7.25, 0.1, 100.7, 1e-30, -3e15, 2.0**31, 1e19]
POOLS: dict[str, list[Any]] = {
    "f32": [*FLOATS, 1e-45, -1e-40, 3e38, 8388609.0, 0.49999997],
    "f64": [*FLOATS, 5e-324, -1e-310, 1e308, 2.0**63, 4503599627370497.0, 0.49999999999999994],
    "i32": [0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 33, 100, 2**31 - 1, -(2**31), -(2**31) + 1],
    "i64": [0, 1, -1, 2, -2, 3, 7, -7, 63, 64, 65, 100, 2**63 - 1, -(2**63), 2**31, 2**53 + 1],
    "u8": [0, 1, 2, 3, 7, 8, 9, 100, 127, 128, 254, 255],
    "u32": [0, 1, 2, 3, 31, 32, 33, 2**31 - 1, 2**31, 2**32 - 1, 0xD2511F53],
    "u64": [0, 1, 2, 3, 63, 64, 65, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1],
    "bool": [False, True],
}
# The plainest x86 target has no fused multiply-add, so other instructions are emitted for it.
TARGETS = [(host(), width) for width in (None, 4, 8, 16)]
if host().triple.startswith("x86_64"):
    TARGETS += [(named("sse2"), width) for width in (None, 4)]


def operands(dtype: str, count: int) -> list[np.ndarray]:
    """All combinations of the special values, then many random ones."""
    rng = np.random.default_rng(7)
    pool = np.array(POOLS[dtype], NUMPY[dtype])
    special = [x.ravel() for x in np.meshgrid(*[pool] * count)]
    if dtype[0] == "f":
        random = [rng.normal(scale=10, size=300).astype(NUMPY[dtype]) for _ in range(count)]
    elif dtype == "bool":
        random = [rng.random(20) < 0.5 for _ in range(count)]
    else:
        limits = np.iinfo(NUMPY[dtype])
        random = [rng.integers(limits.min, limits.max, 300, NUMPY[dtype], endpoint=True) for _ in range(count)]
    return [np.concatenate(parts) for parts in zip(special, random)]


def rows(dtype: str) -> list[ScalarOp]:
    return [
        op
        for op in OPS.values()
        if op.rule(dtype) is not None and op.name not in {"select", "cast", "bitcast", *SPECIAL, *DRAWN}
    ]


def functions(dtype: str, target: Target) -> dict[str, Function]:
    def function(op: ScalarOp) -> Function:
        result = "bool" if op.name in COMPARISONS else f"u{dtype[1:]}" if op.name == "bits" else dtype
        arguments = [dtype] * ARITY.get(op.name, 2)
        return Function(lambda builder, *values: op.emit(builder, values, dtype, result, target), arguments, result)

    return {op.name: function(op) for op in rows(dtype)}


def compiled(dtype: str, width: int | None, target: Target) -> Compiled:
    return Compiled(functions(dtype, target), width, target)


def wanted(op: ScalarOp, arrays: list[np.ndarray]) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(op.numpy(*arrays))


@pytest.mark.parametrize(("target", "width"), TARGETS, ids=lambda part: getattr(part, "name", part))
@pytest.mark.parametrize("dtype", list(POOLS))
def test_rows_equal_numpy(dtype: str, target: Target, width: int | None) -> None:
    native = compiled(dtype, width, target)
    for op in rows(dtype):
        arrays = operands(dtype, ARITY.get(op.name, 2))
        got = native(op.name, *arrays)
        if dtype[0] == "f" and op.name in WITHIN_2_ULP:
            apart = ulps(got, wanted(op, [x.astype(WIDER[NUMPY[dtype]]) for x in arrays]))
            worst = int(np.argmax(apart))
            assert apart[worst] <= 2, (op.name, [x[worst] for x in arrays], got[worst], apart[worst])
            continue
        expected = wanted(op, arrays)
        assert expected.dtype == got.dtype, op.name
        if op.name in FUSED and target.fma and dtype[0] == "f":
            continue  # test_fused_multiply_add_rounds_once
        bad = np.flatnonzero(~same(got, expected))
        assert not bad.size, (op.name, [[x[i] for x in arrays] + [got[i], expected[i]] for i in bad[:5]])


@pytest.mark.skipif(not host().fma, reason="this processor has no fused multiply-add")
def test_fused_multiply_add_rounds_once() -> None:
    a, b, c = (np.random.default_rng(1).normal(size=1000).astype(np.float32) for _ in range(3))
    got = compiled("f32", 8, host())("fma", a, b, c)
    # float64 holds the product exactly; its sum with c is rounded to far more digits than float32 has.
    assert np.array_equal(got, (a.astype(np.float64) * b + c).astype(np.float32))


@pytest.mark.parametrize("name", ["mod", "truncmod"])
@pytest.mark.parametrize(("target", "width"), TARGETS[2::3], ids=lambda part: getattr(part, "name", part))
def test_float_remainders_are_exact(name: str, target: Target, width: int | None) -> None:
    rng = np.random.default_rng(3)
    for dtype, digits in (("f32", 60), ("f64", 300)):
        a = np.exp2(rng.uniform(-20, digits, 20000)) * rng.choice([-1, 1], 20000)
        b = np.exp2(rng.uniform(0, 20, 20000)) * rng.choice([-1, 1], 20000)
        arrays = [a.astype(NUMPY[dtype]), b.astype(NUMPY[dtype])]
        assert np.all(same(compiled(dtype, width, target)(name, *arrays), wanted(OPS[name], arrays)))


def test_zero_signs_of_remainders_and_rounding() -> None:
    native = compiled("f32", 4, host())
    a, b = np.float32([4, -4, 4, -4]), np.float32([2, 2, -2, -2])
    for name in ("mod", "truncmod"):
        assert np.array_equal(np.signbit(native(name, a, b)), np.signbit(wanted(OPS[name], [a, b]))), name
    x = np.float32([-0.3, 0.3, -0.0, -0.5])
    for name in ("floor", "ceil", "round", "neg", "abs", "sqrt", "sin", "tanh", "expm1", "log1p", "erf", "tan"):
        assert np.array_equal(np.signbit(native(name, x)), np.signbit(wanted(OPS[name], [x]))), name


@pytest.mark.parametrize("width", [None, 8])
@pytest.mark.parametrize("source", list(POOLS))
def test_casts(source: str, width: int | None) -> None:
    def function(dtype: str) -> Function:
        return Function(lambda b, x: OPS["cast"].emit(b, [x], source, dtype, host()), [source], dtype)

    native = Compiled({dtype: function(dtype) for dtype in POOLS}, width)
    (x,) = operands(source, 1)
    if source[0] == "f":
        x = np.concatenate([x, (np.random.default_rng(5).normal(size=500) * 1e10).astype(x.dtype)])
    for dtype in POOLS:
        with np.errstate(all="ignore"):
            expected = cast_meaning(x, NUMPY[dtype])
        assert np.all(same(native(dtype, x), expected)), dtype


def test_casts_of_floats_that_do_not_fit() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 3e9, -3e9, 1e30, 300.0, -1.0])
    low = np.iinfo(np.int32).min
    assert cast_meaning(x, np.int32).tolist() == [low, low, low, low, low, low, 300, -1]
    assert cast_meaning(x, np.uint8).tolist() == [0, 0, 0, 3000000000 % 256, -3000000000 % 256, 0, 44, 255]


@pytest.mark.parametrize("dtype", list(POOLS))
@pytest.mark.parametrize("width", [None, 8])
def test_select(dtype: str, width: int | None) -> None:
    function = Function(
        lambda b, *values: OPS["select"].emit(b, values, "bool", dtype, host()), ["bool", dtype, dtype], dtype
    )
    yes, no = operands(dtype, 2)
    condition = np.random.default_rng(2).random(yes.size) < 0.5
    got = Compiled({"select": function}, width)("select", condition, yes, no)
    assert np.all(same(got, np.where(condition, yes, no)))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize("first", [False, True])
def test_extremes_with_a_constant_keep_nan(name: str, first: bool) -> None:
    def emit(builder: Any, x: Any) -> Any:
        pair = [constant(x.type, 1.5), x] if first else [x, constant(x.type, 1.5)]
        return OPS[name].emit(builder, pair, "f32", "f32", host())

    (x,) = operands("f32", 1)
    got = Compiled({"f": Function(emit, ["f32"], "f32")}, 8)("f", x)
    assert np.all(same(got, wanted(OPS[name], [x, np.full_like(x, 1.5)])))


def test_large_whole_powers_wrap() -> None:
    base, exponent = np.int64([3, -3, 2, 7, 10]), np.int64([100, 101, 63, 2**40 + 1, 19])
    got = compiled("i64", 4, host())("pow", base, exponent)
    expected = [pow(int(b), int(e), 2**64) for b, e in zip(base, exponent)]
    assert got.view(np.uint64).tolist() == expected


def test_every_row_takes_some_dtype_and_refuses_others() -> None:
    for op in OPS.values():
        assert op.name in ("cast", "bitcast") or any(op.rule(dtype) for dtype in POOLS), op.name
    with pytest.raises(AssertionError, match="exp does not take i32"):
        OPS["exp"].emit(None, [], "i32", "i32", host())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sse2", "avx2", "avx512", "neon"])
def test_objects_need_no_library(name: str) -> None:
    """No row becomes a call of libm or of the compiler's library."""
    target = named(name)
    for dtype in POOLS:
        width = target.vector_bytes // 4
        data = jit.compile_ir(module_text(functions(dtype, target), width), target)
        assert undefined_symbols(data) == [], dtype
