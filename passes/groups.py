"""What one kernel can compute: the rules by which a node may join a group.

A group visits the positions of a block of ``sizes``. Along the ``reduced`` axes elements are combined, along the
others they are kept. A member's value is *full* (one for each position), *kept* (one for each position of the kept
axes), or a *leaf*: computed from what comes from outside at whatever position a reader asks for. A contraction can be
the source of a group whose other members are full: they become its epilogue. Some ops (a pad, a concatenation, pooling)
are the root of a group whose other members are leaves.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc.dims import DimLike
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.elementwise import Cast, Elementwise
from graphc.ops.reduction import ArgReduce, Reduce

MAX_MEMBERS = 64  # keeps compile time linear in the size of a graph, and registers enough
CHEAP = 2  # flops; cheaper than reading a value back from memory

_REPEATED = frozenset({
    "ExpandDims", "Squeeze", "Reshape", "BroadcastTo", "DimValue", "Transpose", "Iota", "Const", "Slice",
})  # fmt: skip
_ALIASES = frozenset({"ExpandDims", "Squeeze", "Reshape"})
_READS_ONCE = frozenset({"PadV2", "ConcatV2", "UnsortedSegmentSum", "RandomUniformInt"})


def is_input(node: Operation) -> bool:
    """Whether the node's value is in memory before the step begins."""
    return node.type in ("Placeholder", "VariableV2") or (isinstance(node.kind, Const) and node.kind.value.size != 1)


def is_alias(node: Operation) -> bool:
    """Whether the node is the same memory under another shape."""
    return node.type in _ALIASES


def is_repeated(node: Operation) -> bool:
    """Whether the node costs nothing to compute again in every group that reads it."""
    return node.type in _REPEATED


def is_elementwise(node: Operation) -> bool:
    """Whether the node's value at a position follows from its inputs' at that position."""
    return isinstance(node.kind, (Elementwise, Cast))


def is_leaf(node: Operation) -> bool:
    """Whether the node can be computed at any position from its inputs at positions that follow."""
    return is_elementwise(node) or node.type in _REPEATED or node.type == "GatherV2"


class InMemory:
    """The readers of a view of a whole tensor: they take it from memory, so nothing can join them."""

    def repeat(self, node: Operation) -> bool:
        """Never."""
        return False

    def join(self, node: Operation, kept_outside: bool = False) -> bool:
        """Never."""
        return False


IN_MEMORY = InMemory()


