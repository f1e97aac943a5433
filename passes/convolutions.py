"""Convolutions as sums of products with a stride for each axis: part of :mod:`contractions`.

Before::

    y: f32[2,6,6,4] = Conv2D(x, w, strides=[1,1], padding=VALID)

After, with images of 8 x 8 and 3 channels and windows of 3 x 3::

    y: f32[2,6,6,4] = Contract(x, w, rows=[[2,192,0],[6,24,0],[6,3,0]], cols=[[4,0,1]],
                               inner=[[3,24,36],[3,3,12],[3,1,4]])

What padding adds is not read: the contraction has edges. Where code for edges does not pay (few channels, sizes that
are symbols, channels before the places that would fall in the same sets of a cache), the images are padded first.
Where many channels come before the places and windows overlap, the images are copied with channels last.

The adjoint of a strided convolution is one contraction for each phase of the image, that is for each remainder of a
position by the stride: positions of one phase meet the same places of the window, so that each phase is a smaller
convolution without strides. Axes that could walk as one are left apart, so that the axes of the result stay what the
program calls them; code generation joins them.

Where the user allows it, code generation computes windows of 3 x 3 with fewer multiplications (`choose_winograd.py`):
by F(2x2) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015. In the mean over normal and over
rectified numbers it errs about as much as the sum of products (0.6 to 1.2 times), but not in proportion to each sum's
own terms. F(4x4) errs 25 to 40 times as much, more than float32 promises here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from graphc.dims import DimLike, ceildiv, floordiv
from graphc.nodes import Tensor
from graphc.ops.base import apply
from graphc.ops.blocks import pad_edges
from graphc.ops.contraction import Contract, ContractPhases
from graphc.ops.convolution import Convolution, ConvolutionBackpropFilter, ConvolutionBackpropInput
from graphc.ops.depthwise import (
    DepthwiseConv2dNative,
    DepthwiseConv2dNativeBackpropFilter,
    DepthwiseConv2dNativeBackpropInput,
)
from graphc.ops.reduction import reduce_sum
from graphc.ops.reshaping import broadcast_to, reshape, transpose
from graphc.ops.slicing import getitem
from graphc.ops.windows import LAYOUTS, Extent, Window
from graphc.passes.views import View, packed, view_of
from graphc.records import replace

# With fewer channels a padded copy is small; the rows of a filter's adjoint are its channels, and a tile has many.
# Colours that come last are neighbours of the next place's, so that the loops for edges still run along them.
FEWEST_CHANNELS, FEWEST_COLOURS, FEWEST_ROWS, MOST_ROWS = 8, 3, 16, 255

# So few filters, or fewer, are summed as dot products where each has so many terms.
MOST_SUMMED_UP, LONG_SUM = 4, 128

# The adjoint of a filter with so few elements is summed in parts, of which there are so many if the batch allows it.
MOST_SUMS, MOST_PARTS = 16384, 8

# Channels share few sets of the first cache where they lie a multiple of more bytes than these apart, modulo a page.
PAGE, FEW_TOGETHER, MOST_SPARE = 4096, 128, 4

Axis = tuple[DimLike, DimLike, DimLike]  # extent, step in a, step in b
Walk = tuple[DimLike, DimLike]  # extent and step in one operand


class Images:
    """Images as a view, with names for their axes."""

    def __init__(self, window: Window, tensor: Tensor):
        self.view = packed(tensor)
        strides, sizes = self.view.strides, self.view.sizes
        self.batch: Walk = (sizes[0], strides[0])
        self.channels: Walk = (sizes[window.channel_axis], strides[window.channel_axis])
        self.sizes = [sizes[axis] for axis in window.axes]
        self.steps = [strides[axis] for axis in window.axes]


class Filter:
    """A filter [places of the window, two axes of channels] with names for its axes."""

    def __init__(self, view: View):
        self.view = view
        (*self.sizes, first, last), (*self.steps, first_step, last_step) = self.view.sizes, self.view.strides
        self.first: Walk = (first, first_step)
        self.last: Walk = (last, last_step)


class PlaceEdge(NamedTuple):
    """``0 <= start + row_step * u + inner_step * v < size`` for u along axis ``row`` of the rows, v along ``inner``."""

    row: int
    inner: int
    row_step: int
    inner_step: int
    start: int
    size: int

    def turned(self) -> PlaceEdge:
        """The edge where the place in the window is a row and the window is summed over, after the batch."""
        return PlaceEdge(self.inner, self.row, self.inner_step, self.row_step, self.start, self.size)


class Phase(NamedTuple):
    """Positions ``start + step * u`` of one axis of the image, and the places of the window that they meet.

    Position u meets place ``tap + tap_step * t`` where the result stands at ``first + u - back * t``.
    """

    start: int
    step: int
    extent: DimLike
    tap: int
    tap_step: int
    taps: int
    first: DimLike
    back: int


def convolution(kind: Convolution | DepthwiseConv2dNative, x: Tensor, w: Tensor) -> Tensor:
    """``y[n, o, p, f] = sum over i, j, c of x[n, o*stride + i*dilation, ...] * w[i, j, c, f]`` for padded x."""
    window = kind.window
    by_channel = isinstance(kind, DepthwiseConv2dNative)
    if by_channel and window.channels_last and _is_short(w.type.sizes[-1]):
        return convolution(kind, *_one_filter_a_channel(x, w))
    extents = window.extents(x.type.sizes)
    around = [(extent.low, extent.high) for extent in extents]
    seen = window
    if not by_channel and _channels_last_pays(window, x, w.type.sizes[-1]):
        x, seen = _with_channels_last(x, window)
    cut = _edges_pay(seen, x, by_channel, w.type.sizes[-1])
    images = Images(seen, x if cut else _pad(seen, x, around))
    f = _along_channels(w) if not by_channel and _has_few_filters(seen, w) else Filter(view_of(w))
    edges = _edges_of_windows(window, extents, images.sizes) if cut else []
    view = images.view.moved(_before(around, images.steps)) if cut else images.view
    places = [(e.out, s * step) for e, s, step in zip(extents, window.strides, images.steps, strict=True)]
    taps = [(n, d * a, b) for n, d, a, b in zip(f.sizes, window.dilations, images.steps, f.steps, strict=True)]
    if by_channel:
        channels = [(images.channels[0], images.channels[1], f.first[1]), (f.last[0], 0, f.last[1])]
        shape = window.arranged(images.batch[0], [e.out for e in extents], f.first[0] * f.last[0])
        return _emit(_by_channel(window, images, f.view, places, channels, taps, shape, view, edges), view, f.view)
    inner = [*taps, (*images.channels, f.first[1])]
    return _emit(*_mixing(window, images, f.view, places, f.last, inner, view, edges))


def _is_short(multiplier: DimLike) -> bool:
    return isinstance(multiplier, int) and 1 < multiplier < FEWEST_CHANNELS


def _one_filter_a_channel(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Images whose channels are repeated, so that each meets one filter and vectors run over all that comes out."""
    *window, channels, multiplier = w.type.sizes
    outer = x.type.sizes[:-1]
    spread = broadcast_to(reshape(x, (*outer, channels, 1)), (*outer, channels, multiplier))
    count = channels * multiplier
    return reshape(spread, (*outer, count)), reshape(w, (*window, count, 1))


