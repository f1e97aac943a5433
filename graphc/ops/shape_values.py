"""Whole-number tensors whose value follows from shapes alone, such as ``tf.shape(x)[0] * 2``.

They are worked out on arrays of sizes, ints and symbols alike, by the ops' own NumPy meaning. While declaring, a size
that is not known yet counts as a symbol of its own, and comes out as None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from graphc.dims import Dim, atoms, symbol
from graphc.dtypes import DType
from graphc.errors import OpError, brief
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const, as_array, convert_to_tensor, is_tensor_like
from graphc.shapes import MOST, Dimension, Size, TensorShape, TensorType

MAX_ELEMENTS = 64  # a shape is short; longer vectors are data
_FOLLOWS_SHAPES = frozenset({
    "Add", "Sub", "Mul", "FloorDiv", "FloorMod", "Maximum", "Minimum", "Neg", "Cast", "Identity", "StopGradient",
    "Pack", "ConcatV2", "Slice", "StridedSlice", "Reshape", "ExpandDims", "Squeeze", "Sum", "Prod", "Transpose",
    "Reverse", "GatherV2", "BroadcastTo", "PlaceholderWithDefault", "Barrier", "NotNegative", "Range",
})  # fmt: skip


class NeedsNumbers(ValueError):
    """No one program serves every value of a symbolic size here: it must be compiled for a number."""


class DependsOnData(ValueError):
    """A shape follows from the values of an input, which this program does not know: it must be given them."""

    tensors: set[Tensor] | None = None  # where the shape is inside a body: the inputs behind it outside


def shape_value(tensor: Tensor) -> np.ndarray[Any, Any] | None:
    """The value of ``tensor`` while declaring, an object array of ints and symbols; None where it depends on data."""
    return _value(tensor, {})


def _value(tensor: Tensor, known: dict[Tensor, Any]) -> Any:
    if tensor not in known:
        known[tensor] = None
        # a run may feed another value in place of a default
        follows = tensor.op.type in _FOLLOWS_SHAPES and tensor.op.type != "PlaceholderWithDefault"
        inputs = [_value(x, known) for x in tensor.op.inputs] if follows else []
        if tensor.op.type == "Pack" and any(x.type.rank == 0 for x in tensor.op.inputs):
            # What stands beside a scalar is one too: a placeholder without a shape in tf.zeros([batch_size, 10]).
            inputs = [_one_named(x) if x.type.rank is None else v for x, v in zip(tensor.op.inputs, inputs)]
        value = compute(tensor, [x.type for x in tensor.op.inputs], inputs, _named_sizes)
        known[tensor] = _named_data(tensor) if value is None else value
    return known[tensor]


def _one_named(tensor: Tensor) -> np.ndarray[Any, Any]:
    return np.array(symbol(f"?{tensor.name}.0"), object)


def _named_data(tensor: Tensor) -> Any:
    """A few whole numbers that depend on data, each a symbol of its own: beside them, others may be known."""
    sizes = tensor.type.shape
    if sizes is None or not tensor.dtype.is_integer or not all(isinstance(size, int) for size in sizes):
        return None
    if math.prod(sizes) > MAX_ELEMENTS:  # type: ignore[arg-type]
        return None
    names = [symbol(f"?{tensor.name}.{n}") for n in range(math.prod(sizes))]  # type: ignore[arg-type]
    return np.array(names, object).reshape(sizes)


def compute(
    tensor: Tensor,
    types: Sequence[TensorType],
    values: Sequence[Any],
    name_sizes: Callable[[Tensor], Any] | None = None,
) -> Any:
    """The value of ``tensor`` from its inputs' types and values; None where it does not follow from shapes."""
    kind = tensor.op.kind
    if not tensor.dtype.is_integer:
        return None
    if isinstance(kind, Const):
        return _as_objects(kind.value) if kind.value.size <= MAX_ELEMENTS else None
    if hasattr(kind, "shape_value"):
        sizes = name_sizes(tensor) if name_sizes else kind.shape_value(*types)
        return None if sizes is None else _as_objects(sizes)
    if kind.type not in _FOLLOWS_SHAPES or not values or any(value is None for value in values):
        return None
    try:
        found = kind.evaluate(*values)
        if np.size(found) > MAX_ELEMENTS:  # a view so far: what is repeated a million times is never written out
            return None
        value = _as_objects(found)
    except (TypeError, ValueError, IndexError, ArithmeticError, OpError):
        return None  # a symbol stood where the meaning needs a number, or it fails when it runs and says so there
    return value if all(_fits(item, tensor.dtype) for item in value.reshape(-1)) else None


def _fits(number: Any, dtype: DType) -> bool:
    """Whether a whole number is one of the dtype's: those that wrap are left to code that does."""
    limits = np.iinfo(dtype.numpy)
    return isinstance(number, Dim) or limits.min <= number <= limits.max


