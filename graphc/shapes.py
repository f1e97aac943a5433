"""Shapes: what is known of a tensor's sizes, and the type of a tensor.

Inside graphc a shape is a plain tuple of sizes, each an ``int``, a symbolic ``Dim``, or ``None`` where
nothing is known; ``None`` instead of the tuple means that not even the rank is known. Users see the same
through TensorFlow's :class:`TensorShape` and :class:`Dimension`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Union

from graphc.dims import Dim, DimLike, floordiv, product
from graphc.dtypes import DType

MOST = 2**63 - 1  # a size that a program can hold

Size = Union[int, Dim, None]
Shape = Union[tuple[Size, ...], None]


class TensorType(NamedTuple):
    """The element type and shape of a tensor; prints as ``f32[32,784]``."""

    dtype: DType
    shape: Shape

    def __str__(self) -> str:
        return f"{self.dtype.short}{shape_text(self.shape)}"

    @property
    def rank(self) -> int | None:
        """The number of axes, or None."""
        return None if self.shape is None else len(self.shape)

    @property
    def sizes(self) -> tuple[DimLike, ...]:
        """The shape where every size is known; ``ValueError`` otherwise."""
        if self.shape is None or None in self.shape:
            raise ValueError(f"the shape {shape_text(self.shape)} is not fully known")
        return self.shape  # type: ignore[return-value]

    @property
    def is_exact(self) -> bool:
        """Whether every size is an int or a symbol."""
        return self.shape is not None and None not in self.shape

    @property
    def elements(self) -> DimLike:
        """The number of elements."""
        return product(self.sizes)


def is_constant(shape: Shape) -> bool:
    """Whether every size is a number."""
    return shape is not None and all(isinstance(size, int) for size in shape)


def shape_text(shape: Shape) -> str:
    """``[32,?]`` for a shape with an unknown size, ``[...]`` where the rank is unknown."""
    if shape is None:
        return "[...]"
    return "[" + ",".join("?" if size is None else str(size) for size in shape) + "]"


def broadcast(left: Shape, right: Shape) -> Shape:
    """NumPy's broadcasting of two shapes; ``ValueError`` where sizes differ and neither is 1."""
    if left == right:
        return left
    if left is None or right is None:
        return None
    rank = max(len(left), len(right))
    padded_left = (1,) * (rank - len(left)) + left
    padded_right = (1,) * (rank - len(right)) + right
    return tuple(_broadcast_size(a, b, left, right) for a, b in zip(padded_left, padded_right, strict=True))


def _broadcast_size(a: Size, b: Size, left: Shape, right: Shape) -> Size:
    if a == b or b == 1:
        return a
    if a == 1:
        return b
    if a is None or b is None:
        known = b if a is None else a
        return known if known is not None else None
    raise ValueError(f"sizes {a} and {b} do not broadcast in shapes {shape_text(left)} and {shape_text(right)}")


def merge(left: Shape, right: Shape) -> Shape:
    """What is known when both shapes describe one tensor; ``ValueError`` where they contradict."""
    if left is None or right is None:
        return right if left is None else left
    if len(left) != len(right) or not all(a is None or b is None or a == b for a, b in zip(left, right, strict=True)):
        raise ValueError(f"Shapes {shape_text(left)} and {shape_text(right)} are not compatible")
    return tuple(b if a is None else a for a, b in zip(left, right, strict=True))


def is_compatible(left: Shape, right: Shape) -> bool:
    """Whether one tensor could have both shapes."""
    if left is None or right is None or left == right:
        return True
    return len(left) == len(right) and all(a is None or b is None or a == b for a, b in zip(left, right, strict=True))


def normalise_axis(axis: int, rank: int, what: str = "axis") -> int:
    """``axis`` counted from the front; ``ValueError`` outside ``[-rank, rank)``."""
    if not -rank <= axis < rank:
        raise ValueError(f"{what} {axis} is out of range for rank {rank}; wanted a whole number in [{-rank}, {rank})")
    return axis + rank if axis < 0 else axis