class Group:
    """Nodes that become one kernel, growing from its last node backwards."""

    def __init__(self, node: Operation, number: int):
        self.number = number
        self.members: set[Operation] = {node}
        self.repeated: set[Operation] = set()
        self.contraction = node if node.type == "Contract" else None
        self.root = None if is_elementwise(node) or _reduces(node) or self.contraction or is_leaf(node) else node
        self.sizes: tuple[DimLike, ...] = _space_of(node)
        self.reduced: tuple[int, ...] = _reduced_axes(node)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other

    # -- joining -------------------------------------------------------------------------------------

    def repeat(self, node: Operation) -> bool:
        """Takes in a copy of a node that costs nothing; False where the reader needs it in memory."""
        if self._is_read_from_memory(node):
            return False
        self.repeated.add(node)
        return True

    def join(self, node: Operation, kept_outside: bool = False) -> bool:
        """Takes in a node all of whose readers are in the group, if its value can be computed here.

        ``kept_outside`` says that the value itself is wanted too, so that it must be stored.
        """
        if len(self.members) >= MAX_MEMBERS or len(node.outputs) != 1 or self._is_read_from_memory(node):
            return False
        if node.type == "Contract":
            return self._join_contraction(node)
        if _reduces(node):
            return self._join_reduction(node)
        if not self._fits(node) or (kept_outside and not self._has_place(node)):
            return False
        self.members.add(node)
        return True

    def _has_place(self, node: Operation) -> bool:
        """Whether each element of the value has one position of the block at which it can be stored."""
        shape = node.outputs[0].type.sizes
        return self.root is None and (shape == self.sizes or shape in self._kept_shapes())

    def _is_read_from_memory(self, node: Operation) -> bool:
        """Whether a reader in the group takes its operand from memory, directly or through repeated views."""
        readers = self.contraction or (self.root if self.root and self.root.type not in _READS_ONCE else None)
        return readers is not None and any(self._leads_to(x, node) for x in readers.inputs)

    def _leads_to(self, tensor: Tensor, node: Operation) -> bool:
        while tensor.op is not node:
            if tensor.op not in self.repeated:
                return False
            tensor = tensor.op.inputs[0] if tensor.op.inputs else tensor
            if not tensor.op.inputs and tensor.op is not node:
                return False
        return True

    def _fits(self, node: Operation) -> bool:
        """Whether an elementwise node is full, kept, or a leaf that is not worth a memory of its own."""
        if not is_leaf(node):
            return False
        if self.root is not None:
            return True
        shape = node.outputs[0].type.sizes
        if shape == self.sizes or shape in self._kept_shapes():
            return True
        return _flops(node) <= CHEAP or _is_outer(shape, self.sizes)

    def _join_contraction(self, node: Operation) -> bool:
        if self.contraction or self.root or self.reduced or self.sizes != node.outputs[0].type.sizes:
            return False
        if not self._stays_aligned(node, tuple(range(len(self.sizes)))):
            return False
        self.members.add(node)
        self.contraction = node
        return True

    def _join_reduction(self, node: Operation) -> bool:
        if self.contraction or self.root:
            return False
        sizes, reduced = _space_of(node), _reduced_axes(node)
        becomes_kept = not self.reduced and self.sizes in _kept_forms(sizes, reduced)
        if self.reduced and (self.sizes, self.reduced) != (sizes, reduced):
            return False
        if not self.reduced and not becomes_kept and self.sizes != sizes:
            return False
        before = self.sizes, self.reduced
        self.sizes, self.reduced = sizes, reduced
        if not self._stays_aligned(node, self._axes_of(node)):
            self.sizes, self.reduced = before
            return False
        self.members.add(node)
        return True

    def merged_with(self, other: Group) -> Group | None:
        """One group of all members of both, or None where no block of positions serves both."""
        if self.root or other.root or (self.contraction and other.contraction):
            return None
        if len(self.members) + len(other.members) > MAX_MEMBERS:
            return None
        space = _common_space(self, other)
        if space is None:
            return None
        both = Group.__new__(Group)
        both.number, both.root = self.number, None
        both.members, both.repeated = self.members | other.members, self.repeated | other.repeated
        both.contraction = self.contraction or other.contraction
        both.sizes, both.reduced = space
        if both.contraction and (both.reduced or both.sizes != both.contraction.outputs[0].type.sizes):
            return None
        if any(both._is_read_from_memory(node) for node in both.members):
            return None
        return both if both._is_aligned() else None

    def _is_aligned(self) -> bool:
        """Whether everything computed from a contraction or reduction is needed at its own position."""
        for node in self.members:
            if _reduces(node) and (_space_of(node), _reduced_axes(node)) != (self.sizes, self.reduced):
                return False
            if _reduces(node) or node is self.contraction:
                if not self._stays_aligned(node, self._axes_of(node)):
                    return False
            elif not is_leaf(node) or not self._fits(node):
                return False
        return True

    def _axes_of(self, node: Operation) -> tuple[int | None, ...]:
        """The block's axes that the result of a contraction or reduction has."""
        every = tuple(range(len(self.sizes)))
        if not _reduces(node):
            return every
        if getattr(node.kind, "keep_dims", False):
            return tuple(None if axis in self.reduced else axis for axis in every)
        return tuple(axis for axis in every if axis not in self.reduced)

    def _kept_shapes(self) -> tuple[tuple[DimLike, ...], ...]:
        return _kept_forms(self.sizes, self.reduced) if self.reduced else ()

    # -- alignment -------------------------------------------------------------------------------------

    def _stays_aligned(self, source: Operation, axes: tuple[int | None, ...]) -> bool:
        """Whether everything computed from ``source``, which has these axes of the block, is needed at its position."""
        found: dict[Tensor, tuple[int | None, ...]] = {source.outputs[0]: axes}
        for node in self.ordered_nodes():
            if not any(tensor in found for tensor in node.inputs):
                continue
            aligned = self._axes_after(node, found)
            if aligned is None:
                return False
            found[node.outputs[0]] = aligned
        return all(self._is_whole(tensor, axes) for tensor, axes in found.items() if tensor.op in self.members)

    def _axes_after(
        self, node: Operation, found: dict[Tensor, tuple[int | None, ...]]
    ) -> tuple[int | None, ...] | None:
        shape = node.outputs[0].type.sizes
        if is_elementwise(node) or node.type == "BroadcastTo":
            return self._broadcast_axes(shape, [found[x] for x in node.inputs if x in found])
        axes = found.get(node.inputs[0])
        if axes is None or len(node.inputs) > 1:
            return None
        if node.type == "ExpandDims":
            longer = list(axes)
            for axis in sorted(node.kind.axes):  # type: ignore[attr-defined]
                longer.insert(axis, None)
            return tuple(longer)
        if node.type == "Squeeze":
            return tuple(a for i, a in enumerate(axes) if i not in node.kind.axes)  # type: ignore[attr-defined]
        if _reduces(node) and axes == tuple(range(len(self.sizes))):
            keeps = getattr(node.kind, "keep_dims", False)
            kept = [None if axis in self.reduced else axis for axis in axes]
            return tuple(kept) if keeps else tuple(axis for axis in kept if axis is not None)
        return None

    def _broadcast_axes(
        self, shape: tuple[DimLike, ...], inputs: list[tuple[int | None, ...]]
    ) -> tuple[int | None, ...] | None:
        """The block's axis of each axis of an elementwise result; None where inputs disagree."""
        result: list[int | None] = [None] * len(shape)
        for axes in inputs:
            for place, axis in enumerate(axes, start=len(shape) - len(axes)):
                if axis is None:
                    continue
                if result[place] not in (None, axis):
                    return None
                result[place] = axis
        filled = [axis for axis in result if axis is not None]
        if len(shape) == len(self.sizes):
            # an axis the inputs do not have is one that they are repeated along: it must be the block's own
            result = [i if axis is None and shape[i] == self.sizes[i] != 1 else axis for i, axis in enumerate(result)]
        return tuple(result) if len(set(filled)) == len(filled) else None

    def _is_whole(self, tensor: Tensor, axes: tuple[int | None, ...]) -> bool:
        """Whether a member's axes are all of the block's, or all of those kept, in order."""
        if tensor.op.type == "Contract" or _reduces(tensor.op):
            return True
        present = tuple(axis for axis in axes if axis is not None and self.sizes[axis] != 1)
        every = tuple(axis for axis, size in enumerate(self.sizes) if size != 1)
        kept = tuple(axis for axis in every if axis not in self.reduced)
        return present in (every, kept)

    # -- contents ------------------------------------------------------------------------------------

    def ordered_nodes(self) -> list[Operation]:
        """Members and repeated nodes in the order of the graph."""
        return sorted(self.members | self.repeated, key=lambda node: node.number)

    def inputs(self) -> Iterable[Tensor]:
        """The tensors that come from outside, in the order in which they are first read."""
        inside = self.members | self.repeated
        return dict.fromkeys(x for node in self.ordered_nodes() for x in node.inputs if x.op not in inside)


