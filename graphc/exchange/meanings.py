"""What each of TensorFlow's types of nodes means: a function that users call, with attributes as its arguments.

A row takes a :class:`graphc.exchange.reading.Node` and declares what it means, under the node's name as far as one
operation does; it gives the outputs. What it cannot say it refuses by ``Unreadable``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.exchange.adjoints import ADJOINTS
from graphc.exchange.foreign import Unreadable
from graphc.exchange.updates import UPDATES
from graphc.ops import elementwise as e
from graphc.ops import random as drawn
from graphc.ops import special, state
from graphc.ops.base import Placeholder, apply, constant, declare, placeholder_with_default
from graphc.ops.shape_values import static_sizes
from graphc.tensor_array import TensorArray

Meaning = Callable[[Any], Any]


def function(path: str) -> Any:
    """The public function of this name; ``Unreadable`` where there is none.

    It is found when it is needed: the namespaces that hold some of these stand above this one.
    """
    found: Any = import_module("graphc")
    for part in path.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise Unreadable(f"graphc has no tf.{path}")
    return found


def means(path: str, *order: int, **attributes: str) -> Meaning:
    """``path(*inputs, **attributes)``: each argument that is an attribute of the node, under its name there.

    ``order`` says which inputs are the arguments, in order; all of them by default.
    """

    def row(node: Any) -> Any:
        inputs = [node.inputs[place] for place in order] if order else node.inputs
        given = {key: node.attr(name) for key, name in attributes.items() if name in node.definition.attr}
        return function(path)(*inputs, name=node.name, **given)

    return row


def gathered(path: str, **attributes: str) -> Meaning:
    """The same for a function that takes all inputs as one list."""

    def row(node: Any) -> Any:
        given = {key: node.attr(name) for key, name in attributes.items() if name in node.definition.attr}
        return function(path)(node.inputs, name=node.name, **given)

    return row


# -- values and variables --------------------------------------------------------------------------------------


def _const(node: Any) -> Any:
    value = node.attr("value")
    if value is None:
        raise Unreadable("its value is not there")
    return constant(value, name=node.name)


def _placeholder(node: Any) -> Any:
    shape = node.attr("shape")
    # before TensorFlow 1.3 () meant an unknown shape, and files of that age say no version of theirs
    return apply(Placeholder(node.attr("dtype"), shape if "shape" in node.definition.attr else None), name=node.name)


def _placeholder_with_default(node: Any) -> Any:
    return placeholder_with_default(node.inputs[0], node.attr("shape"), name=node.name)


def _variable(node: Any) -> Any:
    return state.variable_node(node.attr("dtype"), node.attr("shape"), node.name)


def _identity(node: Any) -> Any:
    (x,) = node.inputs
    if isinstance(x, TensorArray):
        return x
    return state.read(x, node.name) if isinstance(x.op.kind, state.VariableV2) else e.identity(x, name=node.name)


def _read(node: Any) -> Any:
    return state.read(node.inputs[0], node.name)


def _assignment(kind: type[state.Assign], as_operation: bool = False) -> Meaning:
    def row(node: Any) -> Any:
        variable, value = node.inputs
        change = kind(node.attr("validate_shape", True))
        made = apply(change, state.handle_of(variable), value, name=node.name)
        return made.op if as_operation else made

    return row


def _identity_n(node: Any) -> Any:
    return function("identity_n")(node.inputs, name=node.name)


def _switch(node: Any) -> Any:
    """Both outputs are the value: which of them counts is decided where the branches merge."""
    return [node.inputs[0], node.inputs[0]]


def _merge(node: Any) -> Any:
    """The value of the branch that is meant, and which of the inputs that is."""
    predicate, first = node.predicate
    yes, no = node.inputs if first else reversed(node.inputs)
    value = function("cond")(predicate, lambda: e.identity(yes), lambda: e.identity(no))
    chosen = e.cast(predicate, dtypes.int32)
    return [value, 1 - chosen if first else chosen]


def _initialised(node: Any) -> Any:
    return state.is_variable_initialized(node.inputs[0], name=node.name)


def _no_op(node: Any) -> Any:
    return declare(state.NoOp(), name=node.name)


def _random(kind: type[drawn.Random], dtype: str = "dtype") -> Meaning:
    def row(node: Any) -> Any:
        seeds = node.attr("seed", 0), node.attr("seed2", 0)
        if not any(seeds):  # then TensorFlow draws them anew in every session
            seeds = drawn.fresh_seeds()
        shape, *limits = node.inputs
        sizes = static_sizes(shape)
        if sizes is not None and None not in sizes:
            return apply(kind(node.attr(dtype), *seeds, sizes), *limits, name=node.name)
        return apply(kind(node.attr(dtype), *seeds), shape, *limits, name=node.name)

    return row


# -- elementwise -------------------------------------------------------------------------------------------------


def elementwise(fn: str) -> Meaning:
    """The formula ``fn``, whose values broadcast."""
    return lambda node: apply(e.Elementwise(fn), *node.inputs, name=node.name)


def _special(fn: str) -> Meaning:
    return lambda node: apply(special.Special(fn), *node.inputs, name=node.name)


# -- shapes and parts -----------------------------------------------------------------------------------------------


def _squeeze(node: Any) -> Any:
    return function("squeeze")(node.inputs[0], axis=node.attr("squeeze_dims") or None, name=node.name)


def _shapes(node: Any) -> Any:
    return [function("shape")(x, out_type=node.attr("out_type", dtypes.int32)) for x in node.inputs]


def _concat(axis_first: bool) -> Meaning:
    def row(node: Any) -> Any:
        axis, *values = node.inputs if axis_first else (node.inputs[-1], *node.inputs[:-1])
        return function("concat")(values, axis, name=node.name)

    return row


def _unpack(node: Any) -> Any:
    return function("unstack")(node.inputs[0], node.attr("num"), node.attr("axis", 0), name=node.name)


def _split(node: Any) -> Any:
    axis, value = node.inputs
    return function("split")(value, node.attr("num_split"), axis, name=node.name)


def _split_sizes(node: Any) -> Any:
    value, sizes, axis = node.inputs
    return function("split")(value, sizes, axis, num=node.attr("num_split"), name=node.name)


def _strided_slice(node: Any) -> Any:
    masks = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    given = {mask: node.attr(mask, 0) for mask in masks}
    return function("strided_slice")(*node.inputs, name=node.name, **given)


def _fill(node: Any) -> Any:
    return function("fill")(*node.inputs, name=node.name)


def _pad(mode: str | None = None) -> Meaning:
    def row(node: Any) -> Any:
        x, paddings, *value = node.inputs
        given = {"constant_values": value[0]} if value else {}
        return function("pad")(x, paddings, mode=mode or node.attr("mode"), name=node.name, **given)

    return row


def _gather(node: Any) -> Any:
    x, indices, *axis = node.inputs
    given = {"axis": axis[0]} if axis else {}
    return function("gather")(x, indices, batch_dims=node.attr("batch_dims", 0), name=node.name, **given)


def _one_hot(node: Any) -> Any:
    indices, depth, on, off = node.inputs
    given = {"on_value": on, "off_value": off, "axis": node.attr("axis", -1), "dtype": node.attr("T")}
    return function("one_hot")(indices, depth, name=node.name, **given)


def _range(node: Any) -> Any:
    return function("range")(*node.inputs, name=node.name)


def _stitch(node: Any) -> Any:
    """``y[indices[k][i]] = data[k][i]`` for numbers at known places, as TensorFlow's gradients join shapes."""
    count = len(node.inputs) // 2
    indices, data = node.inputs[:count], node.inputs[count:]
    places = [static_sizes(index) for index in indices]
    plain = all(x.type.rank in (0, 1) and x.type.rank == index.type.rank for index, x in zip(indices, data))
    if not plain or any(place is None or None in place for place in places):
        return function("dynamic_stitch")(indices, data, name=node.name)
    found: dict[Any, Any] = {}
    for place, values in zip(places, data, strict=True):
        for position, index in enumerate(place or ()):
            found[index] = values[position] if values.type.rank else values
    return function("stack")([found[index] for index in range(len(found))], name=node.name)