def _has_few_filters(window: Window, w: Tensor) -> bool:
    """Whether filters leave most lanes of a vector empty, and vectors can run along the channels that they sum over."""
    *sizes, filters = w.type.sizes
    known = [size for size in sizes if isinstance(size, int)]
    if not window.channels_last or not isinstance(filters, int) or len(known) < len(sizes):
        return False
    return 1 < filters <= MOST_SUMMED_UP and known[-1] >= FEWEST_ROWS and math.prod(known) >= LONG_SUM


def _along_channels(w: Tensor) -> Filter:
    """A copy of the filter in which each sum over channels is contiguous."""
    *window, channels, filters = range(len(w.type.sizes))
    f = Filter(packed(transpose(w, [*window, filters, channels])))
    f.first, f.last = f.last, f.first
    return f


def input_adjoint(
    kind: ConvolutionBackpropInput | DepthwiseConv2dNativeBackpropInput,
    shape: tuple[DimLike, ...],
    grad: Tensor,
    w: Tensor,
) -> Tensor:
    """``dx[n, h, w, c] = sum over i, j that meet h, w, and f, of g[n, (h - i*dilation)/stride, ...] * w[i, j, c, f]``
    phase by phase.
    """
    window = kind.window
    around, along = _phases(window, shape)
    by_channel = isinstance(kind, DepthwiseConv2dNativeBackpropInput)
    seen_as = window
    if not by_channel and _channels_last_pays(window, grad, w.type.sizes[-2], 2):
        grad, seen_as = _with_channels_last(grad, window)
    cut = _edges_pay(seen_as, grad, by_channel, w.type.sizes[-2])
    around = [(0, 0) for _ in around] if cut else around
    images, f = Images(seen_as, grad if cut else _pad(seen_as, grad, around)), Filter(view_of(w))
    parts, places = [], []
    for phases in itertools.product(*along):
        offset: DimLike = 0
        f_offset: DimLike = 0
        taps: list[Axis] = []
        for phase, (low, _), a, b in zip(phases, around, images.steps, f.steps, strict=True):
            offset = offset + (phase.first + low) * a
            f_offset = f_offset + phase.tap * b
            taps.append((phase.taps, -phase.back * a, phase.tap_step * b))
        seen = [(phase.extent, a) for phase, a in zip(phases, images.steps, strict=True)]
        here = images.view.moved(offset)
        edges = _edges_of_phases(phases, images.sizes) if cut else []
        filters = f.view.moved(f_offset)
        if by_channel:
            multiplier = f.last[0]
            channels = [(f.first[0], images.channels[1] * multiplier, f.first[1])]
            sizes = window.arranged(images.batch[0], [p.extent for p in phases], f.first[0])
            inner = [*taps, (multiplier, images.channels[1], f.last[1])]
            parts.append(_by_channel(window, images, filters, seen, channels, inner, sizes, here, edges))
            operands = here, filters
        else:
            inner = [*taps, (*images.channels, f.last[1])]
            part, *operands = _mixing(window, images, filters, seen, f.first, inner, here, edges)  # type: ignore
            parts.append(part)
        starts = window.arranged(0, [p.start for p in phases], 0)
        places.append((starts, window.arranged(1, [p.step for p in phases], 1)))
    if len(parts) == 1:
        return _emit(parts[0], *operands)
    return apply(ContractPhases(tuple(parts), tuple(places), shape), operands[0].base, operands[1].base)


