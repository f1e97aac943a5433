"""New values of variables in the places of the old ones, where nobody reads those later.

Before                                          After
    y = MoreRows(x); z = WriteRows(y, i, r)         grow x; MoreRows(x) in x; WriteRows(x, i, r) in x
    x = z

The variables of a loop are such ones. An array of which rows are changed, or that gets more rows, goes through any
number of changes where it is; its memory gets room for what it grows by.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from graphc.codegen.interface import bytes_of, source_of
from graphc.codegen.order import Order
from graphc.codegen.program import Grow
from graphc.dims import DimLike
from graphc.nodes import Operation, Tensor
from graphc.ops.grown_rows import FewerRows
from graphc.ops.scatter import UPDATES

if TYPE_CHECKING:
    from graphc.codegen.build import Builder


class Updates:
    """Finds the new values of a builder's variables that can be where the old ones are."""

    def __init__(self, builder: Builder, order: Order):
        self.builder, self.order = builder, order
        self.grown: dict[Operation, Grow] = {}

    def place(self) -> dict[Operation, Grow]:
        """Places them; what the memory of a variable needs before a kernel writes into it."""
        builder = self.builder
        in_body = builder.body is not None
        # what may fail comes first: then a step that fails leaves the variables as they were
        checking = [] if in_body else [builder.number[node] for node in builder.nodes if builder.may_fail(node)]
        for state, tensor in builder.update_targets():
            source = source_of(tensor)
            if source.op not in builder.number or source in builder.homes:
                continue
            # it may fail when it has written: what it gives is copied at the end (a loop's variables are its own)
            if not in_body and builder.may_fail(source.op):
                continue
            chains = self._chains(source) if in_body else [[source]]
            any(self._is_placed(chain, state, checking) for chain in chains)
        return self.grown

    def _chains(self, source: Tensor) -> list[list[Tensor]]:
        """The value with the arrays that become it as some of their rows are changed, the last one first; it alone."""
        builder, chain = self.builder, [source]
        targets = set(map(source_of, builder.targets))
        while (before := self._updated(chain[-1])) is not None:
            placed = before in builder.homes or before in builder.same or before in targets
            once = [source_of(x) for x in chain[-1].op.inputs].count(before) == 1
            if placed or not once or before.op not in builder.number:
                break
            chain.append(before)
        return [chain] if len(chain) == 1 else [chain, [source]]

    def _updated(self, tensor: Tensor) -> Tensor | None:
        """The array that becomes the tensor as some of its rows are changed."""
        is_kernel = tensor.op in self.builder.stages and tensor is tensor.op.outputs[0]
        return updated(tensor.op) if is_kernel else None

    def _is_placed(self, chain: Sequence[Tensor], state: int, checking: Sequence[int]) -> bool:
        """Puts all of a chain where the variable is, if each value is read before the next one is there."""
        builder, order = self.builder, self.order
        old, source, first = builder.interface.states[state][0], chain[0], chain[-1]
        if self._changes_size(state, source) and (old is None or self._updated(first) is not old):
            return False
        readers = builder.readers.get(old, []) if old is not None else []
        if not self._overwrites_safely(first, old) or not order.put_last(
            builder.number[first.op], [*readers, *checking]
        ):
            return False
        pairs = list(pairwise(chain))
        if not all(order.put_last(builder.number[after.op], builder.readers[before]) for after, before in pairs):
            return False
        slot = builder.slots["state", state]
        builder.homes[source] = slot
        builder.same.update(dict.fromkeys(chain[1:], source))
        if builder.interface.is_handed(state):
            for node in (after.op for after in chain):
                bytes, kept = bytes_of(node.outputs[0].type), kept_bytes(node)
                if bytes != kept:
                    self.grown[node] = Grow(slot, bytes, kept)
        return True

    def _changes_size(self, state: int, source: Tensor) -> bool:
        """Whether the new value is of another size than the old one."""
        interface = self.builder.interface
        old = interface.states[state][0]
        known = old is None or bytes_of(old.type) == bytes_of(source.type)
        return not known or interface.is_handed(state)

    def _overwrites_safely(self, new: Tensor, old: Tensor | None) -> bool:
        """Whether the kernel that computes ``new`` reads ``old`` only at the element that it writes."""
        builder, node = self.builder, new.op
        if old is None or not any(source_of(x) is old for x in node.inputs):
            return True
        if self._is_parallel_hazard(node, new, old):
            return False
        if node in builder.inside:
            return builder.inside[node].begins_as(new.value_index, old)
        stages = builder.stages[node]
        written = stages.arguments[len(node.inputs) + new.value_index]
        read = [stages.arguments[n] for n, x in enumerate(node.inputs) if source_of(x) is old]
        return all(builder.shared.in_place.overwrites_safely(stages, buffer, written) for buffer in read)

    def _is_parallel_hazard(self, node: Operation, new: Tensor, old: Tensor) -> bool:
        """Whether another output of the same kernel is also placed over ``old``: never, but two updates could ask."""
        homes = self.builder.homes
        return any(homes.get(out) == homes.get(old) for out in node.outputs if out is not new)


def updated(node: Operation) -> Tensor | None:
    """The array of which a kernel changes some rows, or how many it has; None for other kernels."""
    kind: Any = node.kind
    target = kind.body.targets[0].op
    if not isinstance(target.kind, UPDATES):
        return None
    return source_of(node.inputs[kind.parameters.index(target.inputs[0])])


def kept_bytes(node: Operation) -> DimLike:
    """How much of that array stays."""
    kind: Any = node.kind
    kept = node.outputs[0] if isinstance(kind.body.targets[0].op.kind, FewerRows) else updated(node)
    assert kept is not None, f"{node.describe()} changes no array"
    return bytes_of(kept.type)
