"""From a graph of kernels to a program: loops lowered and scheduled, order and memory decided.

loops      every Kernel node lowered, scheduled for the target
order      kernels so that variables are updated in place where possible
places     each value in the caller's memory (a fetch, a variable) or in the arena
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from graphc.codegen.in_place import InPlace
from graphc.codegen.interface import Interface, bytes_of, source_of
from graphc.codegen.loops import ITEM_BYTES, Buffer, Kernel
from graphc.codegen.memory import Block, aligned, plan
from graphc.codegen.order import Made, Order
from graphc.codegen.outline import Slot
from graphc.codegen.program import (
    Action,
    Call,
    Copy,
    Cursor,
    ErrorSlot,
    Give,
    Grow,
    Hand,
    InArena,
    Inner,
    Place,
    Program,
    SizeWord,
    Stack,
    Take,
    Within,
)
from graphc.codegen.program import Block as MemoryBlock
from graphc.codegen.schedule_cost import estimate_size
from graphc.codegen.scratch import scratch_bytes
from graphc.codegen.staged import Stages, staged
from graphc.codegen.target import Target
from graphc.codegen.updates import Updates, kept_bytes, updated
from graphc.dims import Dim, DimLike, Measured, Symbol, atoms, is_bounded, is_nonnegative, most
from graphc.errors import UnimplementedError
from graphc.graph import Graph
from graphc.needed import told_before
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.fused import Kernel as Fused
from graphc.ops.reshaping import DimValue
from graphc.records import replace
from graphc.shapes import TensorType

if TYPE_CHECKING:
    from graphc.codegen.inside import Inside

Asked = tuple[Block, Callable[[InArena], None]]  # memory that is asked for, and who takes it


def build(graph: Graph, interface: Interface, target: Target) -> Program:
    """The program for a graph whose nodes are inputs, constants, views, kernels, branches and loops."""
    shared = Shared(Program(feed for feed in interface.feeds if feed is not None), target)
    kernels = [node for part in (graph, *_bodies(graph)) for node in _kernels(part)]
    shared.stages = staged(kernels, interface.feeds, target)
    program = shared.program
    symbols = _symbols((graph, *_bodies(graph)))
    program.symbols = tuple(sorted({symbol.name for symbol in symbols}))
    program.measured = tuple(sorted({symbol.name for symbol in symbols if isinstance(symbol, Measured)}))
    program.open_sizes = _open_sizes((graph, *_bodies(graph)))
    builder = Builder(shared, graph, graph.targets, interface)
    program.fetches = [tensor.type for tensor in graph.targets[: interface.fetches]]
    program.actions = builder.run()
    program.arena_bytes = _place_stacks(program, builder.arena_bytes)
    all_stages = {id(kernel): kernel for stages in shared.stages.values() for kernel in stages.kernels}
    program.scratch_bytes = tuple({_scratch(kernel, target, program) for kernel in all_stages.values()} or {0})
    return program


def _scratch(kernel: Kernel, target: Target, program: Program) -> DimLike:
    """The private memory of a thread at most; ``UnimplementedError`` where nothing bounds it."""
    count = scratch_bytes(kernel, target)
    if is_bounded(count):
        return most(count)
    node = next(call.node for call in program.calls if call.kernel is kernel)
    raise UnimplementedError(
        node,
        node,
        f"{node.describe()} needs {count} bytes for each thread, and nothing bounds a size that is counted while the "
        "step runs; give one that follows from shapes, or slice from an array of known size",
    )


def _place_stacks(program: Program, end: DimLike) -> DimLike:
    """Stacks that never grow stand behind all else in the arena; where that ends then."""
    for number, stack in enumerate(program.stacks):
        if stack.bytes is not None:
            program.stacks[number] = replace(stack, offset=end)
            end = end + aligned(most(stack.bytes))
    return end


class Shared:
    """What a step and the bodies in it have in common."""

    def __init__(self, program: Program, target: Target):
        self.program = program
        self.target = target
        self.stages: dict[Operation, Stages] = {}
        self.in_place = InPlace()
        self.errors = 0
        self.bodies = 0
        self.runs: DimLike | None = 1  # how often what is built now runs in a step, where that is known
        self._constants: dict[Const, Slot] = {}

    def constant(self, kind: Const) -> Slot:
        """Where a constant is; equal ones are one."""
        if kind not in self._constants:
            slot = self.program.add_slot("constant", len(self.program.constants), kind.infer())
            self._constants[kind] = slot
            self.program.constants.append(kind.value)
        return self._constants[kind]

    def stack(self, bytes: DimLike | None) -> int:
        """The number of a further stack, of so many bytes or growing."""
        self.program.stacks.append(Stack(bytes))
        return len(self.program.stacks) - 1

    def cursor(self) -> Cursor:
        """A further cursor."""
        self.program.cursors += 1
        return Cursor(self.program.cursors - 1)

    def block(self) -> MemoryBlock:
        """A further block that is taken while the step runs."""
        self.program.blocks.append(MemoryBlock(self.cursor(), self.cursor()))
        return self.program.blocks[-1]


class Builder:
    """The actions for one graph: of the whole step, or of a body (with a number) whose slots are decided outside."""

    def __init__(
        self, shared: Shared, graph: Graph, targets: Sequence[Tensor], interface: Interface, body: int | None = None
    ):
        self.shared = shared
        self.graph = graph
        self.targets = tuple(targets)
        self.interface = interface
        self.body = body
        self.stages = shared.stages
        self.nodes = [node for node in graph.nodes if node.type == "Kernel" or node.kind.functions()]
        self.number = {node: n for n, node in enumerate(self.nodes)}
        self.readers: dict[Tensor, list[int]] = {}
        for node in self.nodes:
            for tensor in dict.fromkeys(map(source_of, node.inputs)):
                self.readers.setdefault(tensor, []).append(self.number[node])
        self.homes: dict[Tensor, Place] = {}
        self.same: dict[Tensor, Tensor] = {}  # values that stand where a later one will
        self.grown: dict[Operation, Grow] = {}  # what a variable's memory needs before a kernel writes into it
        self.saved: dict[Tensor, Place] = {}
        self.partials: dict[tuple[Operation, Buffer], Place] = {}
        self.slots: dict[tuple[str, int], Place] = {}
        self.inside: dict[Operation, Inside] = {}
        self.resized: set[Tensor] = set()  # outputs whose memory a branch or a loop takes itself
        self.taken: list[tuple[int, Take]] = []  # memory that is taken before the node at this place
        self.arena_bytes: DimLike = 0

    def run(self) -> list[Action]:
        """All actions in order."""
        self._declare_slots()
        self.inside = self._branches_and_loops()
        self.resized = set().union(*(inside.resized for inside in self.inside.values()))
        order = self._order()
        self.grown = Updates(self, order).place()
        self._place_fetches()
        self._continue_in_place(order)
        sequence = [self.nodes[n] for n in order.sorted(self._values())]
        self._place_rest(sequence)
        first, last = self._copies()
        aside = [take for when, take in self.taken if when < 0]
        return [*self._notes(None), *aside, *first, *self._in_sequence(sequence), *last]

    def _branches_and_loops(self) -> dict[Operation, Inside]:
        found = [node for node in self.nodes if node.kind.functions()]
        if not found:
            return {}
        from graphc.codegen.inside import Inside  # late: few steps have branches or loops

        return {node: Inside(self, node) for node in found}

    def _in_sequence(self, sequence: Sequence[Operation]) -> Iterator[Action]:
        for place, node in enumerate(sequence):
            yield from (take for when, take in self.taken if when == place)
            yield from self._actions(node)
            yield from self._notes(node)

    # -- the caller's memory -----------------------------------------------------------------------------

    def _declare_slots(self) -> None:
        for n, feed in enumerate(self.interface.feeds):
            if feed is not None:
                self.homes[feed] = self._slot("feed", n, feed.type)
        for n, (read, type) in enumerate(self.interface.states):
            slot = self._slot("state", n, type)
            if read is not None:
                self.homes[read] = slot
        for n, tensor in enumerate(self.targets[: self.interface.fetches]):
            self._slot("fetch", n, tensor.type)
        for node in self.graph.nodes:
            if isinstance(node.kind, Const):
                self.homes[node.outputs[0]] = self.shared.constant(node.kind)

    def _slot(self, kind: str, number: int, type: TensorType) -> Place:
        inner = self.body is not None
        place: Place = Inner(self.body, kind, number) if inner else self.shared.program.add_slot(kind, number, type)  # type: ignore[arg-type]
        self.slots[kind, number] = place
        return place

    # -- order and places --------------------------------------------------------------------------------

    def _order(self) -> Order:
        order = Order(len(self.nodes))
        for node in self.nodes:
            for tensor in node.inputs:
                source = source_of(tensor).op
                if source in self.number:
                    order.require(self.number[source], self.number[node])
            for count in told_before(node, self.graph.measured) if self.graph.measured else ():
                counting = self.number.get(source_of(count).op, len(self.nodes))
                if counting < self.number[node]:
                    order.require(counting, self.number[node])
        return order

    def _notes(self, node: Operation | None) -> list[Copy]:
        """The sizes that are known when a node is done, or before all of them, noted where kernels read sizes."""
        counts = {size: source_of(count) for size, count in self.graph.measured.items()}
        known = {size: x for size, x in counts.items() if (x.op if x.op in self.number else None) is node}
        return [Copy(self.homes[x], SizeWord(size.name), bytes_of(x.type)) for size, x in known.items()]

    def may_fail(self, node: Operation) -> bool:
        """Whether a kernel of the node checks what it reads, or it may want more memory than there is."""
        return self.inside[node].may_fail if node in self.inside else bool(self.stages[node].checked)

    def _place_fetches(self) -> None:
        for n, tensor in enumerate(self.targets[: self.interface.fetches]):
            source = source_of(tensor)
            given = self.body is not None or is_bounded(tensor.type.elements)
            given = given and n not in self.interface.handed
            if given and source.op in self.number and source not in self.homes:
                self.homes[source] = self.slots["fetch", n]

    def _continue_in_place(self, order: Order) -> None:
        """What a loop variable begins as, and an array before some rows of it are changed, stand where that goes on."""
        wanted = set(map(source_of, self.targets))
        for node in reversed(self.nodes):
            for before, after in self._goes_on(node):
                if before.op not in self.number or before in self.homes or before in self.same or before in wanted:
                    continue
                home = self.homes.get(self.same.get(after, after))
                is_free = home is None or home in [slot for (kind, _), slot in self.slots.items() if kind == "fetch"]
                once = [source_of(x) for x in node.inputs].count(before) == 1
                if is_free and once and order.put_last(self.number[node], self.readers[before]):
                    self.same[before] = self.same.get(after, after)

    def _goes_on(self, node: Operation) -> list[tuple[Tensor, Tensor]]:
        """Inputs of the node and the outputs that begin as their values."""
        if node in self.inside:
            count = getattr(node.kind, "variables", 0)
            pairs = [(source_of(x), out) for x, out in zip(node.inputs[:count], node.outputs)]
            return [(x, out) for x, out in pairs if out not in self.resized]
        array, out = updated(node), node.outputs[0]
        return [] if array is None or bytes_of(array.type) != bytes_of(out.type) else [(array, out)]

    def _values(self) -> list[Made]:
        """What needs memory in the arena, and between which kernels."""
        kept = {source_of(tensor) for tensor in self.targets}
        values = [
            Made(estimate_size(bytes_of(tensor.type)), self.number[node], self.readers.get(tensor, ()), tensor in kept)
            for node in self.nodes
            for tensor in node.outputs
            if tensor not in self.homes
        ]
        sizes = [(node, b.size * ITEM_BYTES[b.dtype]) for node in self.nodes for b in self._partials_of(node)]
        sizes += [(node, part.bytes) for node, inside in self.inside.items() for part in inside.parts]
        return values + [Made(estimate_size(size), self.number[node], ()) for node, size in sizes]

    def _partials_of(self, node: Operation) -> tuple[Buffer, ...]:
        return self.stages[node].partials if node in self.stages else ()

    def _place_rest(self, sequence: Sequence[Operation]) -> None:
        """Every other value gets memory in the arena, from the call that makes it to the last that reads it."""
        when = {node: n for n, node in enumerate(sequence)}
        asked = [
            *self._homes_asked(sequence, when),
            *self._saved_asked(len(sequence)),
            *self._parts_asked(when),
            *self._partials_asked(sequence, when),
        ]
        layout = plan([block for block, _ in asked])
        for (_, put), offset in zip(asked, layout.offsets, strict=True):
            put(InArena(offset))
        self.homes.update((before, self.homes[after]) for before, after in self.same.items())
        self.arena_bytes = layout.size

    def _homes_asked(self, sequence: Sequence[Operation], when: Mapping[Operation, int]) -> Iterator[Asked]:
        """Values without a home; what has no bound takes its memory while the step runs."""
        begin, last = self._lives(sequence, when)
        for tensor in last:
            if tensor in self.homes or tensor in self.same:
                continue
            if is_bounded(tensor.type.elements):
                yield Block(bytes_of(tensor.type), begin[tensor], last[tensor]), partial(self.homes.__setitem__, tensor)
            elif tensor in self.resized:
                self.homes[tensor] = self.shared.block().address
            else:
                self.homes[tensor] = self._taken_at(begin[tensor], bytes_of(tensor.type))

    def _lives(
        self, sequence: Sequence[Operation], when: Mapping[Operation, int]
    ) -> tuple[dict[Tensor, int], dict[Tensor, int]]:
        """Of each value the places where it begins and where it is last read."""
        made = {**when, **{node: -1 for node in self.graph.nodes if node.type == "Undefined"}}
        begin = {out: place for node, place in made.items() for out in node.outputs}
        last = dict(begin)
        for node in sequence:
            for tensor in map(source_of, node.inputs):
                if tensor in last:
                    last[tensor] = max(last[tensor], when[node])
        for tensor in map(source_of, self.targets):
            if tensor in last:
                last[tensor] = len(sequence)
        for before, after in self.same.items():
            begin[after] = min(begin[after], begin[before])
        return begin, last

    def _saved_asked(self, end: int) -> Iterator[Asked]:
        """Values from before the run that are kept aside until its end."""
        self.saved = self._saved_states()
        for tensor in list(self.saved):
            if is_bounded(tensor.type.elements):
                yield Block(bytes_of(tensor.type), -1, end), partial(self.saved.__setitem__, tensor)
            else:
                self.saved[tensor] = self._taken_at(-1, bytes_of(tensor.type))

    def _parts_asked(self, when: Mapping[Operation, int]) -> Iterator[Asked]:
        """What branches and loops need while they run."""
        for node, inside in self.inside.items():
            for part in inside.parts:
                yield Block(part.bytes, when[node], when[node]), part.put

    def _partials_asked(self, sequence: Sequence[Operation], when: Mapping[Operation, int]) -> Iterator[Asked]:
        """What the stages of a node hand to each other."""
        for node in sequence:
            for buffer in self._partials_of(node):
                count = buffer.size * ITEM_BYTES[buffer.dtype]
                if is_bounded(buffer.size):
                    yield Block(count, when[node], when[node]), partial(self.partials.__setitem__, (node, buffer))
                else:
                    self.partials[node, buffer] = self._taken_at(when[node], count)

    def _taken_at(self, place: int, bytes: DimLike) -> Cursor:
        """Memory that is taken before the node at a place of the sequence."""
        block = self.shared.block()
        self.taken.append((place, Take(block, bytes)))
        return block.address

    # -- copies --------------------------------------------------------------------------------------------

    def update_targets(self) -> list[tuple[int, Tensor]]:
        return list(zip(self.interface.updates, self.targets[self.interface.fetches :]))

    def _saved_states(self) -> dict[Tensor, Place]:
        """Old values that become the new value of another variable: kept aside, since they may be overwritten."""
        saved: dict[Tensor, Place] = {}
        old = {read for read, _ in self.interface.states}
        for state, tensor in self.update_targets():
            source = source_of(tensor)
            home = self.homes.get(source)
            if source in old and home != self.slots["state", state]:
                saved[source] = InArena(0)
        return saved

    def _copies(self) -> tuple[list[Copy], list[Action]]:
        """What is moved before the first kernel (values from before the run), and after the last."""
        first = [Copy(self.homes[t], place, bytes_of(t.type)) for t, place in self.saved.items()]
        last: list[Action] = []
        for n, tensor in enumerate(self.targets[: self.interface.fetches]):
            source, slot = source_of(tensor), self.slots["fetch", n]
            if n in self.interface.handed:
                last.append(self._handed(tensor, slot))
                continue
            if isinstance(slot, Slot) and not is_bounded(tensor.type.elements):
                last += self._given(source, slot)
                continue
            if self.homes[source] != slot and source.op.type != "Undefined":
                moves: list[Any] = last if source.op in self.number else first
                moves.append(Copy(self.homes[source], slot, bytes_of(source.type)))
        for state, tensor in self.update_targets():
            source, slot = source_of(tensor), self.slots["state", state]
            home = self.saved.get(source, self.homes[source])
            if self.interface.is_handed(state) and home != slot:
                last.append(self._handed(tensor, slot))
            elif home != slot and source.op.type != "Undefined":
                last.append(Copy(home, slot, bytes_of(source.type)))
        return first, last

    def _handed(self, tensor: Tensor, slot: Place) -> Hand:
        """The value goes outside, at last in the memory in which it stands."""
        source = source_of(tensor)
        home = self.saved.get(source, self.homes[source])
        return Hand(home, slot, tensor.type.sizes, tensor.dtype.size, source.op not in self.number)

    def _given(self, source: Tensor, slot: Slot) -> list[Action]:
        """A copy of a value in memory that is the caller's from then on."""
        block, count = self.shared.block(), bytes_of(source.type)
        return [Take(block, count), Copy(self.homes[source], block.address, count), Give(block, slot)]

    def _actions(self, node: Operation) -> Sequence[Action]:
        """A call for each stage; the last one can fail, since what may have gone wrong is noted by then."""
        if node in self.inside:
            return self.inside[node].actions()
        stages = self.stages[node]
        begin = self._copied_before(node)
        homes = tuple(self.homes[tensor] for tensor in (*map(source_of, node.inputs), *node.outputs))
        errors = (ErrorSlot(self.shared.errors),) if stages.checked else ()
        places: dict[Buffer, Place] = dict(zip(stages.arguments, (*homes, *errors), strict=True))
        places.update((buffer, self.partials[node, buffer]) for buffer in stages.partials)
        places.update((x, Within(places[x], at * ITEM_BYTES[x.dtype])) for x, at in stages.starts.items())
        calls = [Call(kernel, tuple(places[x] for x in kernel.arguments), node, homes) for kernel in stages.kernels]
        if stages.checked:
            calls[-1] = replace(calls[-1], checked=stages.checked, error_slot=self.shared.errors)
            self.shared.errors += 1
        grown = [self.grown[node]] if node in self.grown else []
        return [*grown, *begin, *calls]

    def _copied_before(self, node: Operation) -> list[Copy]:
        """What a kernel that changes some rows of an array leaves as it is, where it does not stand there already."""
        array = updated(node)
        if array is None or array.op.type == "Undefined" or self.homes[array] == self.homes[node.outputs[0]]:
            return []
        return [Copy(self.homes[array], self.homes[node.outputs[0]], kept_bytes(node))]


