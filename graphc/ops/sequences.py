"""Values that follow from positions: range, linspace, eye, and running sums along an axis."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dims import Dim, DimLike, ceildiv, is_nonnegative
from graphc.dtypes import DType
from graphc.errors import InvalidDeclaration
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import (
    apply,
    check_dtype,
    constant,
    convert_to_tensor,
    convert_together,
    graph_of,
    scan_axis_of,
)
from graphc.ops.late import is_late, late, late_one, number
from graphc.ops.measured import CheckSize, measure
from graphc.ops.reshaping import ExpandDims, broadcast_to
from graphc.ops.shape_values import MAX_ELEMENTS, DependsOnData, NeedsNumbers, shape_value, static_axis, static_sizes
from graphc.records import record
from graphc.shapes import TensorType, normalise_axis

MAX_CONSTANT = 1024  # elements; a longer range is computed where it is used


@record
class Iota(Op):
    """``y[i] = i`` for ``0 <= i < size``."""

    size: DimLike
    dtype: DType = dtypes.int32

    def infer(self) -> TensorType:
        return TensorType(self.dtype, (self.size,))

    def evaluate(self) -> Any:
        number: Any = self.size
        return np.arange(number).astype(self.dtype.numpy)

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """Short ones as constants."""
        if isinstance(self.size, int) and self.size <= MAX_CONSTANT:
            return constant(self.evaluate())
        return None


@record
class Range(Op):
    """``start, start + delta, ...`` up to but without ``limit``."""

    size_inputs = slice(None)

    def infer(self, start: TensorType, limit: TensorType, delta: TensorType) -> TensorType:
        for part in (start, limit, delta):
            if part.rank not in (0, None):
                raise ValueError(f"range needs scalars, not {part}")
        check_dtype(start, dtypes.NUMBERS, "start")
        return TensorType(start.dtype, (None,))

    def evaluate(self, start: Any, limit: Any, delta: Any) -> Any:
        first, last, step = start.item(), limit.item(), delta.item()
        if start.dtype == object and _length(first, last, step) > MAX_ELEMENTS:
            raise ValueError("a range of sizes that is too long to be written out")
        return _counted(first, last, step, start.dtype)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None, None, None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """``start + delta * iota``, where the length follows from shapes."""
        if any(value is None for value in values):
            raise DependsOnData("the length of the range depends on data; wanted one that follows from shapes")
        start, limit, delta = (value.item() for value in values)
        dtype = inputs[0].dtype
        ramp = apply(Iota(_length(start, limit, delta), dtype))
        scaled = ramp if delta == 1 else ramp * inputs[2]
        return scaled if start == 0 else scaled + inputs[0]

    def measured(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The same with a length that is computed while the step runs: ``ceil((limit - start) / delta)``."""
        start, limit, delta = inputs
        if start.dtype.is_integer:
            first, last, step = (e.cast(x, dtypes.int64) for x in inputs)
            ahead = (last - first) * e.sign(step)
            count = e.floordiv(ahead + e.abs(step) - 1, e.abs(step))
        else:
            ahead = (limit - start) * e.sign(delta)
            count = e.cast(e.ceil((limit - start) / delta), dtypes.int64)
        count = e.select(e.less(ahead, convert_to_tensor(0, ahead.dtype)), constant(-1, dtypes.int64), count)
        ramp = apply(Iota(measure(apply(CheckSize(), count), None), start.dtype))
        return ramp * delta + start


@record
class Cumsum(Op):
    """``y[i] = x[0] + ... + x[i]`` along ``axis``; without x[i] if ``exclusive``, from the end if ``reverse``."""

    axis: int
    exclusive: bool = False
    reverse: bool = False

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, dtypes.RING, "the input")
        if x.rank is not None:
            normalise_axis(self.axis, x.rank)
        return x

    def evaluate(self, x: Any) -> Any:
        values = np.flip(x, self.axis) if self.reverse else x
        total = np.cumsum(values, axis=self.axis, dtype=x.dtype)
        if self.exclusive:
            along = normalise_axis(self.axis, x.ndim)
            edges = [(1, 0) if axis == along else (0, 0) for axis in builtins.range(x.ndim)]
            before = (slice(None),) * along
            total = np.pad(total, edges)[(*before, slice(0, x.shape[along]))]
        return np.flip(total, self.axis) if self.reverse else total

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [apply(Cumsum(self.axis, self.exclusive, not self.reverse), grad)]


def _length(start: Any, limit: Any, delta: Any) -> Any:
    """How many values there are; ``ValueError`` where the first steps away from the limit, as in TensorFlow."""
    if isinstance(delta, Dim) or delta == 0:
        raise ValueError(f"the step of a range must be a number other than 0, not {delta}")
    distance = limit - start if delta > 0 else start - limit
    if isinstance(distance, Dim):
        if not is_nonnegative(distance):
            raise NeedsNumbers(f"whether a range of length {distance} is empty depends on the sizes")
        return ceildiv(distance, abs(delta))
    if distance < 0:
        wanted = "start <= limit when delta > 0" if delta > 0 else "start >= limit when delta < 0"
        raise ValueError(f"Requires {wanted}: {start}/{limit}")
    return int(np.ceil(distance / abs(delta)))


