"""Rows for ops on parts that belong together: segments, and what is combined at coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import graphc as tf
from graphc.ops import scatter
from tests.ops.harness import FLOATS, NUMBERS, Case, In

ORDERED = In(values=[0, 0, 2, 2, 2, 3], dtype="int32")
MIXED = In(values=[2, -1, 0, 2, 0, 2], dtype="int64")
# without equal elements: where two are the extreme, differences give other slopes than shares
SPREAD = In(values=[[3.0, -1], [1, 0.5], [-2, 4], [0.25, 2], [5, -3], [-0.5, 1.5]])


def _row(name: str, build: Any, reference: Any, *inputs: In, dtypes: Any = FLOATS, **more: Any) -> Case:
    return Case(name, build, reference, inputs, dtypes, **more)


def _segments(reduce: Callable[[Any], Any], empty: Callable[[Any], Any], count: int = 4) -> Callable[..., Any]:
    """What NumPy gives for each id in turn."""

    def reference(x: Any, ids: Any) -> Any:
        rows = [reduce(x[ids == i]) if (ids == i).any() else np.full(x.shape[1:], empty(x.dtype)) for i in range(count)]
        return np.stack(rows).astype(x.dtype)

    return reference


def _lowest(dtype: Any) -> Any:
    return (np.finfo if dtype.kind == "f" else np.iinfo)(dtype).min


def _highest(dtype: Any) -> Any:
    return (np.finfo if dtype.kind == "f" else np.iinfo)(dtype).max


def _zero(dtype: Any) -> Any:
    return 0


def _sum(x: Any) -> Any:
    return x.sum(0)


def _root_mean(x: Any) -> Any:
    return x.sum(0) / np.sqrt(len(x))


SEGMENTS = [
    _row("segment_sum", tf.segment_sum, _segments(_sum, _zero), In((6, 2)), ORDERED, dtypes=NUMBERS),
    _row("segment_mean", tf.segment_mean, _segments(lambda x: x.mean(0), _zero), In((6, 2)), ORDERED),
    _row("segment_max", tf.segment_max, _segments(lambda x: x.max(0), _zero), SPREAD, ORDERED),
    _row("segment_min", tf.segment_min, _segments(lambda x: x.min(0), _zero), SPREAD, ORDERED),
    _row("segment_prod", tf.segment_prod, _segments(lambda x: x.prod(0), lambda d: 1), In((6, 2)), ORDERED),
    _row("segment_max and min of more parts than the dtype counts",
         lambda x: [reduce(x, np.zeros(300, np.int32)) for reduce in (tf.segment_max, tf.segment_min)],
         lambda x: [x[:1]] * 2, In(values=[7] * 300), dtypes=("int8", "uint8", "int16")),
    _row("segment_mean of whole numbers", tf.segment_mean,
         lambda x, i: np.array([-4, 0, 2, 9], x.dtype),  # recorded from TensorFlow
         In(values=[-7, -2, 3, -2, 5, 9]), ORDERED, dtypes=("int8", "int32", "int64")),
    _row("unsorted_segment_max", lambda x, i: tf.unsorted_segment_max(x, i, 4),
         _segments(lambda x: x.max(0), _lowest), SPREAD, MIXED, dtypes=NUMBERS),
    _row("unsorted_segment_min", lambda x, i: tf.unsorted_segment_min(x, i, 4),
         _segments(lambda x: x.min(0), _highest), SPREAD, MIXED, dtypes=NUMBERS),
    _row("unsorted_segment_prod", lambda x, i: tf.unsorted_segment_prod(x, i, 4),
         _segments(lambda x: x.prod(0), lambda d: 1), In((6, 2)), MIXED, dtypes=NUMBERS),
    _row("unsorted_segment_mean", lambda x, i: tf.unsorted_segment_mean(x, i, 4),
         _segments(lambda x: x.mean(0), _zero), In((6, 2)), MIXED),
    _row("unsorted_segment_sqrt_n", lambda x, i: tf.unsorted_segment_sqrt_n(x, i, 4),
         _segments(_root_mean, _zero), In((6, 2)), MIXED),
    _row("sparse_segment_sum", lambda x, i: tf.sparse_segment_sum(x, i, [0, 0, 1, 3]),
         lambda x, i: _segments(_sum, _zero)(x[i], np.array([0, 0, 1, 3])), In((6, 2)), In((4,), "int32", 0, 5)),
    _row("sparse_segment_mean and sqrt_n", lambda x, i: [tf.sparse_segment_mean(x, i, [0, 0, 1, 3]),
                                                         tf.sparse_segment_sqrt_n(x, i, [0, 0, 1, 3], num_segments=5)],
         lambda x, i: [_segments(lambda x: x.mean(0), _zero)(x[i], np.array([0, 0, 1, 3])),
                       _segments(_root_mean, _zero, 5)(x[i], np.array([0, 0, 1, 3]))],
         In((6, 2)), In((4,), "int32", 0, 5)),
]  # fmt: skip


def _changed(how: str) -> Callable[..., Any]:
    def build(x: Any, i: Any, u: Any) -> Any:
        return scatter.changed(how, x, i, u, "a test")

    return build


def _one_by_one(combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def reference(x: Any, i: Any, u: Any) -> Any:
        result = x.copy()
        for place, row in zip(i, u, strict=True):
            result[tuple(place)] = combine(result[tuple(place)], row).astype(x.dtype)
        return result

    return reference


def _newer(name: str) -> Callable[..., Any]:
    """A function that TensorFlow has since 2."""
    return lambda *xs: getattr(tf, name)(*xs)


_PLACES = In(values=[[2], [0], [2]], dtype="int32")

SCATTERS = [
    _row("scatter min", _changed("min"), _one_by_one(np.minimum), In((4, 5)), _PLACES, In((3, 5)), dtypes=NUMBERS,
         peer=_newer("tensor_scatter_nd_min")),
    _row("scatter max", _changed("max"), _one_by_one(np.maximum), In((4, 5)), _PLACES, In((3, 5)), dtypes=NUMBERS,
         peer=_newer("tensor_scatter_nd_max")),
    _row("scatter mul", _changed("mul"), _one_by_one(np.multiply), In((4, 5)), _PLACES, In((3, 5)), dtypes=NUMBERS),
    _row("scatter div", _changed("div"), _one_by_one(lambda a, b: np.fix(a / b) if a.dtype.kind == "i" else a / b),
         In((4, 5), low=-9, high=9), _PLACES, In((3, 5), low=1, high=3), dtypes=NUMBERS, differentiable=()),
    _row("gather_nd in batches", lambda x, i: tf.gather_nd(x, i, batch_dims=1),
         lambda x, i: np.stack([a[j[..., 0], j[..., 1]] for a, j in zip(x, i, strict=True)]), In((2, 3, 4, 5)),
         In((2, 6, 2), "int32", 0, 2)),
    _row("gather behind a batch", lambda x, i: tf.gather(x, i, batch_dims=1, axis=2),
         lambda x, i: np.stack([a[:, j] for a, j in zip(x, i, strict=True)]), In((2, 3, 4, 5)),
         In((2, 3), "int64", 0, 3)),
    _row("batch_gather", tf.batch_gather, lambda x, i: np.take_along_axis(x, i.astype(np.int64), 1), In((2, 4)),
         In((2, 3), "int32", 0, 3)),
]  # fmt: skip

CASES = [*SEGMENTS, *SCATTERS]
