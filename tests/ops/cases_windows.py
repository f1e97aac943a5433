"""Rows for convolution and pooling, with references that are plain loops over windows."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import graphc as tf
from graphc.ops import pooling
from graphc.ops.base import apply
from graphc.ops.windows import make_window
from tests.ops.harness import FLOATS, Case, In

LOOSE = 8.0  # sums of many products, in another order


def _same(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    out = -(-size // stride)
    missing = max((out - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return missing // 2, missing - missing // 2


def _edges(sizes: Any, padding: Any, window: Any, strides: Any, dilations: Any) -> Any:
    if padding == "VALID":
        return [(0, 0)] * len(window)
    if padding == "SAME":
        return [_same(*numbers) for numbers in zip(sizes, window, strides, dilations, strict=True)]
    return padding


def _cells(x: Any, padding: Any, window: Any, strides: Any = None, dilations: Any = None, value: float = 0) -> Any:
    """[batch, out..., window..., channels]: what each window sees, one cell after the other."""
    ones = (1,) * len(window)
    strides, dilations = strides or ones, dilations or ones
    edges = _edges(x.shape[1:-1], padding, window, strides, dilations)
    padded = np.pad(x, [(0, 0), *edges, (0, 0)], constant_values=value)
    moves = list(zip(padded.shape[1:], window, strides, dilations, strict=False))
    out = [(size - (n - 1) * d - 1) // s + 1 for size, n, s, d in moves]
    seen = np.empty((len(x), *out, *window, x.shape[-1]), x.dtype)
    for o, i in itertools.product(itertools.product(*map(range, out)), itertools.product(*map(range, window))):
        place = tuple(a * s + b * d for a, b, s, d in zip(o, i, strides, dilations, strict=True))
        seen[(slice(None), *o, *i)] = padded[(slice(None), *place)]
    return seen


def _last(x: Any, layout: str) -> Any:
    return x if layout.endswith("C") else np.moveaxis(x, 1, -1)


def _back(x: Any, layout: str) -> Any:
    return x if layout.endswith("C") else np.moveaxis(x, -1, 1)


def _last_in(layout: str) -> str:
    return f"N{layout[2:]}C" if layout[1] == "C" else layout


def _channels_last(call: Any, layout: str) -> Any:
    """The same op of images whose channels come last: on CPUs TensorFlow has kernels for no others."""
    if layout.endswith("C"):
        return None
    places = range(1, len(layout) - 1)
    there, back = [0, *(place + 1 for place in places), 1], [0, len(layout) - 1, *places]
    return lambda x, *w: tf.transpose(call(tf.transpose(x, there), *w, layout=_last_in(layout)), back)


def _spatial(numbers: Any, layout: str, others: Any) -> list[Any]:
    """Entries for the places as entries for all axes."""
    rest = [*map(list, numbers)] if others == [0, 0] else list(numbers)
    return [others, *rest, others] if layout.endswith("C") else [others, others, *rest]


def _convolution(
    padding: Any, strides: Any = (1, 1), dilations: Any = (1, 1), window: Any = (3, 2), layout: str = "NHWC",
    channels: int = 3, filters: int = 4,
) -> Case:  # fmt: skip
    def call(x: Any, w: Any, layout: str = layout) -> Any:
        edges = padding if isinstance(padding, str) else _spatial(padding, layout, [0, 0])
        return tf.nn.conv2d(x, w, strides, edges, data_format=layout, dilations=dilations)

    def reference(x: Any, w: Any) -> Any:
        cells = _cells(_last(x, layout), padding, window, strides, dilations)
        return _back(np.einsum("nopijc,ijcf->nopf", cells, w), layout)

    images = In((2, 6, 5, channels)) if layout == "NHWC" else In((2, channels, 6, 5))
    name = f"conv2d {padding} {strides} {dilations} {window} {channels}>{filters} {layout}"
    return Case(
        name,
        call,
        reference,
        (images, In((*window, channels, filters), known=True)),
        loose=LOOSE,
        peer=_channels_last(call, layout),
    )


def _by_depth(
    padding: Any, strides: Any = (1, 1), dilations: Any = (1, 1), multiplier: int = 1, layout: str = "NHWC",
    channels: int = 3, window: Any = (3, 2),
) -> Case:  # fmt: skip
    def call(x: Any, w: Any, layout: str = layout) -> Any:
        edges = padding if isinstance(padding, str) else _spatial(padding, layout, [0, 0])
        moves, spread = (_spatial(numbers, layout, 1) for numbers in (strides, dilations))
        return tf.nn.depthwise_conv2d_native(x, w, moves, edges, layout, spread)

    def reference(x: Any, w: Any) -> Any:
        cells = _cells(_last(x, layout), padding, window, strides, dilations)
        y = np.einsum("nopijc,ijcm->nopcm", cells, w)
        return _back(y.reshape(*y.shape[:3], -1), layout)

    images = In((2, 6, 5, channels)) if layout == "NHWC" else In((2, channels, 6, 5))
    name = f"depthwise {padding} {strides} {dilations} {window} {channels}x{multiplier} {layout}"
    return Case(
        name,
        call,
        reference,
        (images, In((*window, channels, multiplier), known=True)),
        loose=LOOSE,
        peer=_channels_last(call, layout),
    )


def _volumes(padding: Any, strides: Any = (1, 1, 1), dilations: Any = (1, 1, 1), layout: str = "NDHWC") -> Case:
    window = (2, 3, 1)

    def call(x: Any, w: Any, layout: str = layout) -> Any:
        moves, spread = (_spatial(numbers, layout, 1) for numbers in (strides, dilations))
        return tf.nn.conv3d(x, w, moves, padding, layout, spread)

    def reference(x: Any, w: Any) -> Any:
        cells = _cells(_last(x, layout), padding, window, strides, dilations)
        return _back(np.einsum("ndhwijkc,ijkcf->ndhwf", cells, w), layout)

    images = In((2, 3, 5, 4, 2)) if layout == "NDHWC" else In((2, 2, 3, 5, 4))
    name = f"conv3d {padding} {strides} {dilations} {layout}"
    return Case(
        name, call, reference, (images, In((*window, 2, 3), known=True)), loose=LOOSE, peer=_channels_last(call, layout)
    )


def _rows(padding: Any, stride: int = 1, dilation: int = 1, layout: str = "NWC") -> Case:
    def reference(x: Any, w: Any) -> Any:
        cells = _cells(_last(x, layout), padding, (3,), (stride,), (dilation,))
        return _back(np.einsum("noic,icf->nof", cells, w), layout)

    def call(x: Any, w: Any, layout: str = layout) -> Any:
        return tf.nn.conv1d(x, w, stride, padding, data_format=layout, dilations=dilation)

    return Case(
        f"conv1d {padding} {stride} {dilation} {layout}", call, reference,
        (In((2, 7, 3) if layout == "NWC" else (2, 3, 7)), In((3, 3, 4), known=True)), loose=LOOSE,
        peer=_channels_last(call, layout),
    )  # fmt: skip


def _spread(g: Any, w: Any, shape: Any, strides: Any, padding: str = "SAME", dilations: Any = None) -> Any:
    """The adjoint of a convolution: each window's value is spread over what the window sees."""
    rank = w.ndim - 2
    window, dilations = w.shape[:rank], dilations or (1,) * rank
    edges = _edges(shape[1:-1], padding, window, strides, dilations)
    total = np.zeros(
        (shape[0], *(n + low + high for n, (low, high) in zip(shape[1:-1], edges, strict=True)), shape[-1])
    )
    outs = itertools.product(*map(range, g.shape[1:-1]))
    for o, i in itertools.product(outs, itertools.product(*map(range, window))):
        place = tuple(a * s + b * d for a, b, s, d in zip(o, i, strides, dilations, strict=True))
        total[(slice(None), *place)] += g[(slice(None), *o)] @ w[i].T
    inner = tuple(slice(low, low + n) for n, (low, _) in zip(shape[1:-1], edges, strict=True))
    return total[(slice(None), *inner)].astype(g.dtype)


