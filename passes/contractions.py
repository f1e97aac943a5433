"""Writes matrix products and convolutions as :class:`Contract`: sums of products with a stride for each axis.

Before::

    t: f32[128,784] = Transpose(W, perm=[1,0])
    y: f32[64,128] = MatMul(x, t, transpose_b=True)

After::

    y: f32[64,128] = Contract(x, W, rows=[[64,784,0]], cols=[[128,0,1]], inner=[[784,1,128]])

Code generation then knows one form only. How a convolution is one is said in :mod:`convolutions`.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dims import DimLike
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import apply
from graphc.ops.contraction import BatchMatMul, Contract, MatMul
from graphc.ops.convolution import Convolution, ConvolutionBackpropFilter, ConvolutionBackpropInput
from graphc.ops.depthwise import (
    DepthwiseConv2dNative,
    DepthwiseConv2dNativeBackpropFilter,
    DepthwiseConv2dNativeBackpropInput,
)
from graphc.passes.rewrite import rewrite
from graphc.passes.views import View, view_of

_FORWARD = (Convolution, DepthwiseConv2dNative)
_BY_INPUT = (ConvolutionBackpropInput, DepthwiseConv2dNativeBackpropInput)
_BY_FILTER = (ConvolutionBackpropFilter, DepthwiseConv2dNativeBackpropFilter)
_PRODUCTS = (MatMul, BatchMatMul, *_FORWARD, *_BY_INPUT, *_BY_FILTER)
Axis = tuple[DimLike, DimLike, DimLike]  # extent, step in a, step in b


def contractions(graph: Graph) -> Graph:
    """The graph with every product and convolution as a contraction that reads its operands in place."""
    if not any(isinstance(node.kind, _PRODUCTS) for node in graph.nodes):
        return graph
    return rewrite(graph, _contracted)


def _contracted(node: Operation, inputs: tuple[Tensor, ...]) -> Tensor | None:
    kind = node.kind
    if isinstance(kind, (MatMul, BatchMatMul)):
        return _product(kind, *map(view_of, inputs))
    if not isinstance(kind, (*_FORWARD, *_BY_INPUT, *_BY_FILTER)):
        return None
    from graphc.passes.convolutions import convolution, filter_adjoint, input_adjoint  # late: many graphs have none

    if isinstance(kind, _FORWARD):
        return convolution(kind, *inputs)
    if isinstance(kind, _BY_INPUT):
        return input_adjoint(kind, node.outputs[0].type.sizes, *inputs)
    return filter_adjoint(kind, *inputs)


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
