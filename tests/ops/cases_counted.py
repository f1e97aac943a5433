"""Rows for ops whose result has a size that is counted while the step runs."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as tf
from graphc.ops import positions
from tests.ops.harness import ALL, FLOATS, NUMBERS, Case, In

X = In((5, 4))
MASK = In((5,), "bool", values=[True, False, True, True, False])
NONE = In((5,), "bool", values=[False] * 5)


def _row(name: str, build: Any, reference: Any, *inputs: In, dtypes: Any = FLOATS, **more: Any) -> Case:
    return Case(name, build, reference, inputs or (X,), dtypes, **more)


def _masked_product(x: Any, mask: Any) -> list[Any]:
    """The same size twice, as a batch and as what is summed over."""
    part = tf.boolean_mask(x, mask)
    return [tf.matmul(part, tf.boolean_mask(x * x, mask), transpose_a=True), tf.reduce_mean(part, 0)]


def _masked_product_reference(x: Any, mask: Any) -> list[Any]:
    return [x[mask].T @ (x[mask] * x[mask]), np.sum(x[mask], 0) / np.sum(mask).astype(x.dtype)]


LENGTHS = In((3,), "int32", values=[2, 4, 1])
ROWS = In((7, 2))


def _slices(x: Any, mask: Any) -> list[Any]:
    """Slices of what has 3 rows when it runs."""
    part = tf.boolean_mask(x, mask)
    return [
        part[:2],
        part[1:, 1:],
        part[-1],
        part[::-1],
        part[-7:2],
        part[5:],
        part[:, 0],
        tf.slice(part, [1, 0], [-1, 2]),
    ]


def _slices_reference(x: Any, mask: Any) -> list[Any]:
    part = x[mask]
    return [part[:2], part[1:, 1:], part[-1], part[::-1], part[-7:2], part[5:], part[:, 0], part[1:, :2]]


def _by_greatest(build: Any) -> Any:
    """An op that is given the greatest element of a tensor as a size."""
    return lambda x, lengths: build(x, tf.reduce_max(lengths))


def _sized(name: str, build: Any, reference: Any, x: In = ROWS, **more: Any) -> Case:
    """A row for an op of a tensor and a size, which is computed while the step runs."""
    return _row(name, _by_greatest(build), lambda x, lengths: reference(x, int(lengths.max())), x, LENGTHS, **more)


BY_VALUE: list[Case] = [
    _sized("range up to a value", lambda x, n: tf.range(n), lambda x, n: np.arange(n, dtype=np.int32),
           dtypes=("float32",), differentiable=()),
    _sized("range between values", lambda x, n: tf.range(n, -n, -3), lambda x, n: np.arange(n, -n, -3, np.int32),
           dtypes=("float32",), differentiable=()),
    _sized("range of floats up to a value", lambda x, n: tf.range(0.0, tf.cast(n, tf.float32), 0.75),
           lambda x, n: np.arange(0, n, 0.75, np.float32), dtypes=("float32",), differentiable=()),
    _sized("zeros of a value", lambda x, n: tf.zeros([n, 2], x.dtype) + x[0],
           lambda x, n: np.zeros((n, 2), x.dtype) + x[0]),
    _sized("fill of values", lambda x, n: tf.fill([n, n + 1], 3), lambda x, n: np.full((n, n + 1), 3, np.int32),
           dtypes=("float32",), differentiable=()),
    _sized("tile of a value", lambda x, n: tf.tile(x, [n, 1]), lambda x, n: np.tile(x, (n, 1))),
    _sized("reshape to a value", lambda x, n: tf.reshape(x[:6], [n - 1, -1]), lambda x, n: x[:6].reshape(n - 1, -1)),
    _sized("slice up to a value", lambda x, n: x[:n] * x[-n:], lambda x, n: x[:n] * x[-n:]),
    _sized("slice beyond the end", lambda x, n: x[n : 2 * n], lambda x, n: x[n : 2 * n]),
    _sized("slice of a size that is a value", lambda x, n: tf.slice(x, [n - 1, 0], [n - 2, -1]),
           lambda x, n: x[n - 1 : 2 * n - 3]),
    _sized("product of sizes that are values", lambda x, n: tf.matmul(x[:n], x[:n], transpose_a=True),
           lambda x, n: x[:n].T @ x[:n]),
    _sized("softmax over a value", lambda x, n: tf.nn.softmax(x[:n], 0),
           lambda x, n: np.exp(x[:n]) / np.exp(x[:n]).sum(0)),
    _row("sequence_mask as wide as the greatest", tf.sequence_mask, lambda n: np.arange(n.max()) < n[:, None], LENGTHS,
         dtypes=("int32",)),
]  # fmt: skip

PARTS = In((6,), "int32", values=[2, 0, 1, 0, 2, 0])
VALUES = In((7,), values=[3, -1, 3, 2, -1, 5, 3])


def _partition(x: Any, numbers: Any) -> list[Any]:
    return tf.dynamic_partition(x, numbers, 4)


def _stitched(x: Any, numbers: Any) -> Any:
    """Partitions, put together again in the order that they had."""
    places = tf.dynamic_partition(tf.range(tf.shape(x)[0]), numbers, 3)
    return tf.dynamic_stitch(places, [part * float(number) for number, part in enumerate(_partition(x, numbers)[:3])])


def _unique(x: Any) -> list[Any]:
    values, first, idx, count = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    return [values[order], np.argsort(order)[idx].astype(np.int32), count[order].astype(np.int32)]


def _difference(x: Any, y: Any) -> list[Any]:
    left = np.flatnonzero(~np.isin(x, y))
    return [x[left], left.astype(np.int32)]


def _ids(*ids: int) -> In:
    return In((len(ids),), "int32", values=list(ids))


def _segments(x: Any, ids: Any) -> list[Any]:
    return [tf.segment_sum(x, ids), tf.segment_mean(x, ids), tf.segment_prod(x, ids)]


def _segments_reference(x: Any, ids: Any) -> list[Any]:
    """One row more than the last id; sums and means of nothing are 0, products 1."""
    groups = [x[ids == n] for n in range(ids.max(initial=-1) + 1)]
    shape = (len(groups), *x.shape[1:])
    means = [group.sum(0) / max(len(group), 1) for group in groups]
    rows = ([group.sum(0) for group in groups], means, [group.prod(0) for group in groups])
    return [np.reshape(row, shape).astype(x.dtype) for row in rows]


BY_IDS: list[Case] = [
    _row("segments with gaps", _segments, _segments_reference, In((4, 2)), _ids(1, 1, 5, 9)),
    _row("extreme segments with gaps", lambda x, ids: [tf.segment_max(x, ids), tf.segment_min(x, ids)],
         lambda x, ids: [np.stack([f(x[ids == n], 0) if n in ids else x[0] * 0 for n in range(8)])
                         for f in (np.max, np.min)], In((3, 2)), _ids(2, 2, 7)),
    _row("segments of nothing", _segments, _segments_reference, In((0, 2)), _ids(), differentiable=()),
    _row("sparse_segment_sum with gaps", lambda x, ids: tf.sparse_segment_sum(x, [3, 0, 3], ids),
         lambda x, ids: _segments_reference(x[[3, 0, 3]], ids)[0], In((4, 2)), _ids(0, 4, 6)),
    _row("dynamic_stitch with gaps", lambda x, ids: tf.dynamic_stitch([ids, [2]], [x, x[:1] * x[1:2]]),
         lambda x, ids: np.stack([np.sum([x[ids == n].sum(0), (n == 2) * x[0] * x[1]], 0) for n in range(7)]),
         In((3, 2)), _ids(6, 0, 4)),
    _row("dynamic_stitch of nothing", lambda x, ids: tf.dynamic_stitch([ids], [x]), lambda x, ids: x, In((0, 2)),
         _ids(), differentiable=()),
    _row("bincount of great numbers", lambda ids: [tf.bincount(ids), tf.bincount(ids, minlength=12, maxlength=10)],
         lambda ids: [np.bincount(ids).astype(np.int32), np.bincount(ids)[:10].astype(np.int32)], _ids(11, 3, 3, 0),
         dtypes=("int32",)),
    _row("bincount of weights by number", lambda ids, w: tf.bincount(ids, tf.stop_gradient(w), 4),
         lambda ids, w: np.pad(np.bincount(ids, w), (0, 1)).astype(w.dtype), _ids(2, 0, 2), In((3,)),
         differentiable=()),
]  # fmt: skip

LISTS: list[Case] = [
    _row("dynamic_partition", _partition, lambda x, numbers: [x[numbers == n] for n in range(4)], In((6, 2)), PARTS,
         dtypes=(*FLOATS, "int32")),
    _row("dynamic_partition of a block", lambda x, numbers: tf.dynamic_partition(x, numbers, 2),
         lambda x, numbers: [x[numbers == n] for n in range(2)], In((2, 3, 2)),
         In((2, 3), "int32", values=[[0, 1, 1], [1, 0, 1]])),
    _row("dynamic_stitch of partitions", _stitched, lambda x, numbers: x * numbers[:, None].astype(x.dtype),
         In((6, 2)), PARTS),
    _row("dynamic_stitch where the last counts", lambda x, y: tf.dynamic_stitch([[2, 0], [[1, 3], [0, 2]]], [x, y]),
         lambda x, y: np.stack([y[1, 0], y[0, 0], y[1, 1], y[0, 1]]), In((2, 3)), In((2, 2, 3)),
         differentiable=()),  # as in TensorFlow, what was overwritten has a gradient too
    _row("repeat of rows", lambda x, times: tf.repeat(x, times, axis=0), lambda x, times: np.repeat(x, times, 0),
         In((6, 2)), PARTS),
    _row("repeat of all alike", lambda x: tf.repeat(x, 3, axis=-1), lambda x: np.repeat(x, 3, -1), In((2, 3))),
    _row("repeat of elements", lambda x: tf.repeat(x, 2), lambda x: np.repeat(x, 2), In((2, 3))),
    _row("unique", tf.unique, lambda x: _unique(x)[:2], VALUES, dtypes=NUMBERS, differentiable=()),
    _row("unique of nothing", tf.unique, lambda x: _unique(x)[:2], In((0,)), dtypes=("float32",), differentiable=()),
    _row("unique_with_counts", tf.unique_with_counts, _unique, VALUES, dtypes=NUMBERS, differentiable=()),
    _row("setdiff1d", tf.setdiff1d, _difference, VALUES, In((2,), values=[3, 9]), dtypes=NUMBERS, differentiable=()),
]  # fmt: skip

CASES: list[Case] = [
    _row("positions", positions.positions, np.flatnonzero, MASK, dtypes=("bool",),
         peer=lambda mask: tf.where(mask)[:, 0]),
    _row("where of a vector", tf.where, np.argwhere, In((7,)), dtypes=ALL, differentiable=()),
    _row("where of a matrix", lambda x: tf.where(x > 0), lambda x: np.argwhere(x > 0), dtypes=("float32", "int32")),
    _row("where of a block", lambda x: tf.where(x > 0), lambda x: np.argwhere(x > 0), In((3, 2, 4)),
         dtypes=("float32",)),
    _row("where nothing is true", tf.where, np.argwhere, NONE, dtypes=("bool",)),
    _row("where of nothing", lambda x: tf.where(x > 0), lambda x: np.argwhere(x > 0), In((0, 3)), dtypes=("float32",)),
    _row("boolean_mask", tf.boolean_mask, lambda x, mask: x[mask], X, MASK, dtypes=ALL),
    _row("boolean_mask of all axes", tf.boolean_mask, lambda x, mask: x[mask], X, In((5, 4), "bool")),
    _row("boolean_mask along an axis", lambda x, mask: tf.boolean_mask(x, mask, axis=1), lambda x, mask: x[:, mask],
         In((3, 5, 2)), MASK),
    _row("boolean_mask from an axis on", lambda x, mask: tf.boolean_mask(x, mask, axis=1), lambda x, mask: x[:, mask],
         In((2, 3, 5, 2)), In((3, 5), "bool")),
    _row("boolean_mask that takes nothing", tf.boolean_mask, lambda x, mask: x[mask], X, NONE),
    _row("products over what a mask takes", _masked_product, _masked_product_reference, X, MASK),
    _row("parts behind each other", lambda x, mask: tf.concat([tf.boolean_mask(x, mask), x], 0),
         lambda x, mask: np.concatenate([x[mask], x]), X, MASK),
    _row("softmax of what a mask takes", lambda x, mask: tf.nn.softmax(tf.boolean_mask(x, mask), 0),
         lambda x, mask: np.exp(x[mask]) / np.exp(x[mask]).sum(0), X, MASK),
    _row("how many a mask takes", lambda x, mask: x * tf.cast(tf.shape(tf.where(mask))[0], x.dtype),
         lambda x, mask: x * np.sum(mask).astype(x.dtype), X, MASK),
    _row("slices of what a mask takes", _slices, _slices_reference, X, MASK),
    *BY_VALUE,
    *LISTS,
    *BY_IDS,
]  # fmt: skip