def _separable(x: Any, by_depth: Any, by_place: Any) -> Any:
    y = np.einsum("nopijc,ijcm->nopcm", _cells(x, "SAME", (3, 2), (2, 2)), by_depth)
    return y.reshape(*y.shape[:3], -1) @ by_place[0, 0]


CONVOLUTIONS = [
    _convolution("SAME"),
    _convolution("VALID"),
    _convolution(((1, 2), (0, 1))),
    _convolution("SAME", (2, 3)),
    _convolution("VALID", (2, 1)),
    _convolution("SAME", (3, 3), (2, 1)),
    _convolution("VALID", (2, 2), (2, 3), (2, 2)),
    _convolution("SAME", (7, 8)),  # beyond the images
    _convolution("SAME", dilations=(2, 1)),
    _convolution("VALID", dilations=(1, 3)),
    _convolution("SAME", window=(1, 1)),
    _convolution("SAME", (2, 2), window=(1, 1)),
    # many channels: edges are cut off instead of padded
    _convolution("SAME", channels=8),
    _convolution(((1, 2), (0, 1)), channels=9, filters=8),
    _convolution("SAME", (2, 3), channels=8, filters=9),
    _convolution("SAME", dilations=(2, 3), channels=32, filters=8),
    _convolution("SAME", layout="NCHW"),
    _convolution("VALID", (2, 2), layout="NCHW"),
    _convolution(((1, 0), (2, 1)), (1, 2), layout="NCHW"),
    Case("conv2d_transpose", lambda x, w: tf.nn.conv2d_transpose(x, w, [2, 6, 5, 3], [1, 2, 1, 1]),
         lambda x, w: _spread(x, w, (2, 6, 5, 3), (2, 1)), (In((2, 3, 5, 4)), In((3, 2, 3, 4), known=True)),
         loose=LOOSE),
    Case("conv2d_transpose of a batch",
         lambda x, w: tf.nn.conv2d_transpose(x, w, tf.stack([tf.shape(x)[0], 6, 5, 3]), [1, 2, 1, 1]),
         lambda x, w: _spread(x, w, (2, 6, 5, 3), (2, 1)), (In((2, 3, 5, 4)), In((3, 2, 3, 4), known=True)),
         loose=LOOSE),
    Case("conv2d_backprop_filter", lambda x, g: tf.nn.conv2d_backprop_filter(x, [3, 2, 3, 4], g, 1, "SAME"),
         lambda x, g: np.einsum("nopijc,nopf->ijcf", _cells(x, "SAME", (3, 2)), g),
         (In((2, 6, 5, 3)), In((2, 6, 5, 4))), loose=LOOSE,
         peer=lambda x, g: tf.nn.conv2d_backprop_filter(x, [3, 2, 3, 4], g, [1] * 4, "SAME")),
    Case("atrous_conv2d", lambda x, w: tf.nn.atrous_conv2d(x, w, 2, "SAME"),
         lambda x, w: np.einsum("nopijc,ijcf->nopf", _cells(x, "SAME", (3, 2), None, (2, 2)), w),
         (In((2, 6, 5, 3)), In((3, 2, 3, 4), known=True)), loose=LOOSE),
    Case("atrous_conv2d_transpose", lambda x, w: tf.nn.atrous_conv2d_transpose(x, w, [2, 6, 5, 3], 2, "SAME"),
         lambda x, w: _spread(x, w, (2, 6, 5, 3), (1, 1), "SAME", (2, 2)),
         (In((2, 6, 5, 4)), In((3, 2, 3, 4), known=True)), loose=LOOSE),
    _rows("SAME"),
    _rows("VALID", 2),
    _rows("SAME", dilation=2, layout="NCW"),
    Case("conv1d_transpose", lambda x, w: tf.nn.conv1d_transpose(x, w, [2, 6, 3], 2),
         lambda x, w: _spread(x, w, (2, 6, 3), (2,)), (In((2, 3, 4)), In((3, 3, 4), known=True)), loose=LOOSE),
    _volumes("SAME"),
    _volumes("VALID", (1, 2, 3)),
    _volumes("SAME", dilations=(1, 2, 1), layout="NCDHW"),
    Case("conv3d_transpose", lambda x, w: tf.nn.conv3d_transpose(x, w, [2, 3, 5, 4, 2], [1, 2, 2, 1, 1]),
         lambda x, w: _spread(x, w, (2, 3, 5, 4, 2), (2, 2, 1)), (In((2, 2, 3, 4, 3)), In((2, 3, 1, 2, 3), known=True)),
         loose=LOOSE),
    Case("conv3d_backprop_filter", lambda x, g: tf.nn.conv3d_backprop_filter(x, [2, 3, 1, 2, 3], g, [1] * 5, "SAME"),
         lambda x, g: np.einsum("ndhwijkc,ndhwf->ijkcf", _cells(x, "SAME", (2, 3, 1)), g),
         (In((2, 3, 5, 4, 2)), In((2, 3, 5, 4, 3))), loose=LOOSE),
    Case("convolution by rank", lambda x, w: tf.nn.convolution(x, w, "SAME", [1, 2]),
         lambda x, w: np.einsum("nopijc,ijcf->nopf", _cells(x, "SAME", (3, 2), (1, 2)), w),
         (In((2, 6, 5, 3)), In((3, 2, 3, 4), known=True)), loose=LOOSE),
]  # fmt: skip

