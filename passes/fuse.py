"""Groups nodes into kernels, so that values pass from op to op in registers and not through memory.

Before::

    z: f32[64,128] = Contract(x, W)
    a: f32[64,128] = Add(z, b)
    h: f32[64,128] = Relu(a)
    return h

After::

    h: f32[64,128] = Kernel(x, W, b, ops=Contract+Add+Relu)
    return h

Nodes are visited from last to first. A node joins the group of its readers when all of them are in one group and the
group can compute it where it needs it; so no group ever waits for itself. What is cheap and has no memory of its own
(views, scalars) is repeated in every group that reads it. What can join is said in :mod:`groups`; afterwards
:mod:`merge` joins whole groups where no value would wait for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Placeholder
from graphc.ops.fused import Kernel
from graphc.passes.groups import IN_MEMORY, Group, InMemory, is_alias, is_input, is_repeated
from graphc.passes.merge import merged
from graphc.passes.rewrite import consumers_of, copy_node, needed_nodes


def fuse(graph: Graph) -> Graph:
    """The graph in kernels: inputs, large constants, views of whole tensors, and ``Kernel`` nodes."""
    groups = merged(_grouped(graph))
    return _Assembly(graph, groups).run()


def _grouped(graph: Graph) -> list[Group]:
    """The groups that :func:`fuse` describes, before any are merged."""
    readers = consumers_of(graph)
    targets = set(graph.targets)
    homes: dict[Operation, set[Group | InMemory]] = {}  # where a node is computed; several for repeated nodes
    groups: list[Group] = []
    for node in reversed(needed_nodes(graph.targets)):
        if is_input(node):
            continue
        reading = {group for out in node.outputs for reader in readers.get(out, []) for group in homes[reader]}
        is_target = any(out in targets for out in node.outputs)
        if is_repeated(node):
            taken = {group for group in reading if group.repeat(node)}
            if taken == reading and not is_target:
                homes[node] = taken
                continue
            if is_alias(node):
                homes[node] = taken | {IN_MEMORY}
                continue
            reading -= taken
        group = next(iter(reading)) if len(reading) == 1 and not is_repeated(node) else None
        if group is None or not group.join(node, is_target):
            group = Group(node, len(groups))
            groups.append(group)
        homes[node] = (taken if is_repeated(node) else set()) | {group}
    return groups


class _Assembly:
    """Builds the graph of kernels from the groups."""

    def __init__(self, graph: Graph, groups: Sequence[Group]):
        self.old = graph
        self.new = Graph()
        self.targets = set(graph.targets)
        self.groups = groups
        self.home = {node: group for group in groups for node in group.members}
        self.places: dict[Tensor, Tensor] = {}
        self.outputs = {group: [] for group in groups}  # type: dict[Group, list[Tensor]]

    def run(self) -> Graph:
        inputs = {group: list(group.inputs()) for group in self.groups}
        self._choose_outputs([*self.old.targets, *(tensor for each in inputs.values() for tensor in each)])
        for node in needed_nodes(self.old.targets):
            if is_input(node):
                self.places[node.outputs[0]] = copy_node(self.new, node, ()).outputs[0]
        for group in _in_order(self.groups, inputs, self.home):
            self._add_kernel(group, inputs[group])
        self.new.targets = tuple(self._place(tensor) for tensor in self.old.targets)
        return self.new

    def _choose_outputs(self, wanted: Iterable[Tensor]) -> None:
        for tensor in dict.fromkeys(_behind_aliases(tensor) for tensor in wanted):
            if tensor.op in self.home:
                self.outputs[self.home[tensor.op]].append(tensor)

    def _place(self, tensor: Tensor) -> Tensor:
        """The tensor in the new graph: an input, a constant, an output of a kernel, or a view of one of these."""
        if tensor not in self.places:
            inputs = tuple(self._place(x) for x in tensor.op.inputs)
            self.places.update(zip(tensor.op.outputs, copy_node(self.new, tensor.op, inputs).outputs, strict=True))
        return self.places[tensor]

    def _add_kernel(self, group: Group, inputs: Sequence[Tensor]) -> None:
        body, inside = Graph(), {}
        for tensor in inputs:
            inside[tensor] = _parameter(body, tensor)
        for node in group.ordered_nodes():
            places = tuple(inside[x] for x in node.inputs)
            inside.update(zip(node.outputs, copy_node(body, node, places).outputs, strict=True))
        outputs = sorted(self.outputs[group], key=lambda tensor: (tensor.op.number, tensor.value_index))
        body.targets = tuple(inside[tensor] for tensor in outputs)
        kernel = Kernel(body, group.sizes, group.reduced)
        last = max(group.members, key=lambda node: node.number)
        node = self.new.add(kernel, tuple(self._place(x) for x in inputs), like=last)
        self.places.update(zip(outputs, node.outputs, strict=True))


def _parameter(body: Graph, tensor: Tensor) -> Tensor:
    return body.add(Placeholder(tensor.dtype, tensor.type.shape), (), (tensor.type,), name=tensor.op.name).outputs[0]


def _behind_aliases(tensor: Tensor) -> Tensor:
    while is_alias(tensor.op):
        tensor = tensor.op.inputs[0]
    return tensor


def _in_order(groups: Sequence[Group], inputs: dict[Group, list[Tensor]], home: dict[Operation, Group]) -> list[Group]:
    """The groups so that each comes after those it reads, as early in the graph as its first node allows."""
    done: set[Group] = set()
    order: list[Group] = []
    for start in sorted(groups, key=lambda group: min(node.number for node in group.members)):
        waiting = [(start, False)]
        while waiting:
            group, ready = waiting.pop()
            if group in done:
                continue
            if ready:
                done.add(group)
                order.append(group)
                continue
            waiting.append((group, True))
            sources = {home[t.op] for t in map(_behind_aliases, inputs[group]) if t.op in home}
            waiting.extend((source, False) for source in sources if source not in done)
    return order
