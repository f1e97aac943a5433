"""Variables: values that a Session keeps from run to run, and the operations that give them their first values.

A variable is four nodes, named as in TensorFlow 1:

    w: f32[2] = VariableV2()              the place
    w/initial_value: f32[2] = Const(...)  (or what an initialiser makes, under w/Initializer)
    w/Assign: f32[2] = Assign(w, w/initial_value)
    w/read: f32[2] = ReadVariableOp(w)    the value that stands for the variable in arithmetic
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from graphc import dtypes, operators
from graphc.arithmetic import Arithmetic
from graphc.dtypes import DType
from graphc.graph import Graph
from graphc.mistakes import user_line
from graphc.nodes import Operation, Tensor
from graphc.ops import state
from graphc.ops.base import convert_to_tensor, is_tensor_like
from graphc.ops.lookup import gather
from graphc.scopes import GraphKeys, get_default_graph
from graphc.shapes import TensorShape
from graphc.variable_parts import HasParts


class _ByCreators(type):
    """Makes a variable through the creators of :func:`variable_creator_scope`, where there are any."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        creators = get_default_graph().extras.get("variable_creators")
        if not creators:
            return super().__call__(*args, **kwargs)

        create: Any = super().__call__

        for creator in creators:
            create = partial(creator, create)
        return create(**dict(zip(_ARGUMENTS, args)), **kwargs)


@contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Inside, ``variable_creator(next_creator, **arguments)`` makes every variable, the innermost creator first.

    It may change the arguments of ``tf.Variable``, and makes the variable by ``next_creator(**arguments)``.
    """
    extras = get_default_graph().extras
    before = extras.get("variable_creators", ())
    extras["variable_creators"] = (*before, variable_creator)
    try:
        yield
    finally:
        extras["variable_creators"] = before


_ARGUMENTS = (
    "initial_value", "trainable", "collections", "validate_shape", "caching_device", "name", "variable_def", "dtype",
    "expected_shape", "import_scope", "constraint", "use_resource", "synchronization", "aggregation", "shape",
)  # fmt: skip


class Variable(HasParts, Arithmetic, metaclass=_ByCreators):
    """A value that the Session keeps from run to run, such as ``w = tf.Variable(tf.zeros([3]), name="w")``."""

    __array_priority__ = 100  # NumPy leaves `array + variable` to us

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = True,
        collections: Sequence[str] | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Any], Any] | None = None,
        use_resource: bool | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ):
        if variable_def is not None:
            raise ValueError("variable_def is not supported: declare the variable with its initial value")
        if initial_value is None:
            raise ValueError("initial_value must be specified.")
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        self._trainable = trainable is not False
        self._constraint = constraint
        self._keys = _collection_keys(collections, self._trainable)
        self._read_after: tuple[tuple[Operation, ...], Tensor] | None = None
        self._origin = user_line()
        # The variable is itself no part of what the caller puts in order, nor of a loop around it.
        with _graph_of_value(initial_value).outside() as graph, graph.control_dependencies(None):
            self._declare(graph, initial_value, dtype, validate_shape, name or "Variable")
        graph.add_to_collections(self._keys, self)
        _variables_of(graph)[self._handle] = self

    def _declare(self, graph: Graph, value: Any, dtype: Any, validate_shape: bool, name: str) -> None:
        with graph.name_scope(name) as scope:
            if callable(value) and not is_tensor_like(value):
                with graph.name_scope("Initializer"):
                    value = value()
            self._initial_value = _first_value(value, dtype)
            known = self._initial_value.type
            if validate_shape and not self._initial_value.shape.is_fully_defined():
                raise ValueError(f"initial_value must have a shape specified: {self._initial_value}")
            self._handle = state.variable_node(known.dtype, known.shape if validate_shape else None, scope)
            safe = _without_reads(self._initial_value)
            self._initializer = state.assign(self._handle, safe, validate_shape, name="Assign").op
            self._snapshot = state.read(self._handle, name="read")

    # -- what it is ----------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name of the variable's tensor, such as ``w:0``."""
        return self._handle.name

    @property
    def op(self) -> Operation:
        """The operation that is the variable's place; its name is the variable's."""
        return self._handle.op

    @property
    def handle(self) -> Tensor:
        """The variable's place, which ``tf.raw_ops`` take for a resource."""
        return self._handle

    @property
    def _shared_name(self) -> str:
        """What optimizers name their slots by."""
        return self.op.name

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._handle.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return self._handle.shape

    def get_shape(self) -> TensorShape:
        """The shape."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Adds what the caller knows of the shape; ``ValueError`` where it contradicts what is known."""
        self._handle.set_shape(shape)
        self._snapshot.set_shape(shape)

    @property
    def graph(self) -> Graph:
        """The graph that the variable is declared in."""
        return self._handle.graph

    @property
    def device(self) -> str:
        """The device asked for with ``tf.device``; accepted and without effect."""
        return self._handle.device

    @property
    def trainable(self) -> bool:
        """Whether optimizers change the variable when they are not told which to change."""
        return self._trainable

    @property
    def constraint(self) -> Callable[[Any], Any] | None:
        """The function that is applied to the value after each update of an optimizer."""
        return self._constraint

    @property
    def initializer(self) -> Operation:
        """The operation that gives the variable its first value."""
        return self._initializer

    @property
    def initial_value(self) -> Tensor:
        """The tensor that the initializer assigns."""
        return self._initial_value

    # -- its value -----------------------------------------------------------------------------------

    def value(self) -> Tensor:
        """The value from before the run, which stands for the variable where no control dependencies are in force."""
        return self._snapshot

    def read_value(self) -> Tensor:
        """The value at this place in the order of effects: after the control dependencies in force here."""
        return state.read(self._handle, name="read")

    def initialized_value(self) -> Tensor:
        """The value where the variable is initialised, else its first value: for the first values of other variables.

        They are set with this one in one run, in any order.
        """
        first = self._initializer.inputs[1]
        if not self.shape.is_fully_defined():
            return first
        return state.initialized_value(self._handle, first)

    def eval(self, session: Any = None) -> Any:
        """The value in ``session`` or the default session."""
        return self._snapshot.eval(session=session)

    def load(self, value: Any, session: Any = None) -> None:
        """Sets the value in ``session`` or the default session to an array."""
        session = session or self.graph.default_session()
        if session is None:
            raise ValueError("Either session argument should be provided or default session should be established")
        first = self._initializer.inputs[1]
        try:
            session.run(self._initializer, {first: value})
        except (TypeError, ValueError) as error:
            # what is fed is the initial value, of which the caller knows nothing
            text = str(error).replace(f"Tensor '{first.name}'", f"variable '{self.name}'").replace("feed", "load")
            raise type(error)(text.replace(first.op.describe(), self.op.describe())) from None

    def begin_with(self, value: Tensor) -> None:
        """Lets the initializer assign ``value`` from here on: for values of a checkpoint."""
        self._initial_value = value
        self._initializer = state.assign(self._handle, value, name=f"{self.op.name}/Assign").op

    # -- changing it ---------------------------------------------------------------------------------

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """``self := value``; the new value as a tensor, or the operation where ``read_value`` is False."""
        return _result(state.assign(self, value, name=name), read_value)

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """``self := self + delta``; the new value as a tensor, or the operation where ``read_value`` is False."""
        return _result(state.assign_add(self, delta, name=name), read_value)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """The rows ``indices`` of the variable."""
        return gather(self.value(), indices, name=name)

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """``self := self - delta``; the new value as a tensor, or the operation where ``read_value`` is False."""
        return _result(state.assign_sub(self, delta, name=name), read_value)

    # -- standing for a tensor -----------------------------------------------------------------------

    def _as_tensor(self) -> Tensor:
        """What stands for the variable where it is used: under control dependencies, its value after them."""
        graph = self.graph.current
        after = graph.current_control_dependencies()
        if not after:
            return self._snapshot
        known = self._read_after
        if known is None or known[0] != after or known[1].graph is not graph:
            known = self._read_after = after, self.read_value()
        return known[1]

    def _as_graph_element(self) -> Tensor:
        return self._snapshot

    def __iter__(self) -> Any:
        raise TypeError(f"Variable {self.name!r} is not iterable; use tf.unstack to take it apart")

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"

    def __bool__(self) -> bool:
        return bool(self._snapshot)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"Variable {self.name!r} has no value while the graph is declared; run it in a Session")


# The operators of tensors, but iteration keeps its own words.
_iterate = Variable.__iter__
operators.install(Variable)
Variable.__iter__ = _iterate  # type: ignore[method-assign]


