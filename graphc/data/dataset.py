"""``tf.data.Dataset``: a description of elements and of what is done with them, begun by an iterator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import dtypes, errors
from graphc.data import batching, mapping, order, sources
from graphc.data.elements import (
    DENSE,
    Elements,
    from_types_and_shapes,
    shapes_like,
    taken_apart,
)
from graphc.data.functions import Traced
from graphc.data.iterator import Iterator, get_single_element
from graphc.data.prefetching import Prefetch
from graphc.data.stage import Stage, whole_number
from graphc.decoding.files import matching_files
from graphc.mistakes import telling_line
from graphc.nest import flatten
from graphc.nodes import Tensor
from graphc.ops.base import Const, as_array, convert_to_tensor
from graphc.ops.random import get_seed
from graphc.shapes import Shape, TensorShape, TensorType, as_shape

AUTOTUNE = -1  # as a number of parallel calls or a size of a buffer: graphc chooses


class Dataset:
    """Elements of one structure: tensors, or tuples and dictionaries of such; every method gives a new dataset.

    ``stage`` is what is done; nothing happens before an iterator is run in a session.
    """

    def __init__(self, stage: Stage):
        if not isinstance(stage, Stage):
            raise TypeError(
                f"a Dataset is made by its functions, such as Dataset.from_tensor_slices, not from {stage!r}"
            )
        self.stage = stage

    # -- making one ------------------------------------------------------------------------------------------

    @staticmethod
    @telling_line
    def from_tensors(tensors: Any) -> Dataset:
        """One element: ``tensors``, in any structure."""
        return Dataset(sources.Whole(*sources.as_form(tensors)))

    @staticmethod
    @telling_line
    def from_tensor_slices(tensors: Any) -> Dataset:
        """The rows of tensors whose first axes are of one size; ``ValueError`` where they differ."""
        return Dataset(sources.Slices(*sources.as_form(tensors)))

    @staticmethod
    def from_sparse_tensor_slices(sparse_tensor: Any) -> Dataset:
        """Not provided: densify first."""
        raise NotImplementedError(
            "from_sparse_tensor_slices is not provided; use from_tensor_slices(tf.sparse_tensor_to_dense(x))"
        )

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any, output_shapes: Any = None, args: Any = None
    ) -> Dataset:
        """What ``generator(*args)`` yields: values of these types and shapes, in their structure.

        It is called anew for each pass, with the values of ``args`` as arrays. When it runs, an element that is not
        what was promised is an ``InvalidArgumentError``; what the generator raises comes out of ``session.run`` by
        TensorFlow's class.
        """
        if not callable(generator):
            raise TypeError("`generator` must be callable.")
        arguments = [convert_to_tensor(value) for value in (args or ())]
        return Dataset(sources.Generated(generator, from_types_and_shapes(output_types, output_shapes), arguments))

    @staticmethod
    def range(*args: Any) -> Dataset:
        """int64 numbers: ``range(stop)``, ``range(start, stop)`` or ``range(start, stop, step)``."""
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid arguments to Dataset.range: {args}")
        start, stop, step = {1: (0, *args, 1), 2: (*args, 1), 3: args}[len(args)]
        first, last, by = whole_number(start, "start"), whole_number(stop, "stop"), whole_number(step, "step")
        return Dataset(mapping.Numbered(first, last, by, _COUNTED))

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        """Elements side by side, of a nested structure of datasets; it ends with the shortest."""
        for found in flatten(datasets):
            if not isinstance(found, Dataset):
                raise TypeError(
                    f"The argument to `Dataset.zip()` must be a nested structure of `Dataset` objects, not {found!r}"
                )
        parents = [found.stage for found in flatten(datasets)]
        return Dataset(order.Zip(parents, _joined_form(datasets)))

    @staticmethod
    def list_files(file_pattern: Any, shuffle: Any = None, seed: int | None = None) -> Dataset:
        """The names of the files that fit a pattern, or one of several, in a new order unless ``shuffle`` is False."""
        names = Dataset.from_tensor_slices(matching_files(file_pattern))
        listed = Dataset(_Found(names.stage, file_pattern))
        return listed if shuffle is False else listed.shuffle(_MANY, seed=seed)

    # -- order and number ------------------------------------------------------------------------------------

    def concatenate(self, dataset: Dataset) -> Dataset:
        """The elements of this one, then those of ``dataset``; ``TypeError`` where their types differ."""
        return Dataset(order.Concatenate(self.stage, dataset.stage))

    def repeat(self, count: Any = None) -> Dataset:
        """All elements ``count`` times; for ever where that is None or -1."""
        return Dataset(order.Repeat(self.stage, whole_number(-1 if count is None else count, "count")))

    def take(self, count: Any) -> Dataset:
        """The first ``count`` elements; all for -1."""
        return Dataset(order.Take(self.stage, whole_number(count, "count")))

    def skip(self, count: Any) -> Dataset:
        """All but the first ``count`` elements; none for -1."""
        return Dataset(order.Skip(self.stage, whole_number(count, "count")))

    def shard(self, num_shards: Any, index: Any) -> Dataset:
        """Every ``num_shards``-th element, beginning with the one numbered ``index``."""
        if isinstance(num_shards, int) and isinstance(index, int) and not 0 <= index < num_shards:
            raise ValueError(f"index must be >= 0 and < num_shards, but got index {index} of {num_shards}")
        return Dataset(order.Shard(self.stage, whole_number(num_shards, "num_shards"), whole_number(index, "index")))

    def shuffle(
        self, buffer_size: Any, seed: int | None = None, reshuffle_each_iteration: bool | None = None
    ) -> Dataset:
        """The elements in a random order: each is drawn from a buffer of ``buffer_size`` of them.

        The same seeds (the graph's and this one) give the same order; it is not the order of TensorFlow. Each pass of a
        ``repeat`` has an order of its own unless ``reshuffle_each_iteration`` is False.
        """
        first, second = get_seed(seed)
        seeds = None if first is None or second is None else (first, second)
        again = reshuffle_each_iteration is not False
        return Dataset(order.Shuffle(self.stage, whole_number(buffer_size, "buffer_size"), seeds, again))

    def cache(self, filename: Any = "") -> Dataset:
        """The elements, kept in memory from the first pass on; ``NotImplementedError`` for a file."""
        if not (isinstance(filename, (str, bytes)) and not filename):
            raise NotImplementedError("cache to a file is not provided; cache() keeps the elements in memory")
        return Dataset(order.Cache(self.stage))

    def prefetch(self, buffer_size: Any) -> Dataset:
        """The same elements, ``buffer_size`` of them prepared in advance by a thread of their own."""
        return Dataset(Prefetch(self.stage, whole_number(-1 if buffer_size is None else buffer_size, "buffer_size")))

    def enumerate(self, start: Any = 0) -> Dataset:
        """Pairs of a number, counted from ``start``, and an element."""
        counting = mapping.Numbered(whole_number(start, "start"), None, whole_number(1, "step"), _COUNTED)
        return Dataset.zip((Dataset(counting), self))

    # -- batches ---------------------------------------------------------------------------------------------

    def batch(self, batch_size: Any, drop_remainder: Any = False) -> Dataset:
        """``batch_size`` elements as one, along a new first axis; the last may have fewer unless they are dropped."""
        return Dataset(batching.Batch(self.stage, whole_number(batch_size, "batch_size"), _flag(drop_remainder)))

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: Any = False
    ) -> Dataset:
        """The same of elements whose shapes differ, each filled up at the end of its axes.

        ``padded_shapes`` has a shape for each component, where None or -1 stands for the largest of the batch;
        ``padding_values`` a scalar for each, by default 0 or an empty string; tensors have the values of the
        iterator's start.
        """
        elements = self.stage.elements.dense("padded_batch")
        shapes = _padded_shapes(elements, padded_shapes)
        padding = _padding_values(elements, padding_values)
        size = whole_number(batch_size, "batch_size")
        return Dataset(batching.PaddedBatch(self.stage, size, shapes, padding, _flag(drop_remainder)))

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: Any = False) -> Dataset:
        """Datasets of ``size`` elements each, ``shift`` elements apart; each component is a dataset of its own."""
        step = whole_number(size if shift is None else shift, "shift")
        numbers = whole_number(size, "size"), step, whole_number(stride, "stride")
        return Dataset(batching.Window(self.stage, numbers, _flag(drop_remainder)))

    def unbatch(self) -> Dataset:
        """The rows of each element, one by one."""
        return Dataset(batching.Unbatch(self.stage))

    # -- functions -------------------------------------------------------------------------------------------

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """``map_func`` of each element; it is called once, with tensors, and compiled into a program of its own.

        ``num_parallel_calls`` lets operations that run in Python (py_func, files, images) wait at the same time; the
        order stays. Tensors and variables from outside have the values of the iterator's start.
        """
        workers = None if num_parallel_calls is None else whole_number(_workers(num_parallel_calls), "calls")
        return Dataset(mapping.Map(self.stage, self.traced(map_func, "map"), workers))

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements for which ``predicate`` gives true."""
        function = mapping.check_predicate(self.traced(predicate, "filter"), "filter")
        return Dataset(mapping.Filter(self.stage, function))

    map_with_legacy_function, filter_with_legacy_function = map, filter

    def flat_map(self, map_func: Callable[..., Any]) -> Dataset:
        """The elements of the dataset ``map_func(x)`` for each element x, one dataset after another."""
        return Dataset(mapping.FlatMap(self.stage, self.traced(map_func, "flat_map")))

    def interleave(
        self, map_func: Callable[..., Any], cycle_length: Any = AUTOTUNE, block_length: Any = 1,
        num_parallel_calls: Any = None,
    ) -> Dataset:  # fmt: skip
        """By turns ``block_length`` elements of each of ``cycle_length`` datasets ``map_func(x)``."""
        cycle = whole_number(_workers(cycle_length), "cycle_length")
        function = self.traced(map_func, "interleave")
        return Dataset(mapping.Interleave(self.stage, function, cycle, whole_number(block_length, "block_length")))

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
        """Tensors: what ``reduce_func(state, x)`` makes of all elements, beginning with ``initial_state``."""
        form, state = taken_apart(initial_state)
        function = self.traced_with_state(reduce_func, form, state, "reduce")
        check_state(function.elements, Elements(form, [tensor.type for tensor in state]), "reduce")
        return get_single_element(Dataset(mapping.Reduced(self.stage, state, function)))

    def apply(self, transformation_func: Callable[[Dataset], Any]) -> Dataset:
        """``transformation_func`` of this dataset; ``TypeError`` where that is no dataset."""
        dataset = transformation_func(self)
        if not isinstance(dataset, Dataset):
            raise TypeError(f"`transformation_func` must return a Dataset. Got {dataset!r}.")
        return dataset

    def traced(self, function: Callable[..., Any], what: str) -> Traced:
        """The function of an element as a graph; ``TypeError`` where it is none."""
        if not callable(function):
            raise TypeError(f"{what} takes a function, not {function!r}")
        return Traced(function, self.stage.elements, what, Dataset)

    def traced_with_state(self, function: Callable[..., Any], form: Any, state: list[Tensor], what: str) -> Traced:
        """The same of a function of a state and an element."""
        elements = self.stage.elements
        both = Elements((form, elements.form), [*(_loose(tensor.type) for tensor in state), *elements.leaves])
        return Traced(function, both, what, Dataset)

    # -- iterating -------------------------------------------------------------------------------------------

    def make_one_shot_iterator(self) -> Iterator:
        """An iterator that needs no initialisation; ``ValueError`` where the dataset depends on a placeholder."""
        return Iterator.one_shot(self.stage)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        """An iterator that begins when its ``initializer`` is run, with the values that are fed then."""
        return Iterator.initializable(self.stage)

    def __iter__(self) -> Any:
        raise RuntimeError(
            "a dataset has no elements while declaring; make_one_shot_iterator().get_next() are tensors of an element"
        )

    def options(self) -> Options:
        """The options: none of them changes what a dataset gives."""
        return Options()

    def with_options(self, options: Any) -> Dataset:
        """The same dataset: options of TensorFlow's runtime have no effect."""
        return self

    @property
    def output_types(self) -> Any:
        """The dtypes of an element, in its structure."""
        return self.stage.elements.output_types

    @property
    def output_shapes(self) -> Any:
        """The shapes of an element, in its structure."""
        return self.stage.elements.output_shapes

    @property
    def output_classes(self) -> Any:
        """``Tensor`` or ``SparseTensor``, in the structure of an element."""
        return self.stage.elements.output_classes

    @property
    def element_spec(self) -> Any:
        """The types of an element, in its structure."""
        return self.stage.elements.described(lambda _, type: type)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.stage.elements}>"


