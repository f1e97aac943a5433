"""Datasets that graphc and TensorFlow are both asked for: each takes ``tf`` and gives a dataset."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import numpy as np

ROWS = np.arange(14, dtype=np.float32).reshape(7, 2)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.int32)
WORDS = np.array([b"to", b"be", b"or", b"not"], object)
Point = collections.namedtuple("Point", "x y")


def lengths(tf: Any) -> Any:
    """Elements [0], [1, 1], [2, 2, 2] ...: rows of growing length."""
    return tf.data.Dataset.range(1, 7).map(lambda n: tf.fill([tf.cast(n, tf.int32)], n))


def counted(limit: int) -> Any:
    for number in range(limit):
        yield number, [number] * number


PIPELINES: dict[str, Callable[[Any], Any]] = {
    "tensors": lambda tf: tf.data.Dataset.from_tensors((ROWS, {"a": 1, "b": [1.5, 2.5]})),
    "slices": lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, LABELS)),
    "slices of a dictionary": lambda tf: tf.data.Dataset.from_tensor_slices({"x": ROWS, "a": {"y": LABELS}}),
    "slices of a named tuple": lambda tf: tf.data.Dataset.from_tensor_slices(Point(ROWS, LABELS)),
    "slices of a list": lambda tf: tf.data.Dataset.from_tensor_slices([[1, 2], [3, 4], [5, 6]]),
    "slices of strings": lambda tf: tf.data.Dataset.from_tensor_slices(WORDS).batch(3),
    "range": lambda tf: tf.data.Dataset.range(2, 11, 3),
    "range backwards": lambda tf: tf.data.Dataset.range(9, 0, -4),
    "zip": lambda tf: tf.data.Dataset.zip((tf.data.Dataset.range(5), {"r": tf.data.Dataset.from_tensor_slices(ROWS)})),
    "zip of slices in batches": lambda tf: tf.data.Dataset.zip(
        (tf.data.Dataset.from_tensor_slices(ROWS), tf.data.Dataset.from_tensor_slices(LABELS))).batch(3),
    "concatenate": lambda tf: tf.data.Dataset.from_tensor_slices(ROWS).batch(2).concatenate(
        tf.data.Dataset.from_tensors(ROWS[:5])),
    "repeat, take, skip": lambda tf: tf.data.Dataset.range(5).skip(1).repeat(3).take(10),
    "take all, skip all": lambda tf: tf.data.Dataset.range(3).take(-1).concatenate(tf.data.Dataset.range(3).skip(-1)),
    "shard": lambda tf: tf.data.Dataset.range(11).shard(4, 2),
    "batch": lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).batch(3),
    "batch, remainder dropped": lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).batch(3, True),
    "batches of batches": lambda tf: tf.data.Dataset.from_tensor_slices(ROWS).batch(2, True).batch(2),
    "batch, repeated": lambda tf: tf.data.Dataset.range(5).batch(2).repeat(2),
    "repeated, batch": lambda tf: tf.data.Dataset.range(5).repeat(2).batch(4),
    "padded batch": lambda tf: lengths(tf).padded_batch(4, [None]),
    "padded batch of given size and value": lambda tf: lengths(tf).padded_batch(
        4, padded_shapes=[8], padding_values=tf.constant(-1, tf.int64), drop_remainder=True),
    "padded batch with a value that is computed": lambda tf: lengths(tf).padded_batch(
        4, [None], padding_values=tf.cast(tf.size(tf.zeros([3, 3])), tf.int64) - 2),
    "padded batch with scalars": lambda tf: tf.data.Dataset.from_generator(
        counted, (tf.int32, tf.int64), ([], [None]), args=(5,)).padded_batch(2, ([], [None])),
    "padded batch of a structure": lambda tf: tf.data.Dataset.zip(
        (lengths(tf), tf.data.Dataset.from_tensor_slices(ROWS))).padded_batch(
        2, ([-1], tf.TensorShape([3])), (np.int64(7), None if tf.__name__ == "graphc" else np.float32(0))),
    "padded batch of single strings": lambda tf: tf.data.Dataset.from_tensor_slices(WORDS).padded_batch(4, []),
    "padded batch of strings": lambda tf: tf.data.Dataset.from_tensor_slices(WORDS).map(
        lambda word: tf.fill([tf.size(tf.string_split([word], "o").values) + 1], word)).padded_batch(4, [None], b"-"),
    "map": lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).map(
        lambda x, y: {"s": tf.reduce_sum(x), "y": (y, x * 2)}),
    "map of a dictionary": lambda tf: tf.data.Dataset.from_tensor_slices({"x": ROWS, "y": LABELS}).map(
        lambda d: (d["x"] + tf.cast(d["y"], tf.float32), d)),
    "map of batches": lambda tf: tf.data.Dataset.from_tensor_slices(ROWS).batch(3).map(
        lambda x: (x - tf.reduce_mean(x, 0), tf.shape(x)[0])),
    "map, several at a time": lambda tf: tf.data.Dataset.range(9).map(lambda n: n * n, num_parallel_calls=3),
    "map by Python": lambda tf: tf.data.Dataset.range(6).map(
        lambda n: tf.py_func(lambda v: [np.float32(v) / 2, np.int32(v)], [n], [tf.float32, tf.int32]),
        num_parallel_calls=2),
    "map gives a constant": lambda tf: tf.data.Dataset.range(3).map(lambda n: (n, 7, [n, n])),
    "map of what is outside": lambda tf: (
        lambda outside: tf.data.Dataset.range(4).map(lambda n: tf.cast(n, tf.float32) * outside))(tf.sqrt(2.0)),
    "map with a loop": lambda tf: tf.data.Dataset.range(5).map(
        lambda n: tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + i), (tf.zeros([], tf.int64),) * 2)[1]),
    "filter": lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).filter(lambda x, y: y > 2).batch(2),
    "flat_map": lambda tf: tf.data.Dataset.range(4).flat_map(
        lambda n: tf.data.Dataset.range(n).map(lambda k: (n, k * n))),
    "flat_map of slices": lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).flat_map(
        lambda x, y: tf.data.Dataset.from_tensor_slices(x).repeat(2).map(lambda v: v + tf.cast(y, tf.float32))),
    "flat_map of a dataset from outside": lambda tf: (
        lambda other: tf.data.Dataset.range(2).flat_map(lambda n: other))(tf.data.Dataset.from_tensor_slices(LABELS)),
    "interleave": lambda tf: tf.data.Dataset.range(5).interleave(
        lambda n: tf.data.Dataset.from_tensors(n).repeat(n + 1), cycle_length=3, block_length=2),
    "interleave of one": lambda tf: tf.data.Dataset.range(3).interleave(lambda n: tf.data.Dataset.range(n), 1),
    "parallel_interleave": lambda tf: tf.data.Dataset.range(6).apply(tf.data.experimental.parallel_interleave(
        lambda n: tf.data.Dataset.from_tensors(n).repeat(n % 3 + 1), cycle_length=2, block_length=2)),
    "window": lambda tf: tf.data.Dataset.range(9).window(4, 2).flat_map(lambda w: w.batch(4)),
    "window, strides": lambda tf: tf.data.Dataset.range(12).window(3, 5, 2, True).flat_map(lambda w: w.batch(3)),
    "window of pairs": lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).window(3).flat_map(
        lambda x, y: tf.data.Dataset.zip((x.batch(3), y.batch(3)))),
    "cache": lambda tf: tf.data.Dataset.range(4).map(lambda n: n + 1).cache().repeat(2),
    "prefetch": lambda tf: tf.data.Dataset.from_tensor_slices(ROWS).map(lambda x: x * x).batch(2).prefetch(2),
    "shuffled and sorted": lambda tf: tf.data.Dataset.range(20).shuffle(7, seed=1).batch(20).map(
        lambda x: tf.gather(x, tf.nn.top_k(x, 20)[1])),
    "enumerate": lambda tf: tf.data.Dataset.from_tensor_slices(WORDS).apply(tf.data.experimental.enumerate_dataset(3)),
    "unbatch": lambda tf: tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).batch(3).apply(
        tf.data.experimental.unbatch()),
    "map_and_batch": lambda tf: tf.data.Dataset.from_tensor_slices(ROWS).apply(
        tf.data.experimental.map_and_batch(lambda x: x + 1, 3, drop_remainder=True)),
    "ignore_errors": lambda tf: tf.data.Dataset.from_tensor_slices(np.array([1, 0, 2, 0, 5], np.int32)).map(
        lambda x: 10 // x).apply(tf.data.experimental.ignore_errors()).batch(2),
    "scan": lambda tf: tf.data.Dataset.range(5).apply(
        tf.data.experimental.scan(tf.constant(10, tf.int64), lambda s, x: (s + x, (s, x)))),
    "take_while": lambda tf: tf.data.Dataset.range(9).apply(tf.data.experimental.take_while(lambda n: n * n < 20)),
    "group_by_window": lambda tf: tf.data.Dataset.range(11).apply(tf.data.experimental.group_by_window(
        lambda n: n % 3, lambda key, group: group.batch(2).map(lambda x: (key, x)), 2)),
    "bucket_by_sequence_length": lambda tf: lengths(tf).repeat(2).apply(tf.data.experimental.bucket_by_sequence_length(
        lambda row: tf.size(row), [3, 5], [3, 2, 1], padded_shapes=[None])),
    "choose_from_datasets": lambda tf: tf.data.experimental.choose_from_datasets(
        [tf.data.Dataset.range(3), tf.data.Dataset.range(10, 13)],
        tf.data.Dataset.from_tensor_slices(np.array([1, 0, 0, 1, 1, 0, 0, 1], np.int64))),
    "Counter": lambda tf: tf.data.experimental.Counter(5, 2).take(3),
    "from_generator": lambda tf: tf.data.Dataset.from_generator(
        counted, (tf.int32, tf.float32), ([], [None]), args=(tf.constant(4) + 1,)),
    "from_generator without shapes": lambda tf: tf.data.Dataset.from_generator(
        lambda: iter([{"a": 1, "b": "x"}, {"a": 2, "b": "yy"}]), {"a": tf.int64, "b": tf.string}),
    "sparse elements": lambda tf: tf.data.Dataset.range(1, 4).map(
        lambda n: tf.sparse_tensor_to_dense(tf.SparseTensor([[0, 1]], [n], [2, 3]))),
}  # fmt: skip
