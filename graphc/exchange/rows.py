"""One row for each kind of node: the node of TensorFlow that means the same, with its attributes.

A row takes the writer, the node and the names of its inputs, adds nodes and gives back the one with its name. What it
cannot say it refuses by ``NotInTensorFlow``. Where several nodes stand for one, ``exact`` notes the kind beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc import dtypes
from graphc.exchange.attributes import Sized
from graphc.nodes import Op, Operation
from graphc.ops import (
    arrays,
    base,
    blocks,
    contraction,
    convolution,
    copies,
    depthwise,
    indexing,
    pooling,
    random,
    scatter,
    sequences,
    state,
)
from graphc.ops import checks as ch
from graphc.ops import elementwise as e
from graphc.ops import reduction as r
from graphc.ops import reshaping as s

Inputs = list[str]
Row = Callable[[Any, Operation, Inputs], Any]
I32 = dtypes.int32


class NotInTensorFlow(ValueError):
    """TensorFlow has no node that means this."""


def row_for(kind: Op) -> Row:
    """The row of a kind of node."""
    return ROWS.get(type(kind), _refused)


def _refused(w: Any, node: Operation, inputs: Inputs) -> Any:
    raise NotInTensorFlow(f"TensorFlow has no {type(node.kind).__name__}")


def plain(*keys: str, op: str | None = None, **renamed: str) -> Row:
    """A row for a node of the same type with the type ``T`` of its first input, and fields under these names."""

    def row(w: Any, node: Operation, inputs: Inputs) -> Any:
        attributes = {key: getattr(node.kind, key) for key in keys}
        attributes |= {key: getattr(node.kind, field) for key, field in renamed.items()}
        return w.put(op or node.type, inputs, T=_t(node), **attributes)

    return row


def _t(node: Operation) -> Any:
    """The element type: of the first input, or of the output where there is none."""
    return (node.inputs or node.outputs)[0].dtype


def _numbers(values: Any, what: str) -> list[int]:
    """Sizes as numbers; sizes that are known only when the graph runs cannot be written."""
    if values is None or any(not isinstance(value, int) for value in values):
        raise NotInTensorFlow(f"its {what} {values} are not numbers")
    return [int(value) for value in values]


# -- values and variables ----------------------------------------------------------------------------------


def _const(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    return w.put("Const", inputs, dtype=node.outputs[0].dtype, value=kind.value)


def _placeholder(w: Any, node: Operation, inputs: Inputs) -> Any:
    out = node.outputs[0].type
    return w.put(node.type, inputs, dtype=out.dtype, shape=Sized(out.shape))


def _variable(w: Any, node: Operation, inputs: Inputs) -> Any:
    out = node.outputs[0].type
    return w.put("VariableV2", inputs, dtype=out.dtype, shape=Sized(out.shape), container="", shared_name="")


def _read(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Identity", inputs, T=_t(node), _class=[f"loc:@{inputs[0]}"])


def _assign(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    validate = {"validate_shape": kind.validate_shape} if type(kind) is state.Assign else {}
    return w.put(node.type, inputs, T=_t(node), use_locking=type(kind) is state.Assign, **validate)


def _initialised(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("IsVariableInitialized", inputs, dtype=_t(node))


def _no_op(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("NoOp", inputs)


def _random(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    seeds = {"seed": kind.seed, "seed2": kind.seed2}
    written = kind.shape is not None and all(isinstance(size, int) for size in kind.shape)
    given = list(inputs)
    if written:
        given = [w.const("shape", kind.shape), *inputs]
    elif kind.shape is not None:
        raise NotInTensorFlow(f"its shape {kind.shape} is not known")
    t = I32 if written else node.inputs[0].dtype
    if isinstance(kind, random.RandomUniformInt):
        made = w.put(node.type, given, T=t, Tout=kind.dtype, **seeds)
    else:
        made = w.put(node.type, given, T=t, dtype=kind.dtype, **seeds)
    return w.exact(made, node, inputs) if written else made


# -- elementwise ---------------------------------------------------------------------------------------------

_WITHOUT_TYPE = {"LogicalAnd", "LogicalOr", "LogicalNot"}


def _elementwise(w: Any, node: Operation, inputs: Inputs) -> Any:
    name = node.type
    if name in _WITHOUT_TYPE:
        return w.put(name, inputs)
    if name == "LogicalXor":
        return w.exact(w.put("NotEqual", inputs, T=dtypes.bool), node, inputs)
    if name == "Select":
        shapes = {tensor.type.shape for tensor in node.inputs}
        alike = len(shapes) == 1 and None not in shapes and all(isinstance(n, int) for n in next(iter(shapes)) or ())
        return w.put("Select" if alike else "SelectV2", inputs, T=node.inputs[1].dtype)
    return w.put(name, inputs, T=_t(node))


def _cast(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Cast", inputs, SrcT=_t(node), DstT=node.outputs[0].dtype)


def _checked(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.exact(w.put("Identity", inputs[:1], T=_t(node)), node, inputs)


# -- shapes ----------------------------------------------------------------------------------------------------


def _shape(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Shape", inputs, T=_t(node), out_type=node.outputs[0].dtype)


def _count(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if kind.axes is None:
        return w.put("Size", inputs, T=_t(node), out_type=kind.dtype)
    sizes = w.helper("Shape", "shape", inputs, T=_t(node), out_type=kind.dtype)
    taken = [sizes, w.const("axes", kind.axes), w.const("axis", 0)]
    chosen = w.helper("GatherV2", "sizes", taken, Tparams=kind.dtype, Tindices=I32, Taxis=I32)
    made = w.put("Prod", [chosen, w.const("first", [0])], T=kind.dtype, Tidx=I32, keep_dims=False)
    return w.exact(made, node, inputs)


def _reshape(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if len(inputs) == 2:
        return w.put("Reshape", inputs, T=_t(node), Tshape=node.inputs[1].dtype)
    sizes = _numbers([-1 if size is None else size for size in kind.shape], "sizes")
    return w.exact(w.put("Reshape", [*inputs, w.const("shape", sizes)], T=_t(node), Tshape=I32), node, inputs)


def _shape_of(w: Any, node: Operation, ref: str, part: str, place: int) -> str:
    return w.helper("Shape", part, [ref], T=node.inputs[place].dtype, out_type=I32)


def _reshape_like(w: Any, node: Operation, inputs: Inputs) -> Any:
    sizes = _shape_of(w, node, inputs[1], "shape", 1)
    return w.exact(w.put("Reshape", [inputs[0], sizes], T=_t(node), Tshape=I32), node, inputs)


def _expand(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    *others, last = sorted(kind.axes)
    ref = inputs[0]
    for n, axis in enumerate(others):
        ref = w.helper("ExpandDims", f"axis_{n}", [ref, w.const(f"dim_{n}", axis)], T=_t(node), Tdim=I32)
    made = w.put("ExpandDims", [ref, w.const("dim", last)], T=_t(node), Tdim=I32)
    return w.exact(made, node, inputs)


def _squeeze(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if not kind.axes:
        return w.exact(w.put("Identity", inputs, T=_t(node)), node, inputs)
    return w.put("Squeeze", inputs, T=_t(node), squeeze_dims=list(kind.axes))


def _broadcast_to(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if kind.shape is None:
        return w.put("BroadcastTo", inputs, T=_t(node), Tidx=node.inputs[1].dtype)
    sizes = w.const("shape", _numbers(kind.shape, "sizes"))
    return w.exact(w.put("BroadcastTo", [*inputs, sizes], T=_t(node), Tidx=I32), node, inputs)


def _broadcast_like(w: Any, node: Operation, inputs: Inputs) -> Any:
    sizes = _shape_of(w, node, inputs[1], "shape", 1)
    return w.exact(w.put("BroadcastTo", [inputs[0], sizes], T=_t(node), Tidx=I32), node, inputs)


def _sum_like(w: Any, node: Operation, inputs: Inputs) -> Any:
    """As TensorFlow's own gradients undo a broadcast."""
    wide, narrow = _shape_of(w, node, inputs[0], "wide", 0), _shape_of(w, node, inputs[1], "narrow", 1)
    axes = w.helper("BroadcastGradientArgs", "axes", [narrow, wide], T=I32)
    total = w.helper("Sum", "sum", [inputs[0], axes], T=_t(node), Tidx=I32, keep_dims=False)
    return w.exact(w.put("Reshape", [total, narrow], T=_t(node), Tshape=I32), node, inputs)