def filter_adjoint(
    kind: ConvolutionBackpropFilter | DepthwiseConv2dNativeBackpropFilter, x: Tensor, grad: Tensor
) -> Tensor:
    """``dw[i, j, c, f] = sum over n, o, p of x[n, o*stride + i*dilation, ...] * g[n, o, p, f]``."""
    window = kind.window
    extents = window.extents(x.type.sizes)
    around = [(extent.low, extent.high) for extent in extents]
    by_channel = isinstance(kind, DepthwiseConv2dNativeBackpropFilter)
    g = Images(window, grad)
    if not window.channels_last and not by_channel:
        x, window = _nearer(x, window, around)
    channels = x.type.sizes[window.channel_axis]
    are_rows = by_channel or (isinstance(channels, int) and FEWEST_ROWS <= channels <= MOST_ROWS)
    cut = are_rows and _edges_pay(window, x, by_channel, g.channels[0])
    images = Images(window, x if cut else _pad(window, x, around))
    edges = [edge.turned() for edge in _edges_of_windows(window, extents, images.sizes)] if cut else []
    view = images.view.moved(_before(around, images.steps)) if cut else images.view
    taps = [(n, d * step, 0) for n, d, step in zip(window.size, window.dilations, images.steps, strict=True)]
    inner: list[Axis] = [(*images.batch, g.batch[1])]
    inner += [(n, s * a, b) for n, s, a, b in zip(g.sizes, window.strides, images.steps, g.steps, strict=True)]
    if isinstance(kind, ConvolutionBackpropFilter):
        rows = [*taps, (*images.channels, 0)]
        axes = {"rows": rows, "cols": [(g.channels[0], 0, g.channels[1])], "edges": edges}
        return _summed_in_parts(view, g.view, inner, **axes)
    count, step = g.channels
    channels = images.channels[0]
    multiplier = floordiv(count, channels) if channels != 0 else 0
    pairs = [(channels, images.channels[1], step * multiplier), (multiplier, 0, step)]
    if window.channels_last:
        return _summed_in_parts(view, g.view, inner, rows=taps, paired=pairs, edges=edges)
    # channels first: pixels are neighbours, so that sums run along them; the result is small and turned afterwards
    return transpose(_contract(view, g.view, batch=pairs, rows=taps, inner=inner), [2, 3, 0, 1])


