"""The graph: nodes that know their types, their inputs and the line of the user's file they come from.

A node (:class:`Operation`) says *what* by its ``kind``, a frozen :class:`Op` such as ``MatMul(transpose_a=True)``,
and *of what* by its input tensors. Nodes never change once made. A pass takes a Graph and returns a new one;
the ``targets`` of a graph are the tensors it is there to compute, and keep their places from pass to pass.

    x: f32[?,784] = Placeholder()                      # train.py:7
    logits: f32[?,10] = MatMul(x, W/read)              # train.py:12
    return logits
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

from graphc.arithmetic import Arithmetic
from graphc.dtypes import DType
from graphc.records import fields
from graphc.shapes import Shape, TensorShape, TensorType, as_shape, merge

_VALID_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
_VALID_SCOPE = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class Origin(NamedTuple):
    """The line of the user's file that declared a node."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file.rsplit('/', 1)[-1]}:{self.line}"


class Op:
    """What a node does: its type rule, its meaning in NumPy and its adjoints. Subclasses are frozen dataclasses.

    Equal ops on equal inputs are the same computation, unless ``by_identity`` says that each node is its own
    (placeholders, variables, random numbers, assignments).
    """

    by_identity: ClassVar[bool] = False
    has_effect: ClassVar[bool] = False

    @property
    def type(self) -> str:
        """TensorFlow's name for this kind of node."""
        return type(self).__name__

    def infer(self, *inputs: Any) -> TensorType | tuple[TensorType, ...]:
        """The types of the outputs; ``ValueError`` or ``TypeError`` where the inputs do not fit."""
        raise NotImplementedError(f"{self.type} has no type rule")

    def evaluate(self, *inputs: Any) -> Any:
        """The value of the outputs by NumPy: the slow meaning that compiled code is compared with."""
        raise NotImplementedError(f"{self.type} has no NumPy meaning")

    def gradient(self, node: Operation, *grads: Any) -> Sequence[Tensor | None]:
        """The adjoint of each input, given those of the outputs; None where nothing flows back."""
        raise LookupError(f"{self.type} has no gradient")

    def attributes(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as a printed line shows them."""
        values = ((name, getattr(self, name), default) for name, default in fields(self).items())
        return {name: value for name, value, default in values if not _is_default(value, default)}


class Tensor(Arithmetic):
    """One output of an operation: a value that exists when a Session runs the graph."""

    __slots__ = ("op", "type", "value_index")
    __array_priority__ = 100  # NumPy leaves `array + tensor` to us

    def __init__(self, op: Operation, value_index: int, type: TensorType):
        self.op = op
        self.value_index = value_index
        self.type = type

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.type.dtype

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape while declaring."""
        return TensorShape(self.type.shape)

    def get_shape(self) -> TensorShape:
        """What is known of the shape while declaring."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds what the caller knows of the shape; ``ValueError`` where it contradicts what is known."""
        self.type = TensorType(self.type.dtype, merge(self.type.shape, as_shape(shape)))

    @property
    def graph(self) -> Graph:
        """The graph that holds the operation."""
        return self.op.graph

    @property
    def name(self) -> str:
        """The operation's name and the output's number, such as ``MatMul:0``."""
        return f"{self.op.name}:{self.value_index}"

    @property
    def label(self) -> str:
        """The name as printed lines have it: without the number for the first output."""
        return self.op.name if self.value_index == 0 else self.name

    @property
    def device(self) -> str:
        """The device asked for with ``tf.device``; accepted and without effect."""
        return self.op.device

    def consumers(self) -> list[Operation]:
        """The operations that take this tensor as an input."""
        return [node for node in self.graph.nodes if any(tensor is self for tensor in node.inputs)]

    def eval(self, feed_dict: dict[Any, Any] | None = None, session: Any = None) -> Any:
        """The value, run in ``session`` or the default session; ``ValueError`` where there is none."""
        session = session or self.graph.default_session()
        if session is None:
            raise ValueError(
                "Cannot evaluate tensor using `eval()`: No default session is registered. "
                "Use `with sess.as_default()` or pass an explicit session to `eval(session=sess)`"
            )
        return session.run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        return f'Tensor("{self.name}", shape={self.shape}, dtype={self.dtype.name})'

    def __bool__(self) -> bool:
        raise TypeError(
            f"Using a `tf.Tensor` ({self.name!r}) as a Python `bool` is not allowed: its value exists only when the "
            "graph runs. Use `if t is not None:` to test whether it is defined, and tf.cond or tf.where to choose by "
            "its value."
        )

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"Tensor {self.name!r} has no value while the graph is declared; run it in a Session")