def _common_space(a: Group, b: Group) -> tuple[tuple[DimLike, ...], tuple[int, ...]] | None:
    """The block of positions that serves both groups."""
    if a.sizes == b.sizes and (a.reduced == b.reduced or not a.reduced or not b.reduced):
        return a.sizes, a.reduced or b.reduced
    for small, large in ((a, b), (b, a)):
        if not small.reduced and large.reduced and small.sizes in _kept_forms(large.sizes, large.reduced):
            return large.sizes, large.reduced
    return None


def _reduces(node: Operation) -> bool:
    return isinstance(node.kind, (Reduce, ArgReduce))


def _space_of(node: Operation) -> tuple[DimLike, ...]:
    return (node.inputs[0] if _reduces(node) else node.outputs[0]).type.sizes


def _reduced_axes(node: Operation) -> tuple[int, ...]:
    if isinstance(node.kind, Reduce):
        return node.kind.axes or ()
    return (node.kind.axis,) if isinstance(node.kind, ArgReduce) else ()


def _kept_forms(sizes: tuple[DimLike, ...], reduced: tuple[int, ...]) -> tuple[tuple[DimLike, ...], ...]:
    with_ones = tuple(1 if axis in reduced else size for axis, size in enumerate(sizes))
    without = tuple(size for axis, size in enumerate(sizes) if axis not in reduced)
    return with_ones, without


def _is_outer(shape: tuple[DimLike, ...], sizes: tuple[DimLike, ...]) -> bool:
    """Whether the value depends on outer axes only, so that it is computed before the inner loop."""
    if len(shape) != len(sizes) or shape[-1] != 1:
        return False
    return all(a == b or a == 1 for a, b in zip(shape, sizes, strict=True))


def _flops(node: Operation) -> int:
    return node.kind.record.flops if isinstance(node.kind, Elementwise) else 1