BY_DEPTH = [
    _by_depth("SAME"),
    _by_depth("VALID", (2, 2)),
    _by_depth(((1, 2), (0, 1)), (1, 3)),
    _by_depth("SAME", dilations=(2, 1), multiplier=2),
    _by_depth("SAME", (2, 2), channels=18),
    _by_depth("SAME", (3, 3), (2, 2), channels=35, window=(2, 3)),
    _by_depth("SAME", layout="NCHW"),
    _by_depth("VALID", (2, 2), layout="NCHW"),
    _by_depth(((0, 1), (2, 2)), (1, 3), multiplier=2, layout="NCHW"),
    Case("depthwise backprop_input",
         lambda g, w: tf.nn.depthwise_conv2d_native_backprop_input([2, 6, 5, 3], w, g, [1, 2, 2, 1], "SAME"),
         lambda g, w: _spread(g, np.einsum("ijcm,cd->ijcdm", w, np.eye(3, dtype=w.dtype)).reshape(3, 2, 3, 3),
                              (2, 6, 5, 3), (2, 2)),
         (In((2, 3, 3, 3)), In((3, 2, 3, 1), known=True)), loose=LOOSE),
    Case("depthwise backprop_filter",
         lambda x, g: tf.nn.depthwise_conv2d_native_backprop_filter(x, [3, 2, 3, 2], g, [1, 1, 1, 1], "SAME"),
         lambda x, g: np.einsum("nopijc,nopcm->ijcm", _cells(x, "SAME", (3, 2)), g.reshape(2, 6, 5, 3, 2)),
         (In((2, 6, 5, 3)), In((2, 6, 5, 6))), loose=LOOSE),
    Case("depthwise_conv2d with holes", lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "VALID", [2, 1]),
         lambda x, w: np.einsum("nopijc,ijcm->nopcm", _cells(x, "VALID", (3, 2), None, (2, 1)), w)[..., 0],
         (In((2, 6, 5, 3)), In((3, 2, 3, 1), known=True)), loose=LOOSE),
    Case("separable_conv2d", lambda x, d, p: tf.nn.separable_conv2d(x, d, p, [1, 2, 2, 1], "SAME"), _separable,
         (In((2, 6, 5, 3)), In((3, 2, 3, 2), known=True), In((1, 1, 6, 4), known=True)), loose=LOOSE),
]  # fmt: skip