class Operation:
    """A node of a graph: a kind, input tensors, operations that must come before, and output tensors."""

    __slots__ = ("_control_inputs", "device", "graph", "inputs", "kind", "name", "number", "origin", "outputs", "role")

    def __init__(
        self,
        graph: Graph,
        number: int,
        kind: Op,
        name: str,
        inputs: tuple[Tensor, ...],
        types: tuple[TensorType, ...],
        control_inputs: tuple[Operation, ...] = (),
        origin: Origin | None = None,
        role: str = "forward",
        device: str = "",
    ):
        self.graph = graph
        self.number = number
        self.kind = kind
        self.name = name
        self.inputs = inputs
        # most nodes have one output, and a generator costs as much as the rest of this method
        one = len(types) == 1
        self.outputs = (Tensor(self, 0, types[0]),) if one else tuple(Tensor(self, n, t) for n, t in enumerate(types))
        self._control_inputs = control_inputs
        self.origin = origin
        self.role = role
        self.device = device

    @property
    def type(self) -> str:
        """TensorFlow's name for the kind of node, such as ``MatMul``."""
        return self.kind.type

    @property
    def control_inputs(self) -> list[Operation]:
        """The operations that run before this one though it does not read them."""
        return list(self._control_inputs)

    @property
    def before(self) -> tuple[Operation, ...]:
        """All operations that run before this one: those it reads, then those it only waits for."""
        return (*(tensor.op for tensor in self.inputs), *self._control_inputs)

    @property
    def node_def(self) -> Operation:
        """The operation itself, which has ``name``, ``type`` (as ``op``) and inputs."""
        return self

    def get_attr(self, name: str) -> Any:
        """A field of the kind by name; ``ValueError`` where there is none."""
        if not hasattr(self.kind, name):
            raise ValueError(f"No attr named '{name}' in {self.type} '{self.name}'")
        return getattr(self.kind, name)

    def values(self) -> tuple[Tensor, ...]:
        """The outputs."""
        return self.outputs

    def run(self, feed_dict: dict[Any, Any] | None = None, session: Any = None) -> None:
        """Runs the operation in ``session`` or the default session; ``ValueError`` where there is none."""
        session = session or self.graph.default_session()
        if session is None:
            raise ValueError(
                "Cannot execute operation using `run()`: No default session is registered. "
                "Use `with sess.as_default()` or pass an explicit session to `run(session=sess)`"
            )
        session.run(self, feed_dict)

    def describe(self) -> str:
        """``MatMul 'logits' (declared at train.py:12)``, for messages."""
        return f"{self.type} '{self.name}'" + (f" (declared at {self.origin})" if self.origin else "")

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"

    def __str__(self) -> str:
        """One typed line: ``logits: f32[32,10] = MatMul(x, W/read)``."""
        outputs = ", ".join(f"{tensor.label}: {tensor.type}" for tensor in self.outputs) or self.name
        arguments = [tensor.label for tensor in self.inputs]
        arguments += [f"{key}={_attribute_text(value)}" for key, value in self.kind.attributes().items()]
        arguments += [f"after={node.name}" for node in self._control_inputs]
        return f"{outputs} = {self.type}({', '.join(arguments)})"


