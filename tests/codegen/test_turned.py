"""Transposes: the two loops that are turned, and their copies by squares, whole and cut into tasks."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.loops import Buffer, For, Kernel, Load, Store
from graphc.codegen.schedule import schedule
from graphc.codegen.target import host, named
from graphc.dims import DimLike, evaluate, product, symbol
from tests.codegen.native import run_native
from tests.codegen.plain_kernels import apply, loop

DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64}


def turned(batch: DimLike, rows: DimLike, columns: DimLike, dtype: str = "f32", doubled: bool = False) -> Kernel:
    """y[b, i, j] = x[b, j, i], or twice that; the result has so many rows."""
    (b, at_b), (i, row), (j, column) = loop("b", batch), loop("i", rows), loop("j", columns)
    size = product((batch, rows, columns))
    x, y = Buffer("x", dtype, size), Buffer("y", dtype, size)
    load = Load(x, (at_b * columns + column) * rows + row)
    value = apply("add", load, load) if doubled else load
    store = Store(y, (at_b * rows + row) * columns + column, value)
    return Kernel("turned", (x, y), (For(b, (For(i, (For(j, (store,)),)),)),))


def text(kernel: Kernel) -> list[str]:
    return [
        line.strip()
        for line in str(schedule(kernel, named("avx512"))).splitlines()[1:]
        if not line.startswith(("  <", "   >"))
    ]


def test_the_loop_along_the_source_is_outside() -> None:
    assert text(turned(1, 40, 30)) == ["turned for i < 40:", "for j < 30:", "y[30*i+j] = x[i+40*j]"]
    assert text(turned(1, 1024, 512))[0] == "turned parallel(32) for i < 1024:"
    assert text(turned(8, 64, 64))[:2] == ["parallel(3) for b < 8:", "turned for i < 64:"]


def test_small_ones_and_those_that_compute_have_vectors() -> None:
    assert not any("turned" in line for line in text(turned(1, 8, 8)) + text(turned(1, 40, 30, doubled=True)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch, rows, columns", [(1, 33, 47), (3, 20, 16), (1, 7, 200), (2, 100, 5)])
def test_every_element_finds_its_place(dtype: str, batch: int, rows: int, columns: int) -> None:
    x = np.arange(batch * rows * columns).astype(DTYPES[dtype])
    expected = x.reshape(batch, columns, rows).transpose(0, 2, 1).ravel()
    n = symbol("n")
    fixed, any_rows, any_columns = (
        schedule(turned(batch, *shape, dtype), host()) for shape in ((rows, columns), (n, columns), (rows, n))
    )
    for kernel, sizes in ((fixed, {}), (any_rows, {"n": rows}), (any_columns, {"n": columns})):
        tasks = evaluate(kernel.tasks, sizes)
        for ranges in ([(0, tasks)], [(task, task + 1) for task in reversed(range(tasks))]):
            arrays = {"x": x, "y": np.full_like(x, 77)}
            run_native(kernel, arrays, host(), sizes, ranges)
            np.testing.assert_array_equal(arrays["y"], expected)


def test_what_is_no_number_keeps_its_bits() -> None:
    bits = np.arange(0x7FA00000, 0x7FA00000 + 40 * 30, dtype=np.uint32)  # signalling NaNs
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, (30, 40))
        found = session.run(tf.transpose(x), {x: bits.view(np.float32).reshape(30, 40)})
    np.testing.assert_array_equal(np.ascontiguousarray(found).view(np.uint32), bits.reshape(30, 40).T)


def test_cells_around_a_transpose_are_zero() -> None:
    x = np.random.RandomState(0).randn(2, 64, 14, 15).astype(np.float32)
    around = [[0, 0], [1, 2], [1, 1], [0, 0]]
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, x.shape)
        found = session.run(tf.pad(tf.transpose(fed, [0, 2, 3, 1]), around), {fed: x})
    np.testing.assert_array_equal(found, np.pad(x.transpose(0, 2, 3, 1), around))
