"""Making arrays and putting arrays together: zeros, fill, concat, split, stack, tile, meshgrid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import DType
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import (
    apply,
    axis_of,
    check_same_dtype,
    constant,
    convert_to_tensor,
    convert_together,
    graph_of,
    is_tensor_like,
)
from graphc.ops.blocks import SliceFrom, along
from graphc.ops.late import is_late, late, late_one, number
from graphc.ops.reshaping import (
    ExpandDims,
    Squeeze,
    broadcast_like,
    broadcast_to,
    reshape,
    shape,
)
from graphc.ops.shape_values import static_axis, static_sizes
from graphc.records import record
from graphc.shapes import Shape, Size, TensorType, as_shape, is_constant, merge, normalise_axis


@record
class ConcatV2(Op):
    """The inputs one after the other along ``axis``."""

    axis: int

    def infer(self, *inputs: TensorType) -> TensorType:
        dtype = check_same_dtype(inputs)
        known = [x for x in inputs if x.shape is not None]
        if not known:
            return TensorType(dtype, None)
        sides: Shape = None
        for x in known:
            if self.axis >= len(x.shape):  # type: ignore[arg-type]
                raise ValueError(f"cannot concatenate along axis {self.axis}: the input {x} has {x.rank} axes")
            try:
                sides = merge(sides, _without_size(x.shape, self.axis))
            except ValueError:
                listed = ", ".join(str(x) for x in inputs)
                raise ValueError(f"inputs to concatenate along axis {self.axis} differ elsewhere: {listed}") from None
        total: Size = 0
        for x in inputs:
            size = None if x.shape is None else x.shape[self.axis]
            total = None if total is None or size is None else total + size
        return TensorType(dtype, (*sides[: self.axis], total, *sides[self.axis + 1 :]))  # type: ignore[index]

    def evaluate(self, *values: Any) -> Any:
        return np.concatenate(values, axis=self.axis)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        sizes: Any = [None if x.type.shape is None else x.type.shape[self.axis] for x in node.inputs]
        if all(isinstance(size, int) for size in sizes):
            ends = np.cumsum(sizes).tolist()
            return [along(grad, self.axis, end - size, end) for size, end in zip(sizes, ends, strict=True)]
        return _parts(grad, [shape(x) for x in node.inputs], self.axis)


@record
class Pack(Op):
    """The inputs, all of one type, side by side along a new axis."""

    axis: int = 0

    def infer(self, *inputs: TensorType) -> TensorType:
        dtype = check_same_dtype(inputs)
        common: Shape = None
        for x in inputs:
            try:
                common = merge(common, x.shape)
            except ValueError:
                raise ValueError(f"inputs to stack differ in shape: {', '.join(str(x) for x in inputs)}") from None
        if common is None:
            return TensorType(dtype, None)
        axis = normalise_axis(self.axis, len(common) + 1)
        return TensorType(dtype, (*common[:axis], len(inputs), *common[axis:]))

    def evaluate(self, *values: Any) -> Any:
        return np.stack(values, axis=self.axis)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        count = len(node.inputs)
        return [apply(Squeeze((self.axis,)), along(grad, self.axis, i, i + 1)) for i in range(count)]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """A concatenation of the inputs, each with the new axis at size 1."""
        parts = [apply(ExpandDims((self.axis,)), x) for x in inputs]
        return apply(ConcatV2(self.axis), *parts) if len(parts) > 1 else parts[0]


def _without_size(sizes: Shape, axis: int) -> Shape:
    return None if sizes is None else (*sizes[:axis], None, *sizes[axis + 1 :])


def _parts(grad: Tensor, shapes: Sequence[Tensor], axis: int) -> list[Tensor | None]:
    """Slices of ``grad`` of these shapes, one after the other along ``axis``."""
    parts: list[Tensor | None] = []
    begin = zeros_like(shapes[0])
    along_axis = constant(np.eye(shapes[0].type.elements, dtype=np.int32)[axis])  # type: ignore[arg-type]
    for size in shapes:
        parts.append(apply(SliceFrom(), grad, begin, size))
        begin = begin + size * along_axis
    return parts


@telling_line
def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape ``dims`` that holds the scalar ``value`` everywhere."""
    x = convert_to_tensor(value)
    if x.type.rank not in (None, 0):
        raise ValueError(f"fill needs a scalar, not {x.type}; tf.broadcast_to takes other shapes")
    return broadcast_to(x, dims, name=name or "Fill")