def _nearer(x: Tensor, window: Window, around: Sequence[tuple[DimLike, DimLike]]) -> tuple[Tensor, Window]:
    """Images with their channels first, as the adjoint of a filter reads them best, and the window over those."""
    is_point, is_strided = set(window.size) == {1}, set(window.strides) != {1}
    if is_point and is_strided and all(edge == (0, 0) for edge in around):
        met = (slice(None, None, stride) for stride in window.strides)
        return getitem(x, (slice(None), slice(None), *met)), replace(window, strides=(1,) * window.rank)
    channels = x.type.sizes[1]
    few = isinstance(channels, int) and channels < FEWEST_CHANNELS
    if few or (is_point and not is_strided):
        return x, window
    # rows of the result are channels of one pixel, which are neighbours in a copy in the other order
    return _with_channels_last(x, window)


def _channels_last_pays(window: Window, images: Tensor, outputs: DimLike, least: int = 1) -> bool:
    """Whether images with their channels first are copied into the other order before windows read them.

    Channels are then neighbours, where else each lies in a page of its own, and edges are cut off without a padded
    copy. Measured on layers of VGG, ResNet, U-Net and DCGAN: 0.5 to 1.07 of the time, 0.9 in the mean. Windows have to
    read a cell more than once, those of an adjoint in all its phases, which are ``least`` reads along each axis: for
    1 x 1 windows and phases of few cells the copy cost more, up to twice the time.
    """
    channels = images.type.sizes[1]
    if window.channels_last or not isinstance(channels, int) or not isinstance(outputs, int):
        return False
    if min(channels, outputs) < FEWEST_ROWS:
        return False
    return all(size >= stride * least and size > stride for size, stride in zip(window.size, window.strides))


def _with_channels_last(x: Tensor, window: Window) -> tuple[Tensor, Window]:
    """Images with their channels first in the other order, and the window over those."""
    return transpose(x, [0, *window.axes, 1]), replace(window, data_format=LAYOUTS[window.rank][0])


def _summed_in_parts(a: View, b: View, inner: Sequence[Axis], **axes: Any) -> Tensor:
    """A contraction with few results and a long sum: each part of the batch is summed by itself, then the parts.

    The parts are tasks that may run at once, and how many there are follows from the sizes alone.
    """
    (batch, *steps), rest = inner[0], inner[1:]
    parts = _parts(batch, math.prod(n for name in ("rows", "cols", "paired") for n, _, _ in axes.get(name, ())))
    if parts == 1:
        return _contract(a, b, inner=inner, **axes)
    each = floordiv(batch, parts)
    outer = (parts, *(each * step for step in steps))
    return reduce_sum(_contract(a, b, batch=[outer], inner=[(each, *steps), *rest], **axes), 0)


def _parts(batch: DimLike, results: DimLike) -> int:
    if not isinstance(batch, int) or not isinstance(results, int) or not 0 < results <= MOST_SUMS:
        return 1
    return max(parts for parts in range(1, MOST_PARTS + 1) if batch % parts == 0)


def _mixing(
    window: Window, images: Images, filters: View, places: Sequence[Walk], channels: Walk, inner: Sequence[Axis],
    view: View, edges: Sequence[PlaceEdge],
) -> tuple[Contract, View, View]:  # fmt: skip
    """Images times filter; with channels before the places the roles change, so that the result needs no transpose."""
    if window.channels_last:
        rows = [(*images.batch, 0), *((extent, step, 0) for extent, step in places)]
        kind = _kind(view, filters, rows=rows, cols=[(channels[0], 0, channels[1])], inner=inner, edges=edges)
        return kind, view, filters
    cols = [(extent, 0, step) for extent, step in (places if edges else _as_one(places))]
    turned = [(extent, b, a) for extent, a, b in inner]
    batch = [(images.batch[0], 0, images.batch[1])]
    shape = (images.batch[0], channels[0], *(extent for extent, _ in places))
    axes: dict[str, Any] = {"batch": batch, "rows": [(*channels, 0)], "cols": cols, "inner": turned}
    kind = _kind(filters, view, **axes, shape=shape, edges=edges)
    return kind, filters, view


