"""From a graph with effects to a step without: what one run needs, as values in and values out.

The user's graph reads and assigns variables in an order given by control inputs. A :class:`Step` is a plain
function: feeds and the state before the run come in, fetches and the state after the run go out. A read sees
the value from before the run unless an assignment is among its ancestors, then it sees the latest such.

Branches and bodies of loops become functions in the same way. What they read of variables are further inputs of their
node, what they assign are further outputs, and of a loop both are further loop variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from graphc.body import Body, Function
from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.assertions import Assert, CheckNumerics
from graphc.ops.base import Const, Placeholder
from graphc.ops.branches import If
from graphc.ops.draws import StreamState
from graphc.ops.elementwise import is_finite, logical_and, select
from graphc.ops.host import Done, runs_on_host
from graphc.ops.loops import HistoryType, While
from graphc.ops.printing import Printing
from graphc.ops.random import Random, Seeds
from graphc.ops.reduction import reduce_all
from graphc.ops.state import Assign, InitializedValue, IsVariableInitialized, NoOp, ReadVariable, VariableV2
from graphc.passes.rewrite import copy_node
from graphc.records import replace
from graphc.shapes import TensorType
from graphc.step import COUNTER, FLAG, Flag, Kept, Key, State, Step, Value, parameter

CHECKS = Graph().add(NoOp(), (), name="checks")  # stands for "all that was checked so far holds" among the variables
UNSET = "CheckInitialized"  # an assertion that a variable has a value

Versions = dict[Operation, Tensor]  # the value of each assigned variable, as some node sees it


def capture(
    fetches: Sequence[Tensor], effects: Iterable[Operation], feeds: Iterable[Tensor], fresh: bool = False,
    unset: Iterable[Operation] = (),
) -> Step:  # fmt: skip
    """The step that computes ``fetches`` and performs ``effects`` when ``feeds`` are given.

    ``fresh``: no variable has a value yet. ``unset``: these have none, and a branch may decide whether they get one.
    """
    return _StepCapture(set(feeds), fresh, unset).run(tuple(fetches), tuple(effects))


class _Capture:
    """Translates the needed nodes of one graph: the step itself, or a body in it."""

    def __init__(self, fresh: bool, is_set: dict[Operation, Operation]):
        self.fresh = fresh  # whether no variable has a value yet
        self.is_set = is_set  # of variables without a value, what stands for "it has one now" among the variables
        self.graph = Graph()
        self.places: dict[Tensor, Tensor] = {}
        self.seen: dict[Operation, Versions] = {}  # what the ancestors of each node have assigned
        self.latest: Versions = {}
        self.set_to: dict[Operation, Tensor] = {}  # what each variable was last set to, in the user's graph
        self.read_here: set[Tensor] = set()  # what some node reads, or a target is
        self.hosts: dict[Operation, Operation] = {}  # what stands here for each host operation of the user's graph

    # -- what a step and a body get from elsewhere, each in its way ------------------------------------------

    def is_fed(self, tensor: Tensor) -> bool:
        """Whether a value takes the place of ``tensor``."""
        raise NotImplementedError

    def given(self, tensor: Tensor) -> Tensor:
        """The input for a tensor that is not computed here."""
        raise NotImplementedError

    def variable(self, place: Operation) -> Operation:
        """The variable that a place is: in a body it stands for one outside."""
        raise NotImplementedError

    def state(self, variable: Operation) -> Tensor:
        """The value of a variable, or the position of a random stream, before all that is translated here."""
        raise NotImplementedError

    def held(self, variable: Operation) -> Tensor:
        """The same, where the variable need not be initialised."""
        raise NotImplementedError

    def flag(self, variable: Operation) -> Tensor:
        """Whether the variable is initialised."""
        raise NotImplementedError

    def kept(self, variable: Operation) -> Tensor:
        """The value of the variable after all that has been translated; nobody reads it, and there may be none yet."""
        return self.latest[variable] if variable in self.latest else self.held(variable)

    # -- walking -----------------------------------------------------------------------------------------------

    def translate(self, targets: Iterable[Tensor], effects: Iterable[Operation]) -> list[Tensor]:
        """Translates what the targets and effects need; the places of the targets."""
        wanted = list(targets)
        nodes = self._needed(wanted, effects)
        self.read_here = {*wanted, *(tensor for node in nodes for tensor in node.inputs)}
        for node in nodes:
            self.seen[node] = self._merged(node)
            self._translate(node)
        return [self.place(tensor) for tensor in wanted]

    def _needed(self, targets: Iterable[Tensor], effects: Iterable[Operation]) -> list[Operation]:
        needed: set[Operation] = set()
        waiting = [*effects, *(tensor.op for tensor in targets if not self.is_fed(tensor))]
        while waiting:
            node = waiting.pop()
            if node in needed:
                continue
            needed.add(node)
            waiting.extend(tensor.op for tensor in node.inputs if not self.is_fed(tensor))
            waiting.extend(node.control_inputs)
        return sorted(needed, key=lambda node: node.number)

    def _merged(self, node: Operation) -> Versions:
        """The assignments among the ancestors of ``node``; the dictionary is shared while it does not differ."""
        earlier = [self.seen[before] for before in node.before if self.seen.get(before)]
        if not earlier:
            return {}
        merged = earlier[0]
        for versions in earlier[1:]:
            if versions is merged:
                continue
            merged = dict(merged)
            for variable, value in versions.items():
                if variable not in merged or value.op.number > merged[variable].op.number:
                    merged[variable] = value
        return merged

    def _translate(self, node: Operation) -> None:
        kind = node.kind
        if isinstance(kind, (VariableV2, NoOp, Placeholder)):
            return
        if isinstance(kind, ReadVariable):
            self.places[node.outputs[0]] = self.read(node, self.variable(node.inputs[0].op))
        elif isinstance(kind, IsVariableInitialized):
            self.places[node.outputs[0]] = self.flag(self.variable(node.inputs[0].op))
        elif isinstance(kind, InitializedValue):
            self.places[node.outputs[0]] = self._initialized_value(node)
        elif isinstance(kind, Assign):
            self._assign(node, kind)
        elif isinstance(kind, Random) and kind.keeps_counter:
            self._random(node, kind)
        elif isinstance(kind, If):
            self._if(node, kind)
        elif isinstance(kind, While):
            self._while(node, kind)
        else:
            inputs = tuple(self.place(tensor) for tensor in node.inputs)
            copy = copy_node(self.graph, node, inputs)
            if runs_on_host(copy):
                self._add_host(node, copy)
            elif kind.has_effect:
                self._keep_check(node, copy.outputs[0])
            self.places.update(zip(node.outputs, copy.outputs, strict=True))

    def _add_host(self, node: Operation, copy: Operation) -> None:
        self.hosts[node] = copy

    def _keep_check(self, node: Operation, checked: Tensor) -> None:
        """Makes a check one of those that the step is not complete without."""
        if isinstance(node.kind, CheckNumerics) and node.outputs[0] in self.read_here:
            return  # its readers ask for it
        before = self.last(CHECKS)
        with self.graph.as_default(), self.graph.standing_for(node):
            holds = checked if checked.dtype.is_bool else reduce_all(is_finite(checked))
        self.latest[CHECKS] = self._and(node, before, holds)

    def _and(self, node: Operation, before: Tensor, holds: Tensor) -> Tensor:
        with self.graph.as_default(), self.graph.standing_for(node):
            return logical_and(before, holds)

    def place(self, tensor: Tensor) -> Tensor:
        """Where the value of a tensor of the user's graph is in the new one."""
        if tensor not in self.places:
            self.places[tensor] = self.given(tensor)
        return self.places[tensor]

    # -- variables -----------------------------------------------------------------------------------------------

    def read(self, node: Operation, variable: Operation) -> Tensor:
        """The value of the variable as ``node`` sees it."""
        written = self.seen[node].get(variable)
        return self.state(variable) if written is None else self._sure(node, variable, written, self.seen[node])

    def _sure(self, node: Operation, variable: Operation, written: Tensor, versions: Versions) -> Tensor:
        """What was written to the variable, which ``node`` reads: there is a value, or the step fails."""
        if variable in self.is_set and self.is_set[variable] in versions:
            known = versions[self.is_set[variable]]
            check = self.graph.add(Assert((variable.name,), called=UNSET), (known,), like=node)
            self.latest[CHECKS] = self._and(node, self.last(CHECKS), check.outputs[0])
        return written

    def last(self, variable: Operation) -> Tensor:
        """The value of the variable after all that has been translated."""
        return self.latest[variable] if variable in self.latest else self.state(variable)

    def _assign(self, node: Operation, kind: Assign) -> None:
        variable = self.variable(node.inputs[0].op)
        values = [self.place(tensor) for tensor in node.inputs[1:]]
        old = values[0] if type(kind) is Assign else self.old(node, variable)
        with self.graph.as_default(), self.graph.standing_for(node):
            new = kind.new_value(old, *(kind.checked(variable, value) for value in values))
        self.places[node.outputs[0]] = new
        self.set_to[variable] = node.inputs[1]
        self._note(node, {variable: new})
        if variable in self.is_set:
            self._note(node, {self.is_set[variable]: self._true()})

    def old(self, node: Operation, variable: Operation) -> Tensor:
        """What ``node`` changes: the last value of the variable."""
        return self._sure(node, variable, self.last(variable), self.latest)

    def _true(self) -> Tensor:
        return self.graph.add(Const(np.array(True)), ()).outputs[0]

    def _initialized_value(self, node: Operation) -> Tensor:
        variable, first = self.variable(node.inputs[0].op), node.inputs[1]
        if self.fresh or self.set_to.get(variable) is first:
            return self.place(first)
        flag, value = self.flag(variable), self.held(variable)
        with self.graph.as_default(), self.graph.standing_for(node):
            return select(flag, value, self.place(first))

    def _note(self, node: Operation, written: Versions) -> None:
        """Remembers what ``node`` has assigned."""
        self.latest.update(written)
        self.seen[node] = {**self.seen[node], **written}

    def _random(self, node: Operation, kind: Random) -> None:
        counter = self.last(node)
        pair = Seeds(np.array([kind.seed, kind.seed2], np.int64))
        seeds = self.graph.add(pair, (), like=node, name=f"{node.name}/seeds")
        inputs = (*(self.place(tensor) for tensor in node.inputs), seeds.outputs[0], counter)
        if isinstance(kind, StreamState):
            with self.graph.as_default(), self.graph.standing_for(node):
                self.places[node.outputs[0]], self.latest[node] = kind.placed(*inputs)
            return
        drawn = replace(kind, seed=0, seed2=0)  # it has them as an input
        copy = self.graph.add(drawn, inputs, tuple(tensor.type for tensor in node.outputs), like=node)
        self.places.update(zip(node.outputs, copy.outputs, strict=True))
        with self.graph.as_default(), self.graph.standing_for(node):
            self.latest[node] = kind.advanced(counter, copy.outputs[0])

    # -- branches and loops ----------------------------------------------------------------------------------------

    def _if(self, node: Operation, kind: If) -> None:
        branches = [_BodyCapture(self, node, body, first=1) for body in (kind.then, kind.orelse)]
        for branch in branches:
            branch.run()
        written = list(dict.fromkeys(variable for branch in branches for variable in branch.latest))
        for branch in branches:
            branch.graph.targets += tuple((branch.kept if x in self.is_set else branch.last)(x) for x in written)
        keys = list(dict.fromkeys(key for branch in branches for key in branch.inputs))
        then, orelse = (branch.function(keys) for branch in branches)
        inputs = (self.place(node.inputs[0]), *(self._outside(node, key, ()) for key in keys))
        on_host = any(branch.hosts for branch in branches)
        self._add(node, replace(kind, then=then, orelse=orelse), inputs, written, len(node.outputs), on_host)

    def _while(self, node: Operation, kind: While) -> None:
        condition, body = (_BodyCapture(self, node, function, first=0) for function in (kind.condition, kind.body))
        for part in (condition, body):
            part.run()
        if condition.latest:  # tf.while_loop moves what acts into the body
            raise NotImplementedError(
                f"{node.describe()}: the condition of a loop in a file must not check, assign or draw: its body may"
            )
        for key in condition.inputs:
            if isinstance(key, State) and key.variable in self.is_set:
                self.state(key.variable)  # wants a value, for a condition is always asked
        written = list(body.latest)
        count, end = kind.variables, len(node.inputs) - kind.replays
        values = [Value(number) for number in range(len(node.inputs))]
        states = [State(variable, True) for variable in written]
        others = [key for key in (*condition.inputs, *body.inputs) if key not in values and key not in states]
        keys = [*values[:count], *states, *values[count:end], *dict.fromkeys(others), *values[end:]]
        targets = body.graph.targets
        body.graph.targets = (*targets[:count], *map(body.last, written), *targets[count:])
        changed = replace(
            kind, condition=condition.function(keys), body=body.function(keys), variables=count + len(written)
        )
        on_host = bool(condition.hosts or body.hosts)
        self._add(node, changed, tuple(self._outside(node, key, written) for key in keys), written, count, on_host)

    def _outside(self, node: Operation, key: Key, written: Sequence[Operation]) -> Tensor:
        """The value of an input of a body, out here."""
        if isinstance(key, Value):
            tensor = node.inputs[key.number]
            is_variable = isinstance(tensor.op.kind, VariableV2)
            unread = is_variable and self.variable(tensor.op) in self.is_set  # a body reads it by another key
            return self.kept(self.variable(tensor.op)) if unread else self.place(tensor)
        if isinstance(key, Flag):
            return self.flag(key.variable)
        if isinstance(key, Kept) or (key.variable in written and key.variable in self.is_set):
            return self.kept(key.variable)
        loops = isinstance(node.kind, While)
        last = key.variable in written if loops else key.last
        return self.last(key.variable) if last else self.read(node, key.variable)

    def _add(
        self, node: Operation, kind: Op, inputs: tuple[Tensor, ...], written: Sequence[Operation], before: int,
        on_host: bool,
    ) -> None:  # fmt: skip
        """The node without effects: what it has assigned are outputs that stand after the first ``before``.

        ``on_host``: something inside runs in Python, and so all of it does.
        """
        copy = self.graph.add(kind, inputs, like=node)
        if on_host or runs_on_host(copy) or self._replays_host(node):
            self.hosts[node] = copy
        after = before + len(written)
        self.places.update(zip(node.outputs, (*copy.outputs[:before], *copy.outputs[after:]), strict=True))
        self._note(node, dict(zip(written, copy.outputs[before:after], strict=True)))

    def _replays_host(self, node: Operation) -> bool:
        """Whether the node reads a history that a loop on the host has kept."""
        return any(isinstance(tensor.dtype, HistoryType) and tensor.op in self.hosts for tensor in node.inputs)


