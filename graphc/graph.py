"""The graph: operations in the order of their declaration, with names, scopes and collections.

A pass takes a Graph and returns a new one; the ``targets`` of a graph are the tensors it is there to compute, and
keep their places from pass to pass.

    x: f32[?,784] = Placeholder()                      # train.py:7
    logits: f32[?,10] = MatMul(x, W/read)              # train.py:12
    return logits
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from graphc.dims import Measured
from graphc.mistakes import declared_at, tell_line, telling, user_line
from graphc.needed import needed_nodes
from graphc.nodes import Op, Operation, Tensor
from graphc.shapes import TensorType

_VALID_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class Graph:
    """Operations in the order they were declared, their names, and TensorFlow's collections."""

    def __init__(self) -> None:
        self.nodes: list[Operation] = []
        self.targets: tuple[Tensor, ...] = ()
        self.measured: dict[Measured, Tensor] = {}  # of a step: what tells the sizes that are counted while it runs
        self.seed: int | None = None
        self.role = "forward"
        self.collections: dict[str, list[Any]] = {}
        self.extras: dict[Any, Any] = {}  # what rooms above keep per graph: variable stores, scopes
        self.before_adding: Callable[[tuple[TensorType, ...]], None] | None = None  # what a pass asks of new types
        self.current: Graph = self  # what takes nodes of this graph's tensors: while a body is declared, the body
        self._by_name: dict[str, Operation] = {}
        self._names_used: dict[str, int] = {}
        self._scope = ""
        self._control: tuple[Operation, ...] = ()
        self._device = ""
        self._finalized = False
        self._standing_for: Operation | None = None
        self.gradient_names: dict[str, str] = {}  # of kinds of nodes whose adjoints a program writes itself
        self._needed: tuple[int, tuple[Tensor, ...]] = (-1, ())  # number of nodes and targets, once no node is unneeded

    # -- adding nodes ------------------------------------------------------------------------------

    @property
    def outermost(self) -> Graph:
        """The graph that is in no other."""
        return self

    @contextmanager
    def outside(self) -> Iterator[Graph]:
        """Inside, the outermost graph takes what is declared: this one."""
        yield self

    def own(self, tensor: Tensor, reader: str = "a body") -> Tensor:
        """What stands in this graph for ``tensor``: itself; ``ValueError`` where it is of another graph."""
        if tensor.op.graph is not self:
            what = getattr(tensor.op.graph, "what", None)
            raise ValueError(
                f"{reader}: input {tensor.name!r} "
                + (f"has a value only inside {what}; make it one of its results" if what else
                   "is from another graph; wanted a tensor of the graph that is declared into")
                + f" (declared at {tensor.op.origin})"
            )  # fmt: skip
        return tensor

    def declare(self, kind: Op, inputs: tuple[Tensor, ...], name: str | None = None) -> Operation:
        """Adds a node in the current scopes, with the caller's line; errors name op, node and line."""
        if self._standing_for is not None:
            return self.add(kind, inputs, like=self._standing_for)
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        for tensor in inputs:
            if tensor.op.graph is not self:
                self.own(tensor, kind.type)
        name = self.unique_name(name or kind.type)
        origin = user_line()
        try:
            types = _as_tuple(kind.infer(*(tensor.type for tensor in inputs)))
            for _, shape in types:
                if shape and any(type(size) is int and size < 0 for size in shape):
                    raise ValueError(f"sizes must be at least 0, not {list(shape)}")
        except (ValueError, TypeError) as error:
            raise type(error)(f"{kind.type} '{name}': {error}{declared_at(origin)}") from None
        control = self._control
        if control:
            own = {tensor.op for tensor in inputs}
            control = tuple(node for node in control if node not in own)
        node = Operation(self, len(self.nodes), kind, name, inputs, types, control, origin, self.role, self._device)
        if self.gradient_names and kind.type in self.gradient_names:
            self.extras.setdefault("gradient_names", {})[node] = self.gradient_names[kind.type]
        return self._append(node)

    def add(
        self,
        kind: Op,
        inputs: Sequence[Tensor],
        types: tuple[TensorType, ...] | None = None,
        like: Operation | None = None,
        name: str | None = None,
        role: str | None = None,
    ) -> Operation:
        """Adds a node for a pass: named, placed and coloured ``like`` the node it stands for, in no scope."""
        inputs = tuple(inputs)
        if types is None:
            types = _as_tuple(kind.infer(*[tensor.type for tensor in inputs]))
            if self.before_adding is not None:
                self.before_adding(types)
        name = name or (like.name if like else kind.type)
        if name in self._by_name:
            name = self._uniquify(name)
        origin = like.origin if like else None
        role = role or (like.role if like else self.role)
        stands_for = like.user_name if like else ""
        return self._append(
            Operation(self, len(self.nodes), kind, name, inputs, types, (), origin, role, stands_for=stands_for)
        )

    def copy(self, node: Operation, inputs: tuple[Tensor, ...]) -> Operation:
        """Adds what ``node`` is, of other inputs of the same types: for passes, which do little else."""
        name = node.name if node.name not in self._by_name else self._uniquify(node.name)
        outputs = node.outputs
        types = (outputs[0].type,) if len(outputs) == 1 else tuple([tensor.type for tensor in outputs])
        return self._append(
            Operation(
                self, len(self.nodes), node.kind, name, inputs, types, (), node.origin, node.role, "", node.user_name
            )
        )

    def keep_names_for(self, nodes: Iterable[Operation]) -> None:
        """The names of ``nodes`` go to nobody but their copies: parameters of functions are known by name."""
        for node in nodes:
            self._names_used.setdefault(node.name.lower(), 1)

    def stand_for(self, node: Operation | None) -> None:
        """What public operations declare from now on takes name, line and role of ``node``: for passes."""
        self._standing_for = node

    def standing_for(self, node: Operation) -> AbstractContextManager[None]:
        """What public operations declare inside takes name, line and role of ``node``: for passes."""
        return self._having("_standing_for", node)

    @contextmanager
    def _having(self, attribute: str, value: Any) -> Iterator[None]:
        before = getattr(self, attribute)
        setattr(self, attribute, value)
        try:
            yield
        finally:
            setattr(self, attribute, before)

    def _append(self, node: Operation) -> Operation:
        self.nodes.append(node)
        self._by_name[node.name] = node
        return node

    def needed(self) -> list[Operation]:
        """The nodes on which the targets depend, in their order."""
        count, targets = self._needed
        known = count == len(self.nodes) and targets is self.targets
        return self.nodes if known else needed_nodes(self.targets, self.measured)

    def keep_needed(self) -> None:
        """Leaves out the nodes that no target needs: for passes, while they build a graph."""
        nodes = needed_nodes(self.targets, self.measured)
        if len(nodes) < len(self.nodes):
            kept = set(nodes)
            self.measured = {size: count for size, count in self.measured.items() if count.op in kept}
            self.nodes = nodes
            self._by_name = {node.name: node for node in nodes}
            for number, node in enumerate(nodes):
                node.number = number
        self._needed = (len(nodes), self.targets)

    # -- names -------------------------------------------------------------------------------------

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """``name`` inside the current name scope, with ``_1``, ``_2``... where it is taken."""
        if name.endswith("/"):
            return name[:-1]
        if not (_VALID_SCOPE if self._scope else _VALID_NAME).match(name):
            raise ValueError(f"'{name}' is not a valid {'scope' if '/' in name else 'node'} name")
        full = f"{self._scope}/{name}" if self._scope else name
        return self._uniquify(full, mark_as_used)

    def _uniquify(self, full: str, mark_as_used: bool = True) -> str:
        # TensorFlow compares names without case, for file systems that do the same.
        key = full.lower()
        count = self._names_used.get(key, 0)
        if mark_as_used:
            self._names_used[key] = count + 1
        if count == 0 and full not in self._by_name:
            return full
        while f"{key}_{count}" in self._names_used or f"{full}_{count}" in self._by_name or count == 0:
            count += 1
        if mark_as_used:
            self._names_used[key] = count + 1
            self._names_used[f"{key}_{count}"] = 1
        return f"{full}_{count}"

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Names declared inside begin with ``name/``; a name that ends in ``/`` re-enters that scope as it is."""
        before = self._scope
        try:
            self._scope = self._scope_named(name)
            yield f"{self._scope}/" if self._scope else ""
        except (ValueError, TypeError) as error:
            if self._standing_for is None:
                tell_line(error)
            raise
        finally:
            self._scope = before

    def _scope_named(self, name: str | None) -> str:
        if not name:
            return ""
        if not _VALID_SCOPE.match(name):
            raise ValueError(f"'{name}' is not a valid scope name")
        return name[:-1] if name.endswith("/") else self.unique_name(name)

    def get_name_scope(self) -> str:
        """The current name scope, such as ``tower/layer``, or an empty string."""
        return self._scope

    # -- scopes of other sorts -----------------------------------------------------------------------

    @contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Operations declared inside run after all of ``control_inputs``; None forgets the outer ones."""
        before = self._control
        with telling("control_dependencies"):
            found = () if control_inputs is None else tuple(self._control_node(item) for item in control_inputs)
        nodes = tuple(node for node in found if node is not None)
        self._control = () if control_inputs is None else tuple(dict.fromkeys(before + nodes))
        try:
            yield
        finally:
            self._control = before

    def current_control_dependencies(self) -> tuple[Operation, ...]:
        """The operations that whatever is declared here runs after."""
        return self._control

    def _control_node(self, item: Any) -> Operation | None:
        element = self.as_graph_element(item)
        return element.op if isinstance(element, Tensor) else element

    def device(self, device_name_or_function: Any) -> AbstractContextManager[None]:
        """Accepted for TensorFlow programs; there is one device, the CPU."""
        return self._having("_device", device_name_or_function if isinstance(device_name_or_function, str) else "")

    def in_role(self, role: str) -> AbstractContextManager[None]:
        """Marks the operations declared inside as ``forward``, ``adjoint`` or ``update`` for pictures."""
        return self._having("role", role)

    @contextmanager
    def gradient_override_map(self, op_type_map: Mapping[str, str]) -> Iterator[None]:
        """Nodes declared inside, of the kinds named, have the adjoints that ``tf.RegisterGradient`` made known."""
        if not isinstance(op_type_map, Mapping):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        if not all(isinstance(name, str) for pair in op_type_map.items() for name in pair):
            raise TypeError(f"op_type_map must be a dictionary mapping strings to strings, not {op_type_map!r}")
        graph = self.current
        before = graph.gradient_names
        graph.gradient_names = {**before, **op_type_map}
        try:
            yield
        finally:
            graph.gradient_names = before

    def as_default(self) -> Any:
        """Makes this the graph that operations are declared into, inside a ``with``."""
        from graphc.scopes import default_graphs  # scopes stand above the graph

        return default_graphs.entered(self)

    def default_session(self) -> Any:
        """The innermost default session, or None."""
        from graphc.scopes import default_sessions  # scopes stand above the graph

        return default_sessions.innermost()

    def session_for(self, what: str, method: str, session: Any = None) -> Any:
        """``session``, or the innermost default one; a ``ValueError`` names the ``method`` where there is neither."""
        session = session or self.default_session()
        if session is None:
            raise ValueError(
                f"Cannot {what} using `{method}()`: No default session is registered. "
                f"Use `with sess.as_default()` or pass an explicit session to `{method}(session=sess)`"
            )
        return session

    # -- looking up ----------------------------------------------------------------------------------

    def get_operations(self) -> list[Operation]:
        """All operations in the order of declaration."""
        return list(self.nodes)

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation called ``name``; ``KeyError`` where there is none."""
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        if name not in self._by_name:
            raise KeyError(f"The name '{name}' refers to an Operation not in the graph.{self._alike(name)}")
        return self._by_name[name]

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor called ``operation:number``; ``KeyError`` where there is none, ``ValueError`` without a number."""
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        element = self.as_graph_element(name, allow_operation=False)
        return element  # type: ignore[return-value]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Tensor | Operation:
        """The tensor or operation that ``obj`` is or names; ``KeyError``, ``TypeError`` or ``ValueError`` otherwise."""
        converter = getattr(obj, "_as_graph_element", None)
        element = converter() if converter else obj
        if isinstance(element, str):
            return self._element_by_name(element, allow_tensor, allow_operation)
        if isinstance(element, Tensor) and allow_tensor:
            if element.op.graph is not self:
                inside = getattr(element.op.graph, "what", None)
                if inside:
                    raise ValueError(f"{element} has a value only inside {inside}; make it one of its results")
                raise ValueError(f"Tensor {element} is not an element of this graph: {self._foreign(element.op)}")
            return element
        if isinstance(element, Operation) and allow_operation:
            if element.graph is not self:
                name = f"Operation {element.name!r}"
                raise ValueError(f"{name} is not an element of this graph: {self._foreign(element)}")
            return element
        wanted = " or ".join(["Tensor"] * allow_tensor + ["Operation"] * allow_operation)
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {wanted}.")

    def _foreign(self, node: Operation) -> str:
        """Which graph a node is of, and which this one is, by where they begin: for errors."""
        return f"{node.describe()} is in {node.graph.describe()}; this is {self.describe()}"

    def describe(self) -> str:
        """``a graph of 3 operations, the first of them Placeholder 'x' (declared at train.py:3)``, for messages."""
        if not self.nodes:
            return "a graph of no operations"
        count = "1 operation, which is" if len(self.nodes) == 1 else f"{len(self.nodes)} operations, the first of them"
        return f"a graph of {count} {self.nodes[0].describe()}"

    def _element_by_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Tensor | Operation:
        if ":" not in name:
            if not allow_operation:
                raise ValueError(
                    f"The name '{name}' refers to an Operation, not a Tensor. "
                    f'Tensor names must be of the form "<op_name>:<output_index>", such as "{name}:0".'
                )
            if name not in self._by_name:
                raise KeyError(f"The name '{name}' refers to an Operation not in the graph.{self._alike(name)}")
            return self._by_name[name]
        op_name, _, number = name.rpartition(":")
        node = self._by_name.get(op_name)
        if not allow_tensor:
            raise ValueError(f"The name '{name}' appears to refer to a Tensor, not an Operation.")
        if node is None:
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. "
                f"The operation, '{op_name}', does not exist in the graph.{self._alike(op_name)}"
            )
        if not number.isdigit() or int(number) >= len(node.outputs):
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. "
                f"The operation, '{op_name}', exists but only has {len(node.outputs)} outputs."
            )
        return node.outputs[int(number)]

    def _alike(self, name: str) -> str:
        """Names that may have been meant, for messages: those that end so, then those spelt nearly so."""
        from difflib import get_close_matches  # only an error needs it

        ends = [known for known in self._by_name if known.lower().endswith(f"/{name.lower()}")]
        found = list(dict.fromkeys([*ends, *get_close_matches(name, self._by_name)]))[:3]
        return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""

    def is_feedable(self, tensor: Tensor) -> bool:
        """Whether a value can be fed in place of ``tensor``: always."""
        return True

    def is_fetchable(self, element: Any) -> bool:
        """Whether ``element`` can be fetched: always."""
        return True

    # -- collections ---------------------------------------------------------------------------------

    def add_to_collection(self, name: str, value: Any) -> None:
        """Appends ``value`` to the collection ``name``."""
        self._check_not_finalized()
        self.collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Appends ``value`` to each collection of ``names`` (one name or several) that lacks it."""
        for name in (names,) if isinstance(names, str) else dict.fromkeys(names):
            self.add_to_collection(name, value)

    def get_collection(self, name: str, scope: str | None = None) -> list[Any]:
        """A copy of the collection; with ``scope``, only items whose name matches that regular expression."""
        items = self.collections.get(name, [])
        if scope is None:
            return list(items)
        pattern = re.compile(scope)
        return [item for item in items if hasattr(item, "name") and pattern.match(item.name)]

    def get_collection_ref(self, name: str) -> list[Any]:
        """The collection itself, to be changed by the caller."""
        return self.collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[str]:
        """The names of all collections."""
        return list(self.collections)

    def clear_collection(self, name: str) -> None:
        """Empties the collection."""
        self._check_not_finalized()
        self.collections.pop(name, None)

    # -- the whole -----------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """A number that grows with every operation added."""
        return len(self.nodes)

    @property
    def finalized(self) -> bool:
        """Whether the graph is closed to further operations."""
        return self._finalized

    def finalize(self) -> None:
        """Closes the graph: declaring anything more raises ``RuntimeError``."""
        self._finalized = True

    def reopen(self) -> None:
        """Opens a finalized graph again."""
        self._finalized = False

    _unsafe_unfinalize = reopen

    def _check_not_finalized(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> Any:
        """The graph as a GraphDef; ``add_shapes`` adds the shapes of outputs to the nodes.

        Nodes that TensorFlow has not are of types ``graphc.X`` there, which graphc alone reads.
        """
        from graphc.exchange.writing import graph_def_of  # protobuf loads only when asked for

        return graph_def_of(self, from_version, add_shapes)

    def to_networkx(self) -> Any:
        """The graph as a ``networkx.MultiDiGraph``: operations as nodes, tensors as edges."""
        from graphc.export import to_networkx  # networkx loads only when asked for

        return to_networkx(self)

    def _repr_svg_(self) -> str:
        from graphc.visualize import svg_text  # graphviz loads only when a picture is asked for

        return svg_text(self)

    def __str__(self) -> str:
        lines = []
        for node in self.nodes:
            text = str(node)
            lines.append(f"{text:<80}  # {node.origin}" if node.origin else text)
            for name, function in node.kind.functions().items():
                lines += [f"    {name}:", *(f"        {line}" for line in str(function.graph).splitlines())]
        if self.targets:
            lines.append("return " + ", ".join(tensor.label for tensor in self.targets))
        return "\n".join(lines)

    def __len__(self) -> int:
        return len(self.nodes)


def _as_tuple(types: TensorType | tuple[TensorType, ...]) -> tuple[TensorType, ...]:
    return (types,) if isinstance(types, TensorType) else types
