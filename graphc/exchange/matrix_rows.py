"""Rows for matrices, transforms, order and scattered writes.

What graphc holds in one tensor, as q above r, TensorFlow gives as several outputs of one node, which are joined again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.exchange.row import I32, Inputs, NotInTensorFlow, numbers, type_of
from graphc.nodes import Operation

# -- matrices ------------------------------------------------------------------------------------------------------


def log_determinant_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    sign = w.helper("LogMatrixDeterminant", "parts", inputs, T=type_of(node))
    made = w.put("Pack", [sign, f"{sign}:1"], N=2, T=type_of(node), axis=-1)
    return w.exact(made, node, inputs)


def lu_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    factors = w.helper("Lu", "factors", inputs, T=type_of(node), output_idx_type=I32)
    order = w.helper("Cast", "order", [f"{factors}:1"], SrcT=I32, DstT=type_of(node))
    return _stacked(w, node, inputs, [factors, _as_row(w, node, order)])


def qr_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    x = node.inputs[0].type
    q = w.helper("Qr", "factors", inputs, T=type_of(node), full_matrices=kind.full)
    parts = [(q, kind.columns(x)), (f"{q}:1", x.sizes[-1])]
    return _stacked(w, node, inputs, [_widened(w, node, *part, f"wide_{n}") for n, part in enumerate(parts)])


def self_adjoint_eig_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    values = w.helper("SelfAdjointEigV2", "parts", inputs, T=type_of(node), compute_v=True)
    return _stacked(w, node, inputs, [f"{values}:1", _as_row(w, node, values)])


def svd_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    columns = node.inputs[0].type.sizes[-1]
    s = w.helper("Svd", "parts", inputs, T=type_of(node), compute_uv=True, full_matrices=kind.full)
    v = _widened(w, node, f"{s}:2", columns, "wide_v")
    return _stacked(w, node, inputs, [f"{s}:1", v, _widened(w, node, _as_row(w, node, s), columns, "wide_s")])


def _as_row(w: Any, node: Operation, vector: str) -> str:
    """A vector as a matrix of one row."""
    name: str = w.helper("ExpandDims", "row", [vector, w.const("row_dim", -2)], T=type_of(node), Tdim=I32)
    return name


def _widened(w: Any, node: Operation, matrix: str, columns: Any, part: str) -> str:
    """With zeros behind its columns, up to those of the node."""
    out = node.outputs[0].type
    before, after = numbers([columns, out.sizes[-1]], "columns")
    if before == after:
        return matrix
    paddings = np.zeros([out.rank or 0, 2], int)
    paddings[-1, 1] = after - before
    given = [matrix, w.const(f"{part}_paddings", paddings)]
    name: str = w.helper("Pad", part, given, T=type_of(node), Tpaddings=I32)
    return name


def _stacked(w: Any, node: Operation, inputs: Inputs, parts: Sequence[str]) -> Any:
    """Matrices one below the other."""
    rank = node.outputs[0].type.rank or 0
    given = [*parts, w.const("axis", rank - 2)]
    return w.exact(w.put("ConcatV2", given, N=len(parts), T=type_of(node), Tidx=I32), node, inputs)


# -- Fourier transforms --------------------------------------------------------------------------------------------


def transform_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    """TensorFlow transforms along the last axis, and divides by the length in the inverse alone."""
    kind: Any = node.kind
    x = node.inputs[0].type
    if kind.axis == -1 and kind.inverse == kind.scaled:
        return w.put(node.type, inputs, Tcomplex=type_of(node))
    (length,) = numbers([x.sizes[kind.axis]], "length")
    ref = _last(w, node, inputs[0], kind.axis, "last")
    ref = w.helper(node.type, "transform", [ref], Tcomplex=type_of(node))
    ref = _last(w, node, ref, kind.axis, "back")
    factor = 1.0 if kind.inverse == kind.scaled else 1 / length if kind.scaled else length
    given = [ref, w.const("factor", factor, type_of(node).numpy)]
    return w.exact(w.put("Mul", given, T=type_of(node)), node, inputs)


def _last(w: Any, node: Operation, ref: str, axis: int, part: str) -> str:
    """With an axis and the last one in each other's places."""
    if axis == -1:
        return ref
    order = list(range(node.inputs[0].type.rank or 0))
    order[axis], order[-1] = order[-1], order[axis]
    name: str = w.helper("Transpose", part, [ref, w.const(f"{part}_perm", order)], T=type_of(node), Tperm=I32)
    return name


def real_transform_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    x, y = node.inputs[0], node.outputs[0]
    length = w.const("fft_length", numbers([x.type.sizes[-1]], "length"))
    return w.exact(w.put("RFFT", [*inputs, length], Treal=x.dtype, Tcomplex=y.dtype), node, inputs)


def real_inverse_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    x, y = node.inputs[0], node.outputs[0]
    (length,) = numbers([y.type.sizes[-1]], "length")
    given, types = [inputs[0], w.const("fft_length", [length])], {"Treal": y.dtype, "Tcomplex": x.dtype}
    if kind.scaled:
        return w.exact(w.put("IRFFT", given, **types), node, inputs)
    ref = w.helper("IRFFT", "transform", given, **types)
    return w.exact(w.put("Mul", [ref, w.const("factor", length, y.dtype.numpy)], T=y.dtype), node, inputs)


# -- order, positions, scattered writes ----------------------------------------------------------------------------


def argsort_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    """By the greatest elements, as many as there are; equal ones keep their order there too."""
    kind: Any = node.kind
    x = node.inputs[0]
    sizes = w.helper("Shape", "shape", inputs, T=x.dtype, out_type=I32)
    taken = [sizes, w.const("last", (x.type.rank or 1) - 1), w.const("axis", 0)]
    count = w.helper("GatherV2", "count", taken, Tparams=I32, Tindices=I32, Taxis=I32)
    # ~x is -1 - x: it turns the order of all whole numbers, the least one too.
    turned = (
        inputs[0]
        if kind.descending
        else w.helper("Neg" if x.dtype.is_floating else "Invert", "turned", inputs, T=x.dtype)
    )
    found = w.helper("TopKV2", "sorted", [turned, count], T=x.dtype, sorted=True)
    return w.exact(w.put("Identity", [f"{found}:1"], T=I32), node, inputs)


def positions_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    found = w.helper("Where", "where", inputs[:1], T=dtypes.bool)
    return w.exact(w.put("Squeeze", [found], T=dtypes.int64, squeeze_dims=[1]), node, inputs)


def scatter_row(w: Any, node: Operation, inputs: Inputs) -> Any:
    kind: Any = node.kind
    if kind.how in ("mul", "div"):
        raise NotInTensorFlow(f"it has no {node.type}")
    return w.put(node.type, inputs, T=type_of(node), Tindices=node.inputs[1].dtype)


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