class _StepCapture(_Capture):
    """The graph of the whole step."""

    def __init__(self, fed: set[Tensor], fresh: bool, unset: Iterable[Operation]):
        super().__init__(fresh, {each: Graph().add(NoOp(), (), name=f"{each.name}/is_set") for each in unset})
        self.fed = fed
        self.unset = {flag: variable for variable, flag in self.is_set.items()}
        self.step = Step(self.graph)

    def run(self, fetches: tuple[Tensor, ...], effects: tuple[Operation, ...]) -> Step:
        values = self.translate(fetches, effects)
        for node in self.seen:
            if isinstance(node.kind, Printing):
                places = range(len(values), len(values) + len(node.inputs))
                self.step.prints.append((node, tuple(places)))
                values += [self.place(tensor) for tensor in node.inputs]
        self.step.told = tuple(variable for variable, flag in self.is_set.items() if flag in self.latest)
        values += [self.latest.pop(self.is_set[variable]) for variable in self.step.told]
        checks = [self.latest.pop(CHECKS)] if CHECKS in self.latest else []
        self.step.fetches = len(values)
        self.step.updates = tuple(self.latest)
        self.graph.targets = (*values, *self.latest.values(), *checks)
        if self.hosts:
            self.step.hosts = self._host_order()
        return self.step

    def _host_order(self) -> dict[Operation, frozenset[Operation]]:
        """Each host operation with those among its ancestors, control inputs counted."""
        earlier: dict[Operation, frozenset[Operation]] = {}
        for node in self.seen:
            before = {host for other in node.before for host in earlier.get(other, ())}
            before |= {self.hosts[other] for other in node.before if other in self.hosts}
            earlier[node] = frozenset(before)
        return {copy: earlier[node] for node, copy in self.hosts.items()}

    def _translate(self, node: Operation) -> None:
        if isinstance(node.kind, Printing):  # written when the step has run
            self.places.update(zip(node.outputs, (self.place(tensor) for tensor in node.inputs)))
        else:
            super()._translate(node)

    def is_fed(self, tensor: Tensor) -> bool:
        return tensor in self.fed

    def given(self, tensor: Tensor) -> Tensor:
        if tensor in self.fed or isinstance(tensor.op.kind, Placeholder):
            place = self.step.feeds[tensor] = self._input(tensor.op, tensor.type, tensor.label)
            return place
        return self.state(tensor.op)

    def variable(self, place: Operation) -> Operation:
        return place

    def state(self, variable: Operation) -> Tensor:
        if variable is CHECKS:
            return self._true()
        if variable in self.unset:
            return self.flag(self.unset[variable])
        if isinstance(variable.kind, VariableV2):
            self.step.read.add(variable)
        return self.held(variable)

    def held(self, variable: Operation) -> Tensor:
        states = self.step.states
        if variable not in states:
            if isinstance(variable.kind, VariableV2):
                states[variable] = copy_node(self.graph, variable, ()).outputs[0]
            else:
                states[variable] = self._input(variable, COUNTER, f"{variable.name}/counter")
        return states[variable]

    def flag(self, variable: Operation) -> Tensor:
        if variable not in self.step.flags:
            self.step.flags[variable] = self._input(variable, FLAG, f"{variable.name}/initialized")
        return self.step.flags[variable]

    def _input(self, like: Operation, type: TensorType, name: str) -> Tensor:
        return parameter(self.graph, type, name, like)


