"""Long reductions in two kernels: partial results of pieces, then their combination."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.codegen.interpret import run
from graphc.codegen.loops import Accumulate, Buffer, Declare, For, Kernel, Literal, Load, Local, Store
from graphc.codegen.schedule import schedule
from graphc.codegen.schedule_rounds import stages
from graphc.codegen.schedule_split import _match, split, split_reduction
from graphc.codegen.target import host
from graphc.dims import DimLike, evaluate, symbol
from tests.codegen.native import run_native
from tests.codegen.plain_kernels import loop


def column_sums(rows: DimLike, columns: int) -> Kernel:
    """One sum for each column of a block with many rows."""
    (i, row), (j, column) = loop("i", rows), loop("j", columns)
    x, y = Buffer("x", "f32", rows * columns), Buffer("y", "f32", columns)
    add = For(i, (Accumulate("s", "add", Load(x, row * columns + column)),))
    body = (Declare("s", "f32", Literal(0.0, "f32")), add, Store(y, column, Local("s", "f32")))
    return Kernel("sums", (x, y), (For(j, body),))


def run_stages(kernels: tuple[Kernel, ...], arrays: dict[str, np.ndarray], sizes: dict[str, int], native: bool) -> None:
    for kernel in kernels:
        for buffer in kernel.arguments:
            arrays.setdefault(buffer.name, np.full(evaluate(buffer.size, sizes), np.nan, np.float32))
        if native:
            run_native(kernel, arrays, host(), sizes)
        else:
            run(kernel, arrays, sizes)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("rows", [65536, 40009, symbol("n")])
def test_pieces_and_their_combination(rows: DimLike, native: bool) -> None:
    sizes = {} if isinstance(rows, int) else {"n": 33333}
    count = evaluate(rows, sizes)
    kernels = stages(column_sums(rows, 16), host())
    if isinstance(rows, int):
        assert len(kernels) == 2 and kernels[0].tasks > 4
    x = np.random.default_rng(1).integers(-8, 9, (count, 16)).astype(np.float32)  # sums without rounding
    arrays = {"x": x.reshape(-1), "y": np.zeros(16, np.float32)}
    run_stages(kernels, arrays, sizes, native)
    np.testing.assert_array_equal(arrays["y"], x.sum(0))


def test_small_or_parallel_ones_stay_whole() -> None:
    assert split_reduction(column_sums(100, 16), host()) is None
    assert split_reduction(column_sums(256, 100_000), host()) is None


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("rows", [4096, 3001, symbol("n")])
def test_long_rows_are_added_up_in_blocks_of_a_few(rows: DimLike, native: bool) -> None:
    sizes = {} if isinstance(rows, int) else {"n": 1111}
    count = evaluate(rows, sizes)
    kernel = column_sums(rows, 300)
    reduction = _match(kernel.body)
    assert reduction is not None
    pieces, whole = split(kernel, reduction, 256, in_blocks=True)
    assert "block" in pieces.text and "block" not in whole.text
    x = np.random.default_rng(2).integers(-8, 9, (count, 300)).astype(np.float32)  # sums without rounding
    arrays = {"x": x.reshape(-1), "y": np.zeros(300, np.float32)}
    run_stages((schedule(pieces, host()), schedule(whole, host())), arrays, sizes, native)
    np.testing.assert_array_equal(arrays["y"], x.sum(0))


def test_blocks_where_rows_are_long_and_columns_too() -> None:
    assert "block" in stages(column_sums(4096, 1024), host())[0].text
    assert "block" not in stages(column_sums(65536, 16), host())[0].text  # a vector takes a whole row


def test_a_step_with_pieces() -> None:
    """A bias and its momentum are updated where they stand, from the sum over many positions."""
    rng = np.random.default_rng(0)
    grad = rng.integers(-4, 5, (64, 28, 28, 16)).astype(np.float32)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, grad.shape)
        bias = tf.Variable(np.arange(16, dtype=np.float32))
        moved = tf.assign_sub(bias, 0.5 * tf.reduce_sum(x, [0, 1, 2]))
        with tf.Session() as session:
            session.run(bias.initializer)
            results = [session.run(moved, {x: grad}) for _ in range(2)]
            executable, _ = session.compiled(moved, {x: grad})
    assert len(executable.program.calls) == 2
    total = grad.sum((0, 1, 2), dtype=np.float64)
    for count, result in enumerate(results, start=1):
        np.testing.assert_array_equal(result, np.arange(16) - count * 0.5 * total)
