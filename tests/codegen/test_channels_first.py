"""Convolutions of images with their channels first: places are rows, filters fill the vectors, tiles are transposed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from graphc.codegen.choose import plan
from graphc.codegen.kernels.affine import Axis, Contraction, Edge
from graphc.codegen.target import host, named
from graphc.dims import evaluate, symbol
from graphc.records import replace
from tests.codegen.test_contraction import _check, _expected, _random, _run
from tests.codegen.test_edges import _fenced, _width

BATCH = 2


class _Images(NamedTuple):
    """A convolution with so many cells of padding before height and width, and as many windows as SAME has."""

    height: int
    width: int
    channels: int
    filters: int
    window: tuple[int, int] = (3, 3)
    stride: int = 1
    dilation: int = 1
    low: tuple[int, int] = (1, 1)

    def outs(self) -> list[int]:
        return [-(-n // self.stride) for n in (self.height, self.width)]

    def padded(self) -> list[int]:
        reach = [(o - 1) * self.stride + (k - 1) * self.dilation + 1 for o, k in zip(self.outs(), self.window)]
        return [max(r, n + low) for r, n, low in zip(reach, (self.height, self.width), self.low)]

    def spec(self, edges: bool, dtype: str = "f32", batch: Any = BATCH) -> Contraction:
        """C[n, f, o, p] = sum over i, j, c of W[i, j, c, f] * X[n, c, o*stride + i*dilation, p*stride + j*dilation]."""
        height, width = (self.height, self.width) if edges else self.padded()
        s, d, (kh, kw), c, f = self.stride, self.dilation, self.window, self.channels, self.filters
        cols = tuple(Axis(o, b=s * step) for o, step in zip(self.outs(), (width, 1)))
        inner = (Axis(kh, kw * c * f, d * width), Axis(kw, c * f, d), Axis(c, f, height * width))
        start = -self.low[0] * width - self.low[1] if edges else 0
        cut = [Edge(1 + i, i, s, d, -self.low[i], size) for i, size in enumerate((height, width))] if edges else []
        batches = (Axis(batch, b=c * height * width),)
        return Contraction(dtype, batches, (Axis(f, a=1),), cols, inner, 0, start, (), tuple(cut))

    def copy(self, x: Any) -> Any:
        (top, left), (height, width) = self.low, self.padded()
        around = [(0, 0), (0, 0), (top, height - self.height - top), (left, width - self.width - left)]
        shape = (BATCH, self.channels, self.height, self.width)
        return np.ascontiguousarray(np.pad(x[: int(np.prod(shape))].reshape(shape), around))

    def arrays(self, dtype: str = "f32") -> tuple[Any, Any]:
        """The filter, and images between what is not a number."""
        count = BATCH * self.channels * self.height * self.width
        filters = _random(dtype, self.window[0] * self.window[1] * self.channels * self.filters, 2)
        return filters, _fenced(count) if dtype == "f32" else _random(dtype, count, 1)


CASES = [
    _Images(9, 7, 8, 16),
    _Images(8, 8, 16, 40, stride=2, low=(0, 1)),
    _Images(5, 37, 12, 33, (5, 2), dilation=2, low=(4, 1)),
    _Images(4, 3, 9, 70, (3, 5), low=(1, 2)),
    _Images(6, 29, 8, 32, (3, 9), stride=3),  # fewer channels than the window is wide
    _Images(9, 15, 21, 19, (1, 1), stride=2, low=(0, 0)),
    _Images(9, 27, 3, 37, (7, 5), stride=2, low=(3, 2)),  # few channels in a large window
]


def _same(made: _Images, target: Any, edges: bool, dtype: str = "f32", batch: Any = BATCH) -> None:
    filters, x = made.arrays(dtype)
    values = {} if batch == BATCH else {"n": BATCH}
    whole, copy = made.spec(False, dtype), made.copy(x)
    got = _run(made.spec(edges, dtype, batch), filters, x if edges else copy, target, values)
    terms = made.window[0] * made.window[1] * made.channels
    bound = (terms + 1) * np.finfo(got.dtype).eps * _expected(whole, np.abs(filters), np.abs(copy))
    assert (np.abs(got - _expected(whole, filters, copy)) <= bound).all()


@pytest.mark.parametrize("edges", [False, True], ids=["padded", "edges"])
@pytest.mark.parametrize("target", ["host", "avx2", "sse2"])
@pytest.mark.parametrize("made", CASES, ids=str)
def test_places_are_rows(made: _Images, target: str, edges: bool) -> None:
    processor = host() if target == "host" else replace(host(), **_width(target))
    assert plan(made.spec(edges), processor).shape.swapped
    _same(made, processor, edges)


@pytest.mark.parametrize("edges", [False, True], ids=["padded", "edges"])
def test_places_are_rows_in_float64(edges: bool) -> None:
    _same(CASES[0], host(), edges, "f64")


@pytest.mark.parametrize("edges", [False, True], ids=["padded", "edges"])
def test_a_batch_that_is_a_symbol(edges: bool) -> None:
    _same(CASES[2], host(), edges, batch=symbol("n"))


@pytest.mark.parametrize("edges", [False, True], ids=["padded", "edges"])
def test_sums_of_parts_of_k(edges: bool) -> None:
    small = replace(host(), l1=1024, l2=16384)
    made = _Images(20, 18, 32, 48)
    assert evaluate(plan(made.spec(edges), small).k_blocks, {}) > 1
    _same(made, small, edges)


def test_bits_do_not_depend_on_tasks() -> None:
    made = _Images(16, 16, 32, 32)
    filters, x = made.arrays()
    whole = _run(made.spec(True), filters, x)
    split = _run(made.spec(True), filters, x, order=lambda total: [(i, i + 1) for i in reversed(range(total))])
    np.testing.assert_array_equal(whole, split)


def test_one_copy_of_the_filters_serves_all_images() -> None:
    made = _Images(14, 14, 64, 64)
    chosen = plan(made.spec(True), named("avx512"))
    assert chosen.outer == 1 and chosen.shape.m == BATCH * 14 * 14
    assert str(chosen).startswith("tile 392 x 576 x 64: 14 x 2 x 16; vectors run along the filters, places are rows")
    assert chosen.turned_lanes == 16


def test_few_filters_leave_the_vectors_to_the_places() -> None:
    chosen = plan(_Images(32, 32, 16, 8).spec(False), named("avx512"))
    assert not chosen.shape.swapped and chosen.turned_lanes == 0


def test_places_that_a_stride_keeps_apart_are_rows() -> None:
    assert plan(_Images(28, 28, 64, 64, (1, 1), stride=2, low=(0, 0)).spec(False), named("avx512")).shape.swapped


@pytest.mark.parametrize("places", [49, 196, 784])
def test_places_of_small_images_are_rows(places: int) -> None:
    """A convolution 1 x 1: C[n, f, p] = sum over c of W[c, f] * X[n, c, p]."""
    batch, columns = (Axis(BATCH, b=9 * places),), (Axis(places, b=1),)
    spec = Contraction("f32", batch, (Axis(37, a=1),), columns, (Axis(9, 37, places),))
    assert plan(spec, named("avx512")).shape.swapped == (places < 256)
    _check(spec, 9 * 37, BATCH * 9 * places)


@pytest.mark.parametrize("target", ["host", "avx2", "sse2"])
@pytest.mark.parametrize("filters, places, swapped", [(200, 90, True), (37, 500, False)])
def test_what_meets_all_columns_is_copied(filters: int, places: int, swapped: bool, target: str) -> None:
    """Of small images their places, else the filters: C[n, f, p] = sum over c of W[c, f] * X[n, c, p]."""
    batch, columns = (Axis(BATCH, b=24 * places),), (Axis(places, b=1),)
    spec = Contraction("f32", batch, (Axis(filters, a=1),), columns, (Axis(24, 2 * filters, places),))
    processor = host() if target == "host" else replace(host(), **_width(target))
    chosen = plan(spec, processor)
    assert (chosen.shape.swapped, chosen.pack_a) == (swapped, "columns")
    _check(spec, 24 * 2 * filters, BATCH * 24 * places, processor)


@pytest.mark.parametrize("target", ["host", "avx2", "sse2"])
@pytest.mark.parametrize(
    "made", [_Images(9, 47, 3, 37, stride=2), _Images(7, 70, 1, 16, (5, 5), stride=3), _Images(5, 20, 4, 20)], ids=str
)
def test_filters_of_few_channels_are_rows(made: _Images, target: str) -> None:
    processor = host() if target == "host" else replace(host(), **_width(target))
    assert not plan(made.spec(False), processor).shape.swapped
    _same(made, processor, False)


def test_long_rows_that_the_first_cache_cannot_hold_are_no_dot_products() -> None:
    """The filter's adjoint of a convolution 1 x 1: C[c, f] = sum over places p of X[c, p] * G[f, p]."""

    def spec(places: int, rows: int) -> Contraction:
        return Contraction("f32", (), (Axis(rows, places),), (Axis(256, b=places),), (Axis(places, 1, 1),))

    assert plan(spec(3136, 64), named("avx512")).form == "tile"
    assert plan(spec(3136, 4), named("avx512")).form == "dot"
    assert plan(spec(784, 12), named("avx512")).form == "dot"


