"""Shapes as values, and the same elements under another shape: reshape, broadcast, transpose.

Some ops take a shape as an input tensor, or take a tensor only for its shape (``...Like``). Once the sizes
are known, ``specialise`` replaces them by the op with the sizes written in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import DimLike, measured_in, product
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, axis_of, constant, convert_to_tensor
from graphc.ops.copies import conjugate as conjugate_of
from graphc.ops.elementwise import cast, identity
from graphc.ops.late import is_late, late_one, number
from graphc.ops.shape_values import shape_from, sizes_from, static_axis, static_sizes
from graphc.records import record
from graphc.shapes import MOST, Shape, Size, TensorType, broadcast, filled_in, is_open, normalise_axis, shape_text


@record
class ShapeOf(Op):
    """The sizes of ``x`` as a vector."""

    out_type: DType = dtypes.int32

    type = "Shape"

    def infer(self, x: TensorType) -> TensorType:
        return TensorType(self.out_type, (x.rank,))

    def evaluate(self, x: Any) -> Any:
        return np.array(x.shape, self.out_type.numpy)

    def shape_value(self, x: TensorType) -> Any:
        """The sizes as far as they are known, or None."""
        return x.shape

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The vector of exact sizes."""
        return vector_of(inputs[0].type.sizes, self.out_type)