def _unique(node: Any) -> Any:
    return list(function("unique")(node.inputs[0], out_idx=node.attr("out_idx", dtypes.int32)))


def _assert(node: Any) -> Any:
    condition, *data = node.inputs
    return function("Assert")(condition, data, node.attr("summarize", 3), name=node.name)


def _broadcast_axes(node: Any) -> Any:
    """The axes along which each of two shapes is broadcast to the other: those of size 1, and those it lacks.

    An axis whose size is not known is taken to be as long as the other; a reshape behind it in all of TensorFlow's
    gradients fails where that is wrong.
    """
    shapes = [static_sizes(x) for x in node.inputs]
    if shapes[0] is None or shapes[1] is None:
        raise Unreadable("it asks for the axes of a broadcast between tensors of unknown rank")
    rank = max(len(shape) for shape in shapes if shape is not None)
    wide = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes if shape is not None]
    return [constant(np.array([n for n, size in enumerate(own) if size == 1], np.int32)) for own in wide]


# -- products and windows ----------------------------------------------------------------------------------------------


def _batch_matmul(node: Any) -> Any:
    a, b = node.inputs
    flags = {"transpose_a": node.attr("adj_x", False), "transpose_b": node.attr("adj_y", False)}
    return function("matmul")(a, b, name=node.name, **flags)