class Dimension:
    """One size of a :class:`TensorShape`: a number or unknown. Compares with numbers."""

    def __init__(self, value: Any, place: tuple[Any, int] | None = None):
        self._place = place  # the tensor whose size it is, and the axis, for messages
        self._value: int | None = value.value if isinstance(value, Dimension) else None if value is None else int(value)
        if self._value is not None and self._value < 0:
            raise ValueError(f"Dimension {value} must be >= 0")

    @property
    def value(self) -> int | None:
        """The size, or None."""
        return self._value

    def __int__(self) -> int:
        if self._value is None:
            where = "this Dimension"
            if self._place is not None:
                tensor, axis = self._place
                where = f"axis {axis} of {tensor.op.describe()}"
            raise TypeError(
                f"{where} is unknown while declaring and has no int value; tf.shape(x)[axis] is its size when the "
                "graph runs"
            )
        return self._value

    __index__ = __int__

    def is_compatible_with(self, other: Any) -> bool:
        """Whether the sizes are equal or one is unknown."""
        other = Dimension(other)
        return self._value is None or other.value is None or self._value == other.value

    def merge_with(self, other: Any) -> Dimension:
        """The known one of two compatible sizes; ``ValueError`` otherwise."""
        other = Dimension(other)
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")
        return other if self._value is None else self

    def _binary(self, other: Any, compute: Any) -> Dimension:
        try:
            other_value = Dimension(other).value
        except (TypeError, ValueError):
            return NotImplemented
        return Dimension(None if self._value is None or other_value is None else compute(self._value, other_value))

    def __add__(self, other: Any) -> Dimension:
        return self._binary(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dimension:
        return self._binary(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Dimension:
        return self._binary(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Dimension:
        return self._binary(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Dimension:
        return self._binary(other, lambda a, b: a // b)

    def __rfloordiv__(self, other: Any) -> Dimension:
        return self._binary(other, lambda a, b: b // a)

    __truediv__ = __floordiv__

    def __mod__(self, other: Any) -> Dimension:
        return self._binary(other, lambda a, b: a % b)

    def _compare(self, other: Any, compute: Any) -> Any:
        if not isinstance(other, (Dimension, int)) and other is not None:
            return NotImplemented
        other_value = other.value if isinstance(other, Dimension) else other
        return None if self._value is None or other_value is None else compute(self._value, other_value)

    def __eq__(self, other: object) -> Any:
        return self._compare(other, lambda a, b: a == b)

    def __ne__(self, other: object) -> Any:
        return self._compare(other, lambda a, b: a != b)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a < b)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a <= b)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a > b)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, lambda a, b: a >= b)

    def __hash__(self) -> int:
        return hash(self._value)

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __repr__(self) -> str:
        return f"Dimension({self._value})"


class TensorShape:
    """The possibly partial shape of a tensor, as TensorFlow 1 shows it."""

    def __init__(self, dims: Any, tensor: Any = None):
        self._shape = as_shape(dims)
        self._tensor = tensor  # whose shape it is, for messages

    @property
    def dims(self) -> list[Dimension] | None:
        """The sizes, or None where the rank is unknown."""
        return None if self._shape is None else [self._size(axis) for axis in range(len(self._shape))]

    @property
    def ndims(self) -> int | None:
        """The rank, or None."""
        return None if self._shape is None else len(self._shape)

    @property
    def rank(self) -> int | None:
        """The rank, or None."""
        return self.ndims

    @property
    def sizes(self) -> Shape:
        """The plain tuple of sizes that graphc works with."""
        return self._shape

    def as_list(self) -> list[int | None]:
        """The sizes as numbers and None; ``ValueError`` where the rank is unknown."""
        if self._shape is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return [_visible(size) for size in self._shape]

    def num_elements(self) -> int | None:
        """The number of elements, or None where a size is unknown."""
        sizes = [size for size in self._shape or () if isinstance(size, int)]
        return math.prod(sizes) if self._shape is not None and len(sizes) == len(self._shape) else None

    def is_fully_defined(self) -> bool:
        """Whether every size is a number."""
        return self._shape is not None and all(isinstance(size, int) for size in self._shape)

    def is_compatible_with(self, other: Any) -> bool:
        """Whether one tensor could have both shapes."""
        return is_compatible(self._shape, as_shape(other))

    def merge_with(self, other: Any) -> TensorShape:
        """What is known when both describe one tensor; ``ValueError`` where they contradict."""
        return TensorShape(merge(self._shape, as_shape(other)))

    def concatenate(self, other: Any) -> TensorShape:
        """This shape followed by ``other``."""
        other_shape = as_shape(other)
        return TensorShape(None if self._shape is None or other_shape is None else self._shape + other_shape)

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, known to have ``rank`` axes; ``ValueError`` where it has another."""
        return self.merge_with((None,) * rank)

    def assert_has_rank(self, rank: int) -> None:
        """``ValueError`` unless the rank is ``rank`` or unknown."""
        if self.ndims not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def assert_is_fully_defined(self) -> None:
        """``ValueError`` unless every size is a number."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def assert_is_compatible_with(self, other: Any) -> None:
        """``ValueError`` unless one tensor could have both shapes."""
        merge(self._shape, as_shape(other))

    def __len__(self) -> int:
        if self._shape is None:
            raise ValueError("Cannot take the length of a shape with unknown rank.")
        return len(self._shape)

    def __bool__(self) -> bool:
        return self._shape is not None

    def __iter__(self) -> Iterator[Dimension]:
        if self._shape is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self.dims or [])

    def __getitem__(self, key: Any) -> Any:
        if self._shape is None:
            return TensorShape(None) if isinstance(key, slice) else Dimension(None)
        if isinstance(key, slice):
            return TensorShape(self._shape[key])
        return self._size(key)

    def _size(self, axis: int) -> Dimension:
        assert self._shape is not None
        place = None if self._tensor is None else (self._tensor, axis)
        return Dimension(_visible(self._shape[axis]), place)

    def __eq__(self, other: object) -> bool:
        try:
            return self._shape == as_shape(other)
        except TypeError:
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._shape)

    def __str__(self) -> str:
        if self._shape is None:
            return "<unknown>"
        inner = ", ".join("?" if size is None else str(size) for size in self._shape)
        return f"({inner},)" if len(self._shape) == 1 else f"({inner})"

    def __repr__(self) -> str:
        return f"TensorShape({self.dims})"


