"""Complex numbers are stored as pairs of floats, and computed with as real and imaginary parts.

Before::

    x: c64[n] = Placeholder()
    y: c64[n] = Mul(x, x)
    return y

After::

    x: f32[n,2] = Placeholder()
    re: f32[n] = Squeeze(Slice(x, [0,0]))
    im: f32[n] = Squeeze(Slice(x, [0,1]))
    a: f32[n] = Sub(Mul(re, re), Mul(im, im))
    b: f32[n] = Add(Mul(re, im), Mul(im, re))
    y: f32[n,2] = ConcatV2(ExpandDims(a), ExpandDims(b))
    return y

What goes through inputs, targets, branches and loops is a *packed* tensor with a last axis of two, as the memory of
complex numbers has it in NumPy and in C; everything between is pairs, so that no later pass and no kernel knows of
complex numbers. A part that is 0 everywhere, as of real numbers made complex, is not computed at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import errors
from graphc.dtypes import DType
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import ConcatV2
from graphc.ops.base import Const, Placeholder, apply, constant
from graphc.ops.blocks import BlockAdjoint, Pad, Slice, StridedSlice, along
from graphc.ops.branches import Undefined
from graphc.ops.complexes import Complex, Part
from graphc.ops.contraction import BatchMatMul, MatMul
from graphc.ops.copies import Cast, Identity
from graphc.ops.custom_gradients import IdentityN
from graphc.ops.fourier import Fft, Irfft, Rfft
from graphc.ops.grown_rows import FewerRows, MoreRows
from graphc.ops.indexing import GatherV2, ScatterAdd
from graphc.ops.loops import HistoryType, history_of, holds_complex
from graphc.ops.matrices import MatrixSolve
from graphc.ops.recomputed import Barrier
from graphc.ops.reduction import Reduce
from graphc.ops.reshaping import BroadcastTo, ExpandDims, Reshape, Squeeze, Transpose, broadcast_like
from graphc.ops.row_writes import AddRows, NewRows, WriteRows
from graphc.ops.scatter import GatherNd, Scatter
from graphc.ops.sequence_lengths import ReverseSequence
from graphc.ops.sequences import Cumsum
from graphc.ops.shape_values import NeedsNumbers
from graphc.ops.state import VariableV2
from graphc.passes.complex_formulas import FORMULAS, Pair, constant_pair
from graphc.passes.complex_products import matrix_product, product_along, solution
from graphc.passes.fourier import inverse_real_transform, real_transform, transform
from graphc.passes.rewrite import rewrite
from graphc.records import fields, replace
from graphc.scopes import get_default_graph
from graphc.shapes import TensorType

# What only moves or adds numbers does so with each part alone.
_BY_PARTS = (
    *(Identity, IdentityN, Barrier, Reshape, ExpandDims, Squeeze, BroadcastTo, Transpose, Slice, StridedSlice, Pad),
    *(ConcatV2, BlockAdjoint, GatherV2, GatherNd, ScatterAdd, Cumsum, ReverseSequence, NewRows, WriteRows, AddRows),
    *(MoreRows, FewerRows),
)
_INPUTS = (Placeholder, VariableV2, Undefined)


def complexes(graph: Graph) -> Graph:
    """The graph without complex numbers; as it is where nothing is complex, or ranks are not known yet."""
    tensors = [tensor for node in graph.nodes for tensor in node.outputs if holds_complex(tensor.dtype)]
    if not tensors or any(tensor.type.shape is None and _is_number(tensor) for tensor in tensors):
        return graph
    return rewrite(graph, _Parting().rule)


def _is_number(tensor: Tensor) -> bool:
    return tensor.dtype.is_complex


def _packed_type(type: TensorType) -> TensorType:
    """The type of the same numbers as pairs of floats."""
    if isinstance(type.dtype, HistoryType):
        return history_of(_packed_type(type.dtype.element))
    if not type.dtype.is_complex or type.shape is None:
        return type
    return TensorType(type.dtype.real_dtype, (*type.shape, 2))


class _Parting:
    def __init__(self) -> None:
        self.pairs: dict[Tensor, Pair] = {}  # what each packed tensor holds

    def rule(self, node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor] | None:
        if not any(holds_complex(x.dtype) for x in (*node.inputs, *node.outputs)):
            return None
        if isinstance(node.kind, _INPUTS) or node.kind.functions():
            return _with_packed_types(node, inputs)
        given = [self._parts(x) if old.dtype.is_complex else x for old, x in zip(node.inputs, inputs, strict=True)]
        try:
            results = _computed(node, given)
        except NeedsNumbers as error:
            raise errors.UnimplementedError(node, node, f"{node.describe()}: {error}") from None
        return [
            self._packed(result, old) if isinstance(result, Pair) else result
            for result, old in zip(results, node.outputs, strict=True)
        ]

    def _parts(self, packed: Tensor) -> Pair:
        if packed not in self.pairs:
            last = len(packed.type.sizes) - 1
            re, im = (apply(Squeeze((last,)), along(packed, last, i, i + 1)) for i in range(2))
            self.pairs[packed] = Pair(re, im)
        return self.pairs[packed]

    def _packed(self, pair: Pair, old: Tensor) -> Tensor:
        re, im = (_filling(part, pair, old) for part in (pair.re, pair.imag))
        last = len(old.type.sizes)
        packed = apply(ConcatV2(last), *(apply(ExpandDims((last,)), part) for part in (re, im)))
        self.pairs[packed] = Pair(re, None if pair.im is None else im)
        return packed


def _filling(part: Tensor, pair: Pair, old: Tensor) -> Tensor:
    """A part in the shape of the whole: one that stayed the same may have been broadcast beside the other."""
    if part.type.shape == old.type.shape:
        return part
    return _spread(part, pair.re) if part is not pair.re else _spread(part, pair.imag)


def _spread(part: Tensor, like: Tensor) -> Tensor:
    if like.type.is_exact:
        return apply(BroadcastTo(like.type.shape), part)
    return broadcast_like(part, like)


def _with_packed_types(node: Operation, inputs: tuple[Tensor, ...]) -> Sequence[Tensor]:
    """The node as it is, of packed tensors."""
    types = tuple(_packed_type(x.type) for x in node.outputs)
    kind: Any = node.kind
    if isinstance(kind, _INPUTS):
        kind = replace(kind, dtype=types[0].dtype, shape=types[0].shape)
    return get_default_graph().add(kind, inputs, types, like=node).outputs


def _computed(node: Operation, given: list[Any]) -> Sequence[Any]:
    """The outputs of the node, given pairs for its complex inputs: pairs where they are complex."""
    kind: Any = node.kind
    if isinstance(kind, _BY_PARTS) or _adds(kind) or kind.type == "Select":
        return _by_parts(node, given)
    return [_one_output(node, kind, given)]


def _adds(kind: Any) -> bool:
    """Whether the op, which may do several things, does one that is linear."""
    return (isinstance(kind, Reduce) and kind.fn == "Sum") or (isinstance(kind, Scatter) and kind.how in _LINEAR)


_LINEAR = ("update", "add", "sub")


def _one_output(node: Operation, kind: Any, given: list[Any]) -> Any:
    match kind:
        case Const():
            return Pair(*(None if part is None else constant(part) for part in constant_pair(kind.value)))  # type: ignore[arg-type]
        case Complex():
            return Pair(*given)
        case Part():
            return given[0].re if kind.fn == "Real" else _filling(given[0].imag, given[0], node.outputs[0])
        case Cast():
            return _cast(kind.dtype, given[0])
        case MatMul() | BatchMatMul():
            return matrix_product(kind, *given)
        case MatrixSolve():
            return solution(kind, *given)
        case Reduce(fn="Prod"):
            return product_along(kind, given[0])
        case Fft():
            return transform(given[0], kind.axis, kind.inverse, kind.scaled)
        case Rfft():
            return real_transform(given[0])
        case Irfft():
            return inverse_real_transform(given[0], kind.length, kind.scaled)
    formula = FORMULAS.get(kind.type)
    if formula is None:
        raise errors.UnimplementedError(
            node,
            node,
            f"{node.describe()} does not take complex numbers; take them apart with tf.real and tf.imag",
        )
    return formula(*given)


def _cast(wanted: DType, given: Any) -> Any:
    if not isinstance(given, Pair):
        return Pair(e.cast(given, wanted.real_dtype))
    if not wanted.is_complex:
        return e.cast(given.re, wanted)
    return given.each(lambda part: e.cast(part, wanted.real_dtype))


def _by_parts(node: Operation, given: list[Any]) -> Sequence[Any]:
    """The op on the real parts, and on the imaginary parts."""
    changed = {name: dtype.real_dtype for name in fields(node.kind) if _is_dtype(dtype := getattr(node.kind, name))}
    same: Any = replace(node.kind, **changed) if changed else node.kind
    wholes: list[Sequence[Tensor]] = []
    for part in range(2):
        inputs = [_whole(x, part) if isinstance(x, Pair) else x for x in given]
        types = tuple(_part_type(x.type) for x in node.outputs)
        kind = replace(same, value=(np.real, np.imag)[part](same.value)) if isinstance(same, Pad) else same
        wholes.append(get_default_graph().add(kind, inputs, types, like=node).outputs)
        pairs = [x for x in given if isinstance(x, Pair)]
        if pairs and all(x.im is None for x in pairs) and not np.imag(getattr(same, "value", 0)):
            return [Pair(re) if _is_number(x) else re for re, x in zip(wholes[0], node.outputs, strict=True)]
    return [Pair(re, im) if _is_number(x) else re for re, im, x in zip(*wholes, node.outputs, strict=True)]


def _is_dtype(value: Any) -> bool:
    return isinstance(value, DType)


def _part_type(type: TensorType) -> TensorType:
    return TensorType(type.dtype.real_dtype, type.shape)


def _whole(pair: Pair, part: int) -> Tensor:
    """A part in the shape of the other."""
    if part == 0 or pair.im is not None:
        return pair[part]  # type: ignore[return-value]
    return _spread(pair.imag, pair.re) if pair.re.type.shape != () else pair.imag