def _windowed(path: str, *order: int) -> Meaning:
    """A convolution, or one of its adjoints."""

    def row(node: Any) -> Any:
        padding = node.attr("padding")
        if padding == "EXPLICIT":
            edges = node.attr("explicit_paddings")
            padding = list(zip(edges[0::2], edges[1::2], strict=True))
        given = {"strides": node.attr("strides"), "padding": padding, "data_format": node.attr("data_format")}
        if "dilations" in node.definition.attr:
            given["dilations"] = node.attr("dilations")
        inputs = [node.inputs[place] for place in order] if order else node.inputs
        return function(path)(*inputs, name=node.name, **{k: v for k, v in given.items() if v is not None})

    return row


def _conv3d_adjoint(node: Any) -> Any:
    sizes, w, grad = node.inputs
    given = {"strides": node.attr("strides"), "padding": node.attr("padding")}
    return function("nn.conv3d_transpose")(grad, w, sizes, name=node.name, **given)


def _pool(path: str) -> Meaning:
    def row(node: Any) -> Any:
        x, *numbers = node.inputs
        sizes = [static_sizes(value) for value in numbers] or [node.attr("ksize"), node.attr("strides")]
        if sizes[0] is None or sizes[1] is None:
            raise Unreadable("the sizes of its windows are not known")
        layout = {"data_format": node.attr("data_format")} if node.attr("data_format") else {}
        return function(path)(x, list(sizes[0]), list(sizes[1]), node.attr("padding"), name=node.name, **layout)

    return row


def _batch_norm(node: Any) -> Any:
    """Five outputs; the last two (and the third of V3) are for the adjoint, and in an inference the given values."""
    x, scale, offset, mean, variance = node.inputs
    training = node.attr("is_training", True)
    given = {"epsilon": node.attr("epsilon", 1e-4), "data_format": node.attr("data_format", "NHWC")}
    if not training:
        given |= {"mean": mean, "variance": variance}
    y, m, v = function("nn.fused_batch_norm")(x, scale, offset, is_training=training, name=node.name, **given)
    kept = [y, m, v, m, v]
    return [*kept, constant(0.0)] if node.op.endswith("V3") else kept


def _cross_entropy(node: Any) -> Any:
    """The loss, and its adjoint: the softmax without the labels."""
    logits, labels = node.inputs
    loss = function("nn.softmax_cross_entropy_with_logits_v2")(labels=labels, logits=logits)
    return [loss, e.subtract(function("nn.softmax")(logits), labels)]


def _sparse_cross_entropy(node: Any) -> Any:
    logits, labels = node.inputs
    loss = function("nn.sparse_softmax_cross_entropy_with_logits")(labels=labels, logits=logits)
    classes = function("shape")(logits)[-1]
    return [loss, function("nn.softmax")(logits) - function("one_hot")(labels, classes, dtype=logits.dtype)]