def inputs_behind_sizes(node: Operation) -> set[Tensor]:
    """The tensors from whose values the sizes that ``node`` is given follow; see :func:`sources_of_sizes`."""
    return sources_of_sizes(node.inputs[node.kind.size_inputs])


def sources_of_sizes(tensors: Iterable[Tensor]) -> set[Tensor]:
    """The tensors from whose values those of ``tensors`` follow: those without inputs, and those that are computed."""
    found: set[Tensor] = set()
    waiting = list(tensors)
    seen: set[Tensor] = set()
    while waiting:
        tensor = waiting.pop()
        if tensor in seen or not tensor.dtype.is_integer:
            continue
        seen.add(tensor)
        if tensor.op.inputs and tensor.op.type in _FOLLOWS_SHAPES:
            waiting.extend(tensor.op.inputs)
        elif not (tensor.op.inputs and hasattr(tensor.op.kind, "shape_value")):
            found.add(tensor)
    return found


def _as_objects(value: Any) -> np.ndarray[Any, Any]:
    array = np.empty(np.shape(value), object)
    array[...] = value if isinstance(value, Dim) else np.asarray(value, object)
    return array


def _named_sizes(tensor: Tensor) -> Any:
    """The sizes that a shape op sees, each unknown one as a symbol named after its place."""
    kind: Any = tensor.op.kind
    if not tensor.op.inputs:
        return kind.shape_value()
    source = tensor.op.inputs[0]
    if source.type.shape is None:
        return None
    named = tuple(
        symbol(f"?{source.name}.{axis}") if size is None else size for axis, size in enumerate(source.type.shape)
    )
    return kind.shape_value(TensorType(source.dtype, named))


def static_sizes(shape: Any) -> tuple[Size, ...] | None:
    """A shape given as a tensor, a TensorShape or a sequence, as a tuple in which unknown sizes are None.

    None where not even the rank is known.
    """
    if isinstance(shape, TensorShape):
        return shape.sizes
    if isinstance(shape, (int, Dim, Dimension, np.integer)):
        shape = (shape,)
    if isinstance(shape, (tuple, list)) and not any(is_tensor_like(size) for size in shape):
        return tuple(_plain(size) for size in shape)
    tensor = convert_to_tensor(shape) if _has_tensors(shape) else None
    if tensor is None:
        array = as_array(shape)
        if array.size and (array.dtype.kind not in "biuO" or isinstance(array.reshape(-1)[0], (bytes, str))):
            raise TypeError(f"sizes and axes are whole numbers, not {brief(shape)}")
        return tuple(int(size) for size in array.reshape(-1))
    value = shape_value(tensor)
    if value is None:
        rank = tensor.type.shape[0] if tensor.type.shape else None
        return (None,) * rank if isinstance(rank, int) else None
    return tuple(_numbers_only(size) for size in value.reshape(-1))


def static_axis(axis: Any, what: str) -> int:
    """An axis given as a number or a tensor; ``ValueError`` where it is not known while declaring."""
    sizes = None if axis is None else static_sizes(axis)
    if sizes is None or len(sizes) != 1 or not isinstance(sizes[0], int):
        raise ValueError(f"{what} needs an axis that is known while declaring, not {axis!r}")
    return sizes[0]


def _has_tensors(shape: Any) -> bool:
    return is_tensor_like(shape) or isinstance(shape, (list, tuple))


def _plain(size: Any) -> Size:
    if isinstance(size, Dimension):
        return size.value
    if size is None or isinstance(size, Dim):
        return size
    if isinstance(size, (int, np.integer)):
        if not -MOST <= size <= MOST:
            raise ValueError(f"a size must be below 2**63, not {size}")
        return int(size)
    raise TypeError(f"a size must be a whole number, not {size!r}")


def _numbers_only(size: Any) -> Size:
    if isinstance(size, Dim):
        return None if any(str(thing).startswith("?") for thing in atoms(size)) else size
    return int(size)


def sizes_from(value: Any, what: str) -> tuple[Any, ...]:
    """The sizes in ``value``; :class:`DependsOnData` where they do not follow from shapes."""
    if value is None:
        raise DependsOnData(
            f"the shape given to {what} depends on data; wanted one that follows from shapes of the feeds"
        )
    return tuple(size if isinstance(size, Dim) else int(size) for size in np.asarray(value, object).reshape(-1))


def shape_from(value: Any, what: str) -> tuple[Any, ...]:
    """The shape in ``value``; ``ValueError`` where a size is negative."""
    sizes = sizes_from(value, what)
    if any(isinstance(size, int) and size < 0 for size in sizes):
        raise ValueError(f"sizes must be at least 0, not {list(sizes)}")
    return sizes