@telling_line
def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Zeros of this shape."""
    return _filled(0, shape, dtype, name or "zeros")


@telling_line
def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Ones of this shape."""
    return _filled(1, shape, dtype, name or "ones")


def _filled(value: int, shape: Any, dtype: Any, name: str) -> Tensor:
    wanted = dtypes.as_dtype(dtype)
    sizes: Any = as_shape(static_sizes(shape))
    if is_constant(sizes) and math.prod(sizes) <= 1:
        return constant(np.full(sizes, value or wanted.zero, wanted.numpy), name=name)
    with graph_of([convert_to_tensor(shape)] if sizes is None else []).name_scope(name) as scope:
        return broadcast_to(_scalar(value, wanted), shape, name=scope)


def _scalar(value: int, dtype: DType) -> Tensor:
    return constant(np.array(value or dtype.zero, dtype.numpy))


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros of the shape and dtype of ``tensor``, or of another dtype."""
    return _filled_like(0, tensor, dtype, name or "zeros_like")


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Ones of the shape and dtype of ``tensor``, or of another dtype."""
    return _filled_like(1, tensor, dtype, name or "ones_like")


def _filled_like(value: int, tensor: Any, dtype: Any, name: str) -> Tensor:
    x = convert_to_tensor(tensor)
    wanted = x.dtype if dtype is None else dtypes.as_dtype(dtype)
    if x.type.shape == ():
        return constant(np.array(value or wanted.zero, wanted.numpy), name=name)
    with graph_of([x]).name_scope(name):
        return broadcast_like(_scalar(value, wanted), x)


@telling_line
def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """The tensors ``values`` one after the other along ``axis``."""
    if isinstance(axis, (list, tuple)) and not isinstance(values, (list, tuple)):
        raise TypeError("concat takes the tensors first and the axis second: tf.concat(values, axis)")
    items = list(values) if isinstance(values, (list, tuple)) else [values]
    if isinstance(values, int) and isinstance(axis, (list, tuple)):
        raise TypeError(f"concat takes the tensors first and the axis second: tf.concat(values, {values})")
    if not items:
        raise ValueError("concat needs at least one tensor")
    tensors = convert_together(*items)
    if any(x.type.rank == 0 for x in tensors):
        raise ValueError("Can't concatenate scalars (use tf.stack instead)")
    if is_late(axis, *tensors):
        rank = next((x.type.rank for x in tensors if x.type.rank is not None), None)
        kind = TensorType(check_same_dtype([x.type for x in tensors]), None if rank is None else (None,) * rank)
        return late("ConcatV2", lambda *parts: concat(parts[:-1], number(parts[-1])), tensors, [axis], kind, name=name)[
            0
        ]
    position = _known_axis(axis, tensors, "concat")
    if len(tensors) == 1:
        return e.identity(tensors[0], name=name)
    return apply(ConcatV2(position), *tensors, name=name)


def _known_axis(axis: Any, tensors: Sequence[Tensor], what: str, extra: int = 0) -> int:
    """``axis`` counted from the front, by the first tensor whose rank is known."""
    position = static_axis(axis, what)
    known = next((x for x in tensors if x.type.rank is not None), None)
    if known is not None:
        return axis_of(known, position, what, extra)
    if position < 0:
        raise ValueError(f"{what}: axis {position} counted from the end needs a known rank")
    return position