@record
class Count(Op):
    """The number of elements of ``x`` along ``axes`` (all of them where None), as a scalar."""

    axes: tuple[int, ...] | None = None
    dtype: DType = dtypes.int32

    def infer(self, x: TensorType) -> TensorType:
        return TensorType(self.dtype, ())

    def evaluate(self, x: Any) -> Any:
        axes = range(x.ndim) if self.axes is None else self.axes
        return np.array(math.prod(x.shape[axis] for axis in axes), self.dtype.numpy)

    def shape_value(self, x: TensorType) -> Any:
        """The number where the sizes are known, or None."""
        if x.shape is None:
            return None
        sizes = [x.shape[axis] for axis in (range(len(x.shape)) if self.axes is None else self.axes)]
        return None if any(size is None for size in sizes) else product(sizes)  # type: ignore[arg-type]

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The exact number."""
        return dim_value(self.shape_value(inputs[0].type), self.dtype)


@record
class DimValue(Op):
    """A symbolic size as a scalar; arises where a program is compiled for any batch size."""

    dim: Any
    dtype: DType = dtypes.int32

    def infer(self) -> TensorType:
        return TensorType(self.dtype, ())

    def evaluate(self) -> Any:
        return np.array(self.dim, self.dtype.numpy)

    def shape_value(self) -> Any:
        """The size."""
        return self.dim


@record
class Reshape(Op):
    """The elements of ``x`` in row-major order under another shape; -1 stands for what remains.

    Of no elements, what remains is told by the sizes other than 0: ``[0,3]`` under ``[0,-1]`` is ``[0,3]``.
    """

    shape: tuple[Size, ...] | None = None

    def infer(self, x: TensorType, shape: TensorType | None = None) -> TensorType:
        if self.shape is None:
            if shape is not None and shape.rank not in (None, 1):
                raise ValueError(f"a shape must be a vector, not {shape}")
            return TensorType(x.dtype, None if shape is None or shape.shape is None else _unknown(shape.shape[0]))
        return TensorType(x.dtype, filled_in(x.shape, self.shape))

    def evaluate(self, x: Any, shape: Any = None) -> Any:
        sizes: Any = self.shape if shape is None else tuple(map(int, shape))
        return np.reshape(x, filled_in(x.shape, sizes))

    def gradient(self, node: Operation, *grads: Tensor) -> list[Tensor | None]:
        return [reshape_like(grads[0], node.inputs[0]), *([None] * (len(node.inputs) - 1))]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in."""
        sizes = self.shape if self.shape is not None else sizes_from(values[1], "reshape")
        old = inputs[0].type.sizes
        if any(map(measured_in, old)) and is_open(old, sizes):  # what remains is seen by the step alone
            return Reshape(tuple(sizes)).measured(inputs[:1], ())
        return apply(Reshape(filled_in(old, tuple(sizes))), inputs[0])

    def measured(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """With sizes that are known only while the step runs."""
        from graphc.ops.measured_shapes import reshaped  # stands on reshaping

        return reshaped(inputs[0], self.shape, *zip(inputs[1:], values[1:]))


@record
class ReshapeLike(Op):
    """``x`` under the shape of ``like``."""

    def infer(self, x: TensorType, like: TensorType) -> TensorType:
        return TensorType(x.dtype, like.shape)

    def evaluate(self, x: Any, like: Any) -> Any:
        return np.reshape(x, like.shape)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [reshape_like(grad, node.inputs[0]), None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """With the sizes written in."""
        return apply(Reshape(inputs[1].type.sizes), inputs[0])


@record
class ExpandDims(Op):
    """``x`` with axes of size 1 inserted so that they stand at ``axes`` of the result."""

    axes: tuple[int, ...]

    def infer(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        sizes = list(x.shape)
        for axis in sorted(self.axes):
            sizes.insert(axis, 1)
        return TensorType(x.dtype, tuple(sizes))

    def evaluate(self, x: Any) -> Any:
        return np.expand_dims(x, self.axes)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [apply(Squeeze(self.axes), grad)]


@record
class Squeeze(Op):
    """``x`` without the axes ``axes``, each of size 1."""

    axes: tuple[int, ...]

    def infer(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return x
        for axis in self.axes:
            normalise_axis(axis, len(x.shape), "the axis to squeeze,")
            if x.shape[axis] not in (1, None):
                raise ValueError(f"cannot squeeze axis {axis} of {x}, which has size {x.shape[axis]}; wanted size 1")
        return TensorType(x.dtype, tuple(size for axis, size in enumerate(x.shape) if axis not in self.axes))

    def evaluate(self, x: Any) -> Any:
        return np.squeeze(x, self.axes)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [apply(ExpandDims(self.axes), grad)]


@record
class BroadcastTo(Op):
    """``x`` repeated along new leading axes and along axes of size 1 to fill ``shape``."""

    shape: tuple[Size, ...] | None = None

    def infer(self, x: TensorType, shape: TensorType | None = None) -> TensorType:
        if self.shape is None:
            return TensorType(x.dtype, None if shape is None or shape.shape is None else _unknown(shape.shape[0]))
        if x.shape is not None and len(x.shape) > len(self.shape):
            raise ValueError(f"cannot broadcast {x} to the shape {shape_text(self.shape)}, which has fewer axes")
        filled = broadcast(x.shape, self.shape)
        if filled is not None and x.is_exact and filled != self.shape and None not in self.shape:
            raise ValueError(f"cannot broadcast {x} to the shape {shape_text(self.shape)}")
        return TensorType(x.dtype, self.shape)

    def evaluate(self, x: Any, shape: Any = None) -> Any:
        sizes: Any = self.shape if shape is None else tuple(shape)
        return np.broadcast_to(x, sizes)

    def gradient(self, node: Operation, *grads: Tensor) -> list[Tensor | None]:
        return [sum_like(grads[0], node.inputs[0]), *([None] * (len(node.inputs) - 1))]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the sizes written in; one that the step counts must be what no broadcasting changes."""
        from graphc.ops.measured import is_measured, settle  # stands on reshaping

        if self.shape is not None:
            return None
        x, sizes = inputs[0], shape_from(values[1], "broadcast_to")
        for size, wanted in zip(reversed(x.type.sizes), reversed(sizes)):
            if isinstance(size, int) and size != 1 and is_measured(wanted):
                settle(wanted, size)
        return apply(BroadcastTo(sizes), x)


@record
class BroadcastLike(Op):
    """``x`` repeated to the shape of ``like``: the adjoint of :class:`SumLike`."""

    def infer(self, x: TensorType, like: TensorType) -> TensorType:
        return TensorType(x.dtype, like.shape)

    def evaluate(self, x: Any, like: Any) -> Any:
        return np.broadcast_to(x, like.shape)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [sum_like(grad, node.inputs[0]), None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """With the sizes written in."""
        return broadcast_to(inputs[0], inputs[1].type.sizes)


@record
class SumLike(Op):
    """``x`` summed over the axes along which ``like`` was broadcast to it."""

    def infer(self, x: TensorType, like: TensorType) -> TensorType:
        return TensorType(x.dtype, like.shape)

    def evaluate(self, x: Any, like: Any) -> Any:
        leading = x.ndim - like.ndim
        ones = (leading + i for i, n in enumerate(like.shape) if n == 1 and x.shape[leading + i] != 1)
        return np.sum(x, axis=(*range(leading), *ones), keepdims=True, dtype=x.dtype).reshape(like.shape)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [broadcast_like(grad, node.inputs[0]), None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """A sum over exact axes."""
        from graphc.ops.measured import is_measured, settle  # stands on reshaping
        from graphc.ops.reduction import Reduce  # stands on reshaping

        x, like = inputs
        target, sizes = like.type.sizes, x.type.sizes
        leading = len(sizes) - len(target)
        for size, wanted in zip(sizes[leading:], target):
            if wanted != 1 and not is_measured(wanted):
                settle(size, wanted)
        ones = tuple(leading + i for i, size in enumerate(target) if size == 1 and sizes[leading + i] != 1)
        summed = apply(Reduce("Sum", ones, keep_dims=True), x) if ones else x
        return apply(Reduce("Sum", tuple(range(leading))), summed) if leading else summed


@record
class Transpose(Op):
    """``y`` with the axes of ``x`` in the order ``perm``."""

    perm: tuple[int, ...]

    def infer(self, x: TensorType) -> TensorType:
        if x.shape is None:
            return TensorType(x.dtype, (None,) * len(self.perm))
        if sorted(self.perm) != list(range(len(x.shape))):
            raise ValueError(f"perm {list(self.perm)} is not an order of the {len(x.shape)} axes of {x}")
        return TensorType(x.dtype, tuple(x.shape[axis] for axis in self.perm))

    def evaluate(self, x: Any) -> Any:
        return np.transpose(x, self.perm)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [apply(Transpose(inverse_permutation(self.perm)), grad)]


def inverse_permutation(perm: Sequence[int]) -> tuple[int, ...]:
    """The order that undoes ``perm``."""
    return tuple(int(axis) for axis in np.argsort(perm))


def vector_of(sizes: Sequence[DimLike], dtype: DType) -> Tensor:
    """A vector of sizes, some of which may be symbols."""
    from graphc.ops.arrays import ConcatV2  # arrays stands on reshaping

    if all(isinstance(size, int) for size in sizes):
        return constant(_whole(sizes, dtype))
    parts = [apply(ExpandDims((0,)), dim_value(size, dtype)) for size in sizes]
    return apply(ConcatV2(0), *parts) if len(parts) > 1 else parts[0]


def dim_value(dim: DimLike, dtype: DType) -> Tensor:
    """A size as a scalar tensor."""
    return constant(_whole(dim, dtype)) if isinstance(dim, int) else apply(DimValue(dim, dtype))


def _whole(sizes: Any, dtype: DType) -> Any:
    """Sizes as an array; ``ValueError`` where the dtype cannot hold them."""
    try:
        return np.array(sizes, dtype.numpy)
    except OverflowError:
        hint = "; ask for them with out_type=tf.int64" if dtype is dtypes.int32 else ""
        text = shape_text(tuple(sizes)) if isinstance(sizes, (list, tuple)) else str(sizes)
        raise ValueError(f"sizes {text} are more than {dtype.name} holds{hint}") from None


def _unknown(rank: Size) -> Shape:
    return (None,) * rank if isinstance(rank, int) else None


@telling_line
def shape(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The sizes of ``input`` as a vector."""
    tensor = convert_to_tensor(input)
    wanted = dtypes.as_dtype(out_type)
    if _is_static(tensor):
        return constant(_whole(tensor.type.shape, wanted), name=name or "Shape")
    return apply(ShapeOf(wanted), tensor, name=name)


def size(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The number of elements of ``input``."""
    tensor = convert_to_tensor(input)
    wanted = dtypes.as_dtype(out_type)
    if _is_static(tensor):
        return constant(_whole(tensor.type.elements, wanted), name=name or "Size")
    return apply(Count(None, wanted), tensor, name=name or "Size")


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of axes of ``input``."""
    tensor = convert_to_tensor(input)
    if tensor.type.rank is not None:
        return constant(tensor.type.rank, dtypes.int32, name=name or "Rank")
    return size(shape(tensor), name=name or "Rank")


def count(x: Tensor, axes: tuple[int, ...] | None, dtype: DType) -> Tensor:
    """The number of elements of ``x`` along ``axes``, a constant where the sizes are known."""
    kind = Count(axes, dtype)
    known = kind.shape_value(x.type)
    if known is None or (isinstance(known, int) and known > MOST):  # what has so many is refused when it is run
        return apply(kind, x)
    return dim_value(known, dtype)


def _is_static(tensor: Tensor) -> bool:
    return tensor.type.shape is not None and all(isinstance(size, int) for size in tensor.type.shape)


@telling_line
def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The elements of ``tensor`` in row-major order under ``shape``; one size may be -1."""
    x = convert_to_tensor(tensor)
    sizes = static_sizes(shape)
    if sizes is not None and None not in sizes:
        return apply(Reshape(sizes), x, name=name)
    wanted = convert_to_tensor(shape)
    result = apply(Reshape(), x, wanted, name=name)
    if sizes is not None:
        result.set_shape(tuple(None if size == -1 else size for size in sizes))
    return result


def as_scalar(x: Tensor) -> Tensor:
    """``x`` as the one number that it has to be: a placeholder declared without a shape shows that when it is fed."""
    return x if x.type.rank is not None else reshape(x, ())


def reshape_like(x: Tensor, like: Tensor) -> Tensor:
    """``x`` under the shape of ``like``."""
    if x.type.shape == like.type.shape and x.type.is_exact:
        return x
    return apply(Reshape(like.type.sizes), x) if _is_static(like) else apply(ReshapeLike(), x, like)


@telling_line
def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """``input`` with an axis of size 1 inserted at ``axis`` of the result."""
    x = convert_to_tensor(input)
    axis = dim if axis is None else axis
    if axis is not None and is_late(axis, x):
        rank = None if x.type.rank is None else x.type.rank + 1
        return late_one("ExpandDims", lambda x, axis: expand_dims(x, number(axis)), x, [axis], None, rank, name)
    position = static_axis(axis, "expand_dims")
    if x.type.rank is not None:
        position = axis_of(x, position, "expand_dims", extra=1)
    return apply(ExpandDims((position,)), x, name=name)


@telling_line
def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """``input`` without its axes of size 1, or without those of ``axis``."""
    x = convert_to_tensor(input)
    axis = squeeze_dims if axis is None else axis
    wanted = [] if axis is None else axis if isinstance(axis, (list, tuple)) else [axis]
    if x.type.shape is None or (not wanted and None in x.type.shape):
        return late_one("Squeeze", lambda x: squeeze(x, wanted), x, [], name=name or "Squeeze")
    if not wanted:
        axes = tuple(i for i, size in enumerate(x.type.shape) if size == 1)
    else:
        axes = tuple(sorted(axis_of(x, static_axis(a, "squeeze"), "squeeze") for a in wanted))
    return apply(Squeeze(axes), x, name=name) if axes else identity(x, name=name or "Squeeze")


@telling_line
def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """``input`` repeated to fill ``shape``, by NumPy's rules."""
    x = convert_to_tensor(input)
    sizes = static_sizes(shape)
    if sizes is not None and None not in sizes:
        return x if x.type.shape == sizes else apply(BroadcastTo(sizes), x, name=name)
    result = apply(BroadcastTo(), x, convert_to_tensor(shape), name=name)
    if sizes is not None:
        result.set_shape(sizes)
    return result


def broadcast_like(x: Tensor, like: Tensor) -> Tensor:
    """``x`` repeated to the shape of ``like``."""
    if _is_static(like):
        return broadcast_to(x, like.type.shape)
    return apply(BroadcastLike(), x, like)


def sum_like(x: Tensor, like: Tensor) -> Tensor:
    """``x`` summed to the shape of ``like``, from which it was broadcast."""
    if x.type.shape == like.type.shape and x.type.is_exact:
        return x
    kind = SumLike()
    if _is_static(x) and _is_static(like):
        return kind.specialise((x, like), (None, None))
    return apply(kind, x, like)


@telling_line
def transpose(a: Any, perm: Any = None, name: str | None = "transpose", conjugate: bool = False) -> Tensor:
    """The axes of ``a`` in the order ``perm``; reversed where it is None. ``conjugate`` conjugates complex numbers."""
    x = conjugate_of(convert_to_tensor(a)) if conjugate else convert_to_tensor(a)
    if perm is None:
        if x.type.rank is None:
            return late_one("Transpose", transpose, x, [], name=name)
        order: tuple[int, ...] = tuple(reversed(range(x.type.rank)))
    else:
        sizes = static_sizes(perm)
        if sizes is None or None in sizes:
            return late_one("Transpose", transpose, x, [perm], rank=x.type.rank, name=name)
        order = tuple(normalise_axis(int(axis), len(sizes), "perm") for axis in sizes)  # type: ignore[arg-type]
    return apply(Transpose(order), x, name=name)


@telling_line
def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """``a`` with its last two axes swapped; ``conjugate`` conjugates complex numbers."""
    x = conjugate_of(convert_to_tensor(a)) if conjugate else convert_to_tensor(a)
    if x.type.rank is None:
        return late_one("Transpose", matrix_transpose, x, [], name=name)
    if x.type.rank < 2:
        raise ValueError(f"matrix_transpose needs a rank of at least 2, not {x.type}")
    order = tuple(range(x.type.rank))
    return transpose(x, (*order[:-2], order[-1], order[-2]), name=name)


def cast_like(x: Tensor, like: Tensor) -> Tensor:
    """``x`` in the dtype of ``like``."""
    return cast(x, like.dtype)
