"""Contractions with few results and a long loop of K: partial sums of pieces, then their combination."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.codegen import choose
from graphc.codegen.interpret import run
from graphc.codegen.kernels.contraction import Axis, Contraction
from graphc.codegen.loops import Apply, Buffer, Contract, For, Kernel, Let, Load, Local, Store
from graphc.codegen.schedule_products import split_product
from graphc.codegen.schedule_rounds import stages
from graphc.codegen.target import host, named
from graphc.dims import DimLike, Symbol, atom, symbol
from graphc.records import replace
from tests.codegen.native import run_native


def weight_gradient(k: DimLike, rows: int, columns: int, dtype: str = "f32") -> Kernel:
    """w - x^T d, the step of a layer whose input is x [k, rows] and whose output's gradient is d [k, columns]."""
    r, c = Symbol("r", rows), Symbol("c", columns)
    x, d = Buffer("x", dtype, k * rows), Buffer("d", dtype, k * columns)
    w, y = Buffer("w", dtype, rows * columns), Buffer("y", dtype, rows * columns)
    spec = Contraction(dtype, (), (Axis(rows, 1, 0),), (Axis(columns, 0, 1),), (Axis(k, rows, columns),))
    place = atom(r) * columns + atom(c)
    epilogue = (
        Let("new", Apply("sub", (Load(w, place), Local("sum", dtype)), dtype)),
        Store(y, place, Local("new", dtype)),
    )
    return Kernel("gradient", (x, d, w, y), (Contract(spec, x, d, (r, c), "sum", epilogue),))


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("dtype", ["f32", "f64", "i32"])
def test_pieces_and_their_combination(dtype: str, native: bool) -> None:
    k, rows, columns = (65536, 27, 6) if native else (768, 3, 2)
    plain = weight_gradient(65536, 27, 6, dtype)
    assert len(stages(plain, host())) == 2
    kernels = stages(weight_gradient(k, rows, columns, dtype), host())
    rng = np.random.default_rng(3)
    kind = {"f32": np.float32, "f64": np.float64, "i32": np.int32}[dtype]
    x, d, w = (rng.integers(-4, 5, shape).astype(kind) for shape in ((k, rows), (k, columns), (rows, columns)))
    arrays = {"x": x.ravel(), "d": d.ravel(), "w": w.ravel(), "y": np.zeros(rows * columns, kind)}
    for kernel in kernels:
        for buffer in kernel.arguments:
            arrays.setdefault(buffer.name, np.full(buffer.size, 77, kind))
        if native:
            run_native(kernel, arrays, host(), {})
        else:
            run(kernel, arrays, {})
    np.testing.assert_array_equal(arrays["y"].reshape(rows, columns), w - x.T @ d)  # sums without rounding


def test_loops_of_the_two_kernels() -> None:
    pair = split_product(weight_gradient(65536, 27, 6), host())
    assert pair is not None
    first, second = pair
    (contract,) = first.body
    assert isinstance(contract, Contract) and isinstance(second.body[0], For)
    pieces = contract.spec.batch[0].extent
    assert isinstance(pieces, int) and pieces > 1
    assert contract.spec.batch[0].a * pieces == 65536 * 27 and contract.spec.inner[0].extent * pieces == 65536
    assert [buffer.name for buffer in first.arguments] == ["x", "d", "partials0"]
    assert [buffer.name for buffer in second.arguments] == ["w", "y", "partials0"]
    assert stages(weight_gradient(65536, 27, 6), host())[0].tasks >= pieces


def test_pieces_are_the_same_for_every_number_of_cores() -> None:
    kernel = weight_gradient(65536, 27, 6)
    texts = {split_product(kernel, replace(host(), cores=cores))[0].text for cores in (1, 2, 64)}  # type: ignore[index]
    assert len(texts) == 1


@pytest.mark.parametrize("k, rows, columns", [(512, 27, 6), (4096, 784, 128), (symbol("n"), 27, 6), (65537, 27, 6)])
def test_small_ones_large_results_and_loops_without_equal_pieces_stay_whole(
    k: DimLike, rows: int, columns: int
) -> None:
    assert split_product(weight_gradient(k, rows, columns), host()) is None


def test_bits_of_a_gradient_do_not_depend_on_threads() -> None:
    rng = np.random.default_rng(4)
    x, d = (rng.standard_normal((65536, n)).astype(np.float32) for n in (27, 6))
    with tf.Graph().as_default():
        fed_x, fed_d = tf.placeholder(tf.float32, x.shape), tf.placeholder(tf.float32, d.shape)
        product = tf.matmul(fed_x, fed_d, transpose_a=True)
        results = []
        for threads in (1, 2, 3):
            with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads)) as session:
                results.append(session.run(product, {fed_x: x, fed_d: d}))
    assert all((result == results[0]).all() for result in results)
    np.testing.assert_allclose(results[0], x.astype(np.float64).T @ d, rtol=0, atol=0.01)


def test_two_cores_get_as_many_columns() -> None:
    target = replace(named("avx512"), cores=2)
    square = Contraction("f32", (), (Axis(384, 384, 0),), (Axis(384, 0, 1),), (Axis(384, 1, 384),))
    plan = choose.plan(square, target)
    assert plan.tasks % 2 == 0 and plan.column_chunks * plan.panels == plan.column_panels


@pytest.mark.parametrize("rows, copied", [(256, ""), (512, "columns")])
def test_a_transposed_operand_is_read_in_place_while_it_is_near(rows: int, copied: str) -> None:
    spec = Contraction("f32", (), (Axis(rows, 1, 0),), (Axis(512, 0, 1),), (Axis(256, rows, 512),))
    assert choose.plan(spec, named("avx512")).pack_a == copied
