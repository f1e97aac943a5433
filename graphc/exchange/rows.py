"""One row for each kind of node: the node of TensorFlow that means the same, with its attributes.

A row takes the writer, the node and the names of its inputs, adds nodes and gives back the one with its name. What it
cannot say it refuses by ``NotInTensorFlow``. Where several nodes stand for one, ``exact`` notes the kind beside them.
"""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.exchange import control_rows, matrix_rows, order_rows
from graphc.exchange import window_rows as parts
from graphc.exchange.attributes import Sized
from graphc.exchange.foreign import Foreign
from graphc.exchange.row import I32, Inputs, NotInTensorFlow, Row, exactly, numbers, plain, shape_of, type_of
from graphc.nodes import Op, Operation
from graphc.ops import (
    arrays,
    assertions,
    base,
    blocks,
    branches,
    complexes,
    contraction,
    convolution,
    copies,
    custom_gradients,
    decompositions,
    depthwise,
    ensured,
    fourier,
    indexing,
    loops,
    matrices,
    pooling,
    positions,
    random,
    row_writes,
    scatter,
    segments,
    sequence_lengths,
    sequences,
    sorting,
    state,
)
from graphc.ops import checks as ch
from graphc.ops import elementwise as e
from graphc.ops import reduction as r
from graphc.ops import reshaping as s


def row_for(kind: Op) -> Row:
    """The row of a kind of node, or of what it is a special case of."""
    return next((ROWS[one] for one in type(kind).__mro__ if one in ROWS), _refused)


def _refused(w: Any, node: Operation, inputs: Inputs) -> Any:
    raise NotInTensorFlow(f"TensorFlow has no {type(node.kind).__name__}")


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
    return w.put("Identity", inputs, T=type_of(node), _class=[f"loc:@{inputs[0]}"])