@pytest.mark.parametrize("target", ["host", "avx2", "sse2"])
@pytest.mark.parametrize(
    ("rows", "columns", "k", "swapped"),
    [
        (32, 100, 150, True),  # fewer rows are transposed
        (100, 32, 150, False),
        (96, 24, 150, True),  # and they fill the vectors
        (200, 300, 210, False),  # many: the result is not
        (64, 96, 50, False),  # a short sum neither
    ],
)
def test_of_operands_that_run_along_k_the_smaller_copy_is_made(
    rows: int, columns: int, k: int, swapped: bool, target: str
) -> None:
    """The filter's adjoint of a convolution 1 x 1: C[n, c, f] = sum over places p of X[n, c, p] * G[n, f, p]."""
    batch = (Axis(BATCH, rows * k, columns * k),)
    spec = Contraction("f32", batch, (Axis(rows, k),), (Axis(columns, b=k),), (Axis(k, 1, 1),))
    assert plan(spec, named("avx512")).shape.swapped == swapped
    _check(
        spec, BATCH * rows * k, BATCH * columns * k, host() if target == "host" else replace(host(), **_width(target))
    )


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("columns", [9, 17, 33, 40, 71])
def test_columns_that_run_along_k_are_transposed_up_to_the_last(columns: int, dtype: str) -> None:
    spec = Contraction(dtype, (), (Axis(300, 103),), (Axis(columns, b=103),), (Axis(103, 1, 1),))
    chosen = plan(spec, host())
    assert (chosen.form, chosen.pack_b, chosen.shape.swapped) == ("tile", True, False)
    _check(spec, 300 * 103, 103 * columns)


