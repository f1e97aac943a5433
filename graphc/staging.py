"""A step with host operations: native calls and Python calls by turns, in the order of the graph.

    H0    host operations of feeds, constants and one another
    N0    native: what the next ones need of it
    H1    host operations that read something native
    ...
    N     native: all else, and every update of a variable

What a native stage gives to a later one is an output of the first and a feed of the second; sizes that follow from
shapes are computed again where they are needed, since as the value of a feed each would ask for a program of its own.
Variables change in the last native stage alone, so a host operation that fails leaves them as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import errors
from graphc.faults import RefusedValue, explained
from graphc.graph import Graph
from graphc.interpret import evaluate
from graphc.nodes import Operation, Tensor
from graphc.ops.base import Placeholder
from graphc.ops.host import call_on_host, running_in
from graphc.ops.random import Random
from graphc.ops.row_writes import NewRows
from graphc.passes.rewrite import copy_node
from graphc.step import Step
from graphc.versions import Versions, within_itself

if TYPE_CHECKING:
    from graphc.executable import Executable
    from graphc.session import BaseSession
    from graphc.session_state import State

Array = np.ndarray[Any, Any]
Values = dict[Tensor, Any]  # by the tensors of the captured step

_OF_SHAPES = frozenset({"Shape", "ShapeN", "Size", "Rank"})


class Staged:
    """A captured step cut into stages, each native one with its compiled versions."""

    def __init__(self, step: Step, threads: int):
        self.step = step
        cut = _Cut(step)
        self.known: Values = cut.known
        self.inputs = {place: key for key, place in step.feeds.items()}
        self.read = cut.read  # the states that host operations read as they are
        self.stages = [
            (cut.groups.get(number, []), _Native(stage, wanted, threads) if stage else None)
            for number, (stage, wanted) in enumerate(cut.native_stages())
        ]
        self.fetches = self._fetches()

    def run(self, session: BaseSession, feeds: Mapping[Tensor, Any]) -> list[Any]:
        """The values of the fetches; ``feeds`` are by the user's tensors."""
        session.check_initialised(self.step)
        values: Values = dict(self.known)
        for place, key in self.inputs.items():
            values[place] = feeds[key]
        for place, variable in self.read.items():
            values[place] = self._state_of(session, variable)
        for variable, place in self.step.flags.items():
            values[place] = np.array(variable in session.state.initialised)
        for hosts, native in self.stages:
            if hosts:
                self._call(hosts, session, values)
            if native is not None:
                native.run(session, self.step, values)
        return [values[tensor] if own else _fetched(values[tensor]) for tensor, own in self.fetches]

    def _fetches(self) -> list[tuple[Tensor, bool]]:
        """The fetches, and whether each is an array of its run alone: one that no host operation has seen."""
        seen = {tensor for hosts, _ in self.stages for node in hosts for tensor in node.inputs}
        made = {tensor for _, native in self.stages if native is not None for tensor in native.wanted}
        targets = self.step.graph.targets[: self.step.fetches]
        return [(x, x in made and x not in seen and targets.count(x) == 1) for x in targets]

    def _call(self, hosts: Sequence[Operation], session: BaseSession, values: Values) -> None:
        """Adds what host operations give to ``values``."""
        with running_in(session.resources):
            for node in hosts:
                try:
                    results = call_on_host(node, [values[tensor] for tensor in node.inputs])
                except errors.OpError as error:
                    raise _as_users(error, node, session.graph) from error.__cause__
                values.update(zip(node.outputs, results, strict=True))

    def _state_of(self, session: BaseSession, variable: Operation) -> Array:
        """What a variable holds before the run."""
        with session.lock:
            return np.array(session.state.arrays[variable])


