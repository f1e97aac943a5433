"""``tf.data.experimental``: transformations for ``Dataset.apply``, and further datasets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.data import batching, mapping, order
from graphc.data.dataset import AUTOTUNE, Dataset, check_state
from graphc.data.elements import DENSE, Elements, taken_apart
from graphc.data.files import CsvDataset
from graphc.data.functions import Traced
from graphc.data.iterator import get_single_element as _single_element
from graphc.data.stage import whole_number
from graphc.nodes import Tensor
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.elementwise import cast
from graphc.ops.lookup import gather
from graphc.ops.random import get_seed
from graphc.ops.reduction import reduce_sum
from graphc.shapes import TensorType

Transformation = Callable[[Dataset], Dataset]


def map_and_batch(
    map_func: Callable[..., Any], batch_size: Any, num_parallel_batches: Any = None, drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:  # fmt: skip
    """``map(map_func)``, then ``batch(batch_size)``."""
    return lambda dataset: dataset.map(map_func, num_parallel_calls).batch(batch_size, drop_remainder)


map_and_batch_with_legacy_function = map_and_batch


def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: int | None = None) -> Transformation:
    """``shuffle(buffer_size, seed)``, then ``repeat(count)``."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def unbatch() -> Transformation:
    """The rows of each element, one by one."""
    return lambda dataset: dataset.unbatch()


def ignore_errors() -> Transformation:
    """The elements that can be computed; those that fail are left out."""
    return lambda dataset: Dataset(mapping.IgnoreErrors(dataset.stage))


def enumerate_dataset(start: Any = 0) -> Transformation:
    """Pairs of a number and an element."""
    return lambda dataset: dataset.enumerate(start)


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """The elements before the first for which ``predicate`` is false."""

    def transform(dataset: Dataset) -> Dataset:
        function = mapping.check_predicate(dataset.traced(predicate, "take_while"), "take_while")
        return Dataset(mapping.TakeWhile(dataset.stage, function))

    return transform


def prefetch_to_device(device: Any, buffer_size: Any = None) -> Transformation:
    """The same dataset: there is one device, and what is on the host is there."""
    return lambda dataset: dataset


def copy_to_device(target_device: Any, source_device: Any = "/cpu:0") -> Transformation:
    """The same dataset: there is one device."""
    return lambda dataset: dataset