def as_shape(value: Any) -> Shape:
    """The plain tuple for a TensorShape, a sequence, a single size, or None."""
    if value is None or (isinstance(value, tuple) and all(type(size) is int and 0 <= size <= MOST for size in value)):
        return value
    if isinstance(value, TensorShape):
        return value.sizes
    if isinstance(value, (int, Dimension)) or (hasattr(value, "__index__") and not hasattr(value, "__len__")):
        value = (value,)  # a number of NumPy's too
    if not isinstance(value, Sequence) and not hasattr(value, "__iter__"):
        raise TypeError(f"a shape must be a sequence of sizes or None, not {value!r}")
    return tuple(_as_size(size) for size in value)


def _as_size(size: Any) -> Size:
    if isinstance(size, Dimension):
        return size.value
    if size is None or isinstance(size, Dim):
        return size
    number = size.__index__() if hasattr(size, "__index__") else None
    if number is None:
        raise TypeError(f"a size must be a whole number or None, not {size!r}")
    if number < 0:
        raise ValueError(f"a size must be at least 0, not {number}; write None for an unknown size")
    if number > MOST:
        raise ValueError(f"a size must be below 2**63, not {number}")
    return number


def _visible(size: Size) -> int | None:
    return size if isinstance(size, int) else None


unknown_shape = TensorShape(None)


def filled_in(old: Shape, new: tuple[Size, ...]) -> tuple[Size, ...]:
    """``new`` with its -1 (or a single unknown size) worked out from ``old``; ``ValueError`` where counts differ."""
    free = [i for i, size in enumerate(new) if size == -1]
    if len(free) > 1:
        raise ValueError(f"only one size may be -1, not {len(free)} in {list(new)}")
    if any(isinstance(size, int) and size < -1 for size in new):
        raise ValueError(f"sizes must be at least 0 (or one -1), not {list(new)}")
    total = _elements(old)
    if total is None or any(size is None for size in new) or (free and 0 in new and None in old):  # type: ignore[operator]
        return tuple(None if size == -1 else size for size in new)
    given = product(size for size in new if size != -1)  # type: ignore[misc]
    if not free:
        if given != total:
            raise ValueError(
                f"cannot reshape {shape_text(old)} with {total} elements to {shape_text(new)} with {given} elements"
            )
        return new
    if given == 0:  # what the sizes other than 0 leave, as in TensorFlow
        rest = _without_zeros(old) // _without_zeros(new)  # type: ignore[arg-type]
    else:
        rest = total // given
    if rest * given != total:
        raise ValueError(f"cannot reshape {shape_text(old)} with {total} elements to {list(new)}: no size fits for -1")
    return tuple(rest if size == -1 else size for size in new)


def is_open(old: Sequence[DimLike], new: Sequence[Any]) -> bool:
    """Whether numbers must tell what remains for the -1 of ``new``: some are 0, or need not divide the elements."""
    if list(new).count(-1) != 1:
        return False
    given = product(size for size in new if size != -1)
    return 0 in new or floordiv(product(old), given) * given != product(old)


def _elements(shape: Shape) -> DimLike | None:
    """How many elements a shape has as far as that is known: with a 0 none, whatever the other sizes."""
    if shape is not None and 0 in shape:
        return 0
    return None if shape is None or None in shape else product(shape)  # type: ignore[arg-type]


def _without_zeros(shape: Sequence[Size]) -> DimLike:
    """The product of the sizes other than 0 and -1."""
    return product(size for size in shape if size not in (0, -1))  # type: ignore[misc]