class _Native:
    """One native stage: a step of its own."""

    def __init__(self, step: Step, wanted: Sequence[Tensor], threads: int):
        self.step = step
        self.wanted = wanted
        self.versions = Versions(step, threads)
        self.ready: Executable | None = None  # served the last run, and serves every run with inputs of the same shapes
        self.running = False  # read and set by who holds the session's lock

    def run(self, session: BaseSession, whole: Step, values: Values) -> None:
        """Adds what the stage computes to ``values``."""
        used = [values[tensor] for tensor in self.step.feeds]
        with session.lock:
            session.check_open()  # it may have been closed while the host was busy
            state, ready = session.state, self.ready
            if self.running:
                raise within_itself()
            self.running = True
            try:
                known = ready is not None and ready.states_version == state.version
                results = ready.run_plain(used) if ready is not None and known else None
                if results is None:
                    session.check_initialised(whole)
                    used = [_for_native(value) for value in used]
                    used += [np.array(variable in state.initialised) for variable in self.step.flags]
                    results = self._run_with_care(state, used)
            except RefusedValue as failure:
                raise explained(failure, session.graph, self.step.graph, self._inputs(used, state)) from None
            finally:
                self.running = False
        values.update(zip(self.wanted, results, strict=True))

    def _run_with_care(self, state: State, used: Sequence[Array]) -> list[Any]:
        """A run that takes nothing for granted."""
        results, executable = self.versions.run(used, state)
        state.initialised.update(self.step.updates)
        # as in the session's plan: every variable is initialised now and stays so
        self.ready = None
        if not self.step.flags and self.versions.serves(executable, used):
            executable.expect(used)
            self.ready = executable
        return results

    def _inputs(self, used: Sequence[Array], state: Any) -> Values:
        """What the inputs of the stage held."""
        known = dict(zip((*self.step.feeds.values(), *self.step.flags.values()), used, strict=True))
        known.update((place, state.arrays[op]) for op, place in self.step.states.items() if op in state.arrays)
        return known


def _as_users(error: errors.OpError, node: Operation, graph: Graph) -> errors.OpError:
    """The error, with the user's operation in place of the one that stands for it in the step."""
    if error.op is node:
        with suppress(KeyError):  # what capture itself declares has no other
            error._node_def = error._op = graph.get_operation_by_name(node.user_name)
    return error


def _for_native(value: Any) -> Array:
    array = np.asarray(value)
    return array if array.flags.c_contiguous and array.flags.aligned else np.array(array, order="C")


def _fetched(value: Any) -> Any:
    """The value as a fetch gives it: rank 0 as a scalar, an array that is the caller's alone."""
    return value[()] if np.ndim(value) == 0 else np.array(value)