def _pool(
    name: str, padding: Any, window: Any, strides: Any, layout: str = "NHWC", dtypes: Any = FLOATS, size: Any = (7, 5)
) -> Case:
    def call(x: Any, layout: str = layout) -> Any:
        return getattr(tf.nn, name)(x, window, strides, padding, data_format=layout)

    def reference(x: Any) -> Any:
        return _back(_pooled(_last(x, layout), name, padding, window, strides), layout)

    shape = {"NHWC": (2, *size, 3), "NCHW": (2, 3, *size), "NDHWC": (2, 3, 5, 4, 2), "NCDHW": (2, 2, 3, 5, 4)}[layout]
    title = f"{name} {padding} {window} {strides} {layout}" + ("" if dtypes == FLOATS else " of whole numbers")
    title += "" if size == (7, 5) else f" of {size}"
    return Case(
        title, call, reference, (In(shape, low=-9, high=9),), dtypes, loose=LOOSE, peer=_channels_last(call, layout)
    )


def _pooled(x: Any, name: str, padding: Any, window: Any, strides: Any) -> Any:
    places = tuple(range(1 + len(window), 1 + 2 * len(window)))
    if name.startswith("max_pool"):
        low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        return _cells(x, padding, window, strides, None, low).max(places)
    seen = _cells(np.ones_like(x), padding, window, strides).sum(places)
    return _cells(x, padding, window, strides).sum(places) / seen


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
            ("VALID", (3, 3), (1, 1), "NCHW"), ("SAME", (2, 3), (2, 2), "NCHW"),
        ]
    ),
    *(
        _pool(name, padding, (2, 1, 2), strides, layout)
        for name in ("max_pool3d", "avg_pool3d")
        for padding, strides, layout in [("SAME", (2, 2, 2), "NDHWC"), ("VALID", (1, 1, 2), "NCDHW")]
    ),
    # one window that sees all cells, and cells that no window sees
    *(_pool(name, "SAME", (3, 3), (3, 2), "NCHW", size=(2, 2)) for name in ("max_pool", "avg_pool")),
    *(_pool(name, "VALID", (2, 1), (3, 4), size=(8, 6)) for name in ("max_pool", "avg_pool")),
    _pool("max_pool", "SAME", (2, 2), (2, 2), dtypes=("int32", "int64")),
    Case("pool with holes", lambda x: tf.nn.pool(x, [2, 2], "MAX", "VALID", [2, 1]),
         lambda x: _cells(x, "VALID", (2, 2), None, (2, 1)).max((3, 4)), (In((2, 6, 5, 3), low=-9, high=9),)),
    Case("max_pool over channels", lambda x: tf.nn.max_pool(x, [1, 1, 1, 3], [1, 1, 1, 3], "SAME"),
         lambda x: x.reshape(2, 3, 5, 2, 3).max(-1), (In((2, 3, 5, 6)),), (*FLOATS, "int32")),
    Case("max_pool over leading channels",
         lambda x: tf.nn.max_pool(x, [1, 3, 1, 1], [1, 3, 1, 1], "VALID", data_format="NCHW"),
         lambda x: x.reshape(2, 2, 3, 3, 5).max(2), (In((2, 6, 3, 5)),), FLOATS),
    Case("max_pool of equals", lambda x: tf.gradients(tf.nn.max_pool(x, 2, 2, "VALID"), x)[0], _first_maximum,
         (In(values=_TIES),), FLOATS, ()),
    Case("max_pool with NaN", lambda x: tf.nn.max_pool(x, 2, 2, "VALID"),
         lambda x: np.array([[[[1.0]], [[3.0]]]], x.dtype).reshape(1, 1, 2, 1),
         (In(values=np.array([[np.nan, 1, 2, 3], [0, 1, 2, 3.0]]).reshape(1, 2, 4, 1)),), FLOATS, ()),
    Case("max_pool adjoint of an adjoint", lambda x, u: apply(
            pooling.MaxPoolGradGrad(make_window((2, 2), 2, "VALID", "NHWC")), x, tf.nn.max_pool(x, 2, 2, "VALID"), u),
         lambda x, u: (_first_maximum(x) * u).reshape(1, 2, 2, 2, 2, 1).sum((2, 4)),
         (In(values=_TIES), In((1, 4, 4, 1))), FLOATS, (1,),
         peer=lambda x, u: tf.raw_ops.MaxPoolGradGrad(
             orig_input=x, orig_output=tf.nn.max_pool(x, 2, 2, "VALID"), grad=u, ksize=[1, 2, 2, 1],
             strides=[1, 2, 2, 1], padding="VALID")),
]  # fmt: skip

CASES = [*CONVOLUTIONS, *BY_DEPTH, *POOLS]
