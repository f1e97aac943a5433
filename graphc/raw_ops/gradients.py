"""Adjoints that TensorFlow has as operations, by their formulas or by differentiating what they are adjoint to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.image.resizing import resize_bicubic, resize_bilinear, resize_nearest_neighbor
from graphc.nn.normalisation import along_channel, channel_axis
from graphc.nodes import Op, Tensor
from graphc.ops import elementwise as e
from graphc.ops import pooling
from graphc.ops.arrays import as_sizes, entries_of, fill, zeros
from graphc.ops.base import apply, constant, convert_to_tensor, graph_of
from graphc.ops.contraction import tensordot
from graphc.ops.reduction import reduce_mean, reduce_sum
from graphc.ops.reshaping import shape
from graphc.ops.shape_values import static_sizes
from graphc.ops.slicing import strided_slice
from graphc.ops.windows import make_window, spatial_numbers
from graphc.passes.gradients import dense_gradients

# -- pooling -------------------------------------------------------------------------------------------------------


def _windowed(kind: Callable[..., Op], inputs: Sequence[Any], ksize: Any, strides: Any, padding: Any, layout: str,
              name: str | None) -> Tensor:  # fmt: skip
    window = make_window(spatial_numbers(ksize, layout, "ksize"), strides, padding, layout)
    return apply(kind(window), *map(convert_to_tensor, inputs), name=name)


def max_pool_grad(
    orig_input: Any, orig_output: Any, grad: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``MaxPool``'s input: each window's goes to the first cell that equals its maximum."""
    inputs = orig_input, orig_output, grad
    return _windowed(pooling.MaxPoolGrad, inputs, ksize, strides, padding, data_format, name)