class Options:
    """Accepted for TensorFlow programs: any attribute can be set, none changes what a dataset gives."""

    def __init__(self) -> None:
        self.experimental_optimization = _Anything()
        self.experimental_threading = _Anything()


class _Anything:
    """Takes any attribute."""


_COUNTED = Elements(DENSE, [TensorType(dtypes.int64, ())])
_MANY = 1 << 20  # names of files that are shuffled as a whole


class _Found(order.Passing):
    """Names of files; ``InvalidArgumentError`` where there are none."""

    def __init__(self, parent: Stage, pattern: Any):
        super().__init__(parent)
        self.pattern = pattern

    def tokens(self, run: Any) -> Any:
        (names,) = self.parent.needed()
        if not len(run.value(names)):
            raise errors.InvalidArgumentError(None, None, f"No files matched pattern: {self.pattern}")
        return self.parent.tokens(run)


def check_state(result: Elements, state: Elements, what: str) -> None:
    """``TypeError`` unless a function gives a state of the types that it takes."""
    same = result.same_form(state) and [x.dtype for x in result.tensors] == [x.dtype for x in state.tensors]
    if not same:
        raise TypeError(f"the function of {what} gives a state of {result}; wanted {state}, as the initial state is")


def _loose(type: TensorType) -> TensorType:
    """A type whose sizes may change from one element to the next."""
    return TensorType(type.dtype, None if type.shape is None else (None,) * len(type.shape))


