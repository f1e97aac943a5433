"""GraphDef to graph: ``tf.import_graph_def``. Each node of TensorFlow becomes what the table in ``meanings`` says.

A node that graphc has not is no error until it is run: files hold much that is never run again, such as savers,
summaries and the queues of training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from graphc.exchange.array_meanings import ARRAY_MEANINGS
from graphc.exchange.attributes import attribute_value
from graphc.exchange.branches import Branches, has_effect
from graphc.exchange.foreign import Foreign, Unreadable, readable
from graphc.exchange.frames import Frame, Frames, Unit, breaks_rings, canonical, source
from graphc.exchange.function_reading import called, calls_functions
from graphc.exchange.functions import INPUTS
from graphc.exchange.host_meanings import HOST_MEANINGS
from graphc.exchange.loop_reading import read_loop
from graphc.exchange.meanings import MEANINGS
from graphc.exchange.own import KEY, kind_from
from graphc.exchange.schema import message
from graphc.exchange.writing import CONTROLS, HELPER, PREFIX
from graphc.graph import Graph
from graphc.nodes import Operation, Tensor
from graphc.ops.base import convert_to_tensor
from graphc.ops.elementwise import identity
from graphc.ops.state import no_op
from graphc.scopes import get_default_graph
from graphc.tensor_array import TensorArray


def import_graph_def(
    graph_def: Any,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds the nodes of a GraphDef to the default graph, their names under ``name`` ("import" where it is None).

    ``input_map`` puts tensors in place of tensors of the GraphDef, by name; ``return_elements`` names operations and
    tensors to be given back. ``TypeError`` for what is no GraphDef, ``ValueError`` for nodes that do not fit and names
    that are not there. A node that graphc cannot compute raises ``UnimplementedError`` when it is run.
    """
    if not hasattr(graph_def, "node"):
        raise TypeError("graph_def must be a GraphDef proto.")
    graph = get_default_graph()
    prefix = _prefix(graph, name)
    reader = Reader(graph, graph_def, prefix, dict(input_map or {}))
    reader.read()
    unused = [key for key in (input_map or {}) if key not in reader.used]
    if unused:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{', '.join(map(str, unused))}]")
    return None if return_elements is None else [reader.element(wanted) for wanted in return_elements]


def _prefix(graph: Graph, name: str | None) -> str:
    if name == "":
        return ""
    if name and name.endswith("/"):
        return name
    with graph.name_scope(name or "import") as scope:
        return scope


class Node:
    """A NodeDef with its inputs as tensors: what the table of meanings is given."""

    def __init__(self, definition: Any, name: str, inputs: list[Any], predicate: Any = None):
        self.definition, self.inputs, self.predicate = definition, inputs, predicate
        self.name = f"{name}/"  # with the slash it is taken as it is, as the name of a node and as a scope
        self.op = definition.op

    def attr(self, key: str, default: Any = None) -> Any:
        """An attribute as a Python value, or ``default``."""
        if key not in self.definition.attr:
            return default
        try:
            found = attribute_value(self.definition.attr[key])
        except TypeError as error:
            raise Unreadable(str(error)) from None
        return default if found is None else found


