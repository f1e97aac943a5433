"""Taking parts of a tensor: ``slice``, ``strided_slice``, NumPy-style ``x[a:b:c, None, ..., i]`` and ``reverse``."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import Dim
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops.base import apply, axis_of, convert_to_tensor, graph_of, is_tensor_like
from graphc.ops.blocks import SliceFrom, StridedSliceFrom, along, block, flip
from graphc.ops.elementwise import cast, identity, less, select
from graphc.ops.indexing import GatherV2
from graphc.ops.late import is_late, late, late_one, number
from graphc.ops.reshaping import ExpandDims, Squeeze, as_scalar, shape
from graphc.ops.shape_values import shape_value, static_sizes
from graphc.shapes import Dimension, TensorType

newaxis = None


@telling_line
def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block of ``size`` that starts at ``begin``; -1 as a size means up to the end."""
    x = convert_to_tensor(input_)
    begins, sizes = static_sizes(begin), static_sizes(size)
    if x.type.shape is not None:
        _check_lengths(x, begins, sizes)
        if _all_known(begins) and _all_known(sizes) and None not in x.type.shape:
            return _static_slice(x, begins, sizes, name)  # type: ignore[arg-type]
    index = _index_vector(begin), _index_vector(size)
    result = apply(SliceFrom(), x, *_same_dtype(*index), name=name)
    if sizes is not None:
        result.set_shape(_known_counts(x, begins, sizes))
    return result


def _static_slice(x: Tensor, begins: Sequence[int], sizes: Sequence[int], name: str | None) -> Tensor:
    shape_ = x.type.sizes
    for axis, (begin, size, n) in enumerate(zip(begins, sizes, shape_, strict=True)):
        fits = begin >= 0 and size >= -1 and begin + max(size, 0) <= n  # type: ignore[operator]
        if not fits:
            raise ValueError(
                f"slice of {x.op.describe()}: begin {begin} and size {size} reach outside axis {axis} of {x.type}"
            )
    ends = tuple(None if size == -1 else begin + size for begin, size in zip(begins, sizes, strict=True))
    return block(x, tuple(begins), ends, (1,) * len(ends), name=name or "Slice")


def _check_lengths(x: Tensor, *vectors: Any) -> None:
    for vector in vectors:
        if vector is not None and len(vector) != x.type.rank:
            raise ValueError(f"slice needs a begin and a size for each axis of {x.type}, not {list(vector)}")


def _known_counts(x: Tensor, begins: Any, sizes: Any) -> tuple[Any, ...]:
    whole = x.type.shape or (None,) * len(sizes)
    starts = begins or (None,) * len(sizes)
    known = []
    for n, begin, size in zip(whole, starts, sizes, strict=True):
        to_the_end = None if n is None or begin is None else n - begin
        known.append(to_the_end if size == -1 else size)
    return tuple(known)


def _index_vector(value: Any) -> Tensor:
    tensor = convert_to_tensor(value)
    return tensor if tensor.dtype.is_integer else convert_to_tensor(value, dtypes.int32)