def _joined_form(datasets: Any) -> Any:
    """The form of elements side by side."""
    if isinstance(datasets, dict):
        return type(datasets)((key, _joined_form(value)) for key, value in datasets.items())
    if isinstance(datasets, (tuple, list)):
        parts = [_joined_form(value) for value in datasets]
        return type(datasets)(*parts) if hasattr(datasets, "_fields") else tuple(parts)
    return datasets.stage.elements.form


def _flag(value: Any) -> bool:
    """A truth value that is known while declaring; ``NotImplementedError`` for a tensor that is computed."""
    if isinstance(value, Tensor):
        if not isinstance(value.op.kind, Const):
            raise NotImplementedError("drop_remainder must be known while declaring: pass True or False")
        return bool(value.op.kind.value)
    return bool(value)


def _workers(count: Any) -> Any:
    """AUTOTUNE as a number."""
    return 4 if isinstance(count, int) and count == AUTOTUNE else count


def _padded_shapes(elements: Elements, shapes: Any) -> list[Shape]:
    types = elements.tensors
    if shapes is None:
        if any(type.shape is None for type in types):
            raise ValueError("You must provide `padded_shapes` argument because a component has an unknown rank.")
        return [type.shape for type in types]
    given = [_padded_shape(shape) for shape in shapes_like(elements, shapes)]
    for type, shape in zip(types, given, strict=True):
        if type.shape is not None and shape is not None:
            if len(shape) != len(type.shape):
                raise ValueError(f"The padded shape {shape} is not compatible with the corresponding input {type}.")
            for ours, theirs in zip(shape, type.shape):
                if isinstance(ours, int) and isinstance(theirs, int) and ours < theirs:
                    raise ValueError(f"The padded shape {shape} is not compatible with the corresponding input {type}.")
    return given