@telling_line
def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """The tensors ``values``, all of one shape, side by side along a new ``axis``."""
    parts = [*values]
    if not parts:
        raise ValueError("stack needs at least one tensor")
    tensors = convert_together(*parts)
    if is_late(axis, *tensors):
        kind = TensorType(check_same_dtype([x.type for x in tensors]), None)
        return late("Pack", lambda *parts: stack(parts, axis), tensors, [], kind, name=name)[0]
    return apply(Pack(_known_axis(axis, tensors, "stack", extra=1)), *tensors, name=name)


@telling_line
def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The parts of ``value`` at each position of ``axis``, without that axis."""
    x = convert_to_tensor(value)
    if num is not None and (x.type.rank is None or is_late(axis, x)):
        kinds = [TensorType(x.dtype, None)] * num
        return list(late("Unpack", lambda x: unstack(x, num, axis), [x], [], *kinds, name=name))
    position = _known_axis(axis, [x], "unstack")
    size = None if x.type.shape is None else x.type.shape[position]
    if num is None:
        if not isinstance(size, int):
            raise ValueError(
                f"Cannot infer num from shape {x.shape}: axis {position} of {x.op.describe()} has no known size"
            )
        num = size
    if isinstance(size, int) and size != num:
        raise ValueError(f"unstack of {x.type} along axis {position} gives {size} parts, not {num}")
    with graph_of([x]).name_scope(name):
        x = _of_size(x, position, num)
        return [apply(Squeeze((position,)), along(x, position, i, i + 1)) for i in range(num)]


def _of_size(x: Tensor, axis: int, size: Any) -> Tensor:
    """``x``, of which ``axis`` must have that size; else a run is refused."""
    if x.type.shape is None or x.type.shape[axis] is not None:
        return x
    from graphc.ops.ensured import EnsureShape  # late: most sizes are known

    return apply(EnsureShape(tuple(size if n == axis else known for n, known in enumerate(x.type.shape))), x)


@telling_line
def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split"
) -> list[Tensor]:
    """``value`` cut along ``axis`` into a number of equal parts, or into parts of the sizes given."""
    x = convert_to_tensor(value)
    sizes = static_sizes(num_or_size_splits)
    evenly = _is_scalar(num_or_size_splits)
    count = num if sizes is None else sizes[0] if evenly else len(sizes)
    if not isinstance(count, int):
        raise ValueError(f"split needs a number of parts that is known while declaring, not {num_or_size_splits!r}")
    if is_late(axis, x) or _parts_begin_late(x, sizes, evenly, axis):
        kind = TensorType(x.dtype, None if x.type.rank is None else (None,) * x.type.rank)
        build = lambda x, parts, axis: split(x, parts, number(axis))  # noqa: E731
        return list(late("SplitV", build, [x], [num_or_size_splits, axis], *[kind] * count, name=name))
    position = _known_axis(axis, [x], "split")
    with graph_of([x]).name_scope(name):
        return _split_evenly(x, count, position) if evenly else _split_sizes(x, sizes, position)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, (list, tuple)):  # of numbers, and of tensors
        return False
    return value.shape.ndims == 0 if is_tensor_like(value) else np.ndim(value) == 0


def _parts_begin_late(x: Tensor, sizes: Any, evenly: bool, axis: Any) -> bool:
    """Whether it is not known while declaring where the parts begin."""
    if evenly or x.type.rank is None:
        return x.type.rank is None
    if sizes is None or not all(isinstance(size, int) for size in sizes):
        return True
    return -1 in sizes and (x.type.shape is None or x.type.shape[static_axis(axis, "split")] is None)


def _split_evenly(x: Tensor, parts: int, axis: int) -> list[Tensor]:
    size = None if x.type.shape is None else x.type.shape[axis]
    if parts < 1:
        raise ValueError(f"split needs at least 1 part, not {parts}")
    if isinstance(size, int):
        if size % parts:
            raise ValueError(f"split: axis {axis} of {x.type} has size {size}, which {parts} parts do not divide")
        return _split_sizes(x, [size // parts] * parts, axis)
    from graphc.ops.ensured import even_parts  # late: most sizes are known

    x = even_parts(x, axis, parts)
    assert x.type.rank is not None
    whole = shape(x)
    pieces = np.ones(x.type.rank, np.int32)
    pieces[axis] = parts
    found = _parts(x, [whole // constant(pieces)] * parts, axis)
    for part in found:
        part.set_shape(_without_size(x.type.shape, axis))  # type: ignore[union-attr]
    return found  # type: ignore[return-value]


def _split_sizes(x: Tensor, sizes: Any, axis: int) -> list[Tensor]:
    whole = None if x.type.shape is None else x.type.shape[axis]
    counts = list(sizes)
    if counts.count(-1) == 1 and isinstance(whole, int):
        counts[counts.index(-1)] = whole - sum(counts) - 1
    if min(counts, default=0) < 0 or (isinstance(whole, int) and sum(counts) != whole):
        raise ValueError(f"split: the sizes {list(sizes)} do not add up to axis {axis} of {x.type}")
    x = _of_size(x, axis, sum(counts))
    ends = np.cumsum(counts).tolist()
    return [along(x, axis, end - count, end) for count, end in zip(counts, ends, strict=True)]


@telling_line
def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """``input`` repeated ``multiples[i]`` times along axis i."""
    x = convert_to_tensor(input)
    times = static_sizes(multiples)
    if x.type.rank is None or times is None:
        return late_one("Tile", tile, x, [multiples], rank=x.type.rank, name=name)
    if any(isinstance(count, int) and count < 0 for count in times):
        raise ValueError(f"tile of {x.type} needs multiples of at least 0, not {list(times)}")
    if len(times) != x.type.rank:
        raise ValueError(f"tile of {x.type} needs {x.type.rank} multiples, not {list(times)}")
    with graph_of([x]).name_scope(name or "Tile") as scope:
        counts = entries_of(multiples, times)
        sizes = entries_of(shape(x), x.type.shape)  # type: ignore[arg-type]
        repeated = apply(ExpandDims(tuple(2 * axis for axis in range(len(times)))), x)
        pairs = [size for pair in zip(counts, sizes, strict=True) for size in pair]
        spread = broadcast_to(repeated, as_sizes(pairs))
        return reshape(spread, as_sizes([a * b for a, b in zip(counts, sizes, strict=True)]), name=scope)


def entries_of(vector: Any, known: Sequence[Size]) -> list[Any]:
    """The entries of a vector: numbers where they are known, else scalar tensors."""
    if all(isinstance(size, int) for size in known):
        return list(known)
    tensor = convert_to_tensor(vector)
    return [
        size if size is not None else apply(Squeeze((0,)), along(tensor, 0, i, i + 1)) for i, size in enumerate(known)
    ]


def as_sizes(entries: Sequence[Any]) -> Any:
    """The entries of a shape as a tuple where all are numbers, else as a tensor."""
    return tuple(entries) if all(isinstance(entry, int) for entry in entries) else convert_to_tensor(list(entries))


@telling_line
def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """Each vector spread over the grid of all of them; ``xy`` swaps the first two axes, ``ij`` does not."""
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    vectors = [convert_to_tensor(arg) for arg in args]
    with graph_of(vectors).name_scope(name):
        flat = [reshape(vector, [-1]) for vector in vectors]
        axes = list(range(len(flat)))
        if indexing == "xy" and len(axes) > 1:
            axes[:2] = [1, 0]
        others = [tuple(a for a in range(len(flat)) if a != axis) for axis in axes]
        columns = [apply(ExpandDims(o), vector) if o else vector for o, vector in zip(others, flat, strict=True)]
        common = columns[0]
        for column in columns[1:]:
            common = e.add(zeros_like(common), zeros_like(column, common.dtype))
        return [broadcast_like(column, common) for column in columns]
