"""Rows for matrix products, convolution and pooling, with references that are plain loops."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import graphc as tf
from graphc.ops import convolution, pooling
from graphc.ops.base import apply
from graphc.ops.contraction import Contract, matvec
from graphc.ops.windows import make_window
from tests.ops.harness import FLOATS, NUMBERS, Case, In

LOOSE = 8.0  # sums of many products, in another order


def _turn(x: Any, flag: bool) -> Any:
    return np.swapaxes(x, -1, -2) if flag else x


def _einsum(text: str) -> Any:
    return lambda a, b: np.einsum(text, a, b)


PRODUCTS = [
    *(
        Case(f"matmul {ta} {tb}", lambda a, b, ta=ta, tb=tb: tf.matmul(a, b, ta, tb),
             lambda a, b, ta=ta, tb=tb: np.einsum("mk,kn->mn", _turn(a, ta), _turn(b, tb)),
             (In((4, 3) if ta else (3, 4)), In((5, 4) if tb else (4, 5))), NUMBERS, loose=LOOSE)
        for ta, tb in itertools.product([False, True], repeat=2)
    ),
    Case("matmul of one row", tf.matmul, _einsum("mk,kn->mn"), (In((1, 4)), In((4, 1))), loose=LOOSE),
    Case("matmul of nothing", tf.matmul, lambda a, b: np.zeros((3, 5), a.dtype), (In((3, 0)), In((0, 5)))),
    Case("matmul to nothing", tf.matmul, lambda a, b: np.zeros((0, 5), a.dtype), (In((0, 4)), In((4, 5)))),
    *(
        Case(f"matmul in batches {ta} {tb}", lambda a, b, ta=ta, tb=tb: tf.matmul(a, b, ta, tb),
             lambda a, b, ta=ta, tb=tb: np.einsum("bmk,bkn->bmn", _turn(a, ta), _turn(b, tb)),
             (In((2, 4, 3) if ta else (2, 3, 4)), In((2, 5, 4) if tb else (2, 4, 5))), loose=LOOSE)
        for ta, tb in itertools.product([False, True], repeat=2)
    ),
    Case("matmul with one matrix", tf.matmul, _einsum("abmk,kn->abmn"), (In((2, 3, 2, 4)), In((4, 5))), loose=LOOSE),
    Case("matmul of one matrix", tf.matmul, _einsum("mk,bkn->bmn"), (In((3, 4)), In((2, 4, 5))), loose=LOOSE),
    Case("matmul with broadcast batches", tf.matmul, lambda a, b: np.einsum("amk,bkn->abmn", a[:, 0], b[0]),
         (In((2, 1, 3, 4)), In((1, 6, 4, 5))), loose=LOOSE),
    Case("matvec", matvec, _einsum("mk,k->m"), (In((3, 4)), In((4,))), loose=LOOSE),
    Case("tensordot by number", lambda a, b: tf.tensordot(a, b, 2), _einsum("aij,ijb->ab"), (In((2, 3, 4)),
         In((3, 4, 5))),
         loose=LOOSE),
    Case("tensordot by axes", lambda a, b: tf.tensordot(a, b, [[0, 2], [1, 0]]), _einsum("iaj,jib->ab"),
         (In((2, 3, 4)), In((4, 2, 5))), loose=LOOSE),
    Case("tensordot outer", lambda a, b: tf.tensordot(a, b, 0), _einsum("ab,c->abc"), (In((2, 3)), In((4,))),
         loose=LOOSE),
    Case("contract with steps", lambda a, b: apply(Contract(((2, 12, 20),), ((3, 4, 0),), ((5, 0, 1),), ((2, -2, 10),),
         2, 0, (2, 3, 5)), a, b), lambda a, b: np.einsum("bmk,bkn->bmn", a[..., 2::-2], b[:, ::2]),
         (In((2, 3, 4)), In((2, 4, 5))), FLOATS, (), loose=LOOSE, known_sizes=True),
]  # fmt: skip


def _same(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    out = -(-size // stride)
    missing = max((out - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return missing // 2, missing - missing // 2


def _edges(x: Any, padding: Any, window: Any, strides: Any, dilations: Any) -> Any:
    if padding == "VALID":
        return (0, 0), (0, 0)
    if padding == "SAME":
        return tuple(_same(x.shape[1 + i], window[i], strides[i], dilations[i]) for i in range(2))
    return padding


def _cells(x: Any, padding: Any, window: Any, strides: Any, dilations: Any, value: float = 0) -> Any:
    """[batch, out, out, window, window, channels]: what each window sees, one cell after the other."""
    rows, cols = _edges(x, padding, window, strides, dilations)
    padded = np.pad(x, [(0, 0), rows, cols, (0, 0)], constant_values=value)
    reach = [(window[i] - 1) * dilations[i] + 1 for i in range(2)]
    out = [(padded.shape[1 + i] - reach[i]) // strides[i] + 1 for i in range(2)]
    seen = np.empty((len(x), *out, *window, x.shape[3]), x.dtype)
    for o, p, i, j in itertools.product(range(out[0]), range(out[1]), range(window[0]), range(window[1])):
        seen[:, o, p, i, j] = padded[:, o * strides[0] + i * dilations[0], p * strides[1] + j * dilations[1]]
    return seen


def _convolution(
    padding: Any, strides: Any = (1, 1), dilations: Any = (1, 1), window: Any = (3, 2), layout: str = "NHWC"
) -> Case:
    def call(x: Any, w: Any) -> Any:
        edges = padding if isinstance(padding, str) else [[0, 0], *map(list, padding), [0, 0]]
        if layout == "NCHW" and not isinstance(padding, str):
            edges = [[0, 0], [0, 0], *map(list, padding)]
        return tf.nn.conv2d(x, w, strides, edges, data_format=layout, dilations=dilations)

    def reference(x: Any, w: Any) -> Any:
        images = x if layout == "NHWC" else x.transpose(0, 2, 3, 1)
        y = np.einsum("nopijc,ijcf->nopf", _cells(images, padding, window, strides, dilations), w)
        return y if layout == "NHWC" else y.transpose(0, 3, 1, 2)

    images = In((2, 6, 5, 3)) if layout == "NHWC" else In((2, 3, 6, 5))
    name = f"conv2d {padding} {strides} {dilations} {window} {layout}"
    return Case(name, call, reference, (images, In((*window, 3, 4), known=True)), loose=LOOSE)


CONVOLUTIONS = [
    _convolution("SAME"),
    _convolution("VALID"),
    _convolution(((1, 2), (0, 1))),
    _convolution("SAME", (2, 3)),
    _convolution("VALID", (2, 1)),
    _convolution("SAME", dilations=(2, 1)),
    _convolution("VALID", dilations=(1, 3)),
    _convolution("SAME", window=(1, 1)),
    _convolution("SAME", layout="NCHW"),
    _convolution("VALID", (2, 2), layout="NCHW"),
    _convolution(((1, 0), (2, 1)), (1, 2), layout="NCHW"),
    Case("conv2d_transpose", lambda x, w: tf.nn.conv2d_transpose(x, w, [2, 6, 5, 3], [1, 2, 1, 1]),
         lambda x, w: _transposed(x, w, (2, 6, 5, 3), (2, 1)), (In((2, 3, 5, 4)), In((3, 2, 3, 4), known=True)),
              loose=LOOSE),
    Case("conv2d_transpose of a batch",
         lambda x, w: tf.nn.conv2d_transpose(x, w, tf.stack([tf.shape(x)[0], 6, 5, 3]), [1, 2, 1, 1]),
         lambda x, w: _transposed(x, w, (2, 6, 5, 3), (2, 1)), (In((2, 3, 5, 4)), In((3, 2, 3, 4), known=True)),
              loose=LOOSE),
    Case("conv2d_backprop_filter", lambda x, g: convolution.conv2d_backprop_filter(x, [3, 2, 3, 4], g, 1, "SAME"),
         lambda x, g: np.einsum("nopijc,nopf->ijcf", _cells(x, "SAME", (3, 2), (1, 1), (1, 1)), g),
         (In((2, 6, 5, 3)), In((2, 6, 5, 4))), loose=LOOSE),
]  # fmt: skip


def _transposed(g: Any, w: Any, shape: Any, strides: Any) -> Any:
    """The adjoint of a SAME convolution: each window's value is spread over what the window sees."""
    window = w.shape[:2]
    (top, bottom), (left, right) = _edges(np.empty(shape), "SAME", window, strides, (1, 1))
    spread = np.zeros((shape[0], shape[1] + top + bottom, shape[2] + left + right, shape[3]), g.dtype)
    for o, p, i, j in itertools.product(range(g.shape[1]), range(g.shape[2]), range(window[0]), range(window[1])):
        spread[:, o * strides[0] + i, p * strides[1] + j] += g[:, o, p] @ w[i, j].T
    return spread[:, top : top + shape[1], left : left + shape[2]]