def _padded_shape(shape: Any) -> Shape:
    if isinstance(shape, Tensor):
        if not isinstance(shape.op.kind, Const):
            raise NotImplementedError("padded_shapes must be known while declaring; None stands for the largest")
        shape = shape.op.kind.value.tolist()
    if not isinstance(shape, TensorShape) and shape is not None:
        shape = [None if size is None or (isinstance(size, int) and size == -1) else size for size in shape]
    return as_shape(shape)


def _padding_values(elements: Elements, values: Any) -> list[Any]:
    types = elements.tensors
    if values is None:
        return [type.dtype.zero for type in types]
    form, _ = taken_apart(values, lambda value: value)
    if flatten(elements.form) != flatten(form) and not (len(types) > 1 and form == DENSE):
        raise TypeError(f"padding_values {values!r} are not in the structure of {elements}")
    given = flatten(values) if isinstance(values, (tuple, dict)) else [values] * len(types)
    return [_padding_value(value, type) for value, type in zip(given, types, strict=True)]


def _padding_value(value: Any, type: TensorType) -> Any:
    if value is None:
        return type.dtype.zero
    if isinstance(value, Tensor):
        if value.dtype is not type.dtype:
            raise TypeError(f"the padding value {value} is of another dtype than the component, {type}")
        if value.type.rank not in (None, 0):
            raise ValueError(f"a padding value must be a scalar, not {value.type} ({value.op.describe()})")
        return value
    array = as_array(value) if isinstance(value, (np.ndarray, np.generic)) else as_array(value, type.dtype)
    if array.shape != ():
        raise ValueError(f"a padding value must be a scalar, not one of shape {array.shape}")
    if array.dtype != type.dtype.numpy:
        raise TypeError(f"the padding value {value!r} is {array.dtype}; the component is {type}")
    return array[()]


def make_one_shot_iterator(dataset: Dataset) -> Iterator:
    """The iterator of a dataset that needs no initialisation."""
    return dataset.make_one_shot_iterator()


def make_initializable_iterator(dataset: Dataset, shared_name: str | None = None) -> Iterator:
    """The iterator of a dataset that begins when its ``initializer`` is run."""
    return dataset.make_initializable_iterator(shared_name)


def get_output_types(dataset_or_iterator: Any) -> Any:
    """The dtypes of an element, in its structure."""
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """The shapes of an element, in its structure."""
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """``Tensor`` or ``SparseTensor``, in the structure of an element."""
    return dataset_or_iterator.output_classes