def parallel_interleave(
    map_func: Callable[..., Any], cycle_length: Any, block_length: Any = 1, sloppy: Any = False,
    buffer_output_elements: Any = None, prefetch_input_elements: Any = None,
) -> Transformation:  # fmt: skip
    """By turns elements of ``cycle_length`` datasets, in the order that TensorFlow has where it is not ``sloppy``."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


def scan(initial_state: Any, scan_func: Callable[..., Any]) -> Transformation:
    """``state, y = scan_func(state, x)`` for each element x: the values y."""

    def transform(dataset: Dataset) -> Dataset:
        form, state = taken_apart(initial_state)
        function = dataset.traced_with_state(scan_func, form, state, "scan")
        if not isinstance(function.form, tuple) or len(function.form) != 2:
            raise TypeError("The scan function must return a pair comprising the new state and the output value.")
        leaves, count = function.elements.leaves, len(state)
        check_state(Elements(function.form[0], leaves[:count]), Elements(form, [x.type for x in state]), "scan")
        return Dataset(mapping.Scan(dataset.stage, state, function, Elements(function.form[1], leaves[count:])))

    return transform


def group_by_window(
    key_func: Callable[..., Any], reduce_func: Callable[..., Any], window_size: Any = None,
    window_size_func: Callable[..., Any] | None = None,
) -> Transformation:  # fmt: skip
    """``reduce_func(key, elements)`` of every ``window_size`` elements of one int64 key: the elements it gives.

    ``window_size_func(key)`` gives sizes by key instead; ``ValueError`` unless one of the two is given.
    """
    if (window_size is None) == (window_size_func is None):
        raise ValueError("Must pass either window_size or window_size_func.")
    size_of = window_size_func or (lambda key: convert_to_tensor(window_size, dtypes.int64))

    def transform(dataset: Dataset) -> Dataset:
        key = dataset.traced(key_func, "group_by_window")
        if [x.dtype for x in key.elements.tensors] != [dtypes.int64]:
            raise ValueError(f"`key_func` must return a single tf.int64 tensor, not {key.elements}")
        one = Elements(DENSE, [TensorType(dtypes.int64, ())])
        size = Traced(lambda number: cast(size_of(number), dtypes.int64), one, "group_by_window", Dataset)
        both = Elements((DENSE, "dataset"), [one.leaves[0], batching.DatasetType(dataset.stage.elements)])
        reduce = Traced(reduce_func, both, "group_by_window", Dataset)
        return Dataset(batching.GroupByWindow(dataset.stage, key, reduce, size))

    return transform


def bucket_by_sequence_length(
    element_length_func: Callable[..., Any], bucket_boundaries: Sequence[int], bucket_batch_sizes: Sequence[int],
    padded_shapes: Any = None, padding_values: Any = None, pad_to_bucket_boundary: bool = False,
    no_padding: bool = False, drop_remainder: bool = False,
) -> Transformation:  # fmt: skip
    """Padded batches of elements of similar length: bucket i holds lengths in ``[boundaries[i-1], boundaries[i])``.

    ``bucket_batch_sizes`` has one more entry than the boundaries; the others are those of ``padded_batch``.
    ``NotImplementedError`` for ``pad_to_bucket_boundary``.
    """
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError(
            f"len(bucket_batch_sizes) must equal len(bucket_boundaries) + 1, got {len(bucket_batch_sizes)} and "
            f"{len(bucket_boundaries)}"
        )
    sizes = list(bucket_batch_sizes)

    def bucket_of(*element: Any) -> Tensor:
        length = cast(element_length_func(*element), dtypes.int64)
        return reduce_sum(cast(constant(list(bucket_boundaries), dtypes.int64) <= length, dtypes.int64))

    def transform(dataset: Dataset) -> Dataset:
        def batched(key: Tensor, group: Dataset) -> Dataset:
            size = gather(constant(sizes, dtypes.int64), key)
            if no_padding:
                return group.batch(size, drop_remainder)
            shapes = padded_shapes if padded_shapes is not None else group.output_shapes
            return group.padded_batch(size, shapes, padding_values, drop_remainder)

        if pad_to_bucket_boundary:
            raise NotImplementedError(
                "pad_to_bucket_boundary is not provided: pass padded_shapes, or leave it out for the largest of a batch"
            )
        size_of = lambda key: gather(constant(sizes, dtypes.int64), key)  # noqa: E731
        return dataset.apply(group_by_window(bucket_of, batched, window_size_func=size_of))

    return transform


def choose_from_datasets(datasets: Sequence[Dataset], choice_dataset: Dataset) -> Dataset:
    """Elements of several datasets, each from the one whose int64 number comes next in ``choice_dataset``."""
    if [x.dtype for x in choice_dataset.stage.elements.tensors] != [dtypes.int64]:
        raise TypeError("`choice_dataset` must be a dataset of scalar `tf.int64` tensors.")
    return Dataset(order.Chosen([dataset.stage for dataset in datasets], choice_dataset.stage))


def sample_from_datasets(datasets: Sequence[Dataset], weights: Any = None, seed: int | None = None) -> Dataset:
    """Elements of several datasets, each from one that is drawn with ``weights``, equal ones where that is None."""
    chances = np.full(len(datasets), 1.0) if weights is None else np.asarray(weights, np.float64)
    if chances.shape != (len(datasets),):
        raise ValueError(f"`weights` must be one number for each of {len(datasets)} datasets")
    first, second = get_seed(seed)
    entropy = None if first is None or second is None else (first, second)

    def draws() -> Any:
        generator = np.random.default_rng(entropy)
        while True:
            yield from generator.choice(len(datasets), 256, p=chances / chances.sum()).tolist()

    return choose_from_datasets(datasets, Dataset.from_generator(draws, dtypes.int64, ()))


def Counter(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64) -> Dataset:
    """Numbers from ``start`` by ``step``, without end."""
    elements = Elements(DENSE, [TensorType(dtypes.as_dtype(dtype), ())])
    return Dataset(mapping.Numbered(whole_number(start, "start"), None, whole_number(step, "step"), elements))


def get_single_element(dataset: Dataset) -> Any:
    """The only element of a dataset as tensors; ``InvalidArgumentError`` when it runs and there is another number."""
    return _single_element(dataset)


def make_csv_dataset(*_: Any, **__: Any) -> Dataset:
    """Not provided: the columns and types of a file are to be said."""
    raise NotImplementedError("make_csv_dataset is not provided; use tf.data.experimental.CsvDataset with the columns")


def dense_to_sparse_batch(batch_size: Any, row_shape: Any) -> Transformation:
    """Not provided: batches are dense."""
    raise NotImplementedError("dense_to_sparse_batch is not provided; use padded_batch")


def rejection_resample(*_: Any, **__: Any) -> Transformation:
    """Not provided."""
    raise NotImplementedError("rejection_resample is not provided; use sample_from_datasets with weights")


__all__ = [
    "AUTOTUNE",
    "Counter",
    "CsvDataset",
    "bucket_by_sequence_length",
    "choose_from_datasets",
    "copy_to_device",
    "dense_to_sparse_batch",
    "enumerate_dataset",
    "get_single_element",
    "group_by_window",
    "ignore_errors",
    "make_csv_dataset",
    "map_and_batch",
    "map_and_batch_with_legacy_function",
    "parallel_interleave",
    "prefetch_to_device",
    "rejection_resample",
    "sample_from_datasets",
    "scan",
    "shuffle_and_repeat",
    "take_while",
    "unbatch",
]
