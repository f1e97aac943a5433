"""Rows for ops that make, move, take and put elements."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as tf
from graphc.ops import base, blocks, checks, indexing, reshaping
from graphc.shapes import TensorType
from tests.ops.harness import ALL, FLOATS, NUMBERS, Case, In

X = In((3, 4, 5))


def _row(name: str, build: Any, reference: Any, *inputs: In, dtypes: Any = FLOATS, **more: Any) -> Case:
    return Case(name, build, reference, inputs or (X,), dtypes, **more)


def _top_k(k: int) -> Any:
    def reference(x: Any) -> Any:
        places = np.argsort(-x, -1, kind="stable")[..., :k].astype(np.int32)
        return [np.take_along_axis(x, places, -1), places]

    return reference


def _cumprod(x: Any) -> Any:
    total = np.cumprod(x[:, ::-1], 1)
    return np.concatenate([np.ones_like(x[:, :1]), total[:, :-1]], 1)[:, ::-1]


def _reverse_sequence(x: Any, lengths: Any) -> Any:
    return np.stack([np.concatenate([row[:n][::-1], row[n:]]) for row, n in zip(x, lengths, strict=True)])


def _same_rank(x: TensorType, y: TensorType) -> None:
    if x.rank != y.rank:
        raise ValueError(f"{x} and {y}")


def _key(text: str) -> Case:
    """``x[...]`` by the same key in graphc and in NumPy."""

    def take(x: Any) -> Any:
        return eval(f"x[{text}]", {"x": x})

    return Case(f"x[{text}]", take, take, (X,), (*FLOATS, "int32"))


RESHAPING = [
    _row("reshape", lambda x: tf.reshape(x, [5, 12]), lambda x: x.reshape(5, 12), dtypes=ALL),
    _row("reshape with -1", lambda x: tf.reshape(x, [2, -1, 3]), lambda x: x.reshape(2, -1, 3)),
    _row("reshape to a scalar", lambda x: tf.reshape(x, []), lambda x: x.reshape(()), In((1, 1))),
    _row("reshape of nothing", lambda x: tf.reshape(x, [3, 0]), lambda x: x.reshape(3, 0), In((0, 4))),
    _row("reshape by a shape", lambda x: tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1] * 5]),
         lambda x: x.reshape(3, 20)),
    _row("reshape like", reshaping.reshape_like, lambda x, y: x.reshape(y.shape), X, In((12, 5)), differentiable=(0,),
         peer=lambda x, y: tf.reshape(x, tf.shape(y))),
    _row("expand_dims", lambda x: tf.expand_dims(x, -2), lambda x: np.expand_dims(x, -2), dtypes=ALL),
    _row("expand_dims of a scalar", lambda x: tf.expand_dims(x, 0), lambda x: x[None], In(())),
    _row("squeeze", lambda x: tf.squeeze(x, [0, -1]), lambda x: np.squeeze(x, (0, 2)), In((1, 4, 1))),
    _row("squeeze all", tf.squeeze, np.squeeze, In((1, 4, 1, 3)), known_sizes=True),
    _row("broadcast_to", lambda x: tf.broadcast_to(x, [2, 3, 5]), lambda x: np.broadcast_to(x, (2, 3, 5)), In((3, 1))),
    _row("broadcast_to a shape", lambda x, y: tf.broadcast_to(x, tf.shape(y)), lambda x, y: np.broadcast_to(x, y.shape),
         In((3, 1)), In((2, 3, 5)), differentiable=(0,)),
    _row("broadcast like", reshaping.broadcast_like, lambda x, y: np.broadcast_to(x, y.shape), In((3, 1)),
         In((2, 3, 5)), differentiable=(0,), peer=lambda x, y: tf.broadcast_to(x, tf.shape(y))),
    _row("sum like", reshaping.sum_like, lambda x, y: x.sum(0).sum(1, keepdims=True), In((2, 3, 5)), In((3, 1)),
         differentiable=(0,), peer=lambda x, y: tf.reduce_sum(x, [0, 2])[:, None]),
    _row("transpose", lambda x: tf.transpose(x, [2, 0, 1]), lambda x: x.transpose(2, 0, 1), dtypes=ALL),
    _row("transpose of all axes", lambda x: tf.transpose(x), lambda x: x.T),
    _row("matrix_transpose", tf.matrix_transpose, lambda x: np.swapaxes(x, -1, -2)),
    _row("shape", tf.shape, lambda x: np.array(x.shape, np.int32), differentiable=()),
    _row("size and rank", lambda x: [tf.size(x), tf.rank(x)], lambda x: [np.int32(60), np.int32(3)], differentiable=()),
    _row("sizes in arithmetic", lambda x: x / tf.cast(tf.size(x), x.dtype), lambda x: x / x.dtype.type(60)),
]  # fmt: skip

SLICING = [
    *(_key(key) for key in (
        "0", "-1", "1:3", ":, 1:-1", "..., 2", "None, 1, ..., ::2", "::-1", ":, ::-2, 4:1:-2", "0, 1, 2", "2:2",
        "-2:, -3:, None", "..., None", ":", "1:100, 5:", ":, 3:0:-1",
    )),
    _row("slice", lambda x: tf.slice(x, [1, 0, 2], [2, -1, 3]), lambda x: x[1:3, :, 2:5], dtypes=ALL),
    _row("slice by shapes", lambda x: tf.slice(x, [tf.shape(x)[0] - 2, 0, 1], [2, tf.shape(x)[1] // 2, -1]),
         lambda x: x[1:3, :2, 1:]),
    _row("slice from data", lambda x, i: tf.slice(x, tf.stack([i, 0, i]), [2, 4, 1]),
         lambda x, i: x[i : i + 2, :, i : i + 1],
         X, In(values=1, dtype="int32")),
    _row("x[i] from data", lambda x, i: x[:, i, 1:], lambda x, i: x[:, i, 1:], X, In(values=2, dtype="int32")),
    _row("x[-i] from data", lambda x, i: x[i], lambda x, i: x[i], X, In(values=-2, dtype="int64")),
    _row("x[a:b] from shapes", lambda x: x[:, tf.shape(x)[1] // 2 :, : tf.shape(x)[0]], lambda x: x[:, 2:, :3]),
    _row("strided_slice", lambda x: tf.strided_slice(x, [0, 1, 4], [2, 3, 0], [1, 1, -2], end_mask=4),
         lambda x: x[0:2, 1:3, 4::-2]),
    _row("strided_slice with masks",
         lambda x: tf.strided_slice(x, [9, 0, 1], [9, 0, 2], ellipsis_mask=1, new_axis_mask=2,
         shrink_axis_mask=4), lambda x: x[..., None, 1]),
    _row("reverse", lambda x: tf.reverse(x, [0, -1]), lambda x: x[::-1, :, ::-1], dtypes=ALL),
    _row("pad", lambda x: tf.pad(x, [[1, 0], [2, 3]]), lambda x: np.pad(x, [(1, 0), (2, 3)]),
         In((3, 4)), dtypes=NUMBERS),
    _row("pad with a value", lambda x: tf.pad(x, [[1, 0], [2, 3]], constant_values=7),
         lambda x: np.pad(x, [(1, 0), (2, 3)], constant_values=7), In((3, 4)), dtypes=NUMBERS),
    _row("pad by mirrors", lambda x: tf.pad(x, [[1, 2], [0, 3]], "REFLECT"),
         lambda x: np.pad(x, [(1, 2), (0, 3)], "reflect"), In((3, 4))),
    _row("pad by whole mirrors", lambda x: tf.pad(x, [[3, 2], [0, 1]], "SYMMETRIC"),
         lambda x: np.pad(x, [(3, 2), (0, 1)], "symmetric"), In((3, 4))),
    _row("pad by shapes", lambda x: tf.pad(x, tf.stack([[0, tf.shape(x)[1]], [tf.shape(x)[0], 1]])),
         lambda x: np.pad(x, [(0, 4), (3, 1)]), In((3, 4))),
    _row("pad between and cut", lambda x: blocks.pad_edges(x, [1, -1], [-2, 3], 0, [2, 1]),
         lambda x: np.array([[0] * 9, *[[0, v[1], 0, v[2], 0, v[3], 0, 0, 0] if i % 3 == 0 else [0] * 9
                                        for i, v in ((0, x[0]), (1, 0), (2, 0), (3, x[1]), (4, 0))]], x.dtype),
                                             In((3, 4))),
    _row("pad of nothing", lambda x: tf.pad(x, [[1, 2], [0, 1]]), lambda x: np.zeros((3, 5), x.dtype), In((0, 4))),
]  # fmt: skip

ARRAYS = [
    _row("concat", lambda a, b, c: tf.concat([a, b, c], -1), lambda a, b, c: np.concatenate([a, b, c], 1),
         In((2, 3)), In((2, 1)), In((2, 4)), dtypes=ALL),
    _row("concat of nothing", lambda a, b: tf.concat([a, b], 0), lambda a, b: np.concatenate([a, b]), In((0, 3)),
         In((2, 3))),
    _row("split", lambda x: tf.split(x, 2, 1), lambda x: np.split(x, 2, 1)),
    _row("split by sizes", lambda x: tf.split(x, [1, 3], axis=1), lambda x: np.split(x, [1], 1), dtypes=NUMBERS),
    _row("stack", lambda a, b: tf.stack([a, b], -1), lambda a, b: np.stack([a, b], -1), In((2, 3)),
         In((2, 3)), dtypes=ALL),
    _row("stack of one", lambda a: tf.stack([a]), lambda a: a[None], In((2, 3))),
    _row("stack of scalars and numbers", lambda a: tf.stack([a, 2, a]), lambda a: np.array([a, 2, a], a.dtype), In(())),
    _row("unstack", lambda x: tf.unstack(x, 4, axis=1), lambda x: [x[:, i] for i in range(4)]),
    _row("tile", lambda x: tf.tile(x, [2, 1, 3]), lambda x: np.tile(x, [2, 1, 3]), dtypes=NUMBERS),
    _row("fill", lambda x: tf.fill([2, 3], x), lambda x: np.full((2, 3), x), In(()), dtypes=ALL),
    _row("zeros and ones", lambda x: [x + tf.zeros([4, 1], x.dtype), x * tf.ones([3, 1, 1], x.dtype)],
         lambda x: [x + np.zeros((4, 1), x.dtype), x * np.ones((3, 1, 1), x.dtype)]),
    _row("zeros_like and ones_like", lambda x: [tf.zeros_like(x), tf.ones_like(x, "int32")],
         lambda x: [np.zeros_like(x), np.ones_like(x, np.int32)], dtypes=ALL, differentiable=()),
    _row("meshgrid", lambda a, b: tf.meshgrid(a, b), lambda a, b: np.meshgrid(a, b), In((3,)), In((4,))),
    _row("meshgrid by rows", lambda a, b: tf.meshgrid(a, b, indexing="ij"),
         lambda a, b: np.meshgrid(a, b, indexing="ij"),
         In((3,)), In((4,))),
    _row("range", lambda x: x + tf.cast(tf.range(5), x.dtype), lambda x: x + np.arange(5).astype(x.dtype)),
    _row("range of a size", lambda x: [tf.range(tf.shape(x)[1]), tf.range(2, tf.size(x), 7)],
         lambda x: [np.arange(4, dtype=np.int32), np.arange(2, 60, 7, dtype=np.int32)], differentiable=()),
    _row("a long range", lambda x: x * tf.range(3.0, 3000.0, 1.5, x.dtype),
         lambda x: x * np.arange(3, 3000, 1.5).astype(x.dtype),
         In(()), loose=4),
    _row("range backwards", lambda x: x * tf.cast(tf.range(5, 0, -2), x.dtype),
         lambda x: x * np.array([5, 3, 1], x.dtype), In(())),
    _row("linspace", lambda x: x * tf.linspace(tf.constant(1.0, x.dtype), 2.0, 5),
         lambda x: x * np.linspace(1, 2, 5).astype(x.dtype)),
    _row("eye", lambda x: x + tf.eye(4, 5, dtype=x.dtype), lambda x: x + np.eye(4, 5, dtype=x.dtype)),
    _row("cumsum", lambda x: tf.cumsum(x, 1), lambda x: np.cumsum(x, 1, x.dtype), dtypes=NUMBERS),
    _row("cumsum without its own", lambda x: tf.cumsum(x, -1, exclusive=True), lambda x: np.cumsum(x, -1) - x, loose=4),
    _row("cumsum from the end", lambda x: tf.cumsum(x, 0, reverse=True), lambda x: np.cumsum(x[::-1], 0)[::-1]),
    _row("cumsum from the end without its own", lambda x: tf.cumsum(x, 2, True, True),
         lambda x: np.cumsum(x[..., ::-1], 2)[..., ::-1] - x, loose=4),
]  # fmt: skip

_IDS = In((2, 3), "int32", 0, 3)


def _segments(x: Any, ids: Any, count: int) -> Any:
    result = np.zeros((count, *x.shape[ids.ndim :]), x.dtype)
    for place in np.ndindex(ids.shape):
        if ids[place] >= 0:
            result[ids[place]] += x[place]
    return result


def _descending(x: Any) -> Any:
    return np.argsort(-x.astype(np.float64), 0, kind="stable").astype(np.int32)


def _scatter_nd(i: Any, u: Any) -> Any:
    result = np.zeros((4, 5), u.dtype)
    np.add.at(result, i[:, 0], u)
    return result


def _scatter_nd_deep(i: Any, u: Any) -> Any:
    result = np.zeros((4, 5, 2), u.dtype)
    np.add.at(result, (i[..., 0], i[..., 1]), u)
    return result


def _tensor_scatter(x: Any, i: Any, u: Any) -> Any:
    result = x.copy()
    result[i[:, 0]] = u
    return result


INDEXING = [
    _row("gather", tf.gather, lambda x, i: x[i], In((4, 5)), _IDS, dtypes=ALL),
    _row("gather along an axis", lambda x, i: tf.gather(x, i, axis=1), lambda x, i: x[:, i], X, _IDS),
    _row("gather by a scalar", lambda x, i: tf.gather(x, i, axis=-1), lambda x, i: x[..., 2], X,
         In(values=2, dtype="int64")),
    _row("gather of nothing", tf.gather, lambda x, i: x[i], In((4, 5)), In((0,), "int32")),
    _row("gather in batches", lambda x, i: tf.gather(x, i, batch_dims=1),
         lambda x, i: np.stack([a[j] for a, j in zip(x, i, strict=True)]),
         In((2, 4, 5)), _IDS, known_sizes=True),
    _row("gather_nd", tf.gather_nd, lambda x, i: x[i[..., 0], i[..., 1]], X,
         In((4, 2), "int32", 0, 2), known_sizes=True),
    _row("scatter_nd", lambda i, u: tf.scatter_nd(i, u, [4, 5]), _scatter_nd, In((3, 1), "int32", 0, 3), In((3, 5)),
         dtypes=NUMBERS),
    _row("scatter_nd at coordinates", lambda i, u: tf.scatter_nd(i, u, [4, 5, 2]), _scatter_nd_deep,
         In((2, 3, 2), "int64", 0, 3), In((2, 3, 2))),
    _row("tensor_scatter_update", tf.tensor_scatter_update, _tensor_scatter, In((4, 5)), In(values=[[2], [0]],
         dtype="int32"), In((2, 5)), dtypes=ALL),
    _row("tensor_scatter_add and sub", lambda x, i, u: [tf.tensor_scatter_add(x, i, u), tf.tensor_scatter_sub(x, i, u)],
         lambda x, i, u: [x + _scatter_nd(i, u), x - _scatter_nd(i, u)], In((4, 5)), In((3, 1), "int32", 0, 3),
         In((3, 5)), dtypes=NUMBERS),
    _row("embedding_lookup", tf.nn.embedding_lookup, lambda x, i: x[i], In((4, 5)), _IDS),
    _row("unsorted_segment_sum", lambda x, i: tf.unsorted_segment_sum(x, i, 4), lambda x, i: _segments(x, i, 4),
         In((2, 3, 5)), _IDS, dtypes=NUMBERS),
    _row("unsorted_segment_sum with negatives", lambda x, i: tf.unsorted_segment_sum(x, i, 3),
         lambda x, i: _segments(x, i, 3),
         In((5, 2)), In(values=[2, -1, 0, 2, -3], dtype="int32")),
    _row("unsorted_segment_sum of a size", lambda x, i: tf.unsorted_segment_sum(x, i, tf.shape(x)[0]),
         lambda x, i: _segments(x, i, 4), In((4, 5)), In(values=[3, 0, 3, 1], dtype="int64")),
    _row("scatter along an axis", lambda x, i: indexing.scatter_add(x, i, 4, 1),
         lambda x, i: np.stack([_segments(a, i, 4) for a in x]),
         In((2, 3, 5)), In(values=[3, 0, 3], dtype="int32"),
         peer=lambda x, i: tf.stack([tf.unsorted_segment_sum(a, i, 4) for a in tf.unstack(x)])),
    _row("labels checked", lambda i: base.apply(indexing.CheckLabels(), i, tf.constant(4, i.dtype)), lambda i: i,
         In((5,), low=0, high=3), dtypes=("int32", "int64")),
    _row("check_numerics", lambda x: tf.check_numerics(x, "x"), lambda x: x),
    _row("ensure_shape", lambda x: tf.ensure_shape(x, [None, 4, 5]), lambda x: x, X),
    _row("Assert", lambda x: tf.Assert(tf.reduce_all(x < 3.0), ["x", x]).outputs[0], lambda x: np.array(True),
         differentiable=()),
    _row("top_k", lambda x: tf.nn.top_k(x, 3), _top_k(3), dtypes=NUMBERS),
    _row("top_k beside NaN", lambda x: tf.nn.top_k(x, 2), _top_k(2),
         In(values=[[np.nan, 3, 1, 2, np.nan], [5, np.nan, 0, 1, 4]]), differentiable=()),
    _row("top_k of many", lambda x: tf.nn.top_k(x, 17), _top_k(17), In((2, 20), low=-4, high=4), dtypes=NUMBERS),
    _row("argsort", lambda x: [tf.argsort(x), tf.argsort(x, 0, "DESCENDING")],
         lambda x: [np.argsort(x, kind="stable").astype(np.int32), _descending(x)], In((6, 5), low=-3, high=3),
         dtypes=(*NUMBERS, "uint8"), differentiable=()),
    _row("argsort of odd floats", tf.argsort, lambda x: np.array([1, 4, 2, 3, 6, 0, 5], np.int32),
         In(values=[np.nan, -np.inf, 0.0, -0.0, -1.5, -np.nan, np.inf]), differentiable=()),
    _row("sort", lambda x: tf.sort(x, 1), lambda x: np.sort(x, 1), X, dtypes=NUMBERS),
    _row("sort downwards", lambda x: tf.sort(x, direction="DESCENDING"), lambda x: -np.sort(-x), In((7,))),
    _row("reverse_sequence", lambda x, n: tf.reverse_sequence(x, n, 1), _reverse_sequence, X,
         In(values=[3, 0, 4], dtype="int32"), dtypes=ALL),
    _row("reverse_sequence of steps first", lambda x, n: tf.reverse_sequence(x, n, seq_dim=0, batch_dim=2),
         lambda x, n: np.moveaxis(_reverse_sequence(np.moveaxis(x, 2, 0), n), 0, 2), X,
         In(values=[3, 2, 0, 1, 3], dtype="int64")),
    _row("sequence_mask", lambda n: tf.sequence_mask(n, 4, tf.float32),
         lambda n: (np.arange(4) < n[..., None]).astype(np.float32),
         In((2, 3), low=0, high=5), dtypes=("int32", "int64")),
    _row("cumprod", lambda x: tf.cumprod(x, 1), lambda x: np.cumprod(x, 1, x.dtype), dtypes=NUMBERS),
    _row("cumprod backwards, exclusive", lambda x: tf.cumprod(x, -1, exclusive=True, reverse=True), _cumprod,
         In(values=[[1.5, 0.0, -2.0, 0.5, 3.0], [0.0, 1.0, 0.0, 2.0, 4.0]])),
    _row("shapes checked", lambda x, y: checks.fitting(x, y, _same_rank, "a test"), lambda x, y: x, X, In((1, 2, 3)),
         differentiable=(0,)),
    _row("counts checked", lambda i: checks.not_negative(i, "a test"), lambda i: i, In((3,), low=0), dtypes=("int32",)),
    _row("one_hot", lambda i, x: tf.one_hot(i, 4, on_value=x, off_value=-x),
         lambda i, x: np.where(i[..., None] == np.arange(4), x, -x),
         In((2, 3), "int32", -1, 5), In(())),
    _row("one_hot along an axis", lambda i: tf.one_hot(i, 4, axis=1),
         lambda i: np.stack([i == k for k in range(4)], 1).astype(np.float32),
         In((2, 3), "int64", 0, 3), dtypes=("float32",)),
]  # fmt: skip

CASES = [*RESHAPING, *SLICING, *ARRAYS, *INDEXING]