def _transpose(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    made = w.put("Transpose", [*inputs, w.const("perm", kind.perm)], T=_t(node), Tperm=I32)
    return w.exact(made, node, inputs)


# -- reductions --------------------------------------------------------------------------------------------------


def _reduce(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    rank = node.inputs[0].type.rank
    if kind.axes is not None or rank is not None:
        axes = w.const("reduction_indices", range(rank or 0) if kind.axes is None else kind.axes)
    else:
        rank_of = w.helper("Rank", "rank", inputs, T=_t(node))
        axes = w.helper("Range", "axes", [w.const("start", 0), rank_of, w.const("delta", 1)], Tidx=I32)
    types = {} if kind.fn in ("All", "Any") else {"T": _t(node)}
    made = w.put(node.type, [*inputs, axes], Tidx=I32, keep_dims=kind.keep_dims, **types)
    return w.exact(made, node, inputs)


def _argreduce(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    given = [*inputs, w.const("dimension", kind.axis)]
    made = w.put(node.type, given, T=_t(node), Tidx=I32, output_type=kind.output_type)
    return w.exact(made, node, inputs)


def _cumsum(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    given = [*inputs, w.const("axis", kind.axis)]
    made = w.put("Cumsum", given, T=_t(node), Tidx=I32, exclusive=kind.exclusive, reverse=kind.reverse)
    return w.exact(made, node, inputs)


# -- products and windows ------------------------------------------------------------------------------------------


def _batch_matmul(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    return w.put("BatchMatMulV2", inputs, T=_t(node), adj_x=kind.transpose_a, adj_y=kind.transpose_b)


def _window(window: Any) -> dict[str, Any]:
    """The attributes of a convolution."""
    inner = _per_axis(window, window.dilations)
    found = {"strides": _per_axis(window, window.strides), "data_format": window.data_format, "dilations": inner}
    if isinstance(window.padding, str):
        return found | {"padding": window.padding}
    if window.rank != 2:
        raise NotInTensorFlow("windows along three axes have no padding given in cells")
    edges = [0] * 8
    for axis, (low, high) in zip(window.axes, window.padding, strict=True):
        edges[2 * axis : 2 * axis + 2] = low, high
    return found | {"padding": "EXPLICIT", "explicit_paddings": edges}


def _per_axis(window: Any, values: Any) -> list[int]:
    found = [1] * (window.rank + 2)
    for axis, value in zip(window.axes, values, strict=True):
        found[axis] = value
    return found


def _convolution(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    return w.put(node.type, inputs, T=_t(node), **_window(kind.window))


def _convolution_adjoint(images: bool) -> Row:
    """The adjoint of the images or of the filter, whose sizes TensorFlow takes first or second."""

    def row(w: Any, node: Operation, inputs: Inputs) -> Any:
        kind: Any = node.kind
        attributes, name = _window(kind.window), node.type
        if "3D" in name:
            name += "V2"
        sizes = inputs[2] if kind.shape is None else w.const("sizes", _numbers(kind.shape, "sizes"))
        first, second = inputs[:2]
        given = [sizes, second, first] if images else [first, sizes, second]
        return w.exact(w.put(name, given, T=_t(node), **attributes), node, inputs)

    return row


def _pool_attributes(window: Any) -> dict[str, Any]:
    if not isinstance(window.padding, str) or set(window.dilations) != {1}:
        raise NotInTensorFlow("its pooling has holes, or padding given in cells")
    sizes, strides = _per_axis(window, window.size), _per_axis(window, window.strides)
    return {"ksize": sizes, "strides": strides, "padding": window.padding, "data_format": window.data_format}


def _pool(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    types = {"TInput": _t(node)} if node.type == "MaxPool3DGrad" else {}
    return w.put(node.type, inputs, T=_t(node), **types, **_pool_attributes(kind.window))


def _average_adjoint(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    sizes = inputs[1] if kind.shape is None else w.const("sizes", _numbers(kind.shape, "sizes"))
    made = w.put(node.type, [sizes, inputs[0]], T=_t(node), **_pool_attributes(kind.window))
    return w.exact(made, node, inputs)


# -- parts and joints ----------------------------------------------------------------------------------------------


def _concat(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if len(inputs) < 2:
        return w.exact(w.put("Identity", inputs, T=_t(node)), node, inputs)
    made = w.put("ConcatV2", [*inputs, w.const("axis", kind.axis)], N=len(inputs), T=_t(node), Tidx=I32)
    return w.exact(made, node, inputs)


def _pack(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    return w.put("Pack", inputs, N=len(inputs), T=_t(node), axis=kind.axis)


def _block(kind: Any) -> tuple[list[int], list[int], list[int], int, int]:
    """Begins, ends, strides, and the masks of what is open, of a block whose places are numbers."""
    begins, ends, strides, open_begin, open_end = [], [], [], 0, 0
    if isinstance(kind, blocks.Slice):
        given = zip(_numbers(kind.begin, "begins"), _numbers(kind.size, "sizes"), kind.strides, strict=True)
        triples: Any = [(begin, begin + size * step, step) for begin, size, step in given]
        triples = [(b, None if step < 0 and stop < 0 else stop, step) for b, stop, step in triples]
    elif isinstance(kind, blocks.StridedSlice):
        triples = list(zip(kind.begin, kind.end, kind.strides, strict=True))
        for axis in kind.index_axes:
            at = kind.begin[axis]
            triples[axis] = (at, None if at == -1 else at + 1, 1)
    else:
        raise NotInTensorFlow(f"the places of a {type(kind).__name__} are tensors")
    for axis, (begin, end, step) in enumerate(triples):
        begins.append(begin or 0)
        ends.append(end or 0)
        strides.append(step)
        open_begin |= (begin is None) << axis
        open_end |= (end is None) << axis
    return begins, ends, strides, open_begin, open_end


def _slice(w: Any, node: Operation, inputs: Inputs) -> Any:
    begins, ends, strides, open_begin, open_end = _block(node.kind)
    given = [*inputs, w.const("begin", begins), w.const("end", ends), w.const("strides", strides)]
    masks = {"begin_mask": open_begin, "end_mask": open_end}
    return w.exact(w.put("StridedSlice", given, T=_t(node), Index=I32, **masks), node, inputs)


def _slice_adjoint(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    begins, ends, strides, open_begin, open_end = _block(kind.block)
    given = [
        _shape_of(w, node, inputs[1], "shape", 1), w.const("begin", begins), w.const("end", ends),
        w.const("strides", strides), inputs[0],
    ]  # fmt: skip
    masks = {"begin_mask": open_begin, "end_mask": open_end}
    return w.exact(w.put("StridedSliceGrad", given, T=_t(node), Index=I32, **masks), node, inputs)


def _slice_from(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Slice", inputs, T=_t(node), Index=node.inputs[1].dtype)


def _strided_slice_from(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    index = node.inputs[1].dtype
    masks = {
        "begin_mask": sum(is_open << axis for axis, is_open in enumerate(kind.open_begin)),
        "end_mask": sum(is_open << axis for axis, is_open in enumerate(kind.open_end)),
    }
    strides = w.const("strides", kind.strides, index.numpy)
    return w.exact(w.put("StridedSlice", [*inputs, strides], T=_t(node), Index=index, **masks), node, inputs)


def _pad(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    low, high = _numbers(kind.low, "edges"), _numbers(kind.high, "edges")
    if any(edge < 0 for edge in (*low, *high)):
        raise NotInTensorFlow("its edges are cut, not padded")
    if any(kind.interior):
        return w.exact(_spread(w, node, inputs, low), node, inputs)
    paddings = w.const("paddings", list(zip(low, high, strict=True)) or [[]])
    value = w.const("constant_values", kind.value, _t(node).numpy)
    return w.exact(w.put("PadV2", [*inputs, paddings, value], T=_t(node), Tpaddings=I32), node, inputs)


def _spread(w: Any, node: Operation, inputs: Inputs, low: list[int]) -> Any:
    """Cells with zeros between them: the gradient of a slice with steps."""
    kind: Any = node.kind
    sizes, steps = _numbers(node.inputs[0].type.shape, "sizes"), [cells + 1 for cells in kind.interior]
    if kind.value or 0 in sizes:
        raise NotInTensorFlow("what it pads with between its cells is not zero")
    ends = [begin + (size - 1) * step + 1 for begin, size, step in zip(low, sizes, steps, strict=True)]
    whole = _numbers(node.outputs[0].type.shape, "sizes")
    given = [w.const("shape", whole), w.const("begin", low), w.const("end", ends), w.const("strides", steps)]
    return w.put("StridedSliceGrad", [*given, inputs[0]], T=_t(node), Index=I32)


def _pad_from(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    value = w.const("constant_values", kind.value, _t(node).numpy)
    made = w.put("PadV2", [*inputs, value], T=_t(node), Tpaddings=node.inputs[1].dtype)
    return w.exact(made, node, inputs)


def _gather(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    types = {"Tparams": _t(node), "Tindices": node.inputs[1].dtype, "Taxis": I32}
    made = w.put("GatherV2", [*inputs, w.const("axis", kind.axis)], batch_dims=0, **types)
    return w.exact(made, node, inputs)


def _gather_nd(w: Any, node: Operation, inputs: Inputs) -> Any:
    made = w.put("GatherNd", inputs, Tparams=_t(node), Tindices=node.inputs[1].dtype)
    return w.exact(made, node, inputs)


def _segment_sum(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if kind.axis:
        raise NotInTensorFlow("it adds along an axis that is not the first")
    count = inputs[2] if kind.size is None else w.const("num_segments", *_numbers([kind.size], "sizes"))
    types = {"Tindices": node.inputs[1].dtype, "Tnumsegments": node.inputs[2].dtype if kind.size is None else I32}
    return w.exact(w.put("UnsortedSegmentSum", [*inputs[:2], count], T=_t(node), **types), node, inputs)


def _range(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Range", inputs, Tidx=_t(node))


def _iota(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    ends = (0, *_numbers([kind.size], "sizes"), 1)
    given = [w.const(part, value, kind.dtype.numpy) for part, value in zip(("start", "limit", "delta"), ends)]
    return w.exact(w.put("Range", given, Tidx=kind.dtype), node, inputs)


ROWS: dict[type[Op], Row] = {
    base.Const: _const,
    base.Placeholder: _placeholder,
    base.PlaceholderWithDefault: _placeholder,
    state.VariableV2: _variable,
    state.ReadVariable: _read,
    state.Assign: _assign,
    state.AssignAdd: _assign,
    state.AssignSub: _assign,
    state.IsVariableInitialized: _initialised,
    state.NoOp: _no_op,
    random.RandomUniform: _random,
    random.RandomStandardNormal: _random,
    random.TruncatedNormal: _random,
    random.RandomUniformInt: _random,
    e.Elementwise: _elementwise,
    copies.Cast: _cast,
    copies.Identity: plain(),
    copies.StopGradient: plain(),
    ch.Fitting: _checked,
    ch.NotNegative: _checked,
    indexing.CheckLabels: _checked,
    scatter.CheckCoordinates: _checked,
    s.ShapeOf: _shape,
    s.Count: _count,
    s.Reshape: _reshape,
    s.ReshapeLike: _reshape_like,
    s.ExpandDims: _expand,
    s.Squeeze: _squeeze,
    s.BroadcastTo: _broadcast_to,
    s.BroadcastLike: _broadcast_like,
    s.SumLike: _sum_like,
    s.Transpose: _transpose,
    r.Reduce: _reduce,
    r.ArgReduce: _argreduce,
    sequences.Cumsum: _cumsum,
    sequences.Range: _range,
    sequences.Iota: _iota,
    contraction.MatMul: plain("transpose_a", "transpose_b"),
    contraction.BatchMatMul: _batch_matmul,
    convolution.Convolution: _convolution,
    convolution.ConvolutionBackpropInput: _convolution_adjoint(images=True),
    convolution.ConvolutionBackpropFilter: _convolution_adjoint(images=False),
    depthwise.DepthwiseConv2dNative: _convolution,
    depthwise.DepthwiseConv2dNativeBackpropInput: _convolution_adjoint(images=True),
    depthwise.DepthwiseConv2dNativeBackpropFilter: _convolution_adjoint(images=False),
    pooling.MaxPool: _pool,
    pooling.AvgPool: _pool,
    pooling.MaxPoolGrad: _pool,
    pooling.MaxPoolGradGrad: _pool,
    pooling.AvgPoolGrad: _average_adjoint,
    arrays.ConcatV2: _concat,
    arrays.Pack: _pack,
    blocks.Slice: _slice,
    blocks.StridedSlice: _slice,
    blocks.SliceFrom: _slice_from,
    blocks.StridedSliceFrom: _strided_slice_from,
    blocks.BlockAdjoint: _slice_adjoint,
    blocks.Pad: _pad,
    blocks.PadFrom: _pad_from,
    indexing.GatherV2: _gather,
    indexing.ScatterAdd: _segment_sum,
    scatter.GatherNd: _gather_nd,
}
