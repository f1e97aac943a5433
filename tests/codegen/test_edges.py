"""Contractions that cut off the edges of A compute what they would on a padded copy of it, and read nothing outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphc.codegen import choose
from graphc.codegen.choose import plan
from graphc.codegen.kernels.affine import Axis, Contraction, Edge
from graphc.codegen.target import host, named
from graphc.dims import evaluate, symbol
from graphc.records import replace
from tests.codegen.test_contraction import _expected, _module, _random, _run

# height, width, channels, filters, window, stride, dilation, cells of padding before height and width
SIZES = [
    (9, 7, 8, 16, (3, 3), 1, 1, (1, 1)),
    (8, 8, 16, 40, (3, 3), 2, 1, (0, 1)),
    (5, 21, 33, 5, (5, 2), 1, 2, (4, 1)),
    (4, 3, 9, 70, (3, 5), 1, 1, (1, 2)),
    (6, 40, 32, 32, (3, 3), 1, 3, (3, 3)),
]
BATCH = 2


class _Convolution:
    """The contractions of one convolution with as many windows as SAME padding has, with edges and on a padded copy."""

    def __init__(self, *sizes: Any):
        self.height, self.width, self.channels, self.filters, self.window, self.stride, self.dilation, self.low = sizes
        self.outs = [-(-n // self.stride) for n in (self.height, self.width)]
        reach = [
            (o - 1) * self.stride + (k - 1) * self.dilation + 1 for o, k in zip(self.outs, self.window, strict=True)
        ]
        self.padded = [max(r, n + low) for r, n, low in zip(reach, (self.height, self.width), self.low, strict=True)]

    @property
    def images(self) -> int:
        return BATCH * self.height * self.width * self.channels

    def copy(self, x: Any) -> Any:
        images = x[: self.images].reshape(BATCH, self.height, self.width, self.channels)
        (top, left), (height, width) = self.low, self.padded
        around = [(0, 0), (top, height - self.height - top), (left, width - self.width - left), (0, 0)]
        return np.ascontiguousarray(np.pad(images, around))

    def _steps(self, edges: bool) -> tuple[int, int, int]:
        height, width = (self.height, self.width) if edges else self.padded
        return height * width * self.channels, width * self.channels, self.channels

    def _offset(self, edges: bool) -> int:
        _, row, col = self._steps(edges)
        return -self.low[0] * row - self.low[1] * col if edges else 0

    def _edges(self, of_filter: bool) -> tuple[Edge, ...]:
        found = []
        for i, size in enumerate((self.height, self.width)):
            edge = (i, 1 + i, self.dilation, self.stride) if of_filter else (1 + i, i, self.stride, self.dilation)
            found.append(Edge(*edge, -self.low[i], size))
        return tuple(found)

    def forward(self, edges: bool, by_depth: bool = False, batch: Any = BATCH) -> Contraction:
        image, row, col = self._steps(edges)
        s, d, (kh, kw), c, f = self.stride, self.dilation, self.window, self.channels, self.filters
        rows = (Axis(batch, a=image), Axis(self.outs[0], a=s * row), Axis(self.outs[1], a=s * col))
        outs = 1 if by_depth else f
        taps = (Axis(kh, d * row, kw * c * outs), Axis(kw, d * col, c * outs))
        cut, start = self._edges(False) if edges else (), self._offset(edges)
        if by_depth:
            return Contraction("f32", (), rows, (), taps, start, 0, (Axis(c, 1, 1),), cut)
        return Contraction("f32", (), rows, (Axis(f, b=1),), (*taps, Axis(c, 1, f)), start, 0, (), cut)

    def few_filters(self, edges: bool) -> Contraction:
        """The convolution by filters that are contiguous along their channels."""
        spec, c = self.forward(edges), self.channels
        return replace(spec, cols=(Axis(self.filters, b=c),), inner=(*spec.inner[:2], Axis(c, 1, 1)))

    def of_filter(self, edges: bool, by_depth: bool = False) -> Contraction:
        image, row, col = self._steps(edges)
        s, d, (kh, kw), c = self.stride, self.dilation, self.window, self.channels
        f = c if by_depth else self.filters
        high, wide = self.outs
        inner = (Axis(BATCH, image, high * wide * f), Axis(high, s * row, wide * f), Axis(wide, s * col, f))
        taps = (Axis(kh, a=d * row), Axis(kw, a=d * col))
        cut, start = self._edges(True) if edges else (), self._offset(edges)
        if by_depth:
            return Contraction("f32", (), taps, (), inner, start, 0, (Axis(c, 1, 1),), cut)
        return Contraction("f32", (), (*taps, Axis(c, a=1)), (Axis(f, b=1),), inner, start, 0, (), cut)

    def others(self, of_filter: bool) -> int:
        """Elements of B, at most."""
        if of_filter:
            return BATCH * self.outs[0] * self.outs[1] * max(self.filters, self.channels)
        return self.window[0] * self.window[1] * self.channels * self.filters


def _same(
    cut: Contraction, whole: Contraction, x: Any, copy: Any, b: Any, target: Any = None, values: Any = None
) -> None:
    got, wanted = _run(cut, x, b, target, values), _expected(whole, copy, b, values)
    terms = np.prod([evaluate(axis.extent, values or {}) for axis in whole.inner])
    bound = (terms + 1) * np.finfo(np.float32).eps * _expected(whole, np.abs(copy), np.abs(b), values)
    assert (np.abs(got - wanted) <= bound).all()


def _fenced(count: int) -> Any:
    """Images right before memory that is not a number, and after such: one read outside shows."""
    fenced = np.full(count + 4096, np.nan, np.float32)
    fenced[2048 : 2048 + count] = _random("f32", count, 1)
    return fenced[2048 : 2048 + count]


@pytest.mark.parametrize("of_filter", [False, True], ids=["forward", "filter"])
@pytest.mark.parametrize("by_depth", [False, True], ids=["all channels", "by depth"])
@pytest.mark.parametrize("target", ["host", "avx2", "sse2"])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_edges_are_as_padding(sizes: Any, target: str, by_depth: bool, of_filter: bool) -> None:
    made = _Convolution(*sizes)
    build = made.of_filter if of_filter else made.forward
    x, b = _fenced(made.images), _random("f32", made.others(of_filter), 2)
    processor = host() if target == "host" else replace(host(), **_width(target))
    _same(build(True, by_depth), build(False, by_depth), x, made.copy(x), b, processor)


@pytest.mark.parametrize("filters", [1, 2, 3, 4])
@pytest.mark.parametrize("target", ["host", "avx2", "sse2"])
@pytest.mark.parametrize("window", [((9, 7, 33), (3, 3), 1, 1, (1, 1)), ((6, 40, 32), (5, 3), 2, 3, (5, 3))], ids=str)
def test_edges_of_few_filters(window: Any, target: str, filters: int) -> None:
    sizes, *rest = window
    made = _Convolution(*sizes, filters, *rest)
    x, b = _fenced(made.images), _random("f32", made.others(False), 2)
    processor = host() if target == "host" else replace(host(), **_width(target))
    assert plan(made.few_filters(True), named("avx512")).form == "dot"
    _same(made.few_filters(True), made.few_filters(False), x, made.copy(x), b, processor)


def test_the_last_tile_along_an_edge_has_only_rows_of_its_own() -> None:
    spec, target = _Convolution(8, 56, 32, 64, (3, 3), 1, 1, (1, 1)).forward(True), named("avx512")
    chosen = plan(spec, target)
    assert (chosen.mr, chosen.nv, chosen.together) == (6, 4, 2)
    first = 4 * (5 + 2 * 6)  # one step of the turn that sees 5 rows, two of those that see all
    within, last = 4 * 2 * 6, 4 * (2 + 1)  # the last tile begins at 50, and its own rows are 54 and 55
    assert str(_module(spec, target)).count("@llvm.fma.v16f32(") - 1 == first + within + last


def _width(name: str) -> dict[str, Any]:
    """The vectors of another processor on this one."""
    other = named(name)
    return {"vector_bytes": other.vector_bytes, "vector_registers": other.vector_registers}


@pytest.mark.parametrize("of_filter", [False, True], ids=["forward", "filter"])
def test_edges_where_k_is_cut(of_filter: bool) -> None:
    made = _Convolution(20, 18, 32, 48, (3, 3), 1, 1, (1, 1))
    spec = made.of_filter(True) if of_filter else made.forward(True)
    small = replace(host(), l1=1024, l2=16384)
    assert evaluate(plan(spec, small).k_blocks, {}) > 1
    x, b = _fenced(made.images), _random("f32", made.others(of_filter), 2)
    _same(spec, made.of_filter(False) if of_filter else made.forward(False), x, made.copy(x), b, small)


@pytest.mark.parametrize("target", ["host", "avx2", "sse2"])
@pytest.mark.parametrize("l2", [1 << 22, 1 << 18, 1 << 14], ids=["whole", "some rows", "some columns"])
@pytest.mark.parametrize(
    "sizes",
    [
        (20, 18, 140, 1, (3, 3), 1, 1, (1, 1)),
        (33, 40, 128, 1, (3, 3), 2, 1, (0, 1)),
        (19, 21, 130, 1, (5, 2), 1, 2, (4, 1)),
        (22, 20, 150, 1, (2, 6), 1, 3, (1, 9)),
    ],
    ids=str,
)
def test_edges_of_all_places_of_a_window_at_once(sizes: Any, l2: int, target: str) -> None:
    """The adjoint of a filter by depth: every loop of K that sees some of them only, in whatever parts it is summed."""
    made = _Convolution(*sizes)
    spec, x, b = made.of_filter(True, True), _fenced(made.images), _random("f32", made.others(True), 2)
    processor = replace(host(), l1=l2 // 16, l2=l2, **(_width(target) if target != "host" else {}))
    chosen, fits = plan(spec, processor), np.prod(sizes[4]) <= processor.vector_registers - 2
    assert (chosen.tiled is None) == fits
    if fits and l2 < 1 << 22:
        assert chosen.k_level == (1 if l2 > 1 << 14 else 2) and evaluate(chosen.k_blocks, {}) > 1
    _same(spec, made.of_filter(False, True), x, made.copy(x), b, processor)
    whole = _run(spec, x, b, processor)
    split = _run(spec, x, b, processor, order=lambda total: [(i, i + 1) for i in reversed(range(total))])
    np.testing.assert_array_equal(whole, split)


@pytest.mark.parametrize("channels, vectors", [(32, 2), (64, 4), (128, 4), (192, 3), (144, 3), (20, 1)])
def test_places_of_a_window_by_depth_take_as_many_channels_as_fit(channels: int, vectors: int) -> None:
    """Four sums of 36 wait on the stack where that is one pass over the channels in place of two."""
    made = _Convolution(56, 56, channels, 1, (3, 3), 1, 1, (1, 1))
    chosen = plan(made.of_filter(True, True), named("avx512"))
    assert (chosen.form, chosen.tiled, chosen.mr, chosen.nv) == ("paired", None, 9, vectors)
    small = _Convolution(8, 8, 16, 1, (3, 3), 1, 1, (1, 1))
    assert plan(small.of_filter(True, True), named("avx512")).tiled == 1


def test_edges_of_a_symbolic_batch() -> None:
    made = _Convolution(*SIZES[0])
    n = symbol("n")
    x, b = _fenced(made.images), _random("f32", made.others(False), 2)
    _same(made.forward(True, batch=n), made.forward(False, batch=n), x, made.copy(x), b, values={"n": BATCH})


def test_bits_do_not_depend_on_tasks() -> None:
    made = _Convolution(16, 16, 32, 32, (3, 3), 1, 1, (1, 1))
    x, b = _fenced(made.images), _random("f32", max(made.others(True), made.others(False)), 2)
    for spec in (made.forward(True), made.of_filter(True), made.forward(True, True)):
        whole = _run(spec, x, b)
        split = _run(spec, x, b, order=lambda total: [(i, i + 1) for i in reversed(range(total))])
        np.testing.assert_array_equal(whole, split)


def test_plans_with_edges() -> None:
    target = named("avx512")
    chosen = choose.plan(_Convolution(32, 32, 16, 16, (3, 3), 1, 1, (1, 1)).forward(True), target)
    assert str(chosen) == "tile 2048 x 144 x 16: 16 x 1 x 16; the edges of A are cut off"
    by_depth = choose.plan(_Convolution(28, 28, 64, 64, (3, 3), 1, 1, (1, 1)).forward(True, by_depth=True), target)
    assert str(by_depth) == "paired 1568 x 9 x 64: 3 x 4 x 16; both operands move along columns"


def test_phases_of_an_adjoint_by_depth_have_tasks_that_stay_near() -> None:
    """What the phases of one turn write lies between each other: it stays in the second cache for all of them."""
    target, counts = named("avx512"), set()
    for window in ((1, 1), (1, 2), (2, 1), (2, 2)):
        spec = _Convolution(56, 56, 64, 64, window, 1, 1, (0, 0)).forward(True, by_depth=True, batch=8)
        chosen = plan(spec, target)
        counts.add(chosen.tasks)
        assert chosen.row_tiles * chosen.mr * 64 * 4 <= target.l2 // 8 + 4096
    assert counts == {64}