class Graph:
    """Operations in the order they were declared, their names, and TensorFlow's collections."""

    def __init__(self) -> None:
        self.nodes: list[Operation] = []
        self.targets: tuple[Tensor, ...] = ()
        self.seed: int | None = None
        self.role = "forward"
        self.collections: dict[str, list[Any]] = {}
        self.extras: dict[Any, Any] = {}  # what rooms above keep per graph: variable stores, scopes
        self._by_name: dict[str, Operation] = {}
        self._names_used: dict[str, int] = {}
        self._scope = ""
        self._control: tuple[Operation, ...] = ()
        self._device = ""
        self._finalized = False
        self._standing_for: Operation | None = None

    # -- adding nodes ------------------------------------------------------------------------------

    def declare(self, kind: Op, inputs: tuple[Tensor, ...], name: str | None = None) -> Operation:
        """Adds a node in the current scopes, with the caller's line; errors name op, node and line."""
        if self._standing_for is not None:
            return self.add(kind, inputs, like=self._standing_for)
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        for tensor in inputs:
            if tensor.op.graph is not self:
                raise ValueError(
                    f"{kind.type}: input {tensor.name!r} is from another graph; wanted a tensor of the graph that is "
                    f"declared into (declared at {tensor.op.origin})"
                )
        name = self.unique_name(name or kind.type)
        origin = user_line()
        try:
            types = _as_tuple(kind.infer(*(tensor.type for tensor in inputs)))
        except (ValueError, TypeError) as error:
            raise type(error)(f"{kind.type} '{name}': {error}{_declared_at(origin)}") from None
        control = self._control
        if control:
            own = {tensor.op for tensor in inputs}
            control = tuple(node for node in control if node not in own)
        return self._append(Operation(
            self, len(self.nodes), kind, name, inputs, types, control, origin, self.role, self._device))

    def add(
        self,
        kind: Op,
        inputs: Sequence[Tensor],
        types: tuple[TensorType, ...] | None = None,
        like: Operation | None = None,
        name: str | None = None,
    ) -> Operation:
        """Adds a node for a pass: named, placed and coloured ``like`` the node it stands for, in no scope."""
        inputs = tuple(inputs)
        if types is None:
            types = _as_tuple(kind.infer(*[tensor.type for tensor in inputs]))
        name = name or (like.name if like else kind.type)
        if name in self._by_name:
            name = self._uniquify(name)
        origin, role = (like.origin, like.role) if like else (None, self.role)
        return self._append(Operation(self, len(self.nodes), kind, name, inputs, types, (), origin, role))

    def stand_for(self, node: Operation | None) -> None:
        """What public operations declare from now on takes name, line and role of ``node``: for passes."""
        self._standing_for = node

    @contextmanager
    def standing_for(self, node: Operation) -> Iterator[None]:
        """What public operations declare inside takes name, line and role of ``node``: for passes."""
        before = self._standing_for
        self._standing_for = node
        try:
            yield
        finally:
            self._standing_for = before

    def _append(self, node: Operation) -> Operation:
        self.nodes.append(node)
        self._by_name[node.name] = node
        return node

    # -- names -------------------------------------------------------------------------------------

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """``name`` inside the current name scope, with ``_1``, ``_2``... where it is taken."""
        if name.endswith("/"):
            return name[:-1]
        if not (_VALID_SCOPE if self._scope else _VALID_NAME).match(name):
            raise ValueError(f"'{name}' is not a valid scope name" if "/" in name else f"'{name}' is not a valid node name")
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
        if name and not _VALID_SCOPE.match(name):
            raise ValueError(f"'{name}' is not a valid scope name")
        before = self._scope
        if not name:
            self._scope = ""
        elif name.endswith("/"):
            self._scope = name[:-1]
        else:
            self._scope = self.unique_name(name)
        try:
            yield f"{self._scope}/" if self._scope else ""
        finally:
            self._scope = before

    def get_name_scope(self) -> str:
        """The current name scope, such as ``tower/layer``, or an empty string."""
        return self._scope

    # -- scopes of other sorts -----------------------------------------------------------------------

    @contextmanager
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Operations declared inside run after all of ``control_inputs``; None forgets the outer ones."""
        before = self._control
        nodes = () if control_inputs is None else tuple(self._control_node(item) for item in control_inputs)
        self._control = () if control_inputs is None else tuple(dict.fromkeys(before + nodes))
        try:
            yield
        finally:
            self._control = before

    def _control_node(self, item: Any) -> Operation:
        element = self.as_graph_element(item)
        return element.op if isinstance(element, Tensor) else element

    @contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Accepted for TensorFlow programs; there is one device, the CPU."""
        before = self._device
        self._device = device_name_or_function if isinstance(device_name_or_function, str) else ""
        try:
            yield
        finally:
            self._device = before

    @contextmanager
    def in_role(self, role: str) -> Iterator[None]:
        """Marks the operations declared inside as ``forward``, ``adjoint`` or ``update`` for pictures."""
        before = self.role
        self.role = role
        try:
            yield
        finally:
            self.role = before

    def as_default(self) -> Any:
        """Makes this the graph that operations are declared into, inside a ``with``."""
        from graphc.scopes import default_graphs  # scopes stand above the graph

        return default_graphs.entered(self)

    def default_session(self) -> Any:
        """The innermost default session, or None."""
        from graphc.scopes import default_sessions  # scopes stand above the graph

        return default_sessions.innermost()

    # -- looking up ----------------------------------------------------------------------------------

    def get_operations(self) -> list[Operation]:
        """All operations in the order of declaration."""
        return list(self.nodes)

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation called ``name``; ``KeyError`` where there is none."""
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        if name not in self._by_name:
            raise KeyError(f"The name '{name}' refers to an Operation not in the graph.")
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
                raise ValueError(f"Tensor {element} is not an element of this graph.")
            return element
        if isinstance(element, Operation) and allow_operation:
            if element.graph is not self:
                raise ValueError(f"Operation {element!r} is not an element of this graph.")
            return element
        wanted = " or ".join(["Tensor"] * allow_tensor + ["Operation"] * allow_operation)
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {wanted}.")

    def _element_by_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Tensor | Operation:
        if ":" not in name:
            if not allow_operation:
                raise ValueError(
                    f"The name '{name}' refers to an Operation, not a Tensor. "
                    f'Tensor names must be of the form "<op_name>:<output_index>".'
                )
            if name not in self._by_name:
                raise KeyError(f"The name '{name}' refers to an Operation not in the graph.")
            return self._by_name[name]
        op_name, _, number = name.rpartition(":")
        node = self._by_name.get(op_name)
        if not allow_tensor:
            raise ValueError(f"The name '{name}' appears to refer to a Tensor, not an Operation.")
        if node is None:
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. "
                f"The operation, '{op_name}', does not exist in the graph."
            )
        if not number.isdigit() or int(number) >= len(node.outputs):
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. "
                f"The operation, '{op_name}', exists but only has {len(node.outputs)} outputs."
            )
        return node.outputs[int(number)]

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

    def _check_not_finalized(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

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
        if self.targets:
            lines.append("return " + ", ".join(tensor.label for tensor in self.targets))
        return "\n".join(lines)

    def __len__(self) -> int:
        return len(self.nodes)


def user_line() -> Origin | None:
    """The innermost line of the call stack that is not in graphc."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith("graphc.") and module not in ("graphc", "contextlib", "functools"):
            return Origin(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return None


def _as_tuple(types: TensorType | tuple[TensorType, ...]) -> tuple[TensorType, ...]:
    return (types,) if isinstance(types, TensorType) else types


def _declared_at(origin: Origin | None) -> str:
    return f", declared at {origin}" if origin else ""


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and isinstance(value, (int, str, tuple)) and value == default)


def _attribute_text(value: Any) -> str:
    if isinstance(value, DType):
        return value.short
    if isinstance(value, tuple):
        return "[" + ",".join(_attribute_text(item) for item in value) + "]"
    return str(value)


def with_shape(type: TensorType, shape: Shape) -> TensorType:
    """``type`` with another shape."""
    return TensorType(type.dtype, shape)