def _bodies(graph: Graph) -> Iterator[Graph]:
    """The graphs of all branches and loops, those in others included."""
    for node in graph.nodes:
        for function in node.kind.functions().values():
            yield function.graph
            yield from _bodies(function.graph)


def _kernels(graph: Graph) -> list[Operation]:
    return [node for node in graph.nodes if node.type == "Kernel"]


def _symbols(graphs: Iterable[Graph]) -> set[Symbol]:
    """All size symbols."""
    found: set[Symbol] = set()
    for graph in graphs:
        found.update(graph.measured)
        for node in _inside_and_out(graph):
            # a size may be read as a value where no value has it: that of a feed of which nothing else is read
            sizes = [node.kind.dim] if isinstance(node.kind, DimValue) else []
            for size in (*sizes, *(size for tensor in node.outputs for size in tensor.type.sizes)):
                found |= {thing for thing in atoms(size) if isinstance(thing, Symbol)}
    bounds = [thing for size in found if isinstance(size, Measured) for thing in atoms(size.most or 0)]
    return found.union(thing for thing in bounds if isinstance(thing, Symbol))


def _open_sizes(graphs: Iterable[Graph]) -> tuple[Dim, ...]:
    """The sizes, or what counted ones are at most, that follow from sizes of inputs and may be below 0."""
    outputs = [x for graph in graphs for node in _inside_and_out(graph) for x in node.outputs]
    sizes = dict.fromkeys(size for x in outputs for size in x.type.sizes if isinstance(size, Dim))
    greatest = dict.fromkeys(most(size) for size in sizes if is_bounded(size))
    return tuple(size for size in greatest if isinstance(size, Dim) and not is_nonnegative(size))


def _inside_and_out(graph: Graph) -> Iterator[Operation]:
    """The nodes of a graph, and those in its kernels."""
    for node in graph.nodes:
        yield node
        if isinstance(node.kind, Fused):
            yield from node.kind.body.nodes
