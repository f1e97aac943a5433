"""Sorts of nodes, as fusing sees them: what is in memory already, what costs nothing to repeat, what reads how."""

from __future__ import annotations

from graphc.nodes import Operation, Tensor
from graphc.ops.arrays import ConcatV2
from graphc.ops.base import Const
from graphc.ops.blocks import Pad, Slice
from graphc.ops.contraction import Contract
from graphc.ops.elementwise import Cast, Elementwise
from graphc.ops.indexing import GatherV2, ScatterAdd
from graphc.ops.random import Random
from graphc.ops.reduction import ArgReduce, Reduce
from graphc.ops.reshaping import BroadcastTo, DimValue, ExpandDims, Reshape, Squeeze, Transpose
from graphc.ops.sequences import Cumsum, Iota

CHEAP = 2  # flops; cheaper than reading a value back from memory

_ALIASES = (ExpandDims, Squeeze, Reshape)
_VIEWS = (*_ALIASES, BroadcastTo, Transpose, Slice)
_SOURCES = (Const, DimValue, Iota)
_READS_EACH_ONCE = (Pad, ConcatV2, ScatterAdd, Cumsum, Random)


def is_input(node: Operation) -> bool:
    """Whether the node's value is in memory before the step begins."""
    return node.type in ("Placeholder", "VariableV2") or (isinstance(node.kind, Const) and node.kind.value.size != 1)


def is_alias(node: Operation) -> bool:
    """Whether the node is the same memory under another shape."""
    return isinstance(node.kind, _ALIASES)


def behind_aliases(tensor: Tensor) -> Tensor:
    """The tensor whose memory it is."""
    while is_alias(tensor.op):
        tensor = tensor.op.inputs[0]
    return tensor


def is_free(node: Operation) -> bool:
    """Whether the node costs nothing to compute again wherever it is read: a view, a number, a position."""
    return isinstance(node.kind, _VIEWS) or (isinstance(node.kind, _SOURCES) and not is_input(node))


def is_pointwise(node: Operation) -> bool:
    """Whether the node's value at a position follows from its inputs' at that position."""
    return isinstance(node.kind, Elementwise | Cast)


def reduces(node: Operation) -> bool:
    """Whether the node combines elements along axes."""
    return isinstance(node.kind, Reduce | ArgReduce)


def is_leaf(node: Operation) -> bool:
    """Whether the node can be computed at any position that is asked for."""
    return isinstance(node.kind, (Elementwise, Cast, GatherV2, *_VIEWS)) or is_free(node)


def has_own_loops(node: Operation) -> bool:
    """Whether the node is computed by loops of its own, in a kernel where nothing comes after it."""
    return not (isinstance(node.kind, Contract) or reduces(node) or is_leaf(node))


def reads_memory(node: Operation) -> bool:
    """Whether the node reads its inputs so often, or in such order, that they must be in memory."""
    return isinstance(node.kind, Contract) or (has_own_loops(node) and not isinstance(node.kind, _READS_EACH_ONCE))


def flops(node: Operation) -> int:
    """What one element costs."""
    return node.kind.record.flops if isinstance(node.kind, Elementwise) else 1