def _same_dtype(begin: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    if begin.dtype is end.dtype:
        return begin, end
    return cast(begin, dtypes.int64), cast(end, dtypes.int64)


def _all_known(sizes: Any) -> bool:
    return sizes is not None and all(isinstance(size, int) for size in sizes)


@telling_line
def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """``input_[begin:end:strides]``; bit i of a mask changes what entry i means, as in TensorFlow."""
    begins, ends = _entries(begin), _entries(end)
    steps = [1] * len(begins) if strides is None else _entries(strides)
    key: list[Any] = []
    for i, (first, stop, step) in enumerate(zip(begins, ends, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(first)
        else:
            key.append(builtins.slice(None if begin_mask & bit else first, None if end_mask & bit else stop, step))
    return getitem(convert_to_tensor(input_), tuple(key), name or "StridedSlice")


def _entries(vector: Any) -> list[Any]:
    """The entries of a vector of indices: numbers where they are known, else scalar tensors."""
    if not is_tensor_like(vector):
        return list(vector) if isinstance(vector, (list, tuple)) or hasattr(vector, "__iter__") else [vector]
    tensor = convert_to_tensor(vector)
    sizes = static_sizes(tensor)
    if sizes is None:
        raise ValueError(f"strided_slice needs index vectors of known length, not {tensor.type}")
    return [size if size is not None else getitem(tensor, i) for i, size in enumerate(sizes)]


class _Key:
    """What ``x[...]`` asks for, axis by axis: slices first, then the axes to drop, gather along and insert."""

    def __init__(self) -> None:
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self.strides: list[int] = []
        self.index_axes: list[int] = []
        self.gathers: list[tuple[int, Tensor]] = []
        self.new_axes: list[int] = []
        self.rank = 0  # of the result, so far

    def add(self, begin: Any, end: Any, stride: int) -> None:
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)

    @property
    def axis(self) -> int:
        """The axis of ``x`` that the next entry is about."""
        return len(self.begin)


def getitem(tensor: Any, key: Any, name: str = "strided_slice") -> Tensor:
    """``tensor[key]`` as NumPy slices: slices, whole numbers or scalar tensors, ``None`` and ``...``."""
    x = convert_to_tensor(tensor)
    items = list(key) if isinstance(key, (tuple, list)) else [key]
    if _is_late_key(x, items):
        return _sliced_later(x, items, name)
    with graph_of([x]).name_scope(name) as scope:
        parsed = _parse(x, key)
        steps = _steps(parsed)
        if not steps:
            return identity(x, name=scope)
        for step in steps[:-1]:
            x = step(x, None)
        return steps[-1](x, scope)


def _is_late_key(x: Tensor, items: Sequence[Any]) -> bool:
    """Whether it is not known while declaring what the key means: its steps, or the axes that ``...`` stands for."""
    if any(isinstance(item, builtins.slice) and isinstance(_bound(item.step), Tensor) for item in items):
        return True
    return x.type.rank is None and any(item is Ellipsis for item in items[:-1])


def _sliced_later(x: Tensor, items: Sequence[Any], name: str) -> Tensor:
    """``x[items]``, declared once the steps and the rank are known."""
    steps = [item.step for item in items if isinstance(item, builtins.slice) and is_tensor_like(item.step)]
    bounds = [p for i in items for p in ((i.start, i.stop) if isinstance(i, builtins.slice) else (i,))]
    tensors = [x, *(convert_to_tensor(bound) for bound in bounds if is_tensor_like(bound))]

    def build(x: Tensor, *parts: Any) -> Tensor:
        given, known = iter(parts[: len(tensors) - 1]), iter(parts[len(tensors) - 1 :])

        def place(bound: Any) -> Any:
            return next(given) if is_tensor_like(bound) else bound

        def step(item: builtins.slice) -> Any:
            return number(next(known)) if is_tensor_like(item.step) else item.step

        key = (
            builtins.slice(place(i.start), place(i.stop), step(i)) if isinstance(i, builtins.slice) else place(i)
            for i in items
        )
        return getitem(x, tuple(key))

    taken = sum(item is not None and item is not Ellipsis and not isinstance(item, builtins.slice) for item in items)
    rank = None if x.type.rank is None else x.type.rank - taken + sum(item is None for item in items)
    shape_ = None if rank is None else (None,) * rank
    return late("StridedSlice", build, tensors, steps, TensorType(x.dtype, shape_), name=name)[0]


def _parse(x: Tensor, key: Any) -> _Key:
    items = list(key) if isinstance(key, (tuple, list)) else [key]
    ellipses = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(ellipses) > 1:
        raise ValueError("Multiple ellipses not allowed")
    taken = sum(item is not None and item is not Ellipsis for item in items)
    if x.type.rank is not None and taken > x.type.rank:
        raise ValueError(f"{taken} indices are given for {x.op.describe()}, whose type is {x.type}")
    parsed = _Key()
    for item in items:
        if item is Ellipsis:
            _whole_axes(parsed, x, taken)
        elif item is None:
            parsed.new_axes.append(parsed.rank)
            parsed.rank += 1
        elif isinstance(item, builtins.slice):
            _add_slice(parsed, item)
        else:
            _add_index(parsed, item)
    return parsed


def _whole_axes(parsed: _Key, x: Tensor, taken: int) -> None:
    # Of unknown rank, the ellipsis is the last entry: axes past the last given are whole.
    for _ in range(0 if x.type.rank is None else x.type.rank - taken):
        parsed.add(None, None, 1)
        parsed.rank += 1


def _add_slice(parsed: _Key, item: builtins.slice) -> None:
    stride = 1 if item.step is None else _plain_index(item.step)
    if not isinstance(stride, int) or stride == 0:
        raise ValueError(f"the step of a slice must be a whole number other than 0, not {item.step!r}")
    parsed.add(_bound(item.start), _bound(item.stop), stride)
    parsed.rank += 1


def _add_index(parsed: _Key, item: Any) -> None:
    index = _plain_index(item)
    if isinstance(index, int):
        parsed.index_axes.append(parsed.axis)
        parsed.add(index, None, 1)
        return
    index = as_scalar(index)
    if index.type.rank != 0:
        raise TypeError(f"an index must be a scalar, not {index.type}; tf.gather takes vectors of indices")
    parsed.gathers.append((parsed.axis, index))
    parsed.add(None, None, 1)


def _bound(value: Any) -> Any:
    return None if value is None else _plain_index(value)


def _plain_index(value: Any) -> Any:
    """A number where it is known while declaring, else an integer tensor; ``TypeError`` for anything else."""
    is_bool = isinstance(value, (bool, np.bool_))
    if isinstance(value, Dimension) or (hasattr(value, "__index__") and not is_bool and not is_tensor_like(value)):
        return int(value)
    if not is_tensor_like(value):
        raise TypeError(
            "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tensors are valid indices, "
            f"got {value!r}"
        )
    tensor = convert_to_tensor(value)
    if not tensor.dtype.is_integer:
        raise TypeError(f"an index must be a whole number, not {tensor.type}")
    known = shape_value(tensor)
    if known is not None and known.ndim == 0 and not isinstance(known.item(), Dim):
        return int(known.item())
    return tensor


def _steps(parsed: _Key) -> list[Callable[[Tensor, str | None], Tensor]]:
    """What to do one after the other: slice, gather (last axis first), drop axes, insert axes."""
    steps: list[Callable[[Tensor, str | None], Tensor]] = []
    if _takes_a_part(parsed):
        steps.append(lambda x, name: _sliced(x, parsed, name))
    for axis, index in reversed(parsed.gathers):
        steps.append(lambda x, name, axis=axis, index=index: _gathered(x, axis, index, name))  # type: ignore[misc]
    gathered = [axis for axis, _ in parsed.gathers]
    dropped = tuple(axis - sum(g < axis for g in gathered) for axis in parsed.index_axes)
    if dropped:
        steps.append(lambda x, name: apply(Squeeze(dropped), x, name=name))
    if parsed.new_axes:
        steps.append(lambda x, name: apply(ExpandDims(tuple(parsed.new_axes)), x, name=name))
    return steps


def _takes_a_part(parsed: _Key) -> bool:
    bounds = (*parsed.begin, *parsed.end)
    return any(bound is not None for bound in bounds) or any(stride != 1 for stride in parsed.strides)


def _sliced(x: Tensor, parsed: _Key, name: str | None) -> Tensor:
    bounds = (*parsed.begin, *parsed.end)
    if any(isinstance(bound, Tensor) for bound in bounds):
        return _sliced_by_tensors(x, parsed, name)
    kind = tuple(parsed.begin), tuple(parsed.end), tuple(parsed.strides), tuple(parsed.index_axes)
    return block(x, *kind, name=name)


def _sliced_by_tensors(x: Tensor, parsed: _Key, name: str | None) -> Tensor:
    """A slice whose bounds are tensors; single indices are taken first, as their ends may not be numbers."""
    for axis in parsed.index_axes:
        x = along_index(x, axis, parsed.begin[axis])
    opened = [axis in parsed.index_axes for axis in range(parsed.axis)]
    begins = [None if opened[axis] else bound for axis, bound in enumerate(parsed.begin)]
    vectors = [_packed([0 if bound is None else bound for bound in bounds]) for bounds in (begins, parsed.end)]
    open_begin, open_end = (tuple(bound is None for bound in bounds) for bounds in (begins, parsed.end))
    kind = StridedSliceFrom(tuple(parsed.strides), open_begin, open_end)
    return apply(kind, x, *_same_dtype(*vectors), name=name)


def along_index(x: Tensor, axis: int, index: int) -> Tensor:
    """``x`` at one position of ``axis``, which is kept with size 1."""
    open_axes = (None,) * axis
    return block(x, (*open_axes, index), (*open_axes, None), (1,) * (axis + 1), (axis,))


def _packed(bounds: Sequence[Any]) -> Tensor:
    wide = any(isinstance(bound, Tensor) and bound.dtype is dtypes.int64 for bound in bounds)
    dtype = dtypes.int64 if wide else dtypes.int32
    return convert_to_tensor([cast(b, dtype) if isinstance(b, Tensor) else b for b in bounds], dtype)


def _gathered(x: Tensor, axis: int, index: Tensor, name: str | None) -> Tensor:
    """``x`` at a position that is a tensor; a negative one counts from the end."""
    size = along(shape(x, out_type=index.dtype), 0, axis, axis + 1)
    counted = select(less(index, convert_to_tensor(0, index.dtype)), index + apply(Squeeze((0,)), size), index)
    return apply(GatherV2(axis, slices=True), x, counted, name=name)


@telling_line
def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """``tensor`` backwards along each axis of ``axis``."""
    x = convert_to_tensor(tensor)
    if is_late(axis, x):
        return late_one("ReverseV2", reverse, x, [axis], rank=x.type.rank, name=name)
    axes: Any = static_sizes(axis)
    counted = [a if x.type.rank is None else axis_of(x, a, "reverse") for a in axes]
    if len(set(counted)) < len(counted):
        raise ValueError(f"reverse of {x.type}: an axis stands twice in {list(axes)}")
    return flip(x, counted, name=name or "ReverseV2") if counted else identity(x, name=name)


reverse_v2 = reverse
