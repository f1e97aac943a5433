"""The parts of a graph: what a node does, the node itself, and the tensors it gives.

A node (:class:`Operation`) says *what* by its ``kind``, a frozen :class:`Op` such as ``MatMul(transpose_a=True)``,
and *of what* by its input tensors. Nodes never change once made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from graphc.arithmetic import Arithmetic
from graphc.dtypes import DType
from graphc.mistakes import Origin
from graphc.records import fields
from graphc.shapes import TensorShape, TensorType, as_shape, merge

if TYPE_CHECKING:
    from graphc.graph import Graph


class Op:
    """What a node does: its type rule, its meaning in NumPy and its adjoints. Subclasses are frozen dataclasses.

    Equal ops on equal inputs are the same computation, unless ``by_identity`` says that each node is its own
    (placeholders, variables, random numbers, assignments).
    """

    by_identity: ClassVar[bool] = False
    has_effect: ClassVar[bool] = False
    on_host: ClassVar[bool] = False  # whether it is done in Python: see ops/host.py
    size_inputs: ClassVar[slice] = slice(1, None)  # where it takes sizes as tensors: which inputs they are

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
        raise LookupError

    def functions(self) -> dict[str, Any]:
        """The graphs inside, by the names of the fields: of branches and loops."""
        return {}

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

    def __deepcopy__(self, _: Any) -> Tensor:
        return self  # nodes never change: what holds a tensor and is copied holds the same one

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.type.dtype

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape while declaring."""
        return TensorShape(self.type.shape, self)

    def get_shape(self) -> TensorShape:
        """What is known of the shape while declaring."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds what the caller knows of the shape; ``ValueError`` where it contradicts what is known."""
        try:
            known = merge(self.type.shape, as_shape(shape))
        except ValueError as error:
            raise ValueError(f"set_shape of {self.op.describe()} {self.type}: {error}") from None
        self.type = TensorType(self.type.dtype, known)

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
    def user_label(self) -> str:
        """The same for the operation that the user declared: for messages."""
        return self.op.user_name if self.value_index == 0 else f"{self.op.user_name}:{self.value_index}"

    @property
    def device(self) -> str:
        """The device asked for with ``tf.device``; accepted and without effect."""
        return self.op.device

    def consumers(self) -> list[Operation]:
        """The operations that take this tensor as an input."""
        return [node for node in self.graph.nodes if any(tensor is self for tensor in node.inputs)]

    def eval(self, feed_dict: dict[Any, Any] | None = None, session: Any = None) -> Any:
        """The value, run in ``session`` or the default session; ``ValueError`` where there is none."""
        return self.graph.session_for("evaluate tensor", "eval", session).run(self, feed_dict)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """``assign`` of a part of a variable, such as ``v[2:5]``; other tensors have no such method."""
            if name == "assign" and self in self.op.graph.extras.get("parts_of_variables", ()):
                return self.op.graph.extras["parts_of_variables"][self]
            raise AttributeError(f"'Tensor' object has no attribute {name!r}")

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

    __slots__ = (
        "_control_inputs", "device", "graph", "inputs", "kind", "name", "number", "origin", "outputs", "role",
        "stands_for",
    )  # fmt: skip

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
        stands_for: str = "",
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
        self.stands_for = stands_for

    @property
    def user_name(self) -> str:
        """The name of the operation that the user declared, for which a pass made this one; else its own."""
        return self.stands_for or self.name

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
        self.graph.session_for("execute operation", "run", session).run(self, feed_dict)

    def describe(self, name: str | None = None) -> str:
        """``MatMul 'logits' (declared at train.py:12)``, for messages; by the user's name for it, or by another."""
        return f"{self.type} '{name or self.user_name}'" + (f" (declared at {self.origin})" if self.origin else "")

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"

    def __str__(self) -> str:
        """One typed line: ``logits: f32[32,10] = MatMul(x, W/read)``."""
        outputs = ", ".join(f"{tensor.label}: {tensor.type}" for tensor in self.outputs) or self.name
        arguments = [tensor.label for tensor in self.inputs]
        arguments += [f"{key}={_attribute_text(value)}" for key, value in self.kind.attributes().items()]
        arguments += [f"after={node.name}" for node in self._control_inputs]
        return f"{outputs} = {self.type}({', '.join(arguments)})"


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (
        type(value) is type(default) and isinstance(value, (int, str, tuple)) and value == default
    )


def _attribute_text(value: Any) -> str:
    if isinstance(value, DType):
        return value.short
    if isinstance(value, tuple):
        return "[" + ",".join(_attribute_text(item) for item in value) + "]"
    return str(value)
