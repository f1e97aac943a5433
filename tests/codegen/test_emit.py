"""Native code of scheduled kernels against NumPy, on this machine's vectors and on narrower ones."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.codegen import jit
from graphc.codegen.interpret import run
from graphc.codegen.kernels import contraction
from graphc.codegen.kernels.affine import Axis, Contraction
from graphc.codegen.loops import (
    Accumulate,
    Buffer,
    Contract,
    Declare,
    For,
    If,
    Kernel,
    Let,
    Literal,
    Load,
    Local,
    Store,
)
from graphc.codegen.schedule import schedule
from graphc.codegen.scratch import scratch_bytes
from graphc.codegen.target import Target, host, named
from graphc.dims import DimLike, Symbol, atom, symbol
from graphc.records import replace
from tests.codegen.loop_cases import CASES, Case, same
from tests.codegen.native import native_text, run_native
from tests.codegen.plain_kernels import apply, elementwise, f32, gather, loop, normalise, softmax


def targets() -> list[Target]:
    """This machine, and a processor of its family without masks."""
    machine = host()
    return [machine] if machine.name in ("neon", "sse2") else [machine, named("sse2")]


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_native_values(case: Case, target: Target):
    symbolic = schedule(case.build(symbol("n")), target)
    for n in (0, 1, 17, 100):
        arrays = case.arrays(np.random.default_rng(n), n)
        for kernel, sizes in ((schedule(case.build(n), target), {}), (symbolic, {"n": n})):
            results = {name: array.copy() for name, array in arrays.items()}
            run_native(kernel, results, target, sizes)
            same(case, results, arrays, n)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plain_loops_run_too(case: Case):
    arrays = case.arrays(np.random.default_rng(3), 7)
    run_native(case.build(7), arrays, host())
    same(case, arrays, case.arrays(np.random.default_rng(3), 7), 7)


@pytest.mark.parametrize("build", [elementwise, softmax, gather])
def test_bits_do_not_depend_on_how_tasks_are_shared_out(build):
    n = 5000
    case = next(case for case in CASES if case.build is build)
    kernel = schedule(build(symbol("n")), host())
    (statement,) = kernel.body
    kernel = Kernel(kernel.name, kernel.arguments, (For(statement.variable, statement.body, statement.width, 128),))
    results = []
    for ranges in ([(0, 40)], [(k, k + 1) for k in reversed(range(40))], [(0, 7), (7, 40)]):
        arrays = case.arrays(np.random.default_rng(0), n)
        run_native(kernel, arrays, host(), {"n": n}, ranges)
        results.append(arrays)
    for name in results[0]:
        assert results[0][name].tobytes() == results[1][name].tobytes() == results[2][name].tobytes()


def test_tasks_are_numbered_through_independent_loops():
    (i, at), (j, also) = loop("i", 10), loop("j", 20)
    x, y = Buffer("x", "f32", 10), Buffer("y", "f32", 20)
    body = (For(i, (Store(x, at, f32(1.0)),), grain=4), For(j, (Store(y, also, f32(2.0)),), width=8, grain=8))
    kernel = Kernel("two", (x, y), body)
    arrays = {"x": np.zeros(10, "f4"), "y": np.zeros(20, "f4")}
    run_native(kernel, arrays, host(), task_ranges=[(2, 5)])
    assert arrays["x"].tolist() == [0] * 8 + [1] * 2
    assert arrays["y"].tolist() == [2] * 16 + [0] * 4


def test_updates_in_place():
    """Every buffer of the update of Adam's moments is read and written in one body, two of them under two names."""
    i, at = loop("i", 100)
    g, m, v, w = (Buffer(name, "f32", 100) for name in "gmvw")
    m_new, w_new = Buffer("m_new", "f32", 100), Buffer("w_new", "f32", 100)
    first = apply("add", apply("mul", Load(m, at), f32(0.875)), apply("mul", Load(g, at), f32(0.125)))
    second = apply("add", Load(v, at), apply("mul", Load(g, at), Load(g, at)))
    step = apply("sub", Load(w, at), apply("div", first, second))
    body = (Store(m_new, at, first), Store(v, at, second), Store(w_new, at, step))
    kernel = schedule(Kernel("update", (g, m, v, w, m_new, w_new), (For(i, body),)), host())
    rng = np.random.default_rng(5)
    data = {name: rng.standard_normal(100).astype("f4") for name in "gmvw"}
    expected_m = data["m"] * np.float32(0.875) + data["g"] * np.float32(0.125)
    expected_v = data["v"] + data["g"] * data["g"]
    expected_w = data["w"] - expected_m / expected_v
    run_native(kernel, {**data, "m_new": data["m"], "w_new": data["w"]}, host())
    for name, expected in (("m", expected_m), ("v", expected_v), ("w", expected_w)):
        np.testing.assert_allclose(data[name], expected, rtol=1e-6)


