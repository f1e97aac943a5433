"""Rows for matrices and Fourier transforms.

What graphc holds in one tensor, as q above r, TensorFlow gives as several outputs of one node, which are joined again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.exchange.row import I32, Inputs, numbers, type_of
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
