"""Convolutions by F(2x2, 3x3): within the bound of a sum of products at every size, and NumPy's infinities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.codegen.choose_winograd import winograd_plan
from graphc.codegen.kernels.affine import Axis, Contraction, Edge
from graphc.codegen.target import Target, host, named
from graphc.dims import symbol
from graphc.records import replace
from tests.codegen.test_contraction import _random, _run

# images, height, width, channels, filters, padding before and after
SIZES = [(3, 9, 7, 16, 32, 1), (2, 8, 12, 32, 16, 0), (5, 11, 8, 48, 80, 1), (1, 17, 14, 16, 16, 2)]
EPS = np.finfo(np.float32).eps


def _target(name: str) -> Target:
    other = named(name)
    if other.vector_bytes > host().vector_bytes or not host().masks:
        pytest.skip(f"this machine has no {name}")
    return replace(host(), vector_bytes=other.vector_bytes, vector_registers=other.vector_registers, winograd=True)


def _forward(n: Any, h: int, w: int, c: int, f: int, low: int) -> Contraction:
    rows = (Axis(n, a=h * w * c), Axis(h + 2 * low - 2, a=w * c), Axis(w + 2 * low - 2, a=c))
    inner = (Axis(3, w * c, 3 * c * f), Axis(3, c, c * f), Axis(c, 1, f))
    edges = tuple(Edge(1 + i, i, 1, 1, -low, size) for i, size in enumerate((h, w)) if low)
    return Contraction("f32", (), rows, (Axis(f, b=1),), inner, -low * (w + 1) * c, 0, (), edges)


def _adjoint(n: Any, h: int, w: int, c: int, f: int, low: int) -> Contraction:
    """dx of a convolution of ``f`` channels in, ``c`` out: the windows are turned, as are channels and filters."""
    first = 2 - low
    rows = (Axis(n, a=h * w * c), Axis(h + 2 * first - 2, a=w * c), Axis(w + 2 * first - 2, a=c))
    inner = (Axis(3, -w * c, 3 * c * f), Axis(3, -c, c * f), Axis(c, 1, 1))
    edges = tuple(Edge(1 + i, i, 1, -1, 2 - first, size) for i, size in enumerate((h, w)))
    return Contraction("f32", (), rows, (Axis(f, b=c),), inner, (2 - first) * (w + 1) * c, 0, (), edges)


def _expected(spec: Contraction, x: Any, w: Any) -> Any:
    """The sums of products in the dtype of ``x``; cells beyond an edge are left out."""
    (n, h, wide), f, c = (axis.extent for axis in spec.rows), spec.cols[0].extent, spec.inner[2].extent
    total = np.zeros((n, h, wide, f), x.dtype)
    for i in range(3):
        for j in range(3):
            seen = [np.ones(size, bool) for size in (h, wide)]
            for edge in spec.edges:
                at = (
                    edge.start + edge.row_step * np.arange((h, wide)[edge.inner]) + edge.inner_step * (i, j)[edge.inner]
                )
                seen[edge.inner] = (at >= 0) & (at < edge.size)
            down, across = (np.flatnonzero(each) for each in seen)
            images = [axis.a * place for axis, place in zip(spec.rows, (np.arange(n), down, across), strict=True)]
            first = spec.a_offset + i * spec.inner[0].a + j * spec.inner[1].a
            index = first + sum(np.ix_(*images, np.arange(c)))
            there = spec.b_offset + i * spec.inner[0].b + j * spec.inner[1].b
            filters = w[there + np.add.outer(np.arange(c) * spec.inner[2].b, np.arange(f) * spec.cols[0].b)]
            total[np.ix_(range(n), down, across)] += np.einsum("nhwc,cf->nhwf", x[index], filters)
    return total


def _case(build: Any, sizes: Any) -> tuple[Contraction, Any, Any]:
    n, h, w, c, f, low = sizes
    return build(n, h, w, c, f, low), _random("f32", n * h * w * c, 1), _random("f32", 9 * c * f, 2)


@pytest.mark.parametrize("build", [_forward, _adjoint])
@pytest.mark.parametrize("target", ["avx2", "avx512"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_errors_are_within_the_bound_of_a_sum_of_products(sizes: Any, target: str, build: Any) -> None:
    spec, x, w = _case(build, sizes)
    processor = _target(target)
    assert winograd_plan(spec, processor) is not None
    got, wanted = _run(spec, x, w, processor), _expected(spec, x.astype(float), w.astype(float))
    bound = (9 * sizes[3] + 1) * EPS * _expected(spec, abs(x).astype(float), abs(w).astype(float))
    assert (abs(got - wanted) <= bound).all()


@pytest.mark.parametrize("channels", [16, 64, 256])
def test_errors_are_as_those_of_a_sum_in_float32(channels: int) -> None:
    spec, x, w = _case(_forward, (1, 16, 16, channels, 16, 1))
    exact = _expected(spec, x.astype(float), w.astype(float))
    fast, direct = _target("avx2"), replace(_target("avx2"), masks=False)
    assert winograd_plan(spec, direct) is None
    error, usual = (np.sqrt(((_run(spec, x, w, target) - exact) ** 2).mean()) for target in (fast, direct))
    assert error <= 1.25 * usual


def test_whole_numbers_are_exact() -> None:
    spec, x, w = _case(_forward, SIZES[0])
    x, w = np.round(8 * x), np.round(8 * w)
    np.testing.assert_array_equal(_run(spec, x, w), _expected(spec, x, w))


@pytest.mark.parametrize("build", [_forward, _adjoint])
@pytest.mark.parametrize("strange", [np.inf, -np.inf, np.nan])
def test_infinity_and_nan_are_numpys(strange: float, build: Any) -> None:
    sizes = SIZES[0]
    spec, x, w = _case(build, sizes)
    for places, array in (([0, 700, 1500], x), ([33], w)):
        kept = array[places]
        array[places] = strange
        with np.errstate(invalid="ignore"):
            got, wanted = _run(spec, x, w), _expected(spec, x, w)
            bound = (9 * sizes[3] + 1) * EPS * _expected(spec, abs(x), abs(w))
        finite = np.isfinite(wanted)
        assert 0 < np.count_nonzero(~finite) < finite.size
        np.testing.assert_array_equal(got[~finite], wanted[~finite])
        assert (abs(got[finite] - wanted[finite]) <= bound[finite]).all()
        array[places] = kept


def test_what_overflows_only_in_between_is_finite() -> None:
    spec, x, w = _case(_forward, SIZES[0])
    x, w = np.full_like(x, 2e38), np.full_like(w, 1e-3)
    x[::2] *= -1
    assert np.isfinite(_run(spec, x, w)).all()
    x, w = np.sign(x), np.sign(w) * np.float32(1.5e38)
    w[1::2] *= -1
    np.testing.assert_array_equal(np.isfinite(_run(spec, x, w)), np.isfinite(_expected(spec, x, w)))


def test_small_filters_count() -> None:
    spec, x, w = _case(_forward, SIZES[0])
    w = np.full_like(w, np.finfo(np.float32).tiny)
    x *= np.float32(1e30)
    np.testing.assert_allclose(_run(spec, x, w), _expected(spec, x, w), rtol=0, atol=1e-12)


def test_small_cells_beside_large_ones() -> None:
    """Windows that see no large cell give what they would without it."""
    n, h, w, c, *_ = SIZES[0]
    spec, x, filters = _case(_forward, SIZES[0])
    cells = x.reshape(n, h, w, c)
    cells[:, ::5, ::5] *= np.float32(1e7)
    got, wanted = _run(spec, x, filters), _expected(spec, x.astype(float), filters.astype(float))
    size = _expected(spec, abs(x).astype(float), abs(filters).astype(float))
    assert (abs(got - wanted) <= (9 * c + 1) * EPS * size).all()


def test_bits_do_not_depend_on_tasks() -> None:
    for build in (_forward, _adjoint):
        spec, x, w = _case(build, (8, 16, 14, 32, 32, 1))
        split = _run(spec, x, w, order=lambda total: [(i, i + 1) for i in reversed(range(total))])
        np.testing.assert_array_equal(_run(spec, x, w), split)


def test_symbolic_batch() -> None:
    n, h, w, c, f, low = 7, 9, 8, 16, 16, 1
    fixed, x, filters = _case(_forward, (n, h, w, c, f, low))
    spec = _forward(symbol("n"), h, w, c, f, low)
    for batch in (0, 1, 7):
        got = _run(spec, x, filters, values={"n": batch})
        np.testing.assert_array_equal(got, _run(fixed, x, filters)[:batch])


def test_which_convolutions() -> None:
    target = replace(named("avx512"), winograd=True)
    assert not named("avx512").winograd, "larger errors are for those who ask"
    spec = _forward(32, 16, 16, 32, 32, 1)
    plan = winograd_plan(spec, target)
    assert plan is not None
    assert (plan.height.tiles, plan.columns, plan.tasks) == (8, 32, 4)
    assert winograd_plan(_forward(32, 16, 16, 24, 32, 1), target) is None  # channels that leave lanes empty
    assert winograd_plan(_forward(8, 7, 7, 512, 512, 1), target) is None  # too few filters at once in the cache
    assert winograd_plan(replace(spec, dtype="f64"), target) is None
    apart = (spec.rows[0], *(replace(row, a=2 * row.a) for row in spec.rows[1:]))
    assert winograd_plan(replace(spec, rows=apart), target) is None  # strides
