"""Sorts of nodes, as fusing sees them: what is in memory already, what costs nothing to repeat, what reads how.

No pass: what the parts of :mod:`fuse` ask about a node.
"""

from __future__ import annotations

from graphc.nodes import Op, Operation, Tensor
from graphc.ops.arrays import ConcatV2
from graphc.ops.assertions import Assert, CheckNumerics
from graphc.ops.base import Const
from graphc.ops.blocks import Pad, Slice
from graphc.ops.branches import If
from graphc.ops.contraction import Contract, ContractPhases
from graphc.ops.copies import Bitcast, Cast
from graphc.ops.elementwise import Elementwise
from graphc.ops.indexing import CheckLabels, GatherV2, ScatterAdd
from graphc.ops.loops import While
from graphc.ops.measured import CheckSize
from graphc.ops.random import Random
from graphc.ops.recomputed import Barrier
from graphc.ops.reduction import ArgReduce, Reduce
from graphc.ops.reshaping import BroadcastTo, DimValue, ExpandDims, Reshape, Squeeze, Transpose
from graphc.ops.scatter import CheckCoordinates, GatherNd
from graphc.ops.sequences import Cumsum, Iota
from graphc.ops.told import HistorySizes
from graphc.records import record

CHEAP = 2  # flops; cheaper than reading a value back from memory

_ALIASES = (ExpandDims, Squeeze, Reshape, Barrier, HistorySizes)
_VIEWS = (*_ALIASES, BroadcastTo, Transpose, Slice)
_SOURCES = (Const, DimValue, Iota)
_READS_EACH_ONCE = (Pad, ConcatV2, ScatterAdd, Cumsum, Random, CheckCoordinates)


@record
class Traits:
    """What the functions below say of all nodes of one class of ops; looked up often, so worked out once."""

    is_alias: bool
    is_view: bool
    is_source: bool
    is_pointwise: bool
    reduces: bool
    is_leaf: bool
    contracts: bool
    has_own_loops: bool
    reads_memory: bool


_known: dict[type[Op], Traits] = {}


def traits(kind: type[Op]) -> Traits:
    """The traits of a class of ops."""
    if kind not in _known:
        _known[kind] = _traits(kind)
    return _known[kind]


def _traits(kind: type[Op]) -> Traits:
    is_pointwise = issubclass(kind, (Elementwise, Cast, Bitcast, CheckLabels, CheckSize, Assert, CheckNumerics))
    is_view = issubclass(kind, _VIEWS)
    is_source = issubclass(kind, _SOURCES)
    reduces = issubclass(kind, (Reduce, ArgReduce))
    # by its name, since few programs load what it stands in
    reads_anywhere = issubclass(kind, (GatherV2, GatherNd)) or kind.__name__ == "ReverseSequence"
    is_leaf = is_pointwise or is_view or is_source or reads_anywhere
    contracts = issubclass(kind, (Contract, ContractPhases))
    own_loops = not (is_leaf or reduces or contracts)
    return Traits(
        is_alias=issubclass(kind, _ALIASES),
        is_view=is_view,
        is_source=is_source,
        is_pointwise=is_pointwise,
        reduces=reduces,
        is_leaf=is_leaf,
        contracts=contracts,
        has_own_loops=own_loops,
        reads_memory=contracts or (own_loops and not issubclass(kind, _READS_EACH_ONCE)),
    )


def holds_graphs(node: Operation) -> bool:
    """Whether the node is a branch or a loop: never part of a kernel."""
    return isinstance(node.kind, (If, While))


def is_input(node: Operation) -> bool:
    """Whether the node's value is in memory before the step begins."""
    is_array = isinstance(node.kind, Const) and node.kind.value.size != 1
    return is_array or node.type in ("Placeholder", "VariableV2", "Undefined")


def is_alias(node: Operation) -> bool:
    """Whether the node is the same memory under another shape."""
    return traits(type(node.kind)).is_alias


def behind_aliases(tensor: Tensor) -> Tensor:
    """The tensor whose memory it is."""
    while is_alias(tensor.op):
        tensor = tensor.op.inputs[0]
    return tensor


def is_free(node: Operation) -> bool:
    """Whether the node costs nothing to compute again wherever it is read: a view, a number, a position."""
    own = traits(type(node.kind))
    return own.is_view or (own.is_source and not is_input(node))


def is_pointwise(node: Operation) -> bool:
    """Whether the node's value at a position follows from its inputs' at that position."""
    return traits(type(node.kind)).is_pointwise


def reduces(node: Operation) -> bool:
    """Whether the node combines elements along axes."""
    return traits(type(node.kind)).reduces


def is_leaf(node: Operation) -> bool:
    """Whether the node can be computed at any position that is asked for."""
    return traits(type(node.kind)).is_leaf


def contracts(node: Operation) -> bool:
    """Whether the node is a sum of products, whose kernel is loops of its own around what comes after it."""
    return traits(type(node.kind)).contracts


def has_own_loops(node: Operation) -> bool:
    """Whether the node is computed by loops of its own, in a kernel where nothing comes after it."""
    return traits(type(node.kind)).has_own_loops


def reads_memory(node: Operation) -> bool:
    """Whether the node reads its inputs so often, or in such order, that they must be in memory."""
    return traits(type(node.kind)).reads_memory


def flops(node: Operation) -> int:
    """What one element costs."""
    return node.kind.record.flops if isinstance(node.kind, Elementwise) else 1
