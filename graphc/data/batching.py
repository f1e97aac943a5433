"""Stages that put several elements into one, or take one apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from graphc import errors
from graphc.data.elements import DATASET, DENSE, DatasetType, Element, Elements, Nested
from graphc.data.functions import Traced
from graphc.data.mapping import inner_elements
from graphc.data.stage import Run, Stage, known_number, number
from graphc.nest import flatten, map_leaves
from graphc.nodes import Tensor
from graphc.ops.host import host_array
from graphc.queues.stores import filled_up
from graphc.shapes import Shape, TensorType


def _chunks(tokens: Iterator[Any], size: int, drop_remainder: bool) -> Iterator[list[Any]]:
    while chunk := list(islice(tokens, size)):
        if len(chunk) == size or not drop_remainder:
            yield chunk


def _batch_size(run: Run, size: Tensor) -> int:
    count = number(run, size)
    if count < 1:
        raise errors.InvalidArgumentError(None, None, f"Batch size must be greater than zero, but got {count}")
    return count


def _with_axis(size: int | None, type: TensorType) -> TensorType:
    return TensorType(type.dtype, None if type.shape is None else (size, *type.shape))


class Batch(Stage):
    """``size`` elements as one, along a new first axis; the last one may have fewer unless they are dropped."""

    def __init__(self, parent: Stage, size: Tensor, drop_remainder: bool):
        self.parents, self.own = (parent,), (size,)
        self.drop_remainder = drop_remainder
        known = known_number(size) if drop_remainder else None
        self.elements = parent.elements.dense("batch").changed(lambda type: _with_axis(known, type))

    def tokens(self, run: Run) -> Iterator[Any]:
        return _chunks(self.parents[0].tokens(run), _batch_size(run, self.own[0]), self.drop_remainder)

    def element(self, run: Run, token: Any) -> Element:
        return self.parents[0].together(run, token)


class PaddedBatch(Stage):
    """The same of elements whose shapes differ: each is filled up to ``shapes``, or to the largest of its batch."""

    def __init__(
        self, parent: Stage, size: Tensor, shapes: Sequence[Shape], padding: Sequence[Any], drop_remainder: bool
    ):
        self.parents, self.own = (parent,), (size, *(value for value in padding if isinstance(value, Tensor)))
        self.shapes, self.padding, self.drop_remainder = tuple(shapes), tuple(padding), drop_remainder
        known = known_number(size) if drop_remainder else None
        types = [_with_axis(known, TensorType(x.dtype, shape)) for x, shape in zip(parent.elements.tensors, shapes)]
        self.elements = Elements(parent.elements.form, types)

    def tokens(self, run: Run) -> Iterator[Any]:
        return _chunks(self.parents[0].tokens(run), _batch_size(run, self.own[0]), self.drop_remainder)

    def element(self, run: Run, token: Any) -> Element:
        rows = [self.parents[0].element(run, one) for one in token]
        types = self.elements.tensors
        padding = [run.value(value) if isinstance(value, Tensor) else value for value in self.padding]
        columns = zip(zip(*rows), types, self.shapes, padding)
        return tuple(_padded(column, type, shape, value) for column, type, shape, value in columns)


def _padded(leaves: Sequence[Any], type: TensorType, shape: Shape, value: Any) -> Any:
    """The arrays side by side, each filled up with ``value`` at the end of its axes."""
    arrays = [host_array(leaf, type.dtype) for leaf in leaves]
    if shape is None:
        shape = (None,) * arrays[0].ndim
    for array in arrays:
        if array.ndim != len(shape):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"All elements in a batch must have the same rank as the padded shape: expected rank {len(shape)} but "
                f"got element with rank {array.ndim}",
            )
    largest = [max(array.shape[axis] for array in arrays) for axis in range(len(shape))]
    sizes = [most if size is None else size for size, most in zip(shape, largest)]
    if any(most > size for most, size in zip(largest, sizes)):
        raise errors.DataLossError(
            None,
            None,
            "Attempted to pad to a smaller size than the input element: "
            f"an element has sizes {largest}, padded_shapes says {sizes}",
        )
    return filled_up(arrays, sizes, value, type.dtype.numpy)


class Unbatch(Stage):
    """The rows of each element."""

    def __init__(self, parent: Stage):
        self.parents = (parent,)
        for type in parent.elements.tensors:
            if type.rank == 0:
                raise ValueError(f"unbatch takes elements with at least one axis, not {type}")
        self.elements = parent.elements.dense("unbatch").changed(
            lambda type: TensorType(type.dtype, None if type.shape is None else type.shape[1:])
        )

    def tokens(self, run: Run) -> Iterator[Any]:
        for element in self.parents[0].iterate(run):
            if len({np.shape(leaf)[:1] for leaf in element}) > 1:
                raise errors.InvalidArgumentError(
                    None, None, f"Input shapes do not match: {[np.shape(leaf) for leaf in element]}"
                )
            yield from zip(*element)


class Window(Stage):
    """``size`` elements as a dataset of their own, every ``shift`` elements; inside, every ``stride``-th."""

    def __init__(self, parent: Stage, numbers: tuple[Tensor, Tensor, Tensor], drop_remainder: bool):
        self.parents, self.own = (parent,), numbers
        self.drop_remainder = drop_remainder
        inner = parent.elements
        if DATASET in flatten(inner.form):
            raise NotImplementedError("a window of windows is not provided; use flat_map between the two")
        self.elements = _datasets_of(inner)

    def tokens(self, run: Run) -> Iterator[Any]:
        size, shift, stride = (_batch_size(run, tensor) for tensor in self.own)
        parent = self.parents[0]
        tokens = parent.tokens(run)
        span = (size - 1) * stride + 1
        kept: list[Any] = []
        while True:
            kept += islice(tokens, span - len(kept))
            if not kept or (self.drop_remainder and len(kept) < span):
                return
            yield tuple(self._dataset(run, leaf, kept[:span:stride]) for leaf in range(len(parent.elements.leaves)))
            if shift > len(kept):
                skipped = shift - len(kept)
                if len(list(islice(tokens, skipped))) < skipped:
                    return
            kept = kept[shift:]

    def _dataset(self, run: Run, leaf: int, tokens: list[Any]) -> Nested:
        """One component of the elements of a window."""
        parent = self.parents[0]
        return Nested(lambda: ((parent.element(run, token)[leaf],) for token in tokens))


def _datasets_of(inner: Elements) -> Elements:
    """The structure in which each component is a dataset, as tf.data has it."""
    types = [DatasetType(Elements(DENSE, [leaf])) for leaf in inner.tensors]
    return Elements(map_leaves(lambda _: DATASET, inner.form), types)


class GroupByWindow(Stage):
    """Elements of one key together: every ``size(key)`` of them as a dataset that ``reduce`` makes another of."""

    def __init__(self, parent: Stage, key: Traced, reduce: Traced, size: Traced):
        self.parents = (parent,)
        self.key, self.reduce, self.size = key, reduce, size
        self.own = (*key.outside, *reduce.outside, *size.outside)
        self.elements = inner_elements(reduce, "group_by_window")

    def tokens(self, run: Run) -> Iterator[Any]:
        key_of, reduce, size_of = (function.bound(run) for function in (self.key, self.reduce, self.size))
        groups: dict[int, list[Element]] = {}
        sizes: dict[int, int] = {}
        for element in self.parents[0].iterate(run):
            key = int(key_of(element)[0])
            if key not in groups:
                groups[key] = []
                sizes[key] = int(size_of((np.int64(key),))[0])
                if sizes[key] < 1:
                    raise errors.InvalidArgumentError(
                        None, None, f"Window size must be greater than zero, but got {sizes[key]}."
                    )
            groups[key].append(element)
            if len(groups[key]) == sizes[key]:
                yield from _reduced(reduce, key, groups.pop(key))
        for key in sorted(groups):
            yield from _reduced(reduce, key, groups[key])


def _reduced(reduce: Any, key: int, elements: list[Element]) -> Iterator[Element]:
    (nested,) = reduce((np.int64(key), Nested(lambda: iter(elements))))
    return nested.elements()
