"""What the elements of a dataset are made of: nested tuples and dictionaries whose leaves are tensors.

Flat, an element is a tuple of *leaves*, in the order of ``tf.nest``: an array for each tensor, three for a sparse one,
and a :class:`Nested` for a dataset. Lists are no structure here: as in tf.data, a list becomes one tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes, errors
from graphc.nest import flatten, map_leaves, skeleton
from graphc.nodes import Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.host import host_array
from graphc.ops.sparse_tensor import SparseTensor, SparseTensorValue
from graphc.shapes import Shape, TensorShape, TensorType, as_shape

Element = tuple[Any, ...]

DENSE, SPARSE, DATASET = "dense", "sparse", "dataset"  # the leaves of a form


class Nested(NamedTuple):
    """A dataset as a leaf of an element: the elements that it gives, each time anew."""

    elements: Callable[[], Iterator[Element]]


class DatasetType(NamedTuple):
    """The type of such a leaf."""

    elements: Elements


LeafType = TensorType | DatasetType


class Elements:
    """The structure of elements (``form``) and the types of their leaves."""

    def __init__(self, form: Any, leaves: Sequence[LeafType]):
        self.form = form
        self.leaves = tuple(leaves)

    def packed(self, values: Sequence[Any]) -> Any:
        """The values in their places; sparse tensors of their three parts."""
        parts = iter(values)
        return map_leaves(lambda kind: _assembled(kind, parts), self.form)

    @property
    def tensors(self) -> list[TensorType]:
        """The types of the leaves, where all are tensors; ``TypeError`` where one is a dataset."""
        for leaf in self.leaves:
            if isinstance(leaf, DatasetType):
                raise TypeError("an element holds a dataset, as after window(); flat_map says what becomes of it")
        return list(self.leaves)  # type: ignore[arg-type]

    def described(self, of: Callable[[str, TensorType], Any]) -> Any:
        """The structure with ``of(kind, type)`` of each tensor."""
        parts = iter(self.leaves)

        def leaf(kind: str) -> Any:
            first = next(parts)
            if kind == DATASET:
                assert isinstance(first, DatasetType)
                return first.elements
            if kind == SPARSE:
                values, shape = next(parts), next(parts)
                assert isinstance(values, TensorType) and isinstance(shape, TensorType)
                return of(kind, TensorType(values.dtype, _dense_shape(shape)))
            assert isinstance(first, TensorType)
            return of(kind, first)

        return map_leaves(leaf, self.form)

    @property
    def output_types(self) -> Any:
        """The dtypes in the structure."""
        return self.described(lambda _, type: type.dtype)

    @property
    def output_shapes(self) -> Any:
        """The shapes in the structure."""
        return self.described(lambda _, type: TensorShape(type.shape))

    @property
    def output_classes(self) -> Any:
        """``Tensor`` or ``SparseTensor`` in the structure."""
        return self.described(lambda kind, _: SparseTensor if kind == SPARSE else Tensor)

    def changed(self, change: Callable[[TensorType], TensorType]) -> Elements:
        """The same structure with other types of tensors."""
        return Elements(self.form, [change(type) for type in self.tensors])

    def dense(self, what: str) -> Elements:
        """Itself; ``NotImplementedError`` where a leaf is a sparse tensor."""
        if SPARSE in flatten(self.form):
            raise NotImplementedError(f"{what} of sparse tensors is not provided; use tf.sparse_tensor_to_dense before")
        return self

    def same_form(self, other: Elements) -> bool:
        """Whether the elements are put together alike."""
        return skeleton(self.form) == skeleton(other.form) and flatten(self.form) == flatten(other.form)

    def __str__(self) -> str:
        return str(self.described(lambda _, type: str(type)))


def _assembled(kind: str, parts: Iterator[Any]) -> Any:
    if kind != SPARSE:
        return next(parts)
    three = [next(parts) for _ in range(3)]
    return SparseTensor(*three) if isinstance(three[0], Tensor) else SparseTensorValue(*three)


def _dense_shape(shape: TensorType) -> Shape:
    """The shape of a sparse tensor whose ``dense_shape`` has this type: its rank at most is known."""
    size = shape.shape[0] if shape.shape else None
    return (None,) * size if isinstance(size, int) else None


def taken_apart(value: Any, convert: Callable[[Any], Tensor] = convert_to_tensor) -> tuple[Any, list[Any]]:
    """The form of a structure, and its leaves in order: tensors, and datasets as they are."""
    leaves: list[Any] = []

    def form(part: Any) -> Any:
        if isinstance(part, Mapping):
            found = {key: form(part[key]) for key in sorted(part)}
            return type(part)((key, found[key]) for key in part)  # type: ignore[call-arg]
        if isinstance(part, (SparseTensor, SparseTensorValue)):
            sparse = SparseTensor.from_value(part)
            leaves.extend([sparse.indices, sparse.values, sparse.dense_shape])
            return SPARSE
        if isinstance(part, tuple):
            items = [form(item) for item in part]
            return type(part)(*items) if hasattr(part, "_fields") else tuple(items)
        if hasattr(part, "stage"):
            leaves.append(part)
            return DATASET
        leaves.append(convert(part))
        return DENSE

    return form(value), leaves


def from_types_and_shapes(output_types: Any, output_shapes: Any = None, output_classes: Any = None) -> Elements:
    """The elements that a program describes by nested dtypes and shapes; a shape left out is unknown."""
    types = [dtypes.as_dtype(dtype) for dtype in _flat_dtypes(output_types)]
    form = _form_of_dtypes(output_types)
    shapes = [None] * len(types) if output_shapes is None else _flat_shapes(output_shapes, output_types)
    if output_classes is not None and any(kind is SparseTensor for kind in flatten(output_classes)):
        raise NotImplementedError("an iterator described by its types gives dense tensors alone, no sparse ones")
    if len(shapes) != len(types):
        raise TypeError(f"output_types has {len(types)} leaves, output_shapes {len(shapes)}")
    return Elements(form, [TensorType(dtype, as_shape(shape)) for dtype, shape in zip(types, shapes, strict=True)])


def _form_of_dtypes(value: Any) -> Any:
    return map_leaves(lambda _: DENSE, tuple(value) if isinstance(value, list) else value)


def _flat_dtypes(value: Any) -> list[Any]:
    return flatten(value)


def _flat_shapes(shapes: Any, like: Any) -> list[Any]:
    """The shapes in the places where ``like`` has leaves: shapes are sequences themselves."""
    if isinstance(like, Mapping):
        if not isinstance(shapes, Mapping) or set(shapes) != set(like):
            raise TypeError(f"the shapes {shapes!r} are not in the structure of {like!r}")
        return [shape for key in sorted(like) for shape in _flat_shapes(shapes[key], like[key])]
    if isinstance(like, (list, tuple)):
        if not isinstance(shapes, (list, tuple)) or len(shapes) != len(like):
            raise TypeError(f"the shapes {shapes!r} are not in the structure of {like!r}")
        return [shape for part, other in zip(shapes, like) for shape in _flat_shapes(part, other)]
    return [shapes]


def shapes_like(elements: Elements, shapes: Any) -> list[Any]:
    """A shape for each leaf of the elements, from the same nested structure of shapes."""
    return _flat_shapes(shapes, elements.form)


# -- arrays --------------------------------------------------------------------------------------------------


def stacked(leaves: Sequence[Any], type: TensorType, component: int) -> Any:
    """The arrays of one component of several elements as one; ``InvalidArgumentError`` where their shapes differ."""
    arrays = [host_array(leaf, type.dtype) for leaf in leaves]
    first = arrays[0].shape
    for number, array in enumerate(arrays):
        if array.shape != first:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Cannot batch tensors with different shapes in component {component}. First element had shape "
                f"{list(first)} and element {number} had shape {list(array.shape)}.",
            )
    if first == ():
        result = np.empty(len(arrays), type.dtype.numpy)
        for number, array in enumerate(arrays):
            result[number] = array[()]
        return result
    return np.stack(arrays)


def most_specific(first: Elements, second: Elements) -> Elements:
    """The types that elements of either have; ``TypeError`` where form or dtypes differ."""
    if not first.same_form(second):
        raise TypeError(f"Two datasets to concatenate have different structures: {first} and {second}")
    pairs = list(zip(first.tensors, second.tensors, strict=True))
    for one, other in pairs:
        if one.dtype is not other.dtype:
            raise TypeError(f"Two datasets to concatenate have different types: {first} and {second}")
    return Elements(first.form, [TensorType(one.dtype, _common(one.shape, other.shape)) for one, other in pairs])


def _common(first: Shape, second: Shape) -> Shape:
    if first is None or second is None or len(first) != len(second):
        return None
    return tuple(a if a == b else None for a, b in zip(first, second, strict=True))