def _as_one(places: Sequence[Walk]) -> list[Walk]:
    """Neighbouring axes of places joined where they walk as one, so that vectors run on over them."""
    joined: list[Walk] = []
    for extent, step in places:
        if joined and joined[-1][1] == extent * step:
            extent = joined.pop()[0] * extent
        joined.append((extent, step))
    return joined


def _by_channel(
    window: Window, images: Images, filters: View, places: Sequence[Walk], channels: Sequence[Axis],
    inner: Sequence[Axis], shape: Sequence[DimLike], view: View, edges: Sequence[PlaceEdge],
) -> Contract:  # fmt: skip
    """Images times filter, each channel by itself; vectors run along what comes last, channels or the width."""
    batch = (*images.batch, 0)
    walks = [(extent, step, 0) for extent, step in places]
    if window.channels_last:
        return _kind(view, filters, rows=[batch, *walks], paired=channels, inner=inner, shape=shape, edges=edges)
    return _kind(
        view, filters, batch=[batch, *channels], rows=walks[:-1], paired=walks[-1:], inner=inner, shape=shape
    )  # fmt: skip


def _kind(
    a: View, b: View, *, batch: Sequence[Axis] = (), rows: Sequence[Axis] = (), cols: Sequence[Axis] = (),
    paired: Sequence[Axis] = (), inner: Sequence[Axis] = (), shape: Sequence[DimLike] | None = None,
    edges: Sequence[PlaceEdge] = (),
) -> Contract:  # fmt: skip
    sizes = shape or tuple(extent for extent, _, _ in (*batch, *rows, *cols, *paired))
    axes = (tuple(batch), tuple(rows), tuple(cols), tuple(inner))
    return Contract(*axes, a.offset, b.offset, tuple(sizes), tuple(paired), tuple(map(tuple, edges)))  # type: ignore


def _contract(a: View, b: View, **axes: Any) -> Tensor:
    return _emit(_kind(a, b, **axes), a, b)


def _emit(kind: Contract, a: View, b: View) -> Tensor:
    return apply(kind, a.base, b.base)


def _edges_pay(window: Window, images: Tensor, by_channel: bool, outputs: DimLike) -> bool:
    """Whether to cut off the edges of images rather than to pad a copy: their channels are many.

    Where channels come before the places, filters have to fill vectors, and channels to fall in many sets of a cache.
    """
    sizes = [size for size in images.type.sizes[1:] if isinstance(size, int)]
    fewest = FEWEST_COLOURS if window.channels_last and not by_channel else FEWEST_CHANNELS
    if len(sizes) < window.rank + 1 or images.type.sizes[window.channel_axis] < fewest:  # type: ignore
        return False
    if window.channels_last:
        return by_channel or outputs != 1 or images.type.sizes[window.channel_axis] >= FEWEST_ROWS  # type: ignore
    enough = isinstance(outputs, int) and outputs >= FEWEST_ROWS
    return not by_channel and enough and _bytes_together(images, sizes[1:]) <= 2 * FEW_TOGETHER


def _edges_of_windows(window: Window, extents: Sequence[Extent], sizes: Sequence[Any]) -> list[PlaceEdge]:
    """The axes along which some window reaches beyond the images: the batch is the first axis of the rows."""
    edges = []
    for i, (extent, size) in enumerate(zip(extents, sizes, strict=True)):
        stride, dilation = window.strides[i], window.dilations[i]
        last: Any = (extent.out - 1) * stride + (window.size[i] - 1) * dilation - extent.low
        if extent.low > 0 or last >= size:
            edges.append(PlaceEdge(1 + i, i, stride, dilation, -extent.low, size))
    return edges


