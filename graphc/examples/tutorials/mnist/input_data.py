"""``input_data.read_data_sets``: MNIST, and what has its format, from a folder; nothing is downloaded.

IDX files (described at yann.lecun.com/exdb/mnist): two zero bytes, the type, the number of axes, their sizes as
big-endian 32-bit integers, then the values.
"""

from __future__ import annotations

import gzip
import os
from collections import namedtuple
from typing import Any, BinaryIO

import numpy as np

from graphc import dtypes, errors
from graphc.frame.gfile import GFile, local_path
from graphc.ops.random import get_seed

__all__ = ["DataSet", "Datasets", "dense_to_one_hot", "extract_images", "extract_labels", "read_data_sets"]

Array = np.ndarray[Any, Any]
Datasets = namedtuple("Datasets", ["train", "validation", "test"])

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
BYTES = 8  # the code of unsigned bytes in an IDX file
GZIP = b"\x1f\x8b"


def read_data_sets(
    train_dir: Any, fake_data: bool = False, one_hot: bool = False, dtype: Any = dtypes.float32, reshape: bool = True,
    validation_size: int = 5000, seed: int | None = None, source_url: str | None = None,
) -> Datasets:  # fmt: skip
    """The sets ``train``, ``validation`` and ``test`` of the four files in a folder, gzipped or not.

    Images are [n, rows * columns] (or [n, rows, columns, 1] without ``reshape``), float32 in 0..1 or uint8; labels are
    uint8 [n], or float64 [n, 10] with ``one_hot``. The first ``validation_size`` of the training images are the
    validation set. ``NotFoundError`` names the files that are missing.
    """
    options: dict[str, Any] = {"dtype": dtype, "reshape": reshape, "seed": seed}
    if fake_data:
        return Datasets(*(DataSet([], [], fake_data=True, one_hot=one_hot, **options) for _ in range(3)))
    paths = _found(local_path(train_dir))
    images, test_images = (_read(paths[n], 3)[..., np.newaxis] for n in (0, 2))
    labels, test_labels = (_labels(_read(paths[n], 1), one_hot) for n in (1, 3))
    if not 0 <= validation_size <= len(images):
        raise ValueError(f"Validation size should be between 0 and {len(images)}. Received: {validation_size}.")
    return Datasets(
        train=DataSet(images[validation_size:], labels[validation_size:], **options),
        validation=DataSet(images[:validation_size], labels[:validation_size], **options),
        test=DataSet(test_images, test_labels, **options),
    )


def _found(folder: str) -> list[str]:
    """The paths of the four files, each with or without ``.gz``."""
    found = [[os.path.join(folder, name + end) for end in (".gz", "")] for name in FILES]
    paths = [next(filter(os.path.isfile, names), None) for names in found]
    missing = [name for name, path in zip(FILES, paths) if path is None]
    if missing:
        raise errors.NotFoundError(
            None, None,
            f"read_data_sets({folder!r}): the folder lacks {', '.join(missing)} (each may end in .gz); graphc "
            "downloads nothing: put the four MNIST files there first",
        )  # fmt: skip
    return [path for path in paths if path is not None]


def _read(path: str, axes: int) -> Array:
    with open(path, "rb") as file:
        return _idx(file, axes, path)


def _idx(file: BinaryIO, axes: int, name: str) -> Array:
    """The array in an IDX file, which may be gzipped."""
    data = file.read()
    try:
        data = gzip.decompress(data) if data[:2] == GZIP else data
    except (EOFError, OSError) as error:
        raise errors.DataLossError(None, None, f"{name}: {error}") from None
    magic = int.from_bytes(data[:4], "big")
    if magic != BYTES << 8 | axes:
        what = "image" if axes == 3 else "label"
        raise ValueError(f"Invalid magic number {magic} in MNIST {what} file: {name}")
    shape = np.frombuffer(data, ">u4", axes, 4).astype(np.int64)
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if values.size != shape.prod():
        raise errors.DataLossError(None, None, f"{name}: {values.size} bytes for an array of shape {shape.tolist()}")
    return values.reshape(shape)