def max_pool_grad_grad(
    orig_input: Any, orig_output: Any, grad: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``MaxPoolGrad``'s last input."""
    inputs = orig_input, orig_output, grad
    return _windowed(pooling.MaxPoolGradGrad, inputs, ksize, strides, padding, data_format, name)


def max_pool3d_grad(
    orig_input: Any, orig_output: Any, grad: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``MaxPool3D``'s input."""
    return max_pool_grad(orig_input, orig_output, grad, ksize, strides, padding, data_format, name)


def max_pool3d_grad_grad(
    orig_input: Any, orig_output: Any, grad: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``MaxPool3DGrad``'s last input."""
    return max_pool_grad_grad(orig_input, orig_output, grad, ksize, strides, padding, data_format, name)


def avg_pool_grad(
    orig_input_shape: Any, grad: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``AvgPool``'s input, of this shape: each window's is spread over the cells that it saw."""
    sizes = static_sizes(orig_input_shape)
    if sizes is None or not all(isinstance(size, int) for size in sizes):
        inputs = grad, orig_input_shape
        return _windowed(pooling.AvgPoolGrad, inputs, ksize, strides, padding, data_format, name)
    known = lambda window: pooling.AvgPoolGrad(window, tuple(sizes))  # noqa: E731
    return _windowed(known, [grad], ksize, strides, padding, data_format, name)


def avg_pool3d_grad(
    orig_input_shape: Any, grad: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NDHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``AvgPool3D``'s input, of this shape."""
    return avg_pool_grad(orig_input_shape, grad, ksize, strides, padding, data_format, name)


# -- normalisation ---------------------------------------------------------------------------------------------------


def bias_add_grad(out_backprop: Any, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """The adjoint of the bias: the sum over all axes but the channels."""
    grad = convert_to_tensor(out_backprop)
    channel = channel_axis(grad, data_format)
    return reduce_sum(grad, [axis for axis in range(grad.type.rank or 0) if axis != channel], name=name)


def fused_batch_norm_grad(
    y_backprop: Any, x: Any, scale: Any, reserve_space_1: Any, reserve_space_2: Any, epsilon: float = 0.0001,
    data_format: str = "NHWC", is_training: bool = True, name: str | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The adjoints of x, scale and offset, and two empty tensors; the reserved spaces are the mean and the variance.

    While training (Ioffe and Szegedy, 2015, section 3), with ``r = 1 / sqrt(variance + epsilon)``::

        dx = scale * r * (dy - mean(dy) - (x - mean) * r^2 * mean(dy * (x - mean)))
    """
    tensor = convert_to_tensor(x)
    grad = convert_to_tensor(y_backprop)
    channel = channel_axis(tensor, data_format)
    over = [axis for axis in range(tensor.type.rank or 0) if axis != channel]
    with graph_of([tensor]).name_scope(name or "FusedBatchNormGrad"):
        mean, variance, factor = (
            along_channel(vector, tensor, channel) for vector in (reserve_space_1, reserve_space_2, scale)
        )
        inverse = e.rsqrt(variance + epsilon)
        centred = tensor - mean
        scaled = reduce_sum(grad * centred * inverse, over)
        if is_training:
            along = reduce_mean(grad * centred, over, keepdims=True)
            through = grad - reduce_mean(grad, over, keepdims=True) - centred * e.square(inverse) * along
        else:
            through = grad
        empty = zeros([0], tensor.dtype)
        return factor * inverse * through, scaled, reduce_sum(grad, over), empty, empty


def fused_batch_norm_grad_v3(
    y_backprop: Any, x: Any, scale: Any, reserve_space_1: Any, reserve_space_2: Any, reserve_space_3: Any,
    epsilon: float = 0.0001, data_format: str = "NHWC", is_training: bool = True, name: str | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """:func:`fused_batch_norm_grad` with a further reserved space, which is not needed."""
    given = y_backprop, x, scale, reserve_space_1, reserve_space_2
    return fused_batch_norm_grad(*given, epsilon, data_format, is_training, name)


def lrn_grad(
    input_grads: Any, input_image: Any, output_image: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1,
    beta: float = 0.5, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``LRN``'s input, with ``n = bias + alpha * nearby(x^2)``::

    dx = dy * n^-beta - 2 * alpha * beta * x * nearby(dy * y / n)
    """
    x, y, grad = (convert_to_tensor(value) for value in (input_image, output_image, input_grads))
    channels = x.type.shape[-1] if x.type.shape else None
    if not isinstance(channels, int):
        raise ValueError(f"LRNGrad of {x.op.describe()}: its type is {x.type}; wanted a known number of channels")
    place = np.arange(channels)
    band = constant((abs(place[:, None] - place) <= depth_radius).astype(x.dtype.numpy))
    with graph_of([x]).name_scope(name or "LRNGrad") as scope:
        norm = tensordot(e.square(x), band, 1) * float(alpha) + float(bias)
        around = tensordot(grad * y / norm, band, 1)
        return e.subtract(grad * e.pow(norm, -float(beta)), x * around * (2.0 * alpha * beta), name=scope)


# -- images and slices -------------------------------------------------------------------------------------------------


def _adjoint(function: Callable[[Tensor], Tensor], like: Tensor, sizes: Any, grads: Any, called: str,
             name: str | None) -> Tensor:  # fmt: skip
    """The adjoint of ``y = function(x)`` by x, which has these sizes; functions that are linear in x."""
    with graph_of([like]).name_scope(name or called) as scope:
        x = fill(sizes, convert_to_tensor(0, like.dtype))
        return e.identity(dense_gradients([function(x)], [x], [grads])[0], name=scope)


def _resized(function: Callable[..., Tensor], grads: Any, original: Any, align: bool, half: bool, called: str,
             name: str | None) -> Tensor:  # fmt: skip
    dy, image = convert_to_tensor(grads), convert_to_tensor(original)
    size = shape(dy)[1:3] if dy.type.shape is None else as_sizes(entries_of(shape(dy), dy.type.shape)[1:3])
    resize = lambda x: function(x, size, align_corners=align, half_pixel_centers=half)  # noqa: E731
    return _adjoint(resize, image, shape(image), dy, called, name)


def resize_bilinear_grad(
    grads: Any, original_image: Any, align_corners: bool = False, half_pixel_centers: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``ResizeBilinear``'s images, of the shape of ``original_image``."""
    given = grads, original_image, align_corners, half_pixel_centers
    return _resized(resize_bilinear, *given, "ResizeBilinearGrad", name)


def resize_bicubic_grad(
    grads: Any, original_image: Any, align_corners: bool = False, half_pixel_centers: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``ResizeBicubic``'s images, of the shape of ``original_image``."""
    given = grads, original_image, align_corners, half_pixel_centers
    return _resized(resize_bicubic, *given, "ResizeBicubicGrad", name)


def resize_nearest_neighbor_grad(
    grads: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False, name: str | None = None
) -> Tensor:
    """The adjoint of ``ResizeNearestNeighbor``'s images, of the height and width ``size``."""
    dy = convert_to_tensor(grads)
    batch, height, width, channels = entries_of(shape(dy), dy.type.shape)  # type: ignore[arg-type]
    rows, columns = static_sizes(size) or (None, None)
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise ValueError(f"ResizeNearestNeighborGrad needs a size that is known while declaring, not {size!r}")
    resize = lambda x: resize_nearest_neighbor(  # noqa: E731
        x, as_sizes([height, width]), align_corners=align_corners, half_pixel_centers=half_pixel_centers
    )
    sizes = as_sizes([batch, rows, columns, channels])
    return _adjoint(resize, dy, sizes, dy, "ResizeNearestNeighborGrad", name)


def strided_slice_grad(
    shape: Any, begin: Any, end: Any, strides: Any, dy: Any, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The adjoint of ``StridedSlice``'s input, of this shape: ``dy`` where it was taken, zeros elsewhere."""
    grad = convert_to_tensor(dy)
    if not grad.dtype.is_floating:
        raise NotImplementedError(f"StridedSliceGrad of {grad.dtype.name}: cast dy to {dtypes.float64.name} first")
    masks = begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask
    take = lambda x: strided_slice(x, begin, end, strides, *masks)  # noqa: E731
    return _adjoint(take, grad, shape, grad, "StridedSliceGrad", name)
