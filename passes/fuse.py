"""Groups nodes into kernels, so that values pass from op to op in registers and not through memory.

Before::

    z: f32[64,128] = Contract(x, W)
    a: f32[64,128] = Add(z, b)
    h: f32[64,128] = Relu(a)
    return h

After::

    h: f32[64,128] = Kernel(x, W, b, ops=Contract+Add+Relu)
    return h

Groups grow along the flow of values (:mod:`grow`), the parts in ``PARTS`` change them, small ones share a kernel
(:mod:`bundle`), and the graph of kernels is put together here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from graphc.dims import evaluate
from graphc.graph import Graph
from graphc.needed import told_before
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Placeholder
from graphc.ops.contraction import Contract, ContractPhases
from graphc.ops.fused import Kernel
from graphc.passes.absorb import absorb_leaves, merge_siblings
from graphc.passes.bundle import bundles
from graphc.passes.grow import Group, Growth
from graphc.passes.kinds import behind_aliases, holds_graphs, is_input, reads_memory
from graphc.passes.recompute import recompute
from graphc.passes.rewrite import copy_node
from graphc.records import record


@record
class Part:
    """A change of the groups, and why it stands where it does."""

    name: str
    run: Callable[[Growth], None]
    reason: str


PARTS: tuple[Part, ...] = (
    Part(
        "absorb leaves",
        absorb_leaves,
        "who has room for what stands alone takes it in, and is looked at with it from here",
    ),
    Part("merge siblings", merge_siblings, "who reads the same reads it once, which makes reading cheaper than it was"),
    Part("recompute", recompute, "which values to store is asked of groups that are otherwise complete"),
    Part("merge again", merge_siblings, "a group that computes a value for itself may read what others read"),
)
PART_NAMES = ("grow", *(part.name for part in PARTS))


def fuse(graph: Graph) -> Graph:
    """The graph in kernels: inputs, large constants, views of whole tensors, and ``Kernel`` nodes."""
    growth = Growth(graph)
    for part in PARTS:
        part.run(growth)
    return _Assembly(graph, growth, bundles(growth)).run()


def fused_so_far(graph: Graph) -> Iterator[Graph]:
    """The graph with each group as a kernel of its own: as the groups grew, and after each part."""
    growth = Growth(graph)
    yield _Assembly(graph, growth, [[group] for group in growth.groups]).run()
    for part in PARTS:
        part.run(growth)
        yield _Assembly(graph, growth, [[group] for group in growth.groups]).run()


class _Kernel:
    """One kernel to be: its groups, all nodes computed in it, and what it reads."""

    def __init__(self, groups: Sequence[Group], growth: Growth):
        self.groups = groups
        members = {node for group in groups for node in (*group.axes, *group.leaves)}
        operands = {x.op for node in members if reads_memory(node) for x in node.inputs}
        self.nodes: dict[Operation, None] = {}  # views and numbers right before what reads them: alike in like kernels
        for node in sorted(members, key=lambda node: node.number):
            self._add(node, growth.free, operands)
        self.inputs = list(dict.fromkeys(x for node in self.nodes for x in node.inputs if x.op not in self.nodes))
        self.first = min(node.number for node in members)
        self.main = _main(sorted(members, key=lambda node: node.number))

    def _add(self, node: Operation, free: Collection[Operation], in_memory: Collection[Operation]) -> None:
        """Adds a node after those that it repeats for itself."""
        waiting = [node]
        while waiting:
            last = waiting[-1]
            wanted = (x.op for x in last.inputs if x.op in free and x.op not in in_memory)
            missing = next((source for source in wanted if source not in self.nodes), None)
            if missing is None:
                self.nodes[waiting.pop()] = None
            else:
                waiting.append(missing)


def _main(members: Sequence[Operation]) -> Operation:
    """The member that a kernel is named after: of the part that computes most, its product, or else the last."""
    computed: dict[str, int] = {}
    for node in members:
        computed[node.role] = computed.get(node.role, 0) + _computed(node)
    role = max(computed, key=computed.__getitem__)
    own = [node for node in members if node.role == role]
    return next((node for node in own if isinstance(node.kind, Contract | ContractPhases)), own[-1])


def _computed(node: Operation) -> int:
    """How many numbers a node computes."""
    counts = [tensor.type.elements for tensor in node.outputs]
    return sum([n if isinstance(n, int) else evaluate(n, _USUAL) for n in counts])


_USUAL: defaultdict[str, int] = defaultdict(lambda: 32)  # a symbol is taken to be a usual batch


class _Assembly:
    """Builds the graph of kernels from the groups."""

    def __init__(self, graph: Graph, growth: Growth, kernels: Sequence[Sequence[Group]]):
        self.old = graph
        self.new = Graph()
        self.growth = growth
        self.parts = [_Kernel(groups, growth) for groups in kernels]
        self.home = {group: part for part in self.parts for group in part.groups}
        self.places: dict[Tensor, Tensor] = {}
        self.outputs: dict[Group, dict[Tensor, None]] = {group: {} for group in growth.groups}

    def run(self) -> Graph:
        order = self._in_order()
        self._choose_outputs(order)
        for node in self.old.needed():
            if is_input(node):
                self.places[node.outputs[0]] = copy_node(self.new, node, ()).outputs[0]
        for part in order:
            if any(self.outputs[group] for group in part.groups):
                self._add_kernel(part)
        self.new.targets = tuple(self._place(tensor) for tensor in self.old.targets)
        self.new.measured = {size: self._place(count) for size, count in self.old.measured.items()}
        return self.new

    def _choose_outputs(self, order: Sequence[_Kernel]) -> None:
        """What is read outside of its group, by targets or by kernels that are read themselves."""
        self._want((*self.old.targets, *self.old.measured.values()))
        for part in reversed(order):
            if any(self.outputs[group] for group in part.groups):
                self._want(part.inputs)

    def _want(self, tensors: Iterable[Tensor]) -> None:
        for tensor in map(behind_aliases, tensors):
            if tensor.op in self.growth.homes:
                self.outputs[self.growth.homes[tensor.op]][tensor] = None

    def _place(self, tensor: Tensor) -> Tensor:
        """The tensor in the new graph: an input, a constant, an output of a kernel, or a view of one of these."""
        if tensor not in self.places:
            inputs = tuple(self._place(x) for x in tensor.op.inputs)
            self.places.update(zip(tensor.op.outputs, copy_node(self.new, tensor.op, inputs).outputs, strict=True))
        return self.places[tensor]

    def _add_kernel(self, part: _Kernel) -> None:
        if holds_graphs(part.main):
            inputs = tuple(self._place(x) for x in part.main.inputs)
            self.places.update(zip(part.main.outputs, copy_node(self.new, part.main, inputs).outputs, strict=True))
            return
        body = Graph()
        inside = {tensor: _parameter(body, tensor) for tensor in part.inputs}
        for node in part.nodes:
            places = tuple(inside[x] for x in node.inputs)
            inside.update(zip(node.outputs, copy_node(body, node, places).outputs, strict=True))
        outputs: list[Tensor] = []
        spaces = []
        for group in part.groups:
            own = sorted(self.outputs[group], key=lambda tensor: (tensor.op.number, tensor.value_index))
            if own:
                spaces.append((group.space, tuple(range(len(outputs), len(outputs) + len(own)))))
                outputs += own
        body.targets = tuple(inside[tensor] for tensor in outputs)
        inputs = tuple(self._place(x) for x in part.inputs)
        node = self.new.add(Kernel(body, tuple(spaces)), inputs, like=part.main)
        self.places.update(zip(outputs, node.outputs, strict=True))
        for count in self.old.measured.values():
            if behind_aliases(count) in self.places:
                self._place(count)  # before those that mention the size

    def _counted_before(self, part: _Kernel) -> set[_Kernel]:
        """The kernels that tell the sizes that a kernel mentions."""
        measured = self.old.measured
        if not measured:
            return set()
        told = ((node, behind_aliases(count).op) for node in part.nodes for count in told_before(node, measured))
        counts = {count for node, count in told if count.number < node.number}
        return {self.home[self.growth.homes[count]] for count in counts if count in self.growth.homes} - {part}

    def _in_order(self) -> list[_Kernel]:
        """The kernels so that each comes after those it reads, as early in the graph as its first node allows."""
        done: set[_Kernel] = set()
        order: list[_Kernel] = []
        for start in sorted(self.parts, key=lambda part: part.first):
            waiting = [(start, False)]
            while waiting:
                part, ready = waiting.pop()
                if part in done:
                    continue
                if ready:
                    done.add(part)
                    order.append(part)
                    continue
                waiting.append((part, True))
                sources = {self.home[source] for group in part.groups for source in group.sources}
                sources |= self._counted_before(part)
                fresh = sorted(
                    sources - done, key=lambda part: part.first, reverse=True
                )  # the same order in each process
                waiting.extend((source, False) for source in fresh)
        return order


def _parameter(body: Graph, tensor: Tensor) -> Tensor:
    return body.add(Placeholder(tensor.dtype, tensor.type.shape), (), (tensor.type,), name=tensor.op.name).outputs[0]
