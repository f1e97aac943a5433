"""Rows for order, positions, scattered writes and checks."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.exchange.row import I32, Inputs, NotInTensorFlow, shape_of, type_of
from graphc.nodes import Operation


def argsort_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    """By the greatest elements, as many as there are; equal ones keep their order there too."""
    kind: Any = node.kind
    x = node.inputs[0]
    sizes = w.helper("Shape", "shape", inputs, T=x.dtype, out_type=I32)
    taken = [sizes, w.const("last", (x.type.rank or 1) - 1), w.const("axis", 0)]
    count = w.helper("GatherV2", "count", taken, Tparams=I32, Tindices=I32, Taxis=I32)
    # ~x is -1 - x: it turns the order of all whole numbers, the least one too.
    turn = "Neg" if x.dtype.is_floating else "Invert"
    given = inputs[0] if kind.descending else w.helper(turn, "turned", inputs, T=x.dtype)
    found = w.helper("TopKV2", "sorted", [given, count], T=x.dtype, sorted=True)
    return w.exact(w.put("Identity", [f"{found}:1"], T=I32), node, inputs)


def positions_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    found = w.helper("Where", "where", inputs[:1], T=dtypes.bool)
    return w.exact(w.put("Squeeze", [found], T=dtypes.int64, squeeze_dims=[1]), node, inputs)


def scatter_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    coordinates = node.inputs[1].type.shape
    if kind.how in _BY_SEGMENTS and coordinates and coordinates[-1] == 1:
        return _segments_row(w, node, inputs, *_BY_SEGMENTS[kind.how])
    if kind.how in ("mul", "div"):
        raise NotInTensorFlow(f"it has no {node.type}")
    return w.put(node.type, inputs, T=type_of(node), Tindices=node.inputs[1].dtype)


# TensorFlow's scatters refuse negative positions, its segments leave them out as graphc does; and none multiplies.
_BY_SEGMENTS = {
    "mul": ("UnsortedSegmentProd", "Mul"),
    "min": ("UnsortedSegmentMin", "Minimum"),
    "max": ("UnsortedSegmentMax", "Maximum"),
}


def _segments_row(w: Any, node: Operation, inputs: Inputs, segments: str, combined: str) -> Any:
    """``Mul(array, UnsortedSegmentProd(rows, positions))`` or alike, of positions in the first axis."""
    dtype, indices = type_of(node), node.inputs[1].dtype
    places = w.helper("Squeeze", "places", [inputs[1]], T=indices, squeeze_dims=[-1])
    sizes, zero = shape_of(w, node, inputs[0], "sizes", 0), w.const("zero", 0)
    count = w.helper("GatherV2", "count", [sizes, zero, zero], Tparams=I32, Tindices=I32, Taxis=I32)
    types = {"T": dtype, "Tindices": indices, "Tnumsegments": I32}
    own = w.helper(segments, "segments", [inputs[2], places, count], **types)
    return w.put(combined, [inputs[0], own], T=dtype)


def reverse_sequence_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    axes = {"seq_dim": kind.seq_axis, "batch_dim": kind.batch_axis}
    return w.put("ReverseSequence", inputs, T=type_of(node), Tlen=node.inputs[1].dtype, **axes)


def assert_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    """TensorFlow's has no output; here it is its condition, which waits for it."""
    kind: Any = node.kind
    data = iter(zip(inputs[1:], [x.dtype for x in node.inputs[1:]], strict=True))
    given = [
        next(data) if part is None else (w.const(f"text_{n}", part.encode(), object), dtypes.string)
        for n, part in enumerate(kind.parts)
    ]
    names, types = [name for name, _ in given], [dtype for _, dtype in given]
    checked = w.helper("Assert", "check", [inputs[0], *names], T=types, summarize=kind.summarize)
    return w.exact(w.put("Identity", [inputs[0], f"^{checked}"], T=dtypes.bool), node, inputs)
