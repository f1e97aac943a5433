"""Functions over tensors that need no op of their own: sums of lists, casts by name, counts, norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import stack
from graphc.ops.base import convert_to_tensor, convert_together, graph_of
from graphc.ops.checks import fitting
from graphc.ops.copies import conjugate
from graphc.ops.indexing import IndexedSlices, convert_to_tensor_or_indexed_slices
from graphc.ops.reduction import argmax, argmin, reduce_mean, reduce_sum
from graphc.ops.reshaping import shape
from graphc.ops.state import group
from graphc.shapes import TensorType, is_compatible


@telling_line
def add_n(inputs: Sequence[Any], name: str | None = None) -> Tensor:
    """The sum of tensors of one shape."""
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise ValueError("inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape")
    tensors = [convert_to_tensor(x) for x in inputs]
    for tensor in tensors[1:]:
        if tensor.dtype is not tensors[0].dtype or not is_compatible(tensor.type.shape, tensors[0].type.shape):
            raise ValueError(
                f"add_n needs tensors of one type: {tensors[0].op.describe()} has {tensors[0].type} and "
                f"{tensor.op.describe()} has {tensor.type}"
            )
    with graph_of(tensors).name_scope(name or "AddN") as scope:
        tensors[1:] = [fitting(tensor, tensors[0], _check_same_shape, "add_n", "inputs") for tensor in tensors[1:]]
        total = tensors[0]
        for tensor in tensors[1:-1]:
            total = e.add(total, tensor)
        return e.add(total, tensors[-1], name=scope) if len(tensors) > 1 else e.identity(total, name=scope)


def _check_same_shape(x: TensorType, first: TensorType) -> None:
    if not is_compatible(x.shape, first.shape):
        raise ValueError(f"the inputs must have one shape, not {first} and {x}")


def accumulate_n(inputs: Sequence[Any], shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape."""
    return add_n(inputs, name or "AccumulateNV2")


@telling_line
def shape_n(input: Sequence[Any], out_type: Any = dtypes.int32, name: str | None = None) -> list[Tensor]:
    """The shape of each tensor as a tensor."""
    tensors = [convert_to_tensor(x) for x in input]
    with graph_of(tensors).name_scope(name or "ShapeN"):
        return [shape(x, out_type=out_type) for x in tensors]


