"""Reductions: many elements to one along axes. Also their adjoints, which spread one to many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, axis_of, check_dtype, convert_to_tensor, graph_of
from graphc.ops.copies import conjugate
from graphc.ops.late import is_late, late_one, number
from graphc.ops.reshaping import ExpandDims, Squeeze, broadcast_like, count
from graphc.ops.shape_values import static_axis, static_sizes
from graphc.records import record
from graphc.shapes import TensorType, normalise_axis


@record
class ReductionRecord:
    """One way to make one element of many: ``combine`` is the scalar op that joins two partial results."""

    type: str
    combine: str
    numpy: Callable[..., Any]
    dtypes: Sequence[DType]


REDUCTIONS = {record.type: record for record in [
    ReductionRecord("Sum", "add", np.sum, dtypes.RING),
    ReductionRecord("Prod", "mul", np.prod, dtypes.RING),
    ReductionRecord("Max", "maximum", np.max, dtypes.NUMBERS),
    ReductionRecord("Min", "minimum", np.min, dtypes.NUMBERS),
    ReductionRecord("All", "logical_and", np.all, (dtypes.bool,)),
    ReductionRecord("Any", "logical_or", np.any, (dtypes.bool,)),
]}  # fmt: skip


@record
class Reduce(Op):
    """``y = fn over axes of x``, all where ``axes`` is None. The sum of nothing is 0, the greatest of nothing -inf."""

    fn: str
    axes: tuple[int, ...] | None = None
    keep_dims: bool = False

    @property
    def type(self) -> str:
        return self.fn

    @property
    def record(self) -> ReductionRecord:
        """The row of the table."""
        return REDUCTIONS[self.fn]

    def attributes(self) -> dict[str, Any]:
        shown: dict[str, Any] = {} if self.axes is None else {"axes": self.axes}
        return shown | ({"keep_dims": True} if self.keep_dims else {})

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, self.record.dtypes, "the input")
        return TensorType(x.dtype, reduced_shape(x, self.axes, self.keep_dims))

    def evaluate(self, x: Any) -> Any:
        axes = tuple(range(x.ndim)) if self.axes is None else self.axes
        if self.fn in ("Max", "Min"):
            empty = _identity_of(self.fn, x.dtype)
            return np.asarray(self.record.numpy(x, axis=axes, keepdims=self.keep_dims, initial=empty))
        result = np.asarray(self.record.numpy(x, axis=axes, keepdims=self.keep_dims))
        return result if result.dtype == object else result.astype(x.dtype)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [_ADJOINTS[self.fn](self, node.inputs[0], node.outputs[0], grad) if self.fn in _ADJOINTS else None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With all axes named."""
        if self.axes is not None:
            return None
        return apply(Reduce(self.fn, tuple(range(len(inputs[0].type.sizes))), self.keep_dims), inputs[0])


@record
class ArgReduce(Op):
    """The position of the greatest (``ArgMax``) or least (``ArgMin``) element along ``axis``.

    It is the first of equals; NaN is passed over, as TensorFlow does, and the position of nothing else is 0.
    """

    fn: str
    axis: int
    output_type: DType = dtypes.int64

    @property
    def type(self) -> str:
        return self.fn

    def attributes(self) -> dict[str, Any]:
        return {"axis": self.axis}

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, dtypes.NUMBERS, "the input")
        check_dtype(TensorType(self.output_type, ()), (dtypes.int32, dtypes.int64), "output_type")
        if x.shape is not None and x.shape[normalise_axis(self.axis, len(x.shape))] == 0:
            raise ValueError(f"axis {self.axis} of {x} is empty and has no greatest or least element")
        axes = (self.axis,) if x.rank is None else (normalise_axis(self.axis, x.rank),)
        return TensorType(self.output_type, reduced_shape(x, axes, False))

    def evaluate(self, x: Any) -> Any:
        find, last = (np.argmax, -np.inf) if self.fn == "ArgMax" else (np.argmin, np.inf)
        numbers = np.where(np.isnan(x), x.dtype.type(last), x) if x.dtype.kind == "f" else x
        return find(numbers, axis=self.axis).astype(self.output_type.numpy)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]


def reduced_shape(x: TensorType, axes: tuple[int, ...] | None, keep_dims: bool) -> Any:
    """The shape that remains when ``axes`` (None: all) are reduced."""
    if x.shape is None:
        return () if axes is None and not keep_dims else None
    gone = set(range(len(x.shape))) if axes is None else {normalise_axis(a, len(x.shape)) for a in axes}
    if keep_dims:
        return tuple(1 if axis in gone else size for axis, size in enumerate(x.shape))
    return tuple(size for axis, size in enumerate(x.shape) if axis not in gone)