def dense(n: DimLike, target: Target) -> Kernel:
    """relu(x @ w + b) as one contraction with its epilogue."""
    rows, columns = Symbol("r", n), Symbol("c", 21)
    x, w = Buffer("x", "f32", n * 7), Buffer("w", "f32", 7 * 21)
    b, y = Buffer("b", "f32", 21), Buffer("y", "f32", n * 21)
    spec = Contraction("f32", (), (Axis(n, 7, 0),), (Axis(21, 0, 1),), (Axis(7, 1, 21),))
    epilogue = (
        Let("sum", apply("add", Local("t", "f32"), Load(b, atom(columns)))),
        Store(y, atom(rows) * 21 + atom(columns), apply("maximum", Local("sum", "f32"), f32(0.0))),
    )
    statement = Contract(spec, x, w, (rows, columns), "t", epilogue, contraction.tasks(spec, target))
    return Kernel("dense", (x, w, b, y), (statement,))


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
@pytest.mark.parametrize("n", [1, 5, 32])
def test_contraction_with_epilogue(n: int, target: Target):
    rng = np.random.default_rng(n)
    counts = {"x": 7 * n, "w": 147, "b": 21, "y": 21 * n}
    arrays = {name: rng.standard_normal(count).astype("f4") for name, count in counts.items()}
    x, w = arrays["x"].reshape(n, 7), arrays["w"].reshape(7, 21)
    expected = np.maximum(x @ w + arrays["b"], 0)
    for kernel, sizes in ((dense(n, target), {}), (dense(symbol("n"), target), {"n": n})):
        arrays["y"][:] = np.nan
        run_native(kernel, arrays, target, sizes)
        np.testing.assert_allclose(arrays["y"].reshape(n, 21), expected, rtol=1e-5, atol=1e-6)


def test_scheduling_gives_a_contraction_its_tasks():
    kernel = dense(50_000, host())
    plain = Kernel("dense", kernel.arguments, (replace(kernel.body[0], tasks=1),))
    assert plain.tasks == 1 and schedule(plain, host()).tasks == kernel.tasks != 1


def test_conditions_guard_their_loads_and_carry_accumulators():
    """Sums the entries that a row's number points to; a negative number points nowhere."""
    (i, row), (j, col) = loop("i", 9), loop("j", 5)
    place, x, y = Buffer("place", "i32", 9), Buffer("x", "f32", 45), Buffer("y", "f32", 1)
    inside = apply("ge", Load(place, row), Literal(0, "i32"), dtype="bool")
    body = (
        Declare("s", "f32", f32(0.0)),
        For(i, (If(inside, (For(j, (Accumulate("s", "add", Load(x, row * 5 + col)),)),)),)),
        Store(y, 0, Local("s", "f32")),
    )
    kernel = Kernel("some_rows", (place, x, y), body)
    arrays = {
        "place": np.array([1, -1, 3, -5, 0, 0, 2, -1, 7], "i4"),
        "x": np.arange(45, dtype="f4"),
        "y": np.zeros(1, "f4"),
    }
    expected = arrays["x"].reshape(9, 5)[arrays["place"] >= 0].sum()
    for version in (kernel, schedule(kernel, host())):
        for execute in (lambda k: run(k, arrays), lambda k: run_native(k, arrays, host())):
            arrays["y"][:] = -1
            execute(version)
            assert arrays["y"][0] == expected


def test_what_does_not_change_is_computed_once_ahead_of_the_loop():
    i, at = loop("i", 1024)
    x, rate, y = Buffer("x", "f32", 1024), Buffer("rate", "f32", 1), Buffer("y", "f32", 1024)
    factor = apply("sqrt", apply("add", Load(rate, 0), f32(1.0)))
    kernel = Kernel("scaled", (x, rate, y), (For(i, (Store(y, at, apply("mul", Load(x, at), factor)),)),))
    before, inside = native_text(schedule(kernel, host()), host()).split("\nloop:")
    assert before.count("sqrt") == 1 and "load float" in before
    assert inside.split("\nafter:")[0].count("load") == 1


def test_shared_values_are_written_once():
    """A value used twice at each of 40 levels is 2**40 values as a tree."""
    i, at = loop("i", 64)
    x = Buffer("x", "f32", 64)
    value = Load(x, at)
    for _ in range(40):
        value = apply("add", value, value)
    kernel = schedule(Kernel("doubling", (x,), (For(i, (Store(x, at, value),)),)), host())
    assert native_text(kernel, host()).count("fadd") == 40


def test_long_chains():
    i, at = loop("i", 64)
    x, y = Buffer("x", "f32", 64), Buffer("y", "f32", 64)
    value = Load(x, at)
    for _ in range(3000):
        value = apply("add", value, f32(1.0))
    kernel = schedule(Kernel("chain", (x, y), (For(i, (Store(y, at, value),)),)), host())
    arrays = {"x": np.zeros(64, "f4"), "y": np.zeros(64, "f4")}
    run_native(kernel, arrays, host())
    assert (arrays["y"] == 3000).all()


def test_scratch_is_counted_in_whole_cache_lines():
    assert scratch_bytes(normalise(17), host()) == 128
    assert str(scratch_bytes(normalise(symbol("n")), host())) == "64*((4*n+63)//(64))"
    assert scratch_bytes(elementwise(17), host()) == 0


@pytest.mark.parametrize("name", ["neon", "avx2", "avx512", "sse2"])
def test_other_processors_get_code_without_library_calls(name: str):
    target = named(name)
    for case in CASES[:12]:
        kernel = schedule(case.build(symbol("n")), target)
        assert jit.compile_ir(native_text(kernel, target, ["n"]), target)[:4] == b"\x7fELF"
