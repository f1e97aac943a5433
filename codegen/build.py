"""From a graph of kernels to a program: loops lowered and scheduled, order and memory decided.

loops      every Kernel node lowered, scheduled for the target
order      kernels so that variables are updated in place where possible
places     each value in the caller's memory (a fetch, a variable) or in the arena
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.codegen.in_place import InPlace
from graphc.codegen.loops import ITEM_BYTES, Buffer, Kernel
from graphc.codegen.lower.kernel import lower
from graphc.codegen.memory import Block, plan
from graphc.codegen.order import Made, Order
from graphc.codegen.program import Call, Copy, ErrorSlot, InArena, Place, Program, Slot
from graphc.codegen.schedule_cost import estimate_size
from graphc.codegen.schedule_rounds import stages
from graphc.codegen.scratch import scratch_bytes
from graphc.codegen.target import Target
from graphc.dims import DimLike, Symbol, atoms
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.recomputed import Barrier
from graphc.ops.reshaping import ExpandDims, Reshape, Squeeze
from graphc.records import record, replace
from graphc.shapes import TensorType


@record
class Stages:
    """What a node becomes: kernels that run one after the other, and the nodes that their error codes stand for.

    ``arguments`` are those of the node, its inputs and outputs; other ones are for what stages leave to the next.
    """

    arguments: tuple[Buffer, ...]
    kernels: tuple[Kernel, ...]
    checked: tuple[Operation, ...]

    @property
    def partials(self) -> tuple[Buffer, ...]:
        """What a stage leaves to the next."""
        used = dict.fromkeys(buffer for kernel in self.kernels for buffer in kernel.arguments)
        return tuple(buffer for buffer in used if buffer not in self.arguments)


@record
class Interface:
    """What a step takes and gives: feeds, states (their input, if read) and which states the last targets replace."""

    feeds: tuple[Tensor, ...]
    states: tuple[tuple[Tensor | None, TensorType], ...]
    fetches: int
    updates: tuple[int, ...] = ()


def build(graph: Graph, interface: Interface, target: Target) -> Program:
    """The program for a graph whose nodes are inputs, constants, views and kernels."""
    return _Builder(graph, interface, target).run()


class _Builder:
    def __init__(self, graph: Graph, interface: Interface, target: Target):
        self.graph = graph
        self.interface = interface
        self.target = target
        self.nodes = [node for node in graph.nodes if node.type == "Kernel"]
        self.number = {node: n for n, node in enumerate(self.nodes)}
        self.readers: dict[Tensor, list[int]] = {}
        for node in self.nodes:
            for tensor in dict.fromkeys(map(_source, node.inputs)):
                self.readers.setdefault(tensor, []).append(self.number[node])
        self.homes: dict[Tensor, Place] = {}
        self.saved: dict[Tensor, Place] = {}
        self.partials: dict[tuple[Operation, Buffer], Place] = {}
        self.in_place = InPlace()
        self.errors = 0
        self.slots: dict[tuple[str, int], Slot] = {}
        self.program = Program(interface.feeds)

    def run(self) -> Program:
        program = self.program
        self.stages = _scheduled(self.nodes, self.target)
        program.symbols = _symbols(self.graph)
        self._declare_slots()
        order = self._order()
        self._place_updates(order)
        self._place_fetches()
        sequence = [self.nodes[n] for n in order.sorted(self._values())]
        self._place_rest(sequence)
        kernels = {id(kernel): kernel for stages in self.stages.values() for kernel in stages.kernels}
        program.scratch_bytes = tuple({scratch_bytes(kernel, self.target) for kernel in kernels.values()} or {0})
        first, last = self._copies()
        program.actions = [*first, *(call for node in sequence for call in self._calls(node)), *last]
        return program

    # -- the caller's memory -----------------------------------------------------------------------------

    def _declare_slots(self) -> None:
        for n, tensor in enumerate(self.interface.feeds):
            self.homes[tensor] = self._slot("feed", n, tensor.type)
        for n, (read, type) in enumerate(self.interface.states):
            slot = self._slot("state", n, type)
            if read is not None:
                self.homes[read] = slot
        for n, tensor in enumerate(self.graph.targets[: self.interface.fetches]):
            self._slot("fetch", n, tensor.type)
            self.program.fetches.append(tensor.type)
        for node in self.graph.nodes:
            if isinstance(node.kind, Const):
                self.homes[node.outputs[0]] = self._slot("constant", len(self.program.constants), node.outputs[0].type)
                self.program.constants.append(node.kind.value)

    def _slot(self, kind: str, number: int, type: TensorType) -> Slot:
        slot = self.slots[kind, number] = self.program.add_slot(kind, number, type)
        return slot

    # -- order and places --------------------------------------------------------------------------------

    def _order(self) -> Order:
        order = Order(len(self.nodes))
        for node in self.nodes:
            for tensor in node.inputs:
                source = _source(tensor).op
                if source in self.number:
                    order.require(self.number[source], self.number[node])
        return order

    def _place_updates(self, order: Order) -> None:
        """New values of variables go where the old ones are, if every other reader of the old ones can come first."""
        checking = [self.number[node] for node in self.nodes if self.stages[node].checked]
        for state, tensor in self._update_targets():
            source = _source(tensor)
            if source.op not in self.number or source in self.homes:
                continue
            if self.stages[source.op].checked:  # it may fail when it has written: what it gives is copied at the end
                continue
            old = self.interface.states[state][0]
            if not self._overwrites_safely(source, old):
                continue
            readers = self.readers.get(old, []) if old is not None else []
            # what may fail comes first too: then a step that fails leaves the variables as they were
            if order.put_last(self.number[source.op], [*readers, *checking]):
                self.homes[source] = self.slots["state", state]

    def _overwrites_safely(self, new: Tensor, old: Tensor | None) -> bool:
        """Whether the kernel that computes ``new`` reads ``old`` only at the element that it writes."""
        node = new.op
        if old is None or not any(_source(x) is old for x in node.inputs):
            return True
        if self._is_parallel_hazard(node, new, old):
            return False
        stages = self.stages[node]
        written = stages.arguments[len(node.inputs) + new.value_index]
        read = [stages.arguments[n] for n, x in enumerate(node.inputs) if _source(x) is old]
        return all(self.in_place.overwrites_safely(stages.kernels, buffer, written) for buffer in read)

    def _is_parallel_hazard(self, node: Operation, new: Tensor, old: Tensor) -> bool:
        """Whether another output of the same kernel is also placed over ``old``: never, but two updates could ask."""
        return any(self.homes.get(out) == self.homes.get(old) for out in node.outputs if out is not new)

    def _place_fetches(self) -> None:
        for n, tensor in enumerate(self.graph.targets[: self.interface.fetches]):
            source = _source(tensor)
            if source.op in self.number and source not in self.homes:
                self.homes[source] = self.slots["fetch", n]

    def _values(self) -> list[Made]:
        """What needs memory in the arena, and between which kernels."""
        kept = {_source(tensor) for tensor in self.graph.targets}
        values = [
            Made(estimate_size(_bytes(tensor.type)), self.number[node], self.readers.get(tensor, ()), tensor in kept)
            for node in self.nodes
            for tensor in node.outputs
            if tensor not in self.homes
        ]
        partials = ((node, buffer) for node in self.nodes for buffer in self.stages[node].partials)
        return values + [
            Made(estimate_size(b.size * ITEM_BYTES[b.dtype]), self.number[node], ()) for node, b in partials
        ]

    def _place_rest(self, sequence: Sequence[Operation]) -> None:
        """Every other value gets memory in the arena, from the call that makes it to the last that reads it."""
        when = {node: n for n, node in enumerate(sequence)}
        last = {out: when[node] for node in sequence for out in node.outputs}
        for node in sequence:
            for tensor in map(_source, node.inputs):
                if tensor in last:
                    last[tensor] = max(last[tensor], when[node])
        for tensor in map(_source, self.graph.targets):
            if tensor in last:
                last[tensor] = len(sequence)
        homeless = [tensor for tensor in last if tensor not in self.homes]
        blocks = [Block(_bytes(t.type), when[t.op], last[t]) for t in homeless]
        self.saved = self._saved_states()
        blocks += [Block(_bytes(t.type), -1, len(sequence)) for t in self.saved]
        partials = [(node, buffer) for node in sequence for buffer in self.stages[node].partials]
        blocks += [Block(b.size * ITEM_BYTES[b.dtype], when[node], when[node]) for node, b in partials]
        layout = plan(blocks)
        self.program.arena_bytes = layout.size
        places = iter(InArena(offset) for offset in layout.offsets)
        self.homes.update(zip(homeless, places, strict=False))
        self.saved.update(zip(list(self.saved), places, strict=False))
        self.partials.update(zip(partials, places, strict=True))

    # -- copies --------------------------------------------------------------------------------------------

    def _update_targets(self) -> list[tuple[int, Tensor]]:
        return list(zip(self.interface.updates, self.graph.targets[self.interface.fetches :], strict=True))

    def _saved_states(self) -> dict[Tensor, Place]:
        """Old values that become the new value of another variable: kept aside, since they may be overwritten."""
        saved: dict[Tensor, Place] = {}
        for state, tensor in self._update_targets():
            source = _source(tensor)
            home = self.homes.get(source)
            if source.op.type == "VariableV2" and home != self.slots["state", state]:
                saved[source] = InArena(0)
        return saved

    def _copies(self) -> tuple[list[Copy], list[Copy]]:
        """What is moved before the first kernel (values from before the run), and after the last."""
        first = [Copy(self.homes[t], place, _bytes(t.type)) for t, place in self.saved.items()]
        last: list[Copy] = []
        for n, tensor in enumerate(self.graph.targets[: self.interface.fetches]):
            source, slot = _source(tensor), self.slots["fetch", n]
            if self.homes[source] != slot:
                moves = last if source.op in self.number else first
                moves.append(Copy(self.homes[source], slot, _bytes(source.type)))
        for state, tensor in self._update_targets():
            source, slot = _source(tensor), self.slots["state", state]
            home = self.saved.get(source, self.homes[source])
            if home != slot:
                last.append(Copy(home, slot, _bytes(source.type)))
        return first, last

    def _calls(self, node: Operation) -> list[Call]:
        """A call for each stage; the last one can fail, since what may have gone wrong is noted by then."""
        stages = self.stages[node]
        homes = tuple(self.homes[tensor] for tensor in (*map(_source, node.inputs), *node.outputs))
        errors = (ErrorSlot(self.errors),) if stages.checked else ()
        places: dict[Buffer, Place] = dict(zip(stages.arguments, (*homes, *errors), strict=True))
        places.update((buffer, self.partials[node, buffer]) for buffer in stages.partials)
        calls = [Call(kernel, tuple(places[x] for x in kernel.arguments), node, homes) for kernel in stages.kernels]
        if stages.checked:
            calls[-1] = replace(calls[-1], checked=stages.checked, error_slot=self.errors)
            self.errors += 1
        return calls


def _scheduled(nodes: Sequence[Operation], target: Target) -> dict[Operation, Stages]:
    """The stages of each node; kernels of one structure are lowered once, those that read alike scheduled once."""
    known: dict[str, tuple[Kernel, ...]] = {}
    firsts: dict[Any, Operation] = {}
    result: dict[Operation, Stages] = {}
    for node in nodes:
        first = firsts.setdefault(node.kind.structure, node)  # type: ignore[attr-defined]
        if first is not node:
            result[node] = replace(result[first], checked=_counterparts(result[first].checked, first, node))
            continue
        loops = lower(node)
        text = loops.kernel.text
        if text not in known:
            known[text] = stages(loops.kernel, target)
        result[node] = Stages(loops.kernel.arguments, known[text], tuple(loops.checked))
    return result


def _counterparts(nodes: Sequence[Operation], first: Operation, second: Operation) -> tuple[Operation, ...]:
    """What stands in one kernel where ``nodes`` stand in another of the same structure."""
    pairs = zip(first.kind.body.nodes, second.kind.body.nodes, strict=True)  # type: ignore[attr-defined]
    other = dict(pairs)
    return tuple(other[node] for node in nodes)


def _source(tensor: Tensor) -> Tensor:
    """What a view is a view of."""
    while isinstance(tensor.op.kind, (Reshape, ExpandDims, Squeeze, Barrier)):
        tensor = tensor.op.inputs[0]
    return tensor


def _bytes(type: TensorType) -> DimLike:
    return type.elements * type.dtype.size


def _symbols(graph: Graph) -> tuple[str, ...]:
    """The names of all size symbols, sorted."""
    names: set[str] = set()
    for node in graph.nodes:
        for tensor in node.outputs:
            for size in tensor.type.sizes:
                names |= {thing.name for thing in atoms(size) if isinstance(thing, Symbol)}
    return tuple(sorted(names))
