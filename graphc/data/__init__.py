"""``tf.data``: datasets that feed a step from beside it, element by element."""

from graphc.data import experimental
from graphc.data.dataset import (
    Dataset,
    Options,
    get_output_classes,
    get_output_shapes,
    get_output_types,
    make_initializable_iterator,
    make_one_shot_iterator,
)
from graphc.data.files import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset
from graphc.data.iterator import Iterator

__all__ = [
    "Dataset",
    "FixedLengthRecordDataset",
    "Iterator",
    "Options",
    "TFRecordDataset",
    "TextLineDataset",
    "experimental",
    "get_output_classes",
    "get_output_shapes",
    "get_output_types",
    "make_initializable_iterator",
    "make_one_shot_iterator",
]
