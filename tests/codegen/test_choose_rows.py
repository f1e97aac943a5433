"""Products whose number of rows is known only when the step runs: other ways for few rows, every number right."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.codegen import choose
from graphc.codegen.kernels.affine import Axis, Contraction
from graphc.codegen.plan import Plan
from graphc.codegen.target import named
from graphc.dims import DimLike, symbol

COUNTS = [*range(20), 31, 33, 64, 65, 127, 128, 129, 200]


def product(m: DimLike, k: int, n: int, transposed: bool) -> Contraction:
    column, step = (k, 1) if transposed else (1, n)
    return Contraction("f32", (), (Axis(m, a=k),), (Axis(n, b=column),), (Axis(k, a=1, b=step),))


def ways(spec: Contraction, target: str = "avx512") -> list[tuple[int, str, bool, bool]]:
    """Of the ways from that for most rows on: up to how many, the form, whether B is copied, whether roles change."""
    found, most, way = [], 0, choose.way(spec, named(target))
    while way is not None:
        assert isinstance(way, Plan)
        found.append((most, way.form, way.pack_b, way.shape.swapped))
        most, way = way.few_rows, way.few
    return found


def test_few_rows_read_b_in_place() -> None:
    assert ways(product(symbol("m"), 784, 1024, transposed=False)) == [
        (0, "tile", True, False),
        (64, "tile", False, False),
    ]


def test_few_rows_change_roles_with_columns_that_are_apart() -> None:
    assert ways(product(symbol("m"), 784, 1024, transposed=True)) == [
        (0, "tile", True, False),
        (128, "tile", True, True),
        (8, "dot", False, False),
    ]


@pytest.mark.parametrize("rows", [16, 200, 128 * symbol("m") + 128])
def test_rows_that_are_known_not_to_be_few_have_one_way(rows: DimLike) -> None:
    for transposed in (False, True):
        assert len(ways(product(rows, 784, 1024, transposed))) == 1


def test_sums_in_parts_read_rows_in_place() -> None:
    way = choose.way(product(symbol("m"), 60000, 96, transposed=False), named("avx512"))
    assert isinstance(way, Plan) and way.k_blocks != 1 and way.pack_a == ""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize(("inner", "columns"), [(36, 20), (784, 40), (300, 1000), (1024, 144), (6000, 24)])
@pytest.mark.parametrize("transposed", [False, True])
def test_every_number_of_rows(transposed: bool, inner: int, columns: int, dtype: tf.DType, threads: int) -> None:
    generator = np.random.default_rng(7)

    def whole(*shape: int) -> np.ndarray:
        return generator.integers(-9, 9, shape).astype(dtype.as_numpy_dtype)  # so that every order of sums is exact

    weights = whole(*((columns, inner) if transposed else (inner, columns)))
    x = tf.placeholder(dtype, [None, inner])
    y = tf.nn.relu(tf.matmul(x, tf.constant(weights), transpose_b=transposed) + 1)
    with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads)) as session:
        for count in COUNTS:
            rows = whole(count, inner)
            expected = np.maximum(rows @ (weights.T if transposed else weights) + 1, 0)
            np.testing.assert_array_equal(session.run(y, {x: rows}), expected)
