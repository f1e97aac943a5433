"""Writes matrix products and convolutions as :class:`Contract`: sums of products with a stride for each axis.

Before::

    t: f32[128,784] = Transpose(W, perm=[1,0])
    y: f32[64,128] = MatMul(x, t, transpose_b=True)

After::

    y: f32[64,128] = Contract(x, W, rows=[[64,784,0]], cols=[[128,0,1]], inner=[[784,1,128]])

Code generation then knows one form only. A convolution pads its images first (with cells between for the adjoint of a
strided one) and is a contraction of what it sees. Axes that could walk as one are left apart, so that the axes of the
result stay what the program calls them; code generation joins them.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dims import DimLike
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import apply
from graphc.ops.blocks import pad_edges
from graphc.ops.contraction import BatchMatMul, Contract, MatMul
from graphc.ops.convolution import Conv2D, Conv2DBackpropFilter, Conv2DBackpropInput
from graphc.ops.windows import Window
from graphc.passes.rewrite import rewrite
from graphc.passes.views import View, packed, view_of

_PRODUCTS = (MatMul, BatchMatMul, Conv2D, Conv2DBackpropInput, Conv2DBackpropFilter)
Axis = tuple[DimLike, DimLike, DimLike]  # extent, step in a, step in b


def contractions(graph: Graph) -> Graph:
    """The graph with every product and convolution as a contraction that reads its operands in place."""
    if not any(isinstance(node.kind, _PRODUCTS) for node in graph.nodes):
        return graph
    return rewrite(graph, _contracted)


def _contracted(node: Operation, inputs: tuple[Tensor, ...]) -> Tensor | None:
    match node.kind:
        case MatMul() | BatchMatMul():
            return _product(node.kind, *map(view_of, inputs))
        case Conv2D(window=window):
            return _convolution(window, *inputs)
        case Conv2DBackpropInput(window=window, shape=shape):
            return _input_adjoint(window, shape, *inputs)  # type: ignore[arg-type]
        case Conv2DBackpropFilter(window=window):
            return _filter_adjoint(window, node.outputs[0].type.sizes, *inputs)
    return None


def _contract(
    a: View, b: View, batch: Sequence[Axis], rows: Sequence[Axis], cols: Sequence[Axis], inner: Sequence[Axis]
) -> Tensor:
    shape = tuple(extent for extent, _, _ in (*batch, *rows, *cols))
    kind = Contract(tuple(batch), tuple(rows), tuple(cols), tuple(inner), a.offset, b.offset, shape)
    return apply(kind, a.base, b.base)


def _product(kind: MatMul | BatchMatMul, a: View, b: View) -> Tensor:
    """``y[..., m, n] = sum over k of a[..., m, k] * b[..., k, n]``."""
    m, k = (-1, -2) if kind.transpose_a else (-2, -1)
    k_of_b, n = (-1, -2) if kind.transpose_b else (-2, -1)
    outer = _outer_axes(a, b)
    # outer axes along which b does not move are rows, as long as no axis of the batch comes after them
    batch = len(outer)
    while batch and outer[batch - 1][2] == 0:
        batch -= 1
    rows = [*outer[batch:], (a.sizes[m], a.step(m), 0)]
    cols = [(b.sizes[n], 0, b.step(n))]
    inner = [(a.sizes[k], a.step(k), b.step(k_of_b))]
    return _contract(a, b, outer[:batch], rows, cols, inner)


def _outer_axes(a: View, b: View) -> list[Axis]:
    """The axes before the last two, broadcast: an operand of size 1 does not move."""
    rank = max(len(a.sizes), len(b.sizes)) - 2
    axes = []
    for place in range(-rank - 2, -2):
        (m, a_step), (n, b_step) = (x.axis(place) if -place <= len(x.sizes) else (1, 0) for x in (a, b))
        axes.append((n if m == 1 else m, a_step, b_step))
    return axes


class _Images:
    """Images as a view, with names for their axes."""

    def __init__(self, window: Window, tensor: Tensor):
        self.view = packed(tensor)
        strides, sizes = self.view.strides, self.view.sizes
        (row, col), channel = window.axes, window.channel_axis
        self.batch, self.channels = sizes[0], sizes[channel]
        self.height, self.width = sizes[row], sizes[col]
        self.image, self.channel = strides[0], strides[channel]
        self.row, self.col = strides[row], strides[col]


class _Filter:
    """A filter [height, width, channels in, channels out] with names for its axes, seen forwards or backwards."""

    def __init__(self, tensor: Tensor, backwards: bool = False):
        view = view_of(tensor)
        self.height, self.width, self.channels, self.filters = view.sizes
        self.row, self.col, self.channel, self.filter = view.strides
        if backwards:
            offset = view.offset + (self.height - 1) * self.row + (self.width - 1) * self.col
            view = View(view.base, view.sizes, view.strides, offset)
            self.row, self.col = -self.row, -self.col
        self.view = view


def _convolution(window: Window, x: Tensor, w: Tensor) -> Tensor:
    """``y[n, o, p, f] = sum over i, j, c of x[n, o*stride + i*dilation, ...] * w[i, j, c, f]`` for padded x."""
    extents = window.extents(x.type.sizes)
    images = _Images(window, _padded(window, x))
    (sh, sw), (dh, dw) = window.strides, window.dilations
    f = _Filter(w)
    places = [(extents[0].out, sh * images.row), (extents[1].out, sw * images.col)]
    inner = [
        (f.height, dh * images.row, f.row),
        (f.width, dw * images.col, f.col),
        (f.channels, images.channel, f.channel),
    ]
    return _images_by_filter(window, images, f, places, (f.filters, f.filter), inner)


def _input_adjoint(window: Window, shape: Sequence[DimLike], grad: Tensor, w: Tensor) -> Tensor:
    """``dx[n, h, w, c] = sum over i, j, f of g[n, h + i*dilation, ...] * w[-i, -j, c, f]`` for spread and padded g."""
    images = _Images(window, _spread(window, shape, grad))
    f = _Filter(w, backwards=True)
    height, width = (shape[axis] for axis in window.axes)
    dh, dw = window.dilations
    places = [(height, images.row), (width, images.col)]
    inner = [
        (f.height, dh * images.row, f.row),
        (f.width, dw * images.col, f.col),
        (f.filters, images.channel, f.filter),
    ]
    return _images_by_filter(window, images, f, places, (f.channels, f.channel), inner)


def _images_by_filter(
    window: Window, images: _Images, f: _Filter, places: Sequence[tuple[DimLike, DimLike]],
    channels: tuple[DimLike, DimLike], inner: Sequence[Axis],
) -> Tensor:  # fmt: skip
    """Images times filter; with channels before the places the roles change, so that the result needs no transpose."""
    if window.data_format == "NHWC":
        rows = [(images.batch, images.image, 0), *((extent, step, 0) for extent, step in places)]
        return _contract(images.view, f.view, [], rows, [(channels[0], 0, channels[1])], inner)
    batch = [(images.batch, 0, images.image)]
    cols = [(extent, 0, step) for extent, step in places]
    turned = [(extent, b, a) for extent, a, b in inner]
    return _contract(f.view, images.view, batch, [(channels[0], channels[1], 0)], cols, turned)


def _filter_adjoint(window: Window, shape: Sequence[DimLike], x: Tensor, grad: Tensor) -> Tensor:
    """``dw[i, j, c, f] = sum over n, o, p of x[n, o*stride + i*dilation, ...] * g[n, o, p, f]`` for padded x."""
    images, g = _Images(window, _padded(window, x)), _Images(window, grad)
    (sh, sw), (dh, dw) = window.strides, window.dilations
    rows = [
        (shape[0], dh * images.row, 0),
        (shape[1], dw * images.col, 0),
        (images.channels, images.channel, 0),
    ]
    inner = [
        (images.batch, images.image, g.image),
        (g.height, sh * images.row, g.row),
        (g.width, sw * images.col, g.col),
    ]
    return _contract(images.view, g.view, [], rows, [(g.channels, 0, g.channel)], inner)


def _padded(window: Window, x: Tensor) -> Tensor:
    """The images with the padding of the window around them."""
    low: list[DimLike] = [0, 0, 0, 0]
    high: list[DimLike] = [0, 0, 0, 0]
    for axis, extent in zip(window.axes, window.extents(x.type.sizes), strict=True):
        low[axis], high[axis] = extent.low, extent.high
    return pad_edges(x, low, high)


def _spread(window: Window, shape: Sequence[DimLike], grad: Tensor) -> Tensor:
    """``grad`` with cells between, and so much around that every place of the image sees whole windows."""
    low: list[DimLike] = [0, 0, 0, 0]
    high: list[DimLike] = [0, 0, 0, 0]
    interior = [0, 0, 0, 0]
    for i, (axis, extent) in enumerate(zip(window.axes, window.extents(shape), strict=True)):
        reach = (window.size[i] - 1) * window.dilations[i]
        interior[axis] = window.strides[i] - 1
        low[axis] = reach - extent.low
        spread = 0 if extent.out == 0 else (extent.out - 1) * window.strides[i] + 1
        high[axis] = shape[axis] + reach - low[axis] - spread
    return pad_edges(grad, low, high, 0, interior)