def _assign(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    validate = {"validate_shape": kind.validate_shape} if type(kind) is state.Assign else {}
    return w.put(node.type, inputs, T=type_of(node), use_locking=type(kind) is state.Assign, **validate)


def _initialised(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("IsVariableInitialized", inputs, dtype=type_of(node))


def _foreign(w: Any, node: Operation, inputs: Inputs) -> Any:
    """As it was read; under another name its inputs have the same prefix."""
    kind: Any = node.kind
    made = w.found.node.add()
    made.MergeFromString(kind.definition)
    prefix = node.name.removesuffix(made.name)
    given = [f"^{prefix}{name[1:]}" if name.startswith("^") else f"{prefix}{name}" for name in made.input]
    made.name = node.name
    del made.input[:]
    made.input.extend(name for name in given if not name.startswith("^"))
    return made


def _identity_n(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    types = [tensor.dtype for tensor in node.outputs]
    made = w.put("IdentityN", inputs[: kind.count], T=types)
    return made if kind.rule is None else w.exact(made, node, inputs)


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
    return w.put(name, inputs, T=type_of(node))


def _part(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put(node.type, inputs, T=type_of(node), Tout=node.outputs[0].dtype)


def _cast(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Cast", inputs, SrcT=type_of(node), DstT=node.outputs[0].dtype)


def _bitcast(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Bitcast", inputs, T=type_of(node), type=node.outputs[0].dtype)


def _checked(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.exact(w.put("Identity", inputs[:1], T=type_of(node)), node, inputs)


# -- shapes ----------------------------------------------------------------------------------------------------


def _ensure_shape(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    return w.put("EnsureShape", inputs, T=type_of(node), shape=Sized(kind.shape))


def _shape(w: Any, node: Operation, inputs: Inputs) -> Any:
    return w.put("Shape", inputs, T=type_of(node), out_type=node.outputs[0].dtype)


def _count(w: Any, node: Operation, inputs: Inputs) -> Any:
    """The product of some sizes; TensorFlow has sizes as whole numbers only."""
    kind: Any = node.kind
    whole = kind.dtype if kind.dtype in (dtypes.int32, dtypes.int64) else dtypes.int64
    if kind.axes is None and whole is kind.dtype:
        return w.put("Size", inputs, T=type_of(node), out_type=whole)
    axes = range(node.inputs[0].type.rank or 0) if kind.axes is None else kind.axes
    if kind.axes is None and node.inputs[0].type.rank is None:
        raise NotInTensorFlow("it counts the elements of a tensor of unknown rank as a fraction")
    sizes = w.helper("Shape", "shape", inputs, T=type_of(node), out_type=whole)
    taken = [sizes, w.const("axes", axes), w.const("axis", 0)]
    chosen = [w.helper("GatherV2", "sizes", taken, Tparams=whole, Tindices=I32, Taxis=I32), w.const("first", [0])]
    attributes = {"T": whole, "Tidx": I32, "keep_dims": False}
    if whole is kind.dtype:
        return w.exact(w.put("Prod", chosen, **attributes), node, inputs)
    product = w.helper("Prod", "product", chosen, **attributes)
    return w.exact(w.put("Cast", [product], SrcT=whole, DstT=kind.dtype), node, inputs)


def _reshape(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if len(inputs) == 2:
        return w.put("Reshape", inputs, T=type_of(node), Tshape=node.inputs[1].dtype)
    sizes = numbers([-1 if size is None else size for size in kind.shape], "sizes")
    return w.exact(w.put("Reshape", [*inputs, w.const("shape", sizes)], T=type_of(node), Tshape=I32), node, inputs)


def _reshape_like(w: Any, node: Operation, inputs: Inputs) -> Any:
    sizes = shape_of(w, node, inputs[1], "shape", 1)
    return w.exact(w.put("Reshape", [inputs[0], sizes], T=type_of(node), Tshape=I32), node, inputs)


def _expand(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    *others, last = sorted(kind.axes)
    ref = inputs[0]
    for n, axis in enumerate(others):
        ref = w.helper("ExpandDims", f"axis_{n}", [ref, w.const(f"dim_{n}", axis)], T=type_of(node), Tdim=I32)
    made = w.put("ExpandDims", [ref, w.const("dim", last)], T=type_of(node), Tdim=I32)
    return w.exact(made, node, inputs)


def _squeeze(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if not kind.axes:
        return w.exact(w.put("Identity", inputs, T=type_of(node)), node, inputs)
    return w.put("Squeeze", inputs, T=type_of(node), squeeze_dims=list(kind.axes))


def _broadcast_to(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if kind.shape is None:
        return w.put("BroadcastTo", inputs, T=type_of(node), Tidx=node.inputs[1].dtype)
    sizes = w.const("shape", numbers(kind.shape, "sizes"))
    return w.exact(w.put("BroadcastTo", [*inputs, sizes], T=type_of(node), Tidx=I32), node, inputs)


def _broadcast_like(w: Any, node: Operation, inputs: Inputs) -> Any:
    sizes = shape_of(w, node, inputs[1], "shape", 1)
    return w.exact(w.put("BroadcastTo", [inputs[0], sizes], T=type_of(node), Tidx=I32), node, inputs)


def _sum_like(w: Any, node: Operation, inputs: Inputs) -> Any:
    """As TensorFlow's own gradients undo a broadcast."""
    wide, narrow = shape_of(w, node, inputs[0], "wide", 0), shape_of(w, node, inputs[1], "narrow", 1)
    axes = w.helper("BroadcastGradientArgs", "axes", [narrow, wide], T=I32)
    total = w.helper("Sum", "sum", [inputs[0], axes], T=type_of(node), Tidx=I32, keep_dims=False)
    return w.exact(w.put("Reshape", [total, narrow], T=type_of(node), Tshape=I32), node, inputs)


def _transpose(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    made = w.put("Transpose", [*inputs, w.const("perm", kind.perm)], T=type_of(node), Tperm=I32)
    return w.exact(made, node, inputs)


# -- reductions --------------------------------------------------------------------------------------------------


def _reduce(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    rank = node.inputs[0].type.rank
    if kind.axes is not None or rank is not None:
        axes = w.const("reduction_indices", range(rank or 0) if kind.axes is None else kind.axes)
    else:
        rank_of = w.helper("Rank", "rank", inputs, T=type_of(node))
        axes = w.helper("Range", "axes", [w.const("start", 0), rank_of, w.const("delta", 1)], Tidx=I32)
    types = {} if kind.fn in ("All", "Any") else {"T": type_of(node)}
    made = w.put(node.type, [*inputs, axes], Tidx=I32, keep_dims=kind.keep_dims, **types)
    return w.exact(made, node, inputs)


def _argreduce(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    given = [*inputs, w.const("dimension", kind.axis)]
    made = w.put(node.type, given, T=type_of(node), Tidx=I32, output_type=kind.output_type)
    return w.exact(made, node, inputs)


def _cumsum(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    given = [*inputs, w.const("axis", kind.axis)]
    made = w.put("Cumsum", given, T=type_of(node), Tidx=I32, exclusive=kind.exclusive, reverse=kind.reverse)
    return w.exact(made, node, inputs)


ROWS: dict[type[Op], Row] = {
    base.Const: _const,
    base.Placeholder: _placeholder,
    base.PlaceholderWithDefault: _placeholder,
    Foreign: _foreign,
    custom_gradients.IdentityN: _identity_n,
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
    copies.Bitcast: _bitcast,
    copies.Conj: plain(),
    copies.ComplexAbs: _part,
    complexes.Complex: _part,
    complexes.Part: _part,
    copies.Identity: plain(),
    copies.Whole: exactly(plain()),
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
    sequences.Range: parts.range_row,
    sequences.Iota: parts.iota_row,
    contraction.MatMul: plain("transpose_a", "transpose_b"),
    contraction.BatchMatMul: parts.batch_matmul_row,
    convolution.Convolution: parts.convolution_row,
    convolution.ConvolutionBackpropInput: parts.convolution_adjoint_row(images=True),
    convolution.ConvolutionBackpropFilter: parts.convolution_adjoint_row(images=False),
    depthwise.DepthwiseConv2dNative: parts.convolution_row,
    depthwise.DepthwiseConv2dNativeBackpropInput: parts.convolution_adjoint_row(images=True),
    depthwise.DepthwiseConv2dNativeBackpropFilter: parts.convolution_adjoint_row(images=False),
    pooling.MaxPool: parts.pool_row,
    pooling.AvgPool: parts.pool_row,
    pooling.MaxPoolGrad: parts.pool_row,
    pooling.MaxPoolGradGrad: parts.pool_row,
    pooling.AvgPoolGrad: parts.average_adjoint_row,
    arrays.ConcatV2: parts.concat_row,
    arrays.Pack: parts.pack_row,
    blocks.Slice: parts.slice_row,
    blocks.StridedSlice: parts.slice_row,
    blocks.SliceFrom: parts.slice_from_row,
    blocks.StridedSliceFrom: parts.strided_slice_from_row,
    blocks.BlockAdjoint: parts.slice_adjoint_row,
    blocks.Pad: parts.pad_row,
    blocks.PadFrom: parts.pad_from_row,
    indexing.GatherV2: parts.gather_row,
    indexing.ScatterAdd: parts.segment_sum_row,
    scatter.GatherNd: parts.gather_nd_row,
    scatter.Scatter: exactly(order_rows.scatter_row),
    sorting.Argsort: order_rows.argsort_row,
    positions.Positions: order_rows.positions_row,
    segments.CheckOrder: _checked,
    segments.CountedSize: _checked,
    sequence_lengths.ReverseSequence: order_rows.reverse_sequence_row,
    assertions.Assert: order_rows.assert_row,
    assertions.CheckNumerics: plain("message"),
    ensured.EnsureShape: _ensure_shape,
    matrices.Cholesky: exactly(plain()),
    matrices.TriangularSolve: exactly(plain("lower", "adjoint")),
    matrices.MatrixSolve: exactly(plain("adjoint")),
    matrices.LogMatrixDeterminant: matrix_rows.log_determinant_row,
    matrices.Lu: matrix_rows.lu_row,
    decompositions.Qr: matrix_rows.qr_row,
    decompositions.SelfAdjointEig: matrix_rows.self_adjoint_eig_row,
    decompositions.Svd: matrix_rows.svd_row,
    branches.If: control_rows.if_row,
    loops.While: control_rows.while_row,
    row_writes.NewRows: control_rows.new_rows_row,
    row_writes.WriteRows: control_rows.write_rows_row,
    fourier.Fft: matrix_rows.transform_row,
    fourier.Rfft: matrix_rows.real_transform_row,
    fourier.Irfft: matrix_rows.real_inverse_row,
}