def _identity_of(fn: str, dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return -np.inf if fn == "Max" else np.inf
    return np.iinfo(dtype).min if fn == "Max" else np.iinfo(dtype).max


def with_kept_axes(kind: Reduce, x: Tensor, reduced: Tensor) -> Tensor:
    """``reduced`` with the axes that ``kind`` took away put back at size 1, so that it broadcasts to ``x``."""
    if kind.keep_dims or kind.axes is None or not kind.axes:
        return reduced
    return apply(ExpandDims(tuple(sorted(kind.axes))), reduced)


def _sum_adjoint(kind: Reduce, x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    return broadcast_like(with_kept_axes(kind, x, g), x)


def _extreme_adjoint(kind: Reduce, x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    # Equal extremes share the adjoint evenly, as in TensorFlow.
    chosen = e.cast(e.equal(x, with_kept_axes(kind, x, y)), x.dtype)
    winners = with_kept_axes(kind, x, apply(Reduce("Sum", kind.axes, kind.keep_dims), chosen))
    return chosen * (with_kept_axes(kind, x, g) / winners)


def _prod_adjoint(kind: Reduce, x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    """``g * product of the others``: exact with zeros too.

    With one zero along the axes, only that element's others are all nonzero; with two or more, none are.
    """
    zero, one = convert_to_tensor(0, x.dtype), convert_to_tensor(1, x.dtype)
    is_zero = e.equal(x, zero)
    safe = e.select(is_zero, one, x)
    product = with_kept_axes(kind, x, apply(Reduce("Prod", kind.axes, kind.keep_dims), safe))
    zeros = with_kept_axes(kind, x, apply(Reduce("Sum", kind.axes, kind.keep_dims), e.cast(is_zero, x.dtype)))
    alone = e.select(e.equal(zeros, one), product, zero)
    others = e.select(is_zero, alone, e.select(e.equal(zeros, zero), product / safe, zero))
    return with_kept_axes(kind, x, g) * conjugate(others)


_ADJOINTS: dict[str, Callable[..., Tensor]] = {
    "Sum": _sum_adjoint,
    "Max": _extreme_adjoint,
    "Min": _extreme_adjoint,
    "Prod": _prod_adjoint,
}


def resolve_axes(x: Tensor, axis: Any, reduction_indices: Any = None) -> tuple[int, ...] | None:
    """The axes that ``axis`` names, counted from the front and sorted; None for all."""
    axis = reduction_indices if axis is None else axis
    if axis is None:
        return None if x.type.rank is None else tuple(range(x.type.rank))
    sizes = static_sizes(axis)
    if sizes is None or None in sizes:
        raise ValueError(f"the axes to reduce must be known while declaring, not {axis!r}")
    axes = tuple(int(a) for a in sizes)  # type: ignore[arg-type]
    if x.type.rank is None:
        if any(a < 0 for a in axes):
            raise ValueError(f"axes counted from the end need a known rank, which {x.name!r} lacks")
        return tuple(sorted(axes))
    for a in axes:
        if not -x.type.rank <= a < x.type.rank:
            wanted = f"wanted a whole number in [{-x.type.rank}, {x.type.rank})"
            raise ValueError(f"Invalid reduction dimension {a} for input with {x.type.rank} dimensions; {wanted}")
    counted = sorted(normalise_axis(a, x.type.rank) for a in axes)
    if len(set(counted)) < len(counted):
        raise ValueError(f"an axis stands twice in {list(axes)}")
    return tuple(counted)


def _reduce(fn: str, x: Any, axis: Any, keep: Any, name: str | None, old_axis: Any, old_keep: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    keep_dims = bool(old_keep if keep is None else keep)
    wanted = old_axis if axis is None else axis
    if _is_late(tensor, wanted):
        check_dtype(tensor.type, REDUCTIONS[fn].dtypes, "the input")
        return _later(
            fn, lambda x, axes: _reduce(fn, x, axes, keep_dims, None, None, None), tensor, wanted, keep_dims, name
        )
    try:
        axes = resolve_axes(tensor, axis, old_axis)
    except ValueError as error:
        raise ValueError(f"{fn} of {tensor.name!r} ({tensor.type}): {error}") from None
    return apply(Reduce(fn, axes, keep_dims), tensor, name=name)


def _is_late(x: Tensor, axis: Any) -> bool:
    return axis is not None and is_late(axis, x)


def _later(fn: str, build: Callable[..., Tensor], x: Tensor, axes: Any, keep_dims: bool, name: str | None) -> Tensor:
    """The reduction, declared once its axes are known."""
    return late_one(fn, build, x, [axes], rank=x.type.rank if keep_dims else None, name=name)


@telling_line
def reduce_sum(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
               reduction_indices: Any = None, keep_dims: Any = None) -> Tensor:  # fmt: skip
    """The sum over ``axis`` (all axes where None)."""
    return _reduce("Sum", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


@telling_line
def reduce_prod(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
                reduction_indices: Any = None, keep_dims: Any = None) -> Tensor:  # fmt: skip
    """The product over ``axis``."""
    return _reduce("Prod", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


@telling_line
def reduce_max(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
               reduction_indices: Any = None, keep_dims: Any = None) -> Tensor:  # fmt: skip
    """The greatest element over ``axis``; NaN where one is NaN."""
    return _reduce("Max", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


@telling_line
def reduce_min(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
               reduction_indices: Any = None, keep_dims: Any = None) -> Tensor:  # fmt: skip
    """The least element over ``axis``; NaN where one is NaN."""
    return _reduce("Min", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


@telling_line
def reduce_all(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
               reduction_indices: Any = None, keep_dims: Any = None) -> Tensor:  # fmt: skip
    """Whether all elements over ``axis`` are True."""
    return _reduce("All", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


@telling_line
def reduce_any(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
               reduction_indices: Any = None, keep_dims: Any = None) -> Tensor:  # fmt: skip
    """Whether any element over ``axis`` is True."""
    return _reduce("Any", input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


@telling_line
def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
                reduction_indices: Any = None, keep_dims: Any = None) -> Tensor:  # fmt: skip
    """The mean over ``axis``; of whole numbers, rounded towards zero; NaN over no elements."""
    x = convert_to_tensor(input_tensor)
    wanted, kept = reduction_indices if axis is None else axis, bool(keep_dims if keepdims is None else keepdims)
    if _is_late(x, wanted):
        return _later("Mean", lambda x, axes: reduce_mean(x, axes, kept), x, wanted, kept, name)
    with graph_of([x]).name_scope(name or "Mean") as scope:
        total = _reduce("Sum", x, axis, keepdims, None, reduction_indices, keep_dims)
        number = count(x, resolve_axes(x, axis, reduction_indices), x.dtype)
        divide = e.truncatediv if x.dtype.is_integer else e.div
        return divide(total, number, name=scope)


@telling_line
def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None,
                     reduction_indices: Any = None, keep_dims: Any = None) -> Tensor:  # fmt: skip
    """``log(sum(exp(x)))`` over ``axis`` without overflow: the maximum is taken out first."""
    x = convert_to_tensor(input_tensor)
    wanted, kept = reduction_indices if axis is None else axis, bool(keep_dims if keepdims is None else keepdims)
    if _is_late(x, wanted):
        return _later("ReduceLogSumExp", lambda x, axes: reduce_logsumexp(x, axes, kept), x, wanted, kept, name)
    with graph_of([x]).name_scope(name or "ReduceLogSumExp") as scope:
        axes = resolve_axes(x, axis, reduction_indices)
        greatest = reduce_max(x, axes, keepdims=True)
        finite = e.select(e.is_finite(greatest), greatest, convert_to_tensor(0, x.dtype))
        shift = e.stop_gradient(finite)
        kind = Reduce("Sum", axes, keep_dims=True)
        result = e.log(apply(kind, e.exp(x - shift))) + shift
        if kept or axes is None or not axes:
            return e.identity(result, name=scope)
        return apply(Squeeze(axes), result, name=scope)


@telling_line
def argmax(input: Any, axis: Any = None, name: str | None = None, dimension: Any = None,
           output_type: Any = dtypes.int64) -> Tensor:  # fmt: skip
    """The position of the greatest element along ``axis`` (0 where None); the first of equals; NaN is passed over."""
    return _argreduce("ArgMax", input, dimension if axis is None else axis, name, output_type)


@telling_line
def argmin(input: Any, axis: Any = None, name: str | None = None, dimension: Any = None,
           output_type: Any = dtypes.int64) -> Tensor:  # fmt: skip
    """The position of the least element along ``axis`` (0 where None); the first of equals; NaN is passed over."""
    return _argreduce("ArgMin", input, dimension if axis is None else axis, name, output_type)


def _argreduce(fn: str, x: Any, axis: Any, name: str | None, output_type: Any) -> Tensor:
    tensor, wanted = convert_to_tensor(x), dtypes.as_dtype(output_type)
    axis = 0 if axis is None else axis
    if is_late(axis, tensor):
        rank = None if tensor.type.rank is None else tensor.type.rank - 1
        build = lambda x, axis: _argreduce(fn, x, number(axis), None, wanted)  # noqa: E731
        return late_one(fn, build, tensor, [axis], wanted, rank, name)
    position = static_axis(axis, fn)
    if tensor.type.rank is not None:
        position = axis_of(tensor, position, fn)
    return apply(ArgReduce(fn, position, wanted), tensor, name=name)