def _collection_keys(collections: Any, trainable: bool) -> list[str]:
    keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    if not isinstance(keys, (list, tuple, set)):
        raise ValueError(
            "collections argument to Variable constructor must be a list, tuple, or set. "
            f"Got {keys} of type {type(keys)}"
        )
    extra = [GraphKeys.TRAINABLE_VARIABLES] if trainable and GraphKeys.TRAINABLE_VARIABLES not in keys else []
    return [*keys, *extra]


def _graph_of_value(value: Any) -> Graph:
    return convert_to_tensor(value).graph.current if is_tensor_like(value) else get_default_graph()


def _first_value(value: Any, dtype: Any) -> Tensor:
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    return convert_to_tensor(value, wanted, name="initial_value")


def _variables_of(graph: Graph) -> dict[Tensor, Variable]:
    """The variables declared in ``graph``, by their places."""
    return graph.extras.setdefault("variables", {})


def _without_reads(value: Tensor) -> Tensor:
    """``value`` with the first values of other variables in place of what they hold.

    So ``tf.Variable(2 * w)`` is initialised together with ``w``, in one run and in any order.
    """
    nodes = _ancestors(value)
    variables = _variables_of(value.graph)
    replaced = {place: variables[place]._initializer.inputs[1] for node in nodes for place in node.outputs
                if place in variables}  # fmt: skip
    if not replaced:
        return value
    for node in nodes:
        inputs = tuple(replaced.get(tensor, tensor) for tensor in node.inputs)
        if inputs == node.inputs or node.type == "InitializedValue":  # which is a first value where it must be
            continue
        if node.type == "ReadVariableOp":
            replaced[node.outputs[0]] = inputs[0]
        else:
            copy = value.graph.declare(node.kind, inputs, _last_part(node.name))
            replaced.update(zip(node.outputs, copy.outputs))
    return replaced.get(value, value)


def _ancestors(tensor: Tensor) -> list[Operation]:
    seen = {tensor.op}
    waiting = [tensor.op]
    while waiting:
        for source in waiting.pop().inputs:
            if source.op not in seen:
                seen.add(source.op)
                waiting.append(source.op)
    return sorted(seen, key=lambda node: node.number)


def _last_part(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def variable_of_nodes(place: Tensor, initializer: Operation, snapshot: Tensor, trainable: bool) -> Variable:
    """The variable whose four nodes a graph has already, as one has that was read from a file."""
    variable = Variable.__new__(Variable)
    variable._handle, variable._initializer, variable._snapshot = place, initializer, snapshot
    variable._initial_value = initializer.inputs[1] if len(initializer.inputs) > 1 else snapshot
    variable._trainable, variable._constraint, variable._read_after = trainable, None, None
    variable._keys, variable._origin = [], place.op.origin
    _variables_of(place.graph)[place] = variable
    return variable


def _result(assigned: Tensor, read_value: bool) -> Any:
    return assigned if read_value else assigned.op


# -- the collections -----------------------------------------------------------------------------------


def global_variables(scope: str | None = None) -> list[Variable]:
    """All variables of the default graph that are kept from run to run; with ``scope``, those whose name matches."""
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Variable]:
    """The variables that programs keep for themselves, such as the counters of metrics."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    """The variables in the collection ``MODEL_VARIABLES``."""
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """The variables whose moving averages are kept."""
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    """The variables that optimizers change when they are not told which to change."""
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def all_variables() -> list[Variable]:
    """The older spelling of :func:`global_variables`."""
    return global_variables()


def variables_initializer(var_list: Sequence[Variable], name: str = "init") -> Operation:
    """An operation that gives each of ``var_list`` its first value."""
    return state.group(*[variable.initializer for variable in var_list], name=name)


def global_variables_initializer() -> Operation:
    """An operation that gives all global variables their first values."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Operation:
    """An operation that gives all local variables their first values."""
    return variables_initializer(local_variables())


def initialize_variables(var_list: Sequence[Variable], name: str = "init") -> Operation:
    """The older spelling of :func:`variables_initializer`."""
    return variables_initializer(var_list, name)


def initialize_all_variables() -> Operation:
    """The older spelling of :func:`global_variables_initializer`."""
    return global_variables_initializer()


def initialize_local_variables() -> Operation:
    """The older spelling of :func:`local_variables_initializer`."""
    return local_variables_initializer()