def _pool(name: str, padding: Any, window: Any, strides: Any, layout: str = "NHWC", dtypes: Any = FLOATS) -> Case:
    def call(x: Any) -> Any:
        return getattr(tf.nn, name)(x, window, strides, padding, data_format=layout)

    def reference(x: Any) -> Any:
        images = x if layout == "NHWC" else x.transpose(0, 2, 3, 1)
        y = _pooled(images, name, padding, window, strides)
        return y if layout == "NHWC" else y.transpose(0, 3, 1, 2)

    shape = (2, 7, 5, 3) if layout == "NHWC" else (2, 3, 7, 5)
    title = f"{name} {padding} {window} {strides} {layout}" + ("" if dtypes == FLOATS else " of whole numbers")
    return Case(title, call, reference, (In(shape, low=-9, high=9),), dtypes, loose=LOOSE)


def _pooled(x: Any, name: str, padding: Any, window: Any, strides: Any) -> Any:
    if name == "max_pool":
        low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        return _cells(x, padding, window, strides, (1, 1), low).max((3, 4))
    seen = _cells(np.ones_like(x), padding, window, strides, (1, 1)).sum((3, 4))
    return _cells(x, padding, window, strides, (1, 1)).sum((3, 4)) / seen


def _first_maximum(x: Any) -> Any:
    """The gradient of the sum of 2 x 2 maxima of one image: a one at the first greatest cell of each window."""
    result = np.zeros_like(x)
    for o, p in itertools.product(range(0, x.shape[1] - 1, 2), range(0, x.shape[2] - 1, 2)):
        place = np.unravel_index(np.argmax(x[0, o : o + 2, p : p + 2, 0]), (2, 2))
        result[0, o + place[0], p + place[1], 0] += 1
    return result


