"""The Python meaning of loops against NumPy's meaning of what they compute."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.codegen.interpret import run
from graphc.codegen.kernels.affine import Axis, Contraction
from graphc.codegen.loops import (
    Accumulate,
    Apply,
    Buffer,
    Check,
    Contract,
    Declare,
    For,
    If,
    IndexValue,
    Kernel,
    Literal,
    Load,
    Local,
    Store,
)
from graphc.dims import Symbol, atom, symbol
from tests.codegen.loop_cases import CASES, Case, same
from tests.codegen.plain_kernels import apply, f32, loop


@pytest.mark.parametrize("n", [0, 1, 7, 17])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plain_loops(case: Case, n: int):
    arrays = case.arrays(np.random.default_rng(n), n)
    for kernel, sizes in ((case.build(n), {}), (case.build(symbol("n")), {"n": n})):
        results = {name: array.copy() for name, array in arrays.items()}
        run(kernel, results, sizes)
        same(case, results, arrays, n)


def summed(data: np.ndarray, width: int) -> np.float32:
    i, at = loop("i", 10)
    x, y = Buffer("x", "f32", 10), Buffer("y", "f32", 1)
    body = (
        Declare("s", "f32", f32(0.0)),
        For(i, (Accumulate("s", "add", Load(x, at)),), width=width),
        Store(y, 0, Local("s", "f32")),
    )
    result = np.zeros(1, "f4")
    run(Kernel("sum", (x, y), body), {"x": data, "y": result})
    return result[0]


def test_lanes_are_summed_apart_and_then_folded():
    tiny = np.float32(2**-24)  # too small to change a 1; two of them together do
    data = np.array([1] + [tiny] * 9, "f4")
    assert summed(data, 1) == 1
    # lanes: 1+tiny+tiny, tiny*3, tiny*2, tiny*2; folded: (1 + tiny*2) + (tiny*3 + tiny*2)
    assert summed(data, 4) == np.float32(1 + 2**-23) + tiny * 5 > 1


def test_parts_of_the_tasks():
    i, at = loop("i", 10)
    y = Buffer("y", "i32", 10)
    kernel = Kernel("count", (y,), (For(i, (Store(y, at, IndexValue(at, "i32")),), grain=4),))
    result = np.full(10, -1, "i4")
    run(kernel, {"y": result}, tasks=range(1, 2))
    assert result.tolist() == [-1, -1, -1, -1, 4, 5, 6, 7, -1, -1]
    run(kernel, {"y": result}, tasks=range(2, 3))
    assert result.tolist() == [-1, -1, -1, -1, 4, 5, 6, 7, 8, 9]


def test_neighbouring_stores_write_after_all_of_them_have_read():
    i, at = loop("i", 3)
    x, a, b = Buffer("x", "f32", 3), Buffer("a", "f32", 3), Buffer("b", "f32", 3)
    body = (Store(a, at, apply("mul", Load(x, at), f32(2.0))), Store(b, at, apply("add", Load(x, at), f32(1.0))))
    memory, other = np.arange(3, dtype="f4"), np.zeros(3, "f4")
    run(Kernel("both", (x, a, b), (For(i, body),)), {"x": memory, "a": memory, "b": other})
    assert memory.tolist() == [0, 2, 4] and other.tolist() == [1, 2, 3]


def test_stores_wait_for_the_end_of_the_body_or_an_inner_loop():
    (i, at), (j, _) = loop("i", 3), loop("j", 1)
    x, y, z = Buffer("x", "f32", 3), Buffer("y", "f32", 3), Buffer("z", "f32", 3)
    change = Store(x, at, apply("add", Load(x, at), f32(1.0)))
    twice = (Store(buffer, at, apply("mul", Load(x, at), f32(2.0))) for buffer in (y, z))
    body = (change, next(twice), For(j, (next(twice),)))
    data, before, after = np.arange(3, dtype="f4"), np.zeros(3, "f4"), np.zeros(3, "f4")
    run(Kernel("waiting", (x, y, z), (For(i, body),)), {"x": data, "y": before, "z": after})
    assert data.tolist() == [1, 2, 3] and before.tolist() == [0, 2, 4] and after.tolist() == [2, 4, 6]


def test_conditions_and_the_first_error():
    i, at = loop("i", 6)
    y, errors = Buffer("y", "i32", 6), Buffer("errors", "i64", 1)
    place = IndexValue(at, "i32")
    is_large = Apply("ge", (place, Literal(3, "i32")), "bool")
    is_last = Apply("ge", (place, Literal(5, "i32")), "bool")
    body = (If(is_large, (Store(y, at, place),)), Check(is_large, errors, 4), Check(is_last, errors, 9))
    result, noted = np.zeros(6, "i4"), np.zeros(1, "i8")
    run(Kernel("conditions", (y, errors), (For(i, body),)), {"y": result, "errors": noted})
    assert result.tolist() == [0, 0, 0, 3, 4, 5] and noted[0] == 4


def test_contraction_with_epilogue():
    rows, columns = Symbol("r", 3), Symbol("c", 4)
    a, b, y = Buffer("a", "f32", 6), Buffer("b", "f32", 8), Buffer("y", "f32", 12)
    spec = Contraction("f32", (), (Axis(3, 2, 0),), (Axis(4, 0, 1),), (Axis(2, 1, 4),))
    store = Store(y, atom(rows) * 4 + atom(columns), apply("maximum", Local("t", "f32"), f32(0.0)))
    kernel = Kernel("dense", (a, b, y), (Contract(spec, a, b, (rows, columns), "t", (store,)),))
    rng = np.random.default_rng(1)
    left, right, result = (rng.standard_normal(count).astype("f4") for count in (6, 8, 12))
    run(kernel, {"a": left, "b": right, "y": result})
    expected = np.maximum(left.reshape(3, 2) @ right.reshape(2, 4), 0)
    np.testing.assert_allclose(result.reshape(3, 4), expected, rtol=1e-6, atol=1e-7)
