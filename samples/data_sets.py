"""Handwritten digits as arrays: the small set that ships with the samples, and MNIST from a folder."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

DIGITS_FILE = Path(__file__).parent / "data" / "digits.csv.gz"
DIGITS_TEST_ROWS = 360
DIGITS_BRIGHTEST = 16.0
MNIST_BRIGHTEST = 255.0


class Examples(NamedTuple):
    """Pictures in float32 from 0 to 1, [count, height, width, 1], and the digit that each shows, [count]."""

    images: np.ndarray
    labels: np.ndarray


class DataSet(NamedTuple):
    """What a model learns from, and what it is judged by."""

    name: str
    train: Examples
    test: Examples


def load_digits() -> DataSet:
    """The 1,797 digits of 8x8 pixels, shuffled once and for all before they are split."""
    with gzip.open(DIGITS_FILE, "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    # The rows stand in the order of the people who wrote them: shuffled, so that each of them is in both parts.
    # RandomState promises the same numbers in every version of NumPy.
    table = np.random.RandomState(0).permutation(table)
    images = (table[:, :-1] / DIGITS_BRIGHTEST).astype(np.float32).reshape(-1, 8, 8, 1)
    labels = table[:, -1]
    split = len(table) - DIGITS_TEST_ROWS
    return DataSet("digits", Examples(images[:split], labels[:split]), Examples(images[split:], labels[split:]))


def load_mnist(folder: Path) -> DataSet:
    """MNIST from the four IDX files in ``folder``, compressed or not."""
    parts = []
    for part in ("train", "t10k"):
        images = read_idx(folder / f"{part}-images-idx3-ubyte")
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte")
        pictures = (images / np.float32(MNIST_BRIGHTEST)).reshape(*images.shape, 1)
        parts.append(Examples(pictures, labels.astype(np.int64)))
    return DataSet("mnist", *parts)


def read_idx(path: Path) -> np.ndarray:
    """The array of bytes in an IDX file: two zeros, type 8, the number of axes, each size in four bytes, the data."""
    zipped = path.with_name(path.name + ".gz")
    if zipped.exists():
        data = gzip.decompress(zipped.read_bytes())
    elif path.exists():
        data = path.read_bytes()
    else:
        raise SystemExit(f"{path} is missing, and so is {zipped.name} beside it")
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path} is not an IDX file of bytes: it begins with {data[:4].hex()}")
    axes = data[3]
    sizes = np.frombuffer(data, ">i4", axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(sizes)


def shuffled_batches(examples: Examples, size: int, random: np.random.RandomState) -> Iterator[Examples]:
    """One epoch in batches of exactly ``size``; the few examples that are left over wait for another epoch."""
    order = random.permutation(len(examples.labels))
    for start in range(0, len(order) - size + 1, size):
        rows = order[start : start + size]
        yield Examples(examples.images[rows], examples.labels[rows])