class Reader:
    """Adds the nodes of one GraphDef to a graph."""

    def __init__(self, graph: Graph, graph_def: Any, prefix: str, input_map: dict[str, Any]):
        self.graph, self.prefix = graph, prefix
        self.used: set[str] = set()
        self._map = {canonical(key): (key, value) for key, value in input_map.items()}
        self._defs = {node.name: node for node in graph_def.node}
        if len(self._defs) < len(graph_def.node):
            raise ValueError("graph_def has two nodes of one name")
        self._outputs: dict[str, Sequence[Any]] = {}
        self._operations: dict[str, Operation] = {}
        self._counts = _counts(graph_def)
        self._branches = Branches(self._defs)
        self._frames = Frames(self._defs)
        self._frame: Frame | None = None  # the loop whose nodes are being read
        self.library: Mapping[str, Any] = {one.signature.name: one for one in graph_def.library.function}

    def read(self) -> None:
        """Adds all nodes, each after its inputs."""
        taken = [name for name in self._defs if f"{self.prefix}{name}" in self.graph._by_name]
        if taken:
            raise ValueError(f"Node name '{self.prefix}{taken[0]}' already exists in the Graph")
        self.read_units(self._frames.units(None), None)

    def element(self, name: str) -> Any:
        """What ``name`` names: an operation, or with a number a tensor; ``ValueError`` where it is not there."""
        plain, _, number = name.partition(":")
        if not number:
            if plain in self._operations:
                return self._operations[plain]
        elif plain in self._operations and number.isdigit() and int(number) < len(self._operations[plain].outputs):
            return self._operations[plain].outputs[int(number)]
        raise ValueError(f"Requested return_element {name!r} not found in graph_def.")

    # -- loops -------------------------------------------------------------------------------------------------

    def read_units(self, units: Sequence[Unit], frame: Frame | None) -> None:
        """Adds these nodes and whole loops, which are in their order."""
        for unit in units:
            if isinstance(unit, Frame):
                self._read_loop(unit)
            elif unit not in self._outputs:  # as the results of a loop are once it was read
                self._read_node(self._defs[unit])

    def _read_loop(self, frame: Frame) -> None:
        """A loop as a whole; where graphc does not read it, its nodes stand in the graph and say why."""
        try:
            waits = [node for name in frame.members for node in self._controls(self._defs[name])]
            with (
                self.graph.name_scope(None),
                self.graph.control_dependencies(None),
                self.graph.control_dependencies(waits),
            ):
                read_loop(self, frame)
        except (Unreadable, NotImplementedError, ValueError, TypeError) as error:
            reason = f"the loop '{frame.name}', read from a GraphDef: {error}"
            for name in (*frame.all_members(), *self.exits(frame)):
                with self.graph.name_scope(None), self.graph.control_dependencies(None):
                    made = self._foreign(self._defs[name], reason)
                self._operations[name], self._outputs[name] = made, made.outputs

    @contextmanager
    def inside(self, frame: Frame) -> Iterator[None]:
        """While nodes of a loop are declared, in the graph of its condition or its body; forgotten afterwards."""
        before = self.graph, self._operations, self._outputs, self._frame
        self.graph, self._frame = get_default_graph(), frame
        self._operations, self._outputs = dict(self._operations), dict(self._outputs)
        try:
            yield
        finally:
            self.graph, self._operations, self._outputs, self._frame = before

    def definition(self, name: str) -> Any:
        """A node of the GraphDef; ``Unreadable`` where there is none of the name."""
        if name not in self._defs:
            raise Unreadable(f"node '{name}' is not in graph_def")
        return self._defs[name]

    def exits(self, frame: Frame) -> list[str]:
        """The nodes by which values leave a loop."""
        return self._frames.exits(frame)

    def order(self, units: Sequence[Unit], frame: Frame | None) -> list[Unit]:
        """The nodes and loops of a frame that these need, in order, and these; without what was read."""
        return self._frames.order(units, frame, self._outputs)

    def input_of(self, definition: Any, place: int) -> Any:
        """What a node takes at a place."""
        return self._input(definition, definition.input[place])

    def value(self, reference: str) -> Any:
        """What an input of a node of the loop names, after all that it needs was read."""
        unit = self._frames.unit(source(reference), self._frame)
        if unit is not None:
            self.read_units(self.order([unit], self._frame), self._frame)
        return readable(self._outputs[source(reference)][int(canonical(reference).partition(":")[2])])

    def of_function(self, graph_def: Any, prefix: str) -> Reader:
        """Who reads the nodes of a function into the default graph, once its arguments are given."""
        reader = Reader(get_default_graph(), graph_def, prefix, {})
        reader.library = self.library
        return reader

    def operation(self, name: str) -> Operation:
        """A node, after all that it needs was read."""
        unit = self._frames.unit(name, self._frame)
        if unit is not None:
            self.read_units(self.order([unit], self._frame), self._frame)
        return self._operations[name]

    def give(self, name: str, outputs: Sequence[Any], named: bool = False) -> None:
        """Sets what a node gives, and where that is asked for declares it under the node's name."""
        self._outputs[name] = outputs
        if named:
            (self._outputs[name],) = ([self._named(value, f"{self.prefix}{name}")] for value in outputs)
        first = self._outputs[name][0]
        self._operations[name] = getattr(first, "flow", first).op

    # -- one node ----------------------------------------------------------------------------------------------

    def _read_node(self, definition: Any) -> None:
        if HELPER in definition.attr:
            return  # the node that it helps is read as graphc wrote it
        self._branches.of_node(definition)
        name = definition.name
        with (
            self.graph.name_scope(None),
            self.graph.control_dependencies(None),
            self.graph.control_dependencies(self._controls(definition)),
            self.graph.device(definition.device),
        ):
            try:
                if breaks_rings(definition):
                    raise Unreadable(f"node '{name}' is of a loop of TensorFlow's, which graphc does not read")
                made = self._made(definition)
            except (Unreadable, NotImplementedError) as error:
                made = self._foreign(definition, str(error))
        if isinstance(made, Operation):
            self._operations[name], self._outputs[name] = made, made.outputs
            return
        outputs = made if isinstance(made, (list, tuple)) else [made]
        if isinstance(outputs[0], TensorArray):
            self._operations[name], self._outputs[name] = outputs[0].flow.op, outputs
            return
        self._operations[name] = self.graph.get_operation_by_name(f"{self.prefix}{name}")
        self._outputs[name] = outputs

    def _made(self, definition: Any) -> Any:
        own = KEY in definition.attr
        names = attribute_value(definition.attr[INPUTS]) if INPUTS in definition.attr else None
        given = [i for i in definition.input if not i.startswith("^")] if names is None else names
        full = f"{self.prefix}{definition.name}"
        inputs = [self._input(definition, reference) for reference in given]
        if calls_functions(self, definition) and not own:
            return self._called(definition, inputs, full)
        inputs = [readable(x) for x in inputs]
        if own:
            try:
                kind = kind_from(attribute_value(definition.attr[KEY]), self.graph, inputs)
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"node '{definition.name}' ({definition.op}) cannot be read: {error}") from None
            return self.graph.declare(kind, tuple(inputs), f"{full}/")
        meaning = MEANINGS.get(definition.op) or ARRAY_MEANINGS.get(definition.op) or HOST_MEANINGS.get(definition.op)
        if meaning is None:
            raise Unreadable(self._unknown(definition))
        branches = self._branches
        if has_effect(definition.op) and branches.of_node(definition) and not branches.guards(definition):
            raise Unreadable(f"node '{definition.name}' of type {definition.op} stands in a branch of a tf.cond: "
                             "graphc computes both branches of a graph that was read, and chooses")  # fmt: skip
        try:
            made = meaning(Node(definition, full, inputs, self._predicate(definition)))
        except Unreadable as error:
            raise Unreadable(
                f"node '{definition.name}' of type {definition.op}, read from a GraphDef: {error}"
            ) from None
        except (ValueError, TypeError, IndexError) as error:
            raise Unreadable(f"node '{definition.name}' of type {definition.op} cannot be read: {error}") from error
        return self._named(made, full)

    def _called(self, definition: Any, inputs: list[Any], full: str) -> list[Any]:
        """What functions give; an operation of the node's name stands for it.

        It has the outputs before the first one that is no tensor or cannot be computed: these keep their numbers.
        """
        try:
            found = called(self, definition, inputs)
        except (ValueError, TypeError) as error:
            raise Unreadable(f"node '{definition.name}' of type {definition.op}: {error}") from error
        named = list(takewhile(lambda x: isinstance(x, Tensor) and not isinstance(x.op.kind, Foreign), found))
        if named:
            from graphc.ops.custom_gradients import identity_n  # few files need it

            identity_n(named, name=f"{full}/")
        else:
            no_op(name=f"{full}/")
        return found

    def _predicate(self, definition: Any) -> Any:
        """What decides between the inputs of a Merge, and whether the first is for true; None for other nodes."""
        if definition.op != "Merge":
            return None
        reference, first = self._branches.decided(definition)
        return self._input(definition, reference), first

    def _unknown(self, definition: Any) -> str:
        text = (
            f"node '{definition.name}' of type {definition.op}, read from a GraphDef, is not among graphc's operations"
        )
        if definition.op.startswith(PREFIX) and "_graphc_error" in definition.attr:
            text += f": {attribute_value(definition.attr['_graphc_error'])}"
        return text

    def _named(self, made: Any, full: str) -> Any:
        """What was made, under the name of the node: a function of several operations gives its results others."""
        if isinstance(made, Operation):
            return made
        if isinstance(made, (list, tuple)):
            if isinstance(made[0], TensorArray):
                return made
            if made and all(tensor.op is made[0].op and tensor.op.name == full for tensor in made):
                return made
            from graphc.ops.custom_gradients import identity_n  # few files need it

            identity_n(list(made), name=f"{full}/")  # those who take them take what is before, whose sizes are known
            return made
        if isinstance(made, TensorArray):
            return made
        tensor = convert_to_tensor(made)
        return tensor if tensor.op.name == full else identity(tensor, name=f"{full}/")

    def _foreign(self, definition: Any, reason: str) -> Operation:
        kind = Foreign(definition.op, reason, definition.SerializeToString(), self._counts.get(definition.name, 1))
        return self.graph.declare(kind, (), f"{self.prefix}{definition.name}/")

    # -- inputs --------------------------------------------------------------------------------------------------

    def _input(self, definition: Any, reference: str) -> Any:
        key = canonical(reference)
        if key in self._map:
            given, value = self._map[key]
            self.used.add(given)
            return self.graph.as_graph_element(value) if isinstance(value, str) else convert_to_tensor(value)
        name, _, number = key.partition(":")
        outputs = self._outputs.get(name)
        if outputs is None or int(number) >= len(outputs):
            raise ValueError(f"Input '{reference}' of node '{definition.name}' is not in graph_def")
        return outputs[int(number)]

    def _controls(self, definition: Any) -> list[Operation]:
        found = []
        references = definition.input
        if CONTROLS in definition.attr:
            references = [f"^{name}" for name in attribute_value(definition.attr[CONTROLS])]
        for reference in references:
            if reference.startswith("^"):
                if reference in self._map:
                    given, value = self._map[reference]
                    self.used.add(given)
                    found.append(getattr(value, "op", value))
                elif reference[1:] in self._operations and self._is_waited_for(reference[1:]):
                    found.append(self._operations[reference[1:]])
        return found

    def _is_waited_for(self, name: str) -> bool:
        """In a loop control inputs tell of which frame a node is; only what has an effect must be waited for."""
        op = self._defs[name].op
        return self._frame is None or op == "NoOp" or has_effect(op)


def _counts(graph_def: Any) -> dict[str, int]:
    """How many outputs of each node others take: for nodes whose number of outputs is not known."""
    found: dict[str, int] = {}
    for node in graph_def.node:
        for reference in node.input:
            name, _, number = canonical(reference).partition(":")
            if number.isdigit():
                found[name] = max(found.get(name, 1), int(number) + 1)
    return found


def graph_def_from(data: bytes) -> Any:
    """The GraphDef in these bytes."""
    return message("GraphDef").FromString(data)