def _lrn(node: Any) -> Any:
    given = {key: node.attr(key) for key in ("depth_radius", "bias", "alpha", "beta") if key in node.definition.attr}
    return function("nn.local_response_normalization")(node.inputs[0], name=node.name, **given)


def _top_k(node: Any) -> Any:
    x, *number = node.inputs
    return list(function("nn.top_k")(x, number[0] if number else node.attr("k"), name=node.name))


_SCATTERED = {"ScatterAdd": "scatter_add", "ScatterSub": "scatter_sub", "ScatterUpdate": "scatter_update"}

MEANINGS: dict[str, Meaning] = {
    **ADJOINTS,
    **UPDATES,
    # values and variables
    "Const": _const,
    "Placeholder": _placeholder,
    "PlaceholderV2": _placeholder,
    "PlaceholderWithDefault": _placeholder_with_default,
    **dict.fromkeys(("VariableV2", "Variable", "VarHandleOp"), _variable),
    **dict.fromkeys(("Identity", "Snapshot", "DebugIdentity"), _identity),
    "IdentityN": _identity_n,
    **dict.fromkeys(("Switch", "RefSwitch"), _switch),
    "Merge": _merge,
    "Assert": _assert,
    "ReadVariableOp": _read,
    "Assign": _assignment(state.Assign),
    "AssignAdd": _assignment(state.AssignAdd),
    "AssignSub": _assignment(state.AssignSub),
    "AssignVariableOp": _assignment(state.Assign, as_operation=True),
    "AssignAddVariableOp": _assignment(state.AssignAdd, as_operation=True),
    "AssignSubVariableOp": _assignment(state.AssignSub, as_operation=True),
    **dict.fromkeys(("IsVariableInitialized", "VarIsInitializedOp"), _initialised),
    "NoOp": _no_op,
    "RandomUniform": _random(drawn.RandomUniform),
    "RandomStandardNormal": _random(drawn.RandomStandardNormal),
    "TruncatedNormal": _random(drawn.TruncatedNormal),
    "RandomUniformInt": _random(drawn.RandomUniformInt, "Tout"),
    # elementwise
    **{op: elementwise(op) for op in e.RECORDS if op != "Select"},
    **{op: _special(op) for op in special.SPECIAL},
    "AddV2": elementwise("Add"),
    "Rint": elementwise("Round"),
    "Inv": elementwise("Reciprocal"),
    "SelectV2": elementwise("Select"),
    "Select": means("where"),
    "Div": means("div"),
    "DivNoNan": means("div_no_nan"),
    "SquaredDifference": means("squared_difference"),
    "AddN": gathered("add_n"),
    "Bitcast": means("bitcast", type="type"),
    "Cast": means("cast", dtype="DstT"),
    **{op: means(op.lower()) for op in ("Complex", "Real", "Imag", "Conj", "Angle")},
    "ComplexAbs": means("abs"),
    **{op: means(f"signal.{op.lower()}") for kind in ("", "2D", "3D") for op in (f"FFT{kind}", f"IFFT{kind}")},
    **{op: means(f"signal.{op.lower()}") for kind in ("", "2D", "3D") for op in (f"RFFT{kind}", f"IRFFT{kind}")},
    "ClipByValue": means("clip_by_value"),
    **{op: means("stop_gradient") for op in ("StopGradient", "PreventGradient")},
    "CheckNumerics": means("check_numerics", message="message"),
    "EnsureShape": means("ensure_shape", shape="shape"),
    "Relu6": means("nn.relu6"),
    "Elu": means("nn.elu"),
    "Selu": means("nn.selu"),
    "LeakyRelu": means("nn.leaky_relu", alpha="alpha"),
    "Softsign": means("nn.softsign"),
    "Softmax": means("nn.softmax"),
    "LogSoftmax": means("nn.log_softmax"),
    "L2Loss": means("nn.l2_loss"),
    # shapes and parts
    "Reshape": means("reshape"),
    "Squeeze": _squeeze,
    "ExpandDims": means("expand_dims"),
    "Shape": means("shape", out_type="out_type"),
    "ShapeN": _shapes,
    "Size": means("size", out_type="out_type"),
    "Rank": means("rank"),
    "Transpose": means("transpose"),
    "BroadcastTo": means("broadcast_to"),
    "BroadcastGradientArgs": _broadcast_axes,
    "ZerosLike": means("zeros_like"),
    "OnesLike": means("ones_like"),
    "Fill": _fill,
    "Tile": means("tile"),
    "ConcatV2": _concat(axis_first=False),
    "Concat": _concat(axis_first=True),
    "Pack": gathered("stack", axis="axis"),
    "Unpack": _unpack,
    "Split": _split,
    "SplitV": _split_sizes,
    "Slice": means("slice"),
    "StridedSlice": _strided_slice,
    "Pad": _pad("CONSTANT"),
    "PadV2": _pad("CONSTANT"),
    "MirrorPad": _pad(),
    **dict.fromkeys(("Gather", "GatherV2", "ResourceGather"), _gather),
    "GatherNd": means("gather_nd"),
    "ScatterNd": means("scatter_nd"),
    "OneHot": _one_hot,
    "Range": _range,
    "DynamicStitch": _stitch,
    "Unique": _unique,
    **{op: means(path) for op, path in _SCATTERED.items()},
    "LinSpace": means("linspace"),
    "ReverseV2": means("reverse"),
    "ReverseSequence": means("reverse_sequence", seq_axis="seq_dim", batch_axis="batch_dim"),
    "InvertPermutation": means("invert_permutation"),
    "SpaceToDepth": means("space_to_depth", block_size="block_size", data_format="data_format"),
    "DepthToSpace": means("depth_to_space", block_size="block_size", data_format="data_format"),
    "SpaceToBatchND": means("space_to_batch_nd"),
    "BatchToSpaceND": means("batch_to_space_nd"),
    "MatrixDiag": means("matrix_diag"),
    "ResizeBilinear": means("image.resize_bilinear", align_corners="align_corners"),
    "ResizeNearestNeighbor": means("image.resize_nearest_neighbor", align_corners="align_corners"),
    # reductions
    **{op: means(f"reduce_{op.lower()}", keepdims="keep_dims") for op in ("Sum", "Mean", "Prod", "Max", "Min")},
    **{op: means(f"reduce_{op.lower()}", keepdims="keep_dims") for op in ("All", "Any")},
    "ArgMax": means("argmax", output_type="output_type"),
    "ArgMin": means("argmin", output_type="output_type"),
    "Cumsum": means("cumsum", exclusive="exclusive", reverse="reverse"),
    "Cumprod": means("cumprod", exclusive="exclusive", reverse="reverse"),
    "UnsortedSegmentSum": means("unsorted_segment_sum"),
    **dict.fromkeys(("TopK", "TopKV2"), _top_k),
    # products and windows
    "MatMul": means("matmul", transpose_a="transpose_a", transpose_b="transpose_b"),
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2"), _batch_matmul),
    **{op: means("nn.bias_add", data_format="data_format") for op in ("BiasAdd", "BiasAddV1")},
    "Conv2D": _windowed("nn.conv2d"),
    "Conv2DBackpropInput": _windowed("nn.conv2d_backprop_input"),
    "Conv2DBackpropFilter": _windowed("nn.conv2d_backprop_filter"),
    "Conv3D": _windowed("nn.conv3d"),
    "Conv3DBackpropInputV2": _conv3d_adjoint,
    "DepthwiseConv2dNative": _windowed("nn.depthwise_conv2d_native"),
    "DepthwiseConv2dNativeBackpropInput": _windowed("nn.depthwise_conv2d_native_backprop_input"),
    "DepthwiseConv2dNativeBackpropFilter": _windowed("nn.depthwise_conv2d_native_backprop_filter"),
    **{op: _pool("nn.max_pool") for op in ("MaxPool", "MaxPoolV2")},
    "AvgPool": _pool("nn.avg_pool"),
    "MaxPool3D": _pool("nn.max_pool3d"),
    "AvgPool3D": _pool("nn.avg_pool3d"),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _batch_norm),
    "LRN": _lrn,
    "SoftmaxCrossEntropyWithLogits": _cross_entropy,
    "SparseSoftmaxCrossEntropyWithLogits": _sparse_cross_entropy,
}