class _Cut:
    """Which stage computes what: the number of each native node's stage and of each group of host operations."""

    def __init__(self, step: Step):
        self.step = step
        self.nodes = step.graph.nodes
        self.group: dict[Operation, int] = {}
        self.groups: dict[int, list[Operation]] = {}
        self.depth: dict[Operation, int] = {}  # the first native stage that could compute it
        self.repeated: set[Operation] = set()  # computed in each stage that needs it
        self.known: Values = {}  # what host operations read of constants
        inputs = (*step.feeds.values(), *step.states.values(), *step.flags.values())
        self.inputs = {tensor.op for tensor in inputs}
        states = {place: variable for variable, place in step.states.items()}
        self.read = {x: states[x] for node in step.hosts for x in node.inputs if x in states}
        # room for the rows that a loop on the host writes is made there: their shape may be known by then alone
        self.rooms = {x.op for node in step.hosts for x in node.inputs if isinstance(x.op.kind, NewRows)}
        self._number_all()
        self.last = max(self.groups, default=0)
        self.stage = self._placed()
        self._compute_constants()

    # -- numbering -----------------------------------------------------------------------------------------------

    def _number_all(self) -> None:
        hosts = self.step.hosts
        static: set[Operation] = set()
        for node in self.nodes:
            if node in hosts or node in self.rooms:
                before = [self._ready(tensor, static) for tensor in node.inputs]
                number = max([*before, *(self.group[host] for host in hosts.get(node, ()))], default=0)
                self.group[node] = number
                self.groups.setdefault(number, []).append(node)
            elif node not in self.inputs:
                self._number_native(node, static)
        self.static = static

    def _ready(self, tensor: Tensor, static: set[Operation]) -> int:
        """The first group of host operations that can read the tensor."""
        node = tensor.op
        if node in self.group:
            return self.group[node]
        return 0 if node in self.inputs or node in static else self.depth[node] + 1

    def _number_native(self, node: Operation, static: set[Operation]) -> None:
        sources = [tensor.op for tensor in node.inputs]
        self.depth[node] = max((self.group.get(op, self.depth.get(op, 0)) for op in sources), default=0)
        if isinstance(node.kind, Random):
            return
        if all(op in static for op in sources):
            static.add(node)
        if node in static or node.type in _OF_SHAPES or all(op in self.repeated for op in sources):
            self.repeated.add(node)

    def _placed(self) -> dict[Operation, int]:
        """Each native node in the last stage that serves all who read it."""
        last = self.last
        updates = bool(self.step.updates)
        stage: dict[Operation, int] = {}
        for tensor in self.step.graph.targets:
            if tensor.op in self.depth:
                stage[tensor.op] = last if updates else self.depth[tensor.op]
        for node in reversed(self.nodes):
            if node in self.group:
                needed = self.group[node] - 1
            elif node in self.depth:
                needed = stage.setdefault(node, last)
            else:
                continue
            for tensor in node.inputs:
                if tensor.op in self.depth:
                    stage[tensor.op] = min(stage.get(tensor.op, last), max(needed, self.depth[tensor.op]))
        return stage

    def _compute_constants(self) -> None:
        """The values of what follows from constants alone, where a host operation or a fetch of one reads it."""
        read = {x for node in self.group for x in node.inputs if x.op in self.static}
        self.known.update(zip(read, evaluate(self.step.graph, {}, list(read)), strict=True))

    # -- native stages -------------------------------------------------------------------------------------------

    def native_stages(self) -> list[tuple[Step | None, list[Tensor]]]:
        """The step of each native stage, or None, and what it gives, in order."""
        targets = self.step.graph.targets
        fetched, others = targets[: self.step.fetches], targets[self.step.fetches :]
        updated, checks = others[: len(self.step.updates)], others[len(self.step.updates) :]
        checks = tuple(x for x in checks if x.op in self.stage and x.op not in self.static)
        wanted: list[dict[Tensor, None]] = [{} for _ in range(self.last + 1)]
        for tensor in (*fetched, *(x for node in self.group for x in node.inputs if x not in self.read)):
            self._want(tensor, wanted)
        stages: list[tuple[Step | None, list[Tensor]]] = []
        for number in reversed(range(self.last + 1)):
            updates = updated if number == self.last else ()
            given = list(wanted[number])
            rest = (*updates, *(x for x in checks if self.stage[x.op] == number))
            stages.append((self._native_stage(number, given, rest, wanted) if given or rest else None, given))
        return stages[::-1]

    def _want(self, tensor: Tensor, wanted: list[dict[Tensor, None]]) -> None:
        """Asks the stage that computes the tensor for it."""
        node = tensor.op
        if node in self.group or tensor in self.known or tensor in self.step.feeds.values():
            return  # the stage need not give it
        wanted[self.stage.get(node, 0)][tensor] = None

    def _native_stage(
        self, number: int, given: Sequence[Tensor], rest: Sequence[Tensor], wanted: list[dict[Tensor, None]]
    ) -> Step:
        """The step of one stage: ``rest`` are the updates, if it is the last one, and what is checked there."""
        stage = Step(Graph())
        places: dict[Tensor, Tensor] = {}
        for node in self._needed((*given, *rest), number):
            if self._arrives(node, number):
                continue
            for tensor in node.inputs:
                if tensor not in places:
                    places[tensor] = self._arrival(stage, tensor, wanted)
            copy = copy_node(stage.graph, node, tuple(places[tensor] for tensor in node.inputs))
            places.update(zip(node.outputs, copy.outputs, strict=True))
        for tensor in (*given, *rest):
            if tensor not in places:
                places[tensor] = self._arrival(stage, tensor, wanted)
        stage.graph.targets = tuple(places[tensor] for tensor in (*given, *rest))
        stage.fetches = len(given)
        stage.updates = self.step.updates if number == self.last else ()
        stage.read = self.step.read
        return stage

    def _arrives(self, node: Operation, number: int) -> bool:
        """Whether the stage does not compute the node but is given its value."""
        if node in self.inputs or node in self.group:
            return True
        return self.stage[node] < number and node not in self.repeated

    def _needed(self, targets: Iterable[Tensor], number: int) -> list[Operation]:
        """The nodes behind the targets as far as this stage computes them."""
        seen: set[Operation] = set()
        waiting = [tensor.op for tensor in targets]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                if not self._arrives(node, number):
                    waiting.extend(tensor.op for tensor in node.inputs)
        return sorted(seen, key=lambda node: node.number)

    def _arrival(self, stage: Step, tensor: Tensor, wanted: list[dict[Tensor, None]]) -> Tensor:
        """The input of a stage for what it does not compute."""
        node = tensor.op
        for variable, place in self.step.states.items():
            if place is tensor:
                stage.states[variable] = new = copy_node(stage.graph, node, ()).outputs[0]
                return new
        for variable, place in self.step.flags.items():
            if place is tensor:
                stage.flags[variable] = new = copy_node(stage.graph, node, ()).outputs[0]
                return new
        self._want(tensor, wanted)
        kind = Placeholder(tensor.dtype, tensor.type.shape)
        new = stage.graph.add(kind, (), (tensor.type,), like=node, name=tensor.label).outputs[0]
        stage.feeds[tensor] = new
        return new