class _BodyCapture(_Capture):
    """A branch, a condition or a body: what it needs from outside are its ``inputs``."""

    def __init__(self, outer: _Capture, node: Operation, body: Body, first: int):
        super().__init__(outer.fresh, outer.is_set)
        self.outer, self.node, self.body = outer, node, body
        pairs = zip(body.parameters, node.inputs[first:], strict=True)
        self.arguments = {x: (n, tensor) for n, (x, tensor) in enumerate(pairs, first) if x is not None}
        self.loops = isinstance(node.kind, While)
        self.inputs: dict[Key, Tensor] = {}

    def run(self) -> None:
        """Translates all that the targets need."""
        self.graph.targets = tuple(self.translate(self.body.targets, ()))

    def _add_host(self, node: Operation, copy: Operation) -> None:
        super()._add_host(node, copy)
        if not any(tensor in self.read_here for tensor in node.outputs):  # it is there for what it does
            done = self.graph.add(Done(node.kind), copy.inputs, like=node)
            self.latest[CHECKS] = self._and(node, self.last(CHECKS), done.outputs[0])

    def function(self, keys: Sequence[Key]) -> Function:
        """The body as a function whose parameters are for ``keys``."""
        return Function(self.graph, tuple(self.inputs[key].op.name if key in self.inputs else None for key in keys))

    def is_fed(self, tensor: Tensor) -> bool:
        return False

    def given(self, tensor: Tensor) -> Tensor:
        return self._input(Value(self.arguments[tensor][0]), tensor.type, tensor.op)

    def variable(self, place: Operation) -> Operation:
        return self.outer.variable(self.arguments[place.outputs[0]][1].op)

    def read(self, node: Operation, variable: Operation) -> Tensor:
        if variable in self.seen[node]:
            return super().read(node, variable)
        is_asked = self.body is getattr(self.node.kind, "condition", None)
        if variable in self.is_set and not is_asked and (self.loops or variable not in self.outer.latest):
            return self.old(node, variable)
        return self._state(variable, self.loops)

    def state(self, variable: Operation) -> Tensor:
        return self._state(variable, True)

    def kept(self, variable: Operation) -> Tensor:
        if variable in self.latest or self.loops:
            return self.last(variable)
        return self._input(Kept(variable), variable.outputs[0].type, variable)

    def old(self, node: Operation, variable: Operation) -> Tensor:
        if variable not in self.is_set or variable in self.latest:
            return super().old(node, variable)
        flag = self.is_set[variable]
        return self._sure(node, variable, self.kept(variable), {flag: self.last(flag)})

    def _state(self, variable: Operation, last: bool) -> Tensor:
        type = variable.outputs[0].type if isinstance(variable.kind, VariableV2) else COUNTER
        if isinstance(variable.kind, NoOp):  # something that is so or not, and stands among the variables
            type = FLAG
        return self._input(State(variable, last), type, variable)

    def held(self, variable: Operation) -> Tensor:
        raise NotImplementedError(f"{variable.describe()}: its initialized_value is taken inside {self.body.what}")

    def flag(self, variable: Operation) -> Tensor:
        return self._input(Flag(variable), FLAG, variable)

    def _input(self, key: Key, type: TensorType, like: Operation) -> Tensor:
        if key not in self.inputs:
            self.inputs[key] = parameter(self.graph, type, like.name, like)
        return self.inputs[key]