@pytest.mark.parametrize("batch", [1, BATCH])
@pytest.mark.parametrize(
    ("filters", "channels", "places", "in_place"),
    [
        (16, 32, 1100, True),
        (37, 40, 1100, True),
        (60, 24, 1100, False),  # a short sum
        (90, 24, 1100, False),
        (16, 24, 1000, False),  # channels share pages
        (16, 100, 32768, False),  # all channels fall in the same sets
    ],
)
def test_few_filters_meet_the_channels_where_these_are(
    filters: int, channels: int, places: int, in_place: bool, batch: int
) -> None:
    """A convolution 1 x 1: C[n, f, p] = sum over c of W[c, f] * X[n, c, p], each channel in another page."""
    images, columns = (Axis(batch, b=channels * places),), (Axis(places, b=1),)
    spec = Contraction("f32", images, (Axis(filters, a=1),), columns, (Axis(channels, filters, places),))
    chosen = plan(spec, named("avx512"))
    assert (chosen.panels_ahead > 0) == in_place and not (in_place and chosen.pack_b)
    if in_place:
        _check(spec, filters * channels, batch * channels * places)


@pytest.mark.parametrize("filters, channels, copied", [(64, 256, True), (48, 190, True), (64, 512, False)])
def test_a_panel_of_all_channels_is_copied_for_some_filters(filters: int, channels: int, copied: bool) -> None:
    """More channels than the first cache holds of a panel are read in place, one part of them at a time."""
    places = 3136
    images, columns = (Axis(BATCH, b=channels * places),), (Axis(places, b=1),)
    spec = Contraction("f32", images, (Axis(filters, a=1),), columns, (Axis(channels, filters, places),))
    wide = replace(named("avx512"), starts=6, l1=48 * 1024, l2=2048 * 1024)
    chosen = plan(spec, wide)
    assert chosen.pack_b == copied and (chosen.k_blocks == 1) == copied
    _check(spec, filters * channels, BATCH * channels * places, replace(host(), l1=wide.l1, l2=wide.l2))