def _counted(start: Any, limit: Any, delta: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    steps = np.arange(_length(start, limit, delta))
    return (start + steps * delta).astype(dtype)


@telling_line
def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """``start, start + delta, ...`` up to but without ``limit``; ``range(n)`` counts from 0 to n - 1.

    A limit on the other side of ``start`` is an error.
    """
    if limit is None:
        start, limit = 0, start
    with graph_of([]).name_scope(name) as scope:
        if (
            dtype is None
            and all(map(_is_small, (start, limit, delta)))
            and _length(start, limit, delta) <= MAX_CONSTANT
        ):
            # Without nodes for three numbers, which nothing would read.
            return constant(_counted(start, limit, delta, dtypes.int32.numpy), name=scope)
        parts = _one_dtype((start, limit, delta), dtype)
        known = [_known_scalar(part) for part in parts]
        if all(value is not None for value in known):
            length = _length(known[0], known[1], known[2])
            if length <= MAX_CONSTANT:
                return constant(_counted(known[0], known[1], known[2], parts[0].dtype.numpy), name=scope)
            ramp = apply(Iota(length, parts[0].dtype))
            return e.add(e.multiply(ramp, parts[2]), parts[0], name=scope)
        return apply(Range(), *parts, name=scope)


def _is_small(number: Any) -> bool:
    """Whether a number is an int32 for TensorFlow."""
    return type(number) is int and -(2**31) <= number < 2**31


def _one_dtype(parts: Sequence[Any], dtype: Any) -> list[Tensor]:
    """The three scalars in ``dtype``, or in the widest of their own."""
    if dtype is not None:
        wanted = dtypes.as_dtype(dtype)
        return [e.cast(convert_to_tensor(part), wanted) for part in parts]
    tensors = [convert_to_tensor(part) for part in parts]
    order = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)
    widest = max((tensor.dtype for tensor in tensors), key=order.index)
    return [e.cast(tensor, widest) for tensor in tensors]


def _known_scalar(tensor: Tensor) -> Any:
    """The number that ``tensor`` is known to be while declaring, or None."""
    node = tensor.op
    while node.type == "Cast":
        node = node.inputs[0].op
    if node.type == "Const" and node.kind.value.ndim == 0:  # type: ignore[attr-defined]
        return node.kind.value.item()  # type: ignore[attr-defined]
    known = shape_value(tensor)
    return None if known is None or known.ndim or isinstance(known.item(), Dim) else int(known.item())


@telling_line
def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """``num`` evenly spaced values from ``start`` to ``stop``, both included."""
    sizes = static_sizes(num)
    first, last = convert_together(start, stop)
    check_dtype(first.type, dtypes.FLOATS, "start")
    if sizes is not None and len(sizes) != 1:
        raise ValueError(f"linspace needs one number of values, not {num!r}")
    if sizes is None or not isinstance(sizes[0], int):
        later = late("LinSpace", linspace, [first, last], [num], TensorType(first.dtype, (None,)), name=name)
        return later[0]
    if sizes[0] < 1:
        raise ValueError(f"linspace needs a number of values that is at least 1, not {sizes[0]}")
    with graph_of([first]).name_scope(name or "LinSpace") as scope:
        weights = np.linspace(0.0, 1.0, sizes[0]).astype(first.dtype.numpy)
        return e.add(first, e.multiply(e.subtract(last, first), constant(weights)), name=scope)


lin_space = linspace


@telling_line
def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Ones on the diagonal and zeros elsewhere, repeated over ``batch_shape``."""
    with graph_of([]).name_scope(name or "eye") as scope:
        rows, columns = _positions(num_rows), _positions(num_rows if num_columns is None else num_columns)
        diagonal = e.cast(e.equal(apply(ExpandDims((1,)), rows), columns), dtypes.as_dtype(dtype))
        batch = static_sizes(batch_shape) if batch_shape is not None else ()
        if not batch:
            return e.identity(diagonal, name=scope)
        return broadcast_to(diagonal, (*batch, *diagonal.type.shape), name=scope)  # type: ignore[misc]


def _positions(number: Any) -> Tensor:
    ramp = range(number)
    return e.cast(ramp, dtypes.int32) if ramp.dtype is not dtypes.int32 else ramp


@telling_line
def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The running sum of ``x`` along ``axis``."""
    tensor = convert_to_tensor(x)
    _check_scalar(axis, "cumsum")
    if is_late(axis, tensor):
        build = lambda x, axis: cumsum(x, number(axis), exclusive, reverse)  # noqa: E731
        return late_one("Cumsum", build, tensor, [axis], rank=tensor.type.rank, name=name)
    position = static_axis(axis, "cumsum")
    if tensor.type.rank is not None:
        position = scan_axis_of(tensor, position, "cumsum")
    return apply(Cumsum(position, exclusive, reverse), tensor, name=name)


def _check_scalar(axis: Any, called: str) -> None:
    if isinstance(axis, (list, tuple)):
        raise InvalidDeclaration(f"{called}: axis must be a scalar, not {axis!r}")