_TIES = np.array([[1, 1, 2, 0], [1, 1, 2, 2], [0, 3, 5, 5], [3, 0, 5, 5.0]]).reshape(1, 4, 4, 1)

POOLS = [
    *(
        _pool(name, padding, window, strides, layout)
        for name in ("max_pool", "avg_pool")
        for padding, window, strides, layout in [
            ("VALID", (2, 2), (2, 2), "NHWC"), ("SAME", (2, 2), (2, 2), "NHWC"), ("SAME", (3, 2), (2, 1), "NHWC"),
            ("VALID", (3, 3), (1, 1), "NCHW"),
        ]
    ),
    _pool("max_pool", "SAME", (2, 2), (2, 2), dtypes=("int32", "int64")),
    Case("max_pool of equals", lambda x: tf.gradients(tf.nn.max_pool(x, 2, 2, "VALID"), x)[0], _first_maximum,
         (In(values=_TIES),), FLOATS, ()),
    Case("max_pool with NaN", lambda x: tf.nn.max_pool(x, 2, 2, "VALID"),
         lambda x: np.array([[[[np.nan]], [[3.0]]]], x.dtype).reshape(1, 1, 2, 1),
         (In(values=np.array([[np.nan, 1, 2, 3], [0, 1, 2, 3.0]]).reshape(1, 2, 4, 1)),), FLOATS, ()),
    Case("max_pool adjoint of an adjoint", lambda x, u: apply(
            pooling.MaxPoolGradGrad(make_window((2, 2), 2, "VALID", "NHWC")), x, tf.nn.max_pool(x, 2, 2, "VALID"), u),
         lambda x, u: (_first_maximum(x) * u).reshape(1, 2, 2, 2, 2, 1).sum((2, 4)),
         (In(values=_TIES), In((1, 4, 4, 1))), FLOATS, (1,)),
]  # fmt: skip

CASES = [*PRODUCTS, *CONVOLUTIONS, *POOLS]
