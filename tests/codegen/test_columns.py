"""Columns that are a few elements apart, or fewer than half a vector, as images with their channels first have them."""

from __future__ import annotations

import pytest

from graphc.codegen import choose
from graphc.codegen.kernels.affine import Axis, Contraction
from graphc.codegen.target import host, named
from graphc.records import replace
from tests.codegen.test_contraction import _check
from tests.codegen.test_edges import _width

FILTERS, CHANNELS = 37, 11


def _strided_rows(width: int, stride: int, outs: int, high: int = 6) -> Contraction:
    """C[n, f, o, p] = sum over c of W[c, f] * X[n, c, o*stride, p*stride]."""
    image = CHANNELS * high * width
    cols = (Axis(high // stride, b=stride * width), Axis(outs, b=stride))
    inner = (Axis(CHANNELS, FILTERS, high * width),)
    return Contraction("f32", (Axis(2, b=image),), (Axis(FILTERS, a=1),), cols, inner)


@pytest.mark.parametrize("name", ["host", "sse2"])
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("outs", [3, 16, 41])
def test_columns_apart(outs: int, stride: int, name: str) -> None:
    width = (outs - 1) * stride + 1  # the last column is the last element of a row
    target = host() if name == "host" else named(name)
    _check(_strided_rows(width, stride, outs), CHANNELS * FILTERS, 2 * CHANNELS * 6 * width, target)


@pytest.mark.parametrize("outs", [2, 4, 7])
def test_few_columns_leave_the_vectors_to_the_rows(outs: int) -> None:
    cols = (Axis(6, b=8), Axis(outs, b=1))
    inner = (Axis(3, FILTERS * 40, 1), Axis(40, FILTERS, 64))
    spec = Contraction("f32", (Axis(2, b=40 * 64),), (Axis(FILTERS, a=1),), cols, inner)
    assert choose.plan(spec, named("avx512")).shape.swapped
    _check(spec, 120 * FILTERS, 2 * 40 * 64 + 8)


def test_a_batch_is_no_column() -> None:
    """A filter's adjoint by depth: C[c, j, t] = sum over p of X[c, 5p + t] * G[c, j, p]."""
    batch = (Axis(5, 128, 40), Axis(2, 0, 20))
    spec = Contraction("f32", batch, (Axis(3, a=1),), (), (Axis(20, 5, 1),))
    assert choose.plan(spec, named("avx512")).turned_lanes == 0
    _check(spec, 5 * 128, 5 * 40)


@pytest.mark.parametrize("name", ["host", "avx2", "sse2"])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("outs", [5, 16, 41])
def test_a_window_by_depth_is_one_tile_of_dot_products(outs: int, stride: int, name: str) -> None:
    """C[c, i, j] = sum over n, o, p of X[n, c, o*stride + i, p*stride + j] * G[n, c, o, p]; the last cell is met."""
    width, image, result = (outs - 1) * stride + 3, (stride + 3) * ((outs - 1) * stride + 3), 2 * outs
    inner = (Axis(2, 3 * image, 3 * result), Axis(2, stride * width, outs), Axis(outs, stride, 1))
    spec = Contraction("f32", (Axis(3, image, result),), (Axis(3, width), Axis(3, 1)), (), inner)
    target = host() if name == "host" else replace(host(), **_width(name))
    chosen = choose.plan(spec, target)
    assert (chosen.form, chosen.mr) == ("dot", 9)
    _check(spec, 2 * 3 * image, 2 * 3 * result, target)


@pytest.mark.parametrize("name", ["host", "avx2", "sse2"])
@pytest.mark.parametrize("columns, a_step, b_step", [
    (35, 2, 1), (35, 4, 4), (35, 3, 7), (35, 8, 1), (35, 9, 5), (14, 2, 1), (13, 3, 2), (5, 2, 4), (3, 7, 5), (1, 2, 3),
])  # fmt: skip
def test_paired_columns_apart(columns: int, a_step: int, b_step: int, name: str) -> None:
    rows = 6
    inner = (Axis(a_step, 1, 0), Axis(4, columns * a_step, columns * b_step))
    width = columns * a_step * 4
    spec = Contraction("f32", (), (Axis(rows, a=width),), (), inner, paired=(Axis(columns, a_step, b_step),))
    target = host() if name == "host" else replace(host(), **_width(name))
    _check(spec, rows * width, 4 * columns * b_step, target)