def _edges_of_phases(phases: Sequence[Phase], sizes: Sequence[Any]) -> list[PlaceEdge]:
    """The axes along which some position of the phases meets a window that is not there."""
    edges = []
    for i, (phase, size) in enumerate(zip(phases, sizes, strict=True)):
        first: Any = phase.first
        extent: Any = phase.extent
        if phase.taps and (first - phase.back * (phase.taps - 1) < 0 or first + extent - 1 >= size):
            edges.append(PlaceEdge(1 + i, i, 1, -phase.back, first, size))
    return edges


def _before(around: Sequence[tuple[DimLike, DimLike]], steps: Sequence[DimLike]) -> DimLike:
    """How far before the images the first window begins, as a (negative) number of elements."""
    total: DimLike = 0
    for (low, _), step in zip(around, steps, strict=True):
        total = total - low * step
    return total


def _pad(window: Window, x: Tensor, edges: Sequence[tuple[DimLike, DimLike]]) -> Tensor:
    """The images with cells around them; channels that come last are part of the width, for longer runs."""
    if window.channels_last:
        *outer, width, channels = x.type.sizes
        rows = reshape(x, (*outer, width * channels))
        low = [0, *(before for before, _ in edges[:-1]), edges[-1][0] * channels]
        high = [0, *(after for _, after in edges[:-1]), edges[-1][1] * channels]
        padded = pad_edges(rows, low, high)
        if padded is rows:
            return x
        return reshape(padded, (*padded.type.sizes[:-1], width + edges[-1][0] + edges[-1][1], channels))
    low, high = [0, 0, *(before for before, _ in edges)], [0, 0, *(after for _, after in edges)]
    if any(low) or any(high):
        high[-1] = high[-1] + _spare_columns(x, low, high)
    return pad_edges(x, low, high)


def _spare_columns(x: Tensor, low: Sequence[DimLike], high: Sequence[DimLike]) -> int:
    """How many columns more a padded copy gets, so that the channels of one place fall in different sets of a cache."""
    sizes = [size + before + after for size, before, after in zip(x.type.sizes, low, high, strict=True)][2:]
    known = [size for size in sizes if isinstance(size, int)]
    if len(known) < len(sizes):
        return 0
    *outer, width = known
    return min(range(MOST_SPARE), key=lambda spare: max(_bytes_together(x, [*outer, width + spare]), FEW_TOGETHER))


def _bytes_together(x: Tensor, sizes: Sequence[int]) -> int:
    """Channels of so many places lie a multiple of so many bytes apart, modulo a page."""
    return math.gcd(math.prod(sizes) * x.type.dtype.size, PAGE)


def _phases(window: Window, shape: Sequence[DimLike]) -> tuple[list[tuple[DimLike, DimLike]], list[list[Phase]]]:
    """For each spatial axis, the cells around the result's adjoint that the image's positions reach, and the phases."""
    around: list[tuple[DimLike, DimLike]] = []
    along: list[list[Phase]] = []
    for i, (axis, extent) in enumerate(zip(window.axes, window.extents(shape), strict=True)):
        size, stride = shape[axis], window.strides[i]
        reach = (window.size[i] - 1) * window.dilations[i]
        beyond = floordiv(size - 1 + extent.low, stride) - (extent.out - 1)
        around.append((ceildiv(reach - extent.low, stride), beyond))
        phases = [_phase(window, i, start, size, extent.low) for start in range(stride)]
        # A stride beyond the image leaves phases without any position.
        along.append([phase for phase in phases if phase.extent != 0] or phases[:1])
    return around, along


def _phase(window: Window, i: int, start: int, size: DimLike, low: int) -> Phase:
    """The places t of the window with ``(start + low - t*dilation) % stride == 0``: a first one, and regular steps."""
    stride, dilation = window.strides[i], window.dilations[i]
    together = math.gcd(stride, dilation)
    tap_step, back = stride // together, dilation // together
    met = [t for t in range(min(window.size[i], tap_step)) if (start + low - t * dilation) % stride == 0]
    tap = met[0] if met else 0
    taps = len(range(tap, window.size[i], tap_step)) if met else 0
    first = (start + low - tap * dilation) // stride if met else 0
    return Phase(start, stride, ceildiv(size - start, stride), tap, tap_step, taps, first, back)