def _labels(labels: Array, one_hot: bool, classes: int = 10) -> Array:
    return dense_to_one_hot(labels, classes) if one_hot else labels


def extract_images(f: Any) -> Array:
    """The images of an open IDX file: uint8 [n, rows, columns, 1]."""
    return _idx(f, 3, _name(f))[..., np.newaxis]


def extract_labels(f: Any, one_hot: bool = False, num_classes: int = 10) -> Array:
    """The labels of an open IDX file: uint8 [n], or [n, classes] with ``one_hot``."""
    return _labels(_idx(f, 1, _name(f)), one_hot, num_classes)


def _name(file: Any) -> str:
    return str(file.name) if isinstance(file, GFile) or hasattr(file, "name") else repr(file)


def dense_to_one_hot(labels_dense: Array, num_classes: int) -> Array:
    """A row for each label: 1 in its column, 0 elsewhere."""
    return np.eye(num_classes)[np.asarray(labels_dense).ravel()]


class DataSet:
    """Images and labels, handed out in batches; shuffled anew for each epoch by NumPy's global generator."""

    def __init__(
        self, images: Any, labels: Any, fake_data: bool = False, one_hot: bool = False, dtype: Any = dtypes.float32,
        reshape: bool = True, seed: int | None = None,
    ):  # fmt: skip
        graph_seed, op_seed = get_seed(seed)
        np.random.seed(graph_seed if seed is None else op_seed)
        kind = dtypes.as_dtype(dtype)
        if kind not in (dtypes.uint8, dtypes.float32):
            raise TypeError(f"Invalid image dtype {dtype!r}, expected uint8 or float32")
        self._fake = (one_hot,) if fake_data else None
        self._index_in_epoch = self._epochs_completed = 0
        self._images, self._labels, self._num_examples = images, labels, 10000
        if fake_data:
            return
        if len(images) != len(labels):
            raise ValueError(f"images.shape: {images.shape} labels.shape: {labels.shape}")
        self._num_examples = len(images)
        if reshape:
            images = images.reshape(len(images), int(np.prod(images.shape[1:])))
        if kind == dtypes.float32:
            images = np.multiply(images.astype(np.float32), np.float32(1.0 / 255.0))
        self._images = images

    @property
    def images(self) -> Any:
        """All images, in the order of this epoch."""
        return self._images

    @property
    def labels(self) -> Any:
        """All labels, in the order of this epoch."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """How many images there are."""
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        """How often all images were handed out."""
        return self._epochs_completed

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> tuple[Any, Any]:
        """The next ``batch_size`` images and labels; a batch over the end of an epoch begins the next one."""
        if fake_data or self._fake:
            return self._fake_batch(batch_size)
        start, count = self._index_in_epoch, self._num_examples
        if shuffle and start == 0 and self._epochs_completed == 0:
            self._shuffle()
        if start + batch_size <= count:
            self._index_in_epoch += batch_size
            part = slice(start, self._index_in_epoch)
            return self._images[part], self._labels[part]
        if batch_size > count:
            raise ValueError(f"next_batch({batch_size}): there are {count} examples")
        rest_images, rest_labels = self._images[start:], self._labels[start:]
        self._epochs_completed += 1
        if shuffle:
            self._shuffle()
        end = self._index_in_epoch = batch_size - (count - start)
        return np.concatenate((rest_images, self._images[:end])), np.concatenate((rest_labels, self._labels[:end]))

    def _shuffle(self) -> None:
        order = np.arange(self._num_examples)
        np.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]

    def _fake_batch(self, batch_size: int) -> tuple[Any, Any]:
        """Ones of an image's size, and the label 0: to try a program without data."""
        one_hot = bool(self._fake and self._fake[0])
        label: Any = [1] + [0] * 9 if one_hot else 0
        return [[1] * 784 for _ in range(batch_size)], [label for _ in range(batch_size)]
