"""Nodes of TensorFlow's that are adjoints of others, for graphs of its making that train on.

The formulas are those that stand in the documentation of the ops in ``tf.raw_ops``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nn.normalisation import along_channel, channel_axis
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import pooling
from graphc.ops.arrays import fill, stack
from graphc.ops.base import apply, constant
from graphc.ops.reduction import reduce_mean, reduce_sum
from graphc.ops.shape_values import static_sizes
from graphc.ops.slicing import strided_slice
from graphc.ops.windows import make_window, spatial_numbers
from graphc.passes.gradients import gradients

Adjoint = Callable[[Any], Any]


def of_inputs(slope: Callable[..., Tensor]) -> Adjoint:
    """An adjoint that is a formula of the inputs."""
    return lambda node: slope(*node.inputs)


def _relu(grad: Tensor, x: Tensor) -> Tensor:
    return e.select(e.greater(x, constant(0, x.dtype)), grad, constant(0, grad.dtype))


def _relu6(grad: Tensor, x: Tensor) -> Tensor:
    inside = e.logical_and(e.greater(x, constant(0, x.dtype)), e.less(x, constant(6, x.dtype)))
    return e.select(inside, grad, constant(0, grad.dtype))


def _elu(grad: Tensor, y: Tensor) -> Tensor:
    return e.select(e.less(y, constant(0, y.dtype)), grad * (y + 1.0), grad)


def _bias(node: Any) -> Tensor:
    (grad,) = node.inputs
    channel = channel_axis(grad, node.attr("data_format", "NHWC"))
    return reduce_sum(grad, [axis for axis in range(grad.type.rank or 0) if axis != channel])


def _window(node: Any) -> Any:
    layout = node.attr("data_format") or ("NDHWC" if "3D" in node.op else "NHWC")
    size = spatial_numbers(node.attr("ksize"), layout, "ksize")
    return make_window(size, node.attr("strides"), node.attr("padding"), layout, None)


def _pooled(kind: type[Any]) -> Adjoint:
    return lambda node: apply(kind(_window(node)), *node.inputs, name=node.name)


def _averaged(node: Any) -> Tensor:
    given, grad = node.inputs
    sizes = static_sizes(given)
    if sizes is None or None in sizes:
        return apply(pooling.AvgPoolGrad(_window(node)), grad, given, name=node.name)
    return apply(pooling.AvgPoolGrad(_window(node), tuple(sizes)), grad, name=node.name)


def _batch_norm(node: Any) -> list[Tensor]:
    """The adjoints of x, scale and offset, from the mean and variance that the batch has, or that were given."""
    grad, x, scale, mean, variance = node.inputs[:5]
    layout, epsilon = node.attr("data_format", "NHWC"), node.attr("epsilon", 1e-4)
    channel = channel_axis(x, layout)
    over = [axis for axis in range(x.type.rank or 0) if axis != channel]
    training = node.attr("is_training", True)
    if training:  # what TensorFlow keeps of the forward step differs between its kernels, so that x says it again
        mean = reduce_mean(x, over)
        variance = reduce_mean(e.square(x - along_channel(mean, x, channel)), over)
    root = along_channel(e.rsqrt(variance + epsilon), x, channel)
    normal = (x - along_channel(mean, x, channel)) * root
    by_scale, by_offset = reduce_sum(grad * normal, over), reduce_sum(grad, over)
    by_x = grad
    if training:
        by_x = by_x - along_channel(reduce_mean(grad, over), x, channel)
        by_x = by_x - normal * along_channel(reduce_mean(grad * normal, over), x, channel)
    none = constant(0.0)
    return [by_x * root * along_channel(scale, x, channel), by_scale, by_offset, none, none]


def _strided_slice(node: Any) -> Tensor:
    """Zeros of a shape with the adjoint where the slice was."""
    shape, *key, grad = node.inputs
    masks = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    zeros = fill(shape, constant(0, grad.dtype))
    part = strided_slice(zeros, *key, **{mask: node.attr(mask, 0) for mask in masks})
    (found,) = gradients(part, zeros, grad_ys=grad)
    return found


def _concat_offsets(node: Any) -> list[Tensor]:
    """Where each part of a joined tensor begins, from the axis and the shapes of the parts."""
    (axis,) = static_sizes(node.inputs[0]) or (None,)
    shapes = node.inputs[1:]
    begin: Any = constant(0)
    found = []
    for shape in shapes:
        rank = shape.type.shape[0]
        found.append(stack([begin if place == axis else constant(0) for place in range(rank)]))
        begin = begin + shape[axis]
    return found


ADJOINTS: dict[str, Adjoint] = {
    "StridedSliceGrad": _strided_slice,
    "ConcatOffset": _concat_offsets,
    "ReluGrad": of_inputs(_relu),
    "Relu6Grad": of_inputs(_relu6),
    "EluGrad": of_inputs(_elu),
    "LeakyReluGrad": lambda node: _leaky(node.inputs[0], node.inputs[1], node.attr("alpha", 0.2)),
    "SigmoidGrad": of_inputs(lambda y, grad: grad * y * (1.0 - y)),
    "TanhGrad": of_inputs(lambda y, grad: grad * (1.0 - y * y)),
    "SqrtGrad": of_inputs(lambda y, grad: grad * 0.5 / y),
    "RsqrtGrad": of_inputs(lambda y, grad: grad * -0.5 * y * y * y),
    "ReciprocalGrad": of_inputs(lambda y, grad: -grad * y * y),
    "InvGrad": of_inputs(lambda y, grad: -grad * y * y),
    "SoftplusGrad": of_inputs(lambda grad, x: grad * e.sigmoid(x)),
    "BiasAddGrad": _bias,
    **{op: _pooled(pooling.MaxPoolGrad) for op in ("MaxPoolGrad", "MaxPool3DGrad")},
    **{op: _pooled(pooling.MaxPoolGradGrad) for op in ("MaxPoolGradGrad", "MaxPool3DGradGrad")},
    **dict.fromkeys(("AvgPoolGrad", "AvgPool3DGrad"), _averaged),
    **dict.fromkeys(("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3"), _batch_norm),
}


def _leaky(grad: Tensor, x: Tensor, alpha: float) -> Tensor:
    return e.select(e.greater(x, constant(0, x.dtype)), grad, grad * alpha)
