"""``tf.contrib.data``: the earlier place of ``tf.data.experimental``."""

from collections.abc import Callable as _Callable
from typing import Any as _Any

from graphc.data import Dataset, FixedLengthRecordDataset, Iterator, TextLineDataset, TFRecordDataset
from graphc.data.dataset import AUTOTUNE
from graphc.data.experimental import (
    Counter,
    CsvDataset,
    bucket_by_sequence_length,
    choose_from_datasets,
    enumerate_dataset,
    get_single_element,
    group_by_window,
    ignore_errors,
    map_and_batch,
    parallel_interleave,
    prefetch_to_device,
    sample_from_datasets,
    scan,
    shuffle_and_repeat,
    unbatch,
)

__all__ = [
    "AUTOTUNE",
    "Counter",
    "CsvDataset",
    "Dataset",
    "FixedLengthRecordDataset",
    "Iterator",
    "TFRecordDataset",
    "TextLineDataset",
    "batch_and_drop_remainder",
    "bucket_by_sequence_length",
    "choose_from_datasets",
    "enumerate_dataset",
    "get_single_element",
    "group_by_window",
    "ignore_errors",
    "map_and_batch",
    "padded_batch_and_drop_remainder",
    "parallel_interleave",
    "prefetch_to_device",
    "sample_from_datasets",
    "scan",
    "shuffle_and_repeat",
    "unbatch",
]


def batch_and_drop_remainder(batch_size: _Any) -> _Callable[[Dataset], Dataset]:
    """For ``Dataset.apply``: batches, without the last one where it is not full."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


def padded_batch_and_drop_remainder(
    batch_size: _Any, padded_shapes: _Any, padding_values: _Any = None
) -> _Callable[[Dataset], Dataset]:
    """For ``Dataset.apply``: padded batches, without the last one where it is not full."""
    return lambda dataset: dataset.padded_batch(batch_size, padded_shapes, padding_values, drop_remainder=True)