def arg_max(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """The older spelling of :func:`argmax`."""
    return argmax(input, dimension, name, output_type=output_type)


def arg_min(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """The older spelling of :func:`argmin`."""
    return argmin(input, dimension, name, output_type=output_type)


def count_nonzero(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: Any = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
    input: Any = None,
) -> Tensor:
    """How many elements over ``axis`` are not zero."""
    x = convert_to_tensor(input if input_tensor is None else input_tensor)
    with graph_of([x]).name_scope(name or "count_nonzero") as scope:
        differs = x if x.dtype.is_bool else e.not_equal(x, 0)
        axis = reduction_indices if axis is None else axis
        return reduce_sum(e.cast(differs, dtype), axis, keep_dims if keepdims is None else keepdims, name=scope)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean of ``(x - mean(x)) ** 2`` over ``axis``; of complex numbers that of ``|x - mean(x)| ** 2``."""
    x = convert_to_tensor(input_tensor)
    with graph_of([x]).name_scope(name or "reduce_variance") as scope:
        squares = e.squared_difference(x, reduce_mean(x, axis, keepdims=True))
        return reduce_mean(e.cast(squares, x.dtype.real_dtype), axis, keepdims, name=scope)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The square root of :func:`reduce_variance`."""
    x = convert_to_tensor(input_tensor)
    with graph_of([x]).name_scope(name or "reduce_std") as scope:
        return e.sqrt(reduce_variance(x, axis, keepdims), name=scope)


def squared_size(x: Tensor) -> Tensor:
    """``x conj(x)`` in the dtype of ``x``: of real numbers, their squares."""
    return e.multiply(x, conjugate(x)) if x.dtype.is_complex else e.square(x)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """``sqrt(sum(x ** 2))`` over ``axis``; of whole numbers, with what follows the point cut off."""
    x = convert_to_tensor(input_tensor)
    with graph_of([x]).name_scope(name or "EuclideanNorm") as scope:
        total = reduce_sum(squared_size(x), axis, keepdims)
        number = e.cast(total, dtypes.float64) if x.dtype.is_integer else total
        return e.cast(e.sqrt(number), x.dtype, name=scope)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """``value`` in another dtype, moved to the nearest number which that has."""
    x, wanted = convert_to_tensor(value), dtypes.as_dtype(dtype)
    with graph_of([x]).name_scope(name or "saturate_cast") as scope:
        if x.dtype.is_complex or wanted.is_complex:
            return e.cast(x, wanted, name=scope)
        if x.dtype.min < wanted.min:
            x = e.maximum(x, convert_to_tensor(wanted.min, x.dtype))
        if x.dtype.max > wanted.max:
            x = e.minimum(x, convert_to_tensor(_at_most(wanted.max, x.dtype), x.dtype))
        return e.cast(x, wanted, name=scope)


def _at_most(limit: Any, dtype: DType) -> Any:
    """The greatest number of ``dtype`` that is at most ``limit``: float32 rounds 2147483647 upwards."""
    nearest = dtype.numpy.type(limit)
    above = dtype.is_floating and int(nearest) > limit
    return np.nextafter(nearest, dtype.numpy.type(0)) if above else nearest


def to_float(x: Any, name: str = "ToFloat") -> Tensor:
    """``x`` as float32."""
    return e.cast(x, dtypes.float32, name)


def to_double(x: Any, name: str = "ToDouble") -> Tensor:
    """``x`` as float64."""
    return e.cast(x, dtypes.float64, name)


def to_int32(x: Any, name: str = "ToInt32") -> Tensor:
    """``x`` as int32, fractions cut off."""
    return e.cast(x, dtypes.int32, name)


def to_bfloat16(x: Any, name: str = "ToBFloat16") -> Tensor:
    """``x`` as bfloat16."""
    return e.cast(x, dtypes.bfloat16, name=name)


def to_int64(x: Any, name: str = "ToInt64") -> Tensor:
    """``x`` as int64, fractions cut off."""
    return e.cast(x, dtypes.int64, name)


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """``x / y``, and 0 where ``y`` is 0."""
    a, b = convert_together(x, y)
    with graph_of([a]).name_scope(name or "div_no_nan") as scope:
        is_zero = e.equal(b, convert_to_tensor(0, b.dtype))
        quotient = e.realdiv(a, e.select(is_zero, convert_to_tensor(1, b.dtype), b))
        return e.select(is_zero, convert_to_tensor(0, b.dtype), quotient, name=scope)


divide_no_nan = div_no_nan


def parallel_stack(values: Any, name: str = "parallel_stack") -> Tensor:
    """The tensors ``values`` side by side along a new first axis."""
    return stack(values, 0, name)


def tuple_of(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The tensors, each of which waits for all others and for ``control_inputs``; a None stays one: ``tf.tuple``."""
    found = [None if x is None else convert_to_tensor_or_indexed_slices(x) for x in tensors]
    given = [getattr(x, "values", x) for x in found if x is not None]
    if not given:
        raise ValueError(f"Must have at least one Tensor: {tensors}")
    graph = graph_of(given)
    with graph.name_scope(name or "tuple"):
        gate = group(*given, *(control_inputs or ()))
        with graph.control_dependencies([gate]):
            return [None if x is None else _passed_on(x) for x in found]


def _passed_on(x: Any) -> Any:
    if isinstance(x, IndexedSlices):
        return x.with_parts(e.identity(x.values, name="control_dependency"))
    return e.identity(x, name="control_dependency")


@telling_line
def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """``scalar * x`` for a tensor or IndexedSlices, in the form of ``x``; ``ValueError`` where the one is no scalar."""
    other = convert_to_tensor_or_indexed_slices(x)
    number = convert_to_tensor(scalar, other.dtype)
    if number.type.rank != 0:
        raise ValueError(f"Only scalar multiply works, got shape {number.shape}")
    if isinstance(other, IndexedSlices):
        return other.with_parts(e.multiply(number, other.values, name=name))
    return e.multiply(number, other, name=name)
