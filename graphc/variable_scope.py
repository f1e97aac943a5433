"""Variable scopes: variables found again by name, so that one declaration can be used twice.

    with tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
        w = tf.get_variable("w", [3, 4])      # made the first time, found under "layer/w" the next

A scope carries defaults (initializer, regularizer, dtype...) for the variables made inside it. Each graph keeps
its own variables, its current scope, and how often each scope name was opened.
"""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphc import dtypes
from graphc.dtypes import DType
from graphc.graph import Graph
from graphc.initializers import GlorotUniform, Zeros
from graphc.mistakes import telling
from graphc.ops.base import as_array, convert_to_tensor, is_tensor_like
from graphc.scopes import GraphKeys, get_default_graph
from graphc.shapes import TensorShape, as_shape
from graphc.variables import Variable

Getter = Callable[..., Variable]


class _ReuseMode(enum.Enum):
    """How a scope treats names that it has or has not seen."""

    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE


class _Store:
    """What one graph knows of its named variables and scopes."""

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.times_opened: dict[str, int] = {}
        self.scope = VariableScope(reuse=False)

    def open(self, name: str) -> None:
        """Counts an opening of the scope ``name``."""
        self.times_opened[name] = self.times_opened.get(name, 0) + 1

    def forget_inside(self, name: str) -> None:
        """Forgets which scopes were opened inside ``name``, so that the next time makes the same default names."""
        for other in self.times_opened:
            if not name or other.startswith(f"{name}/"):
                self.times_opened[other] = 0

    def unique_default(self, name: str) -> str:
        """``name``, or ``name_1``, ``name_2``... where the current scope has opened that already."""
        prefix = f"{self.scope.name}/" if self.scope.name else ""
        candidate, number = name, 0
        while self.times_opened.get(prefix + candidate, 0):
            number += 1
            candidate = f"{name}_{number}"
        return candidate


class VariableScope:
    """A prefix for names, and defaults for the variables made under it."""

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Getter | None = None,
        name_scope: str = "",
        dtype: Any = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ):
        self._name = name
        self._reuse = reuse
        self._initializer = initializer
        self._regularizer = regularizer
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtypes.as_dtype(dtype)
        self._use_resource = use_resource
        self._constraint = constraint

    @property
    def name(self) -> str:
        """The prefix of the names of variables, without the last slash."""
        return self._name

    @property
    def original_name_scope(self) -> str:
        """The name scope that was opened with the scope the first time, such as ``layer/``."""
        return self._name_scope

    @property
    def reuse(self) -> Any:
        """Whether variables are found again (True), made (False), or either (AUTO_REUSE)."""
        return self._reuse

    @property
    def initializer(self) -> Any:
        """The default initializer, or None."""
        return self._initializer

    @property
    def regularizer(self) -> Any:
        """The default regularizer, or None."""
        return self._regularizer

    @property
    def caching_device(self) -> Any:
        """Accepted and without effect."""
        return self._caching_device

    @property
    def partitioner(self) -> Any:
        """Accepted and without effect."""
        return self._partitioner

    @property
    def custom_getter(self) -> Getter | None:
        """The function that stands between :func:`get_variable` and the making of variables, or None."""
        return self._custom_getter

    @property
    def dtype(self) -> DType:
        """The default dtype."""
        return self._dtype

    @property
    def use_resource(self) -> bool | None:
        """Accepted and without effect: all variables behave alike."""
        return self._use_resource

    @property
    def constraint(self) -> Any:
        """The default constraint, or None."""
        return self._constraint

    def reuse_variables(self) -> None:
        """From here on, variables of this scope are found again and not made."""
        self._reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Sets the default initializer."""
        self._initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the default regularizer."""
        self._regularizer = regularizer

    def set_dtype(self, dtype: Any) -> None:
        """Sets the default dtype."""
        self._dtype = dtypes.as_dtype(dtype)

    def set_custom_getter(self, custom_getter: Getter | None) -> None:
        """Sets the function that stands between :func:`get_variable` and the making of variables."""
        self._custom_getter = custom_getter

    def set_caching_device(self, caching_device: Any) -> None:
        """Accepted and without effect."""
        self._caching_device = caching_device

    def set_partitioner(self, partitioner: Any) -> None:
        """Accepted and without effect."""
        self._partitioner = partitioner

    def set_use_resource(self, use_resource: bool) -> None:
        """Accepted and without effect."""
        self._use_resource = use_resource

    def get_collection(self, name: str) -> list[Any]:
        """The items of the collection ``name`` that were made in this scope."""
        return get_default_graph().get_collection(name, f"{self._name}/" if self._name else "")

    def trainable_variables(self) -> list[Variable]:
        """The trainable variables of this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Variable]:
        """The global variables of this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Variable]:
        """The local variables of this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(self, name: str, **wanted: Any) -> Variable:
        """The variable ``name`` of this scope; see :func:`get_variable`."""
        full_name = f"{self._name}/{name}" if self._name else name
        return _get_through(self, full_name, wanted)

    def _child(self, **changes: Any) -> VariableScope:
        """A scope with the same settings but for ``changes`` that are not None."""
        settings = {
            "reuse": self._reuse, "name": self._name, "initializer": self._initializer,
            "regularizer": self._regularizer, "caching_device": self._caching_device,
            "partitioner": self._partitioner, "custom_getter": self._custom_getter, "name_scope": self._name_scope,
            "dtype": self._dtype, "use_resource": self._use_resource, "constraint": self._constraint,
        }  # fmt: skip
        settings.update({key: value for key, value in changes.items() if value is not None})
        return VariableScope(**settings)


def _store_of(graph: Graph) -> _Store:
    if "variable_store" not in graph.extras:
        graph.extras["variable_store"] = _Store()
    return graph.extras["variable_store"]


def named_variables(graph: Graph) -> dict[str, Variable]:
    """The variables that :func:`get_variable` has made in a graph, by name."""
    return _store_of(graph).variables


def get_variable_scope() -> VariableScope:
    """The current scope of the default graph."""
    return _store_of(get_default_graph()).scope


@contextmanager
def variable_scope(
    name_or_scope: Any,
    default_name: str | None = None,
    values: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Getter | None = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: bool | None = None,
    constraint: Any = None,
    auxiliary_name_scope: bool = True,
) -> Iterator[VariableScope]:
    """Opens a scope by name inside the current one, or an earlier scope again wherever one stands.

    With ``default_name`` and no name, the name is made unique in the current scope. ``reuse`` is True (variables are
    found again), AUTO_REUSE (found or made) or None (as the scope around; made where that says nothing).
    """
    graph = get_default_graph()
    store = _store_of(graph)
    changes = {
        "initializer": initializer, "regularizer": regularizer, "caching_device": caching_device,
        "partitioner": partitioner, "dtype": dtype, "use_resource": use_resource, "constraint": constraint,
    }  # fmt: skip
    with telling():
        name = _scope_name(store, name_or_scope, default_name, reuse)
    if isinstance(name_or_scope, VariableScope):
        with _name_scope(graph, name.rsplit("/", 1)[-1], auxiliary_name_scope):
            counts = dict(store.times_opened)
            scope = name_or_scope._child(reuse=reuse or None, **changes)
            scope._custom_getter = _chained(custom_getter, name_or_scope.custom_getter)
            with _entered(store, scope):
                yield scope
            store.times_opened = counts
        return
    with _name_scope(graph, name, auxiliary_name_scope) as opened:
        outer = store.scope
        full_name = f"{outer.name}/{name}" if outer.name else name
        # Reuse is inherited; the outermost defaults too.
        scope = outer._child(name=full_name, name_scope=opened, reuse=reuse or None, **changes)
        scope._custom_getter = _chained(custom_getter, outer.custom_getter)
        with _entered(store, scope):
            yield scope


def _scope_name(store: _Store, name_or_scope: Any, default_name: str | None, reuse: Any) -> str:
    if isinstance(name_or_scope, VariableScope):
        return name_or_scope.name
    if isinstance(name_or_scope, str):
        return name_or_scope
    if name_or_scope is not None:
        raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
    if default_name is None:
        raise TypeError("If default_name is None then name_or_scope is required")
    if reuse:
        raise ValueError("reuse=True cannot be used without a name_or_scope")
    return store.unique_default(default_name)


@contextmanager
def _name_scope(graph: Graph, name: str, wanted: bool) -> Iterator[str]:
    if not wanted or not name:
        current = graph.get_name_scope()
        yield f"{current}/" if current else ""
        return
    with graph.name_scope(name) as opened:
        yield opened


@contextmanager
def _entered(store: _Store, scope: VariableScope) -> Iterator[None]:
    before = store.scope
    store.scope = scope
    store.open(scope.name)
    try:
        yield
    finally:
        store.forget_inside(scope.name)
        store.scope = before


def _chained(inner: Getter | None, outer: Getter | None) -> Getter | None:
    """The getter of a scope inside another: the outer one is asked by the inner one."""
    if inner is None or outer is None:
        return inner or outer
    return lambda getter, *args, **kwargs: inner(functools.partial(outer, getter), *args, **kwargs)


def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, initializer: Any = None, regularizer: Any = None,
    caching_device: Any = None, partitioner: Any = None, custom_getter: Any = None, reuse: Any = None,
    dtype: Any = None, use_resource: Any = None, constraint: Any = None,
) -> Any:  # fmt: skip
    """The older spelling of :func:`variable_scope`."""
    return variable_scope(
        name_or_scope, default_name, values, initializer, regularizer, caching_device, partitioner, custom_getter,
        reuse, dtype, use_resource, constraint,
    )  # fmt: skip


def no_regularizer(_: Any) -> None:
    """Says that a variable has no regularizer though its scope has one."""
    return None


# -- variables -------------------------------------------------------------------------------------------


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Sequence[str] | None = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Getter | None = None,
    constraint: Any = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Variable:
    """The variable ``name`` of the current scope: a new one, or the one found again where the scope says reuse.

    ``initializer`` is a function of (shape, dtype), or a value, which then says the shape as well. Without one, floats
    follow Glorot's uniform distribution and other dtypes are zero.
    """
    return get_variable_scope().get_variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
        collections=collections, validate_shape=validate_shape, custom_getter=custom_getter, constraint=constraint,
    )  # fmt: skip


def get_local_variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
    trainable: bool = False, collections: Sequence[str] | None = None, caching_device: Any = None,
    partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None,
    custom_getter: Getter | None = None, constraint: Any = None, synchronization: Any = None, aggregation: Any = None,
) -> Variable:  # fmt: skip
    """As :func:`get_variable`, for a variable that is local and never trainable, whatever ``trainable`` says."""
    return get_variable(
        name, shape, dtype, initializer, regularizer, False, [GraphKeys.LOCAL_VARIABLES, *(collections or [])],
        caching_device, partitioner, validate_shape, use_resource, custom_getter, constraint,
    )  # fmt: skip


def _get_through(scope: VariableScope, full_name: str, wanted: dict[str, Any]) -> Variable:
    """The variable, by way of the custom getters."""
    wanted = dict(wanted)
    getter = _chained(wanted.pop("custom_getter", None), scope.custom_getter)
    wanted["reuse"] = scope.reuse
    for key in ("initializer", "regularizer", "constraint"):
        if wanted.get(key) is None:
            wanted[key] = getattr(scope, key)
    if wanted.get("dtype") is None:
        wanted["dtype"] = _dtype_of_value(wanted["initializer"]) or scope.dtype
    if getter is None:
        return _find_or_make(full_name, **wanted)
    return getter(_find_or_make, full_name, **wanted)


def _dtype_of_value(initializer: Any) -> DType | None:
    """The dtype of an initializer that is a value, or None."""
    if initializer is None or (callable(initializer) and not is_tensor_like(initializer)):
        return None
    return convert_to_tensor(initializer).dtype if is_tensor_like(initializer) else _array_dtype(initializer)


def _array_dtype(value: Any) -> DType:
    return dtypes.as_dtype(as_array(value).dtype)


def _find_or_make(
    name: str,
    shape: Any = None,
    dtype: Any = dtypes.float32,
    initializer: Any = None,
    regularizer: Any = None,
    reuse: Any = None,
    trainable: bool | None = None,
    collections: Sequence[str] | None = None,
    validate_shape: bool = True,
    constraint: Any = None,
    **_: Any,
) -> Variable:
    graph = get_default_graph()
    variables = _store_of(graph).variables
    found = variables.get(name)
    wanted_dtype = dtypes.as_dtype(dtype)
    if found is not None:
        _check_reusable(found, name, shape, wanted_dtype, reuse)
        return found
    if reuse is True:
        raise ValueError(
            f"Variable {name} does not exist, or was not created with tf.get_variable(). "
            "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
        )
    with graph.outside() as outermost, outermost.name_scope(None), outermost.control_dependencies(None):
        first = _first_value(name, shape, wanted_dtype, initializer, validate_shape)
        variable = Variable(
            first, trainable is not False, collections, validate_shape, name=name, dtype=wanted_dtype,
            constraint=constraint,
        )  # fmt: skip
    variables[name] = variable
    if regularizer is not None:
        _regularise(graph, variable, regularizer)
    return variable


def _check_reusable(found: Variable, name: str, shape: Any, dtype: DType, reuse: Any) -> None:
    if not reuse:
        raise ValueError(
            f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
            f"VarScope? Originally defined at: {found._origin}"
        )
    wanted = TensorShape(None if shape is None else as_shape(shape))
    if not found.shape.is_compatible_with(wanted):
        raise ValueError(
            f"Trying to share variable {name}, but specified shape {wanted} and found shape {found.shape}. "
            f"Originally defined at: {found._origin}"
        )
    if found.dtype is not dtype:
        raise ValueError(
            f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype {found.dtype.name}. "
            f"Originally defined at: {found._origin}"
        )


def _first_value(name: str, shape: Any, dtype: DType, initializer: Any, validate_shape: bool) -> Any:
    """What Variable takes as its initial value: a value, or a function without arguments."""
    if initializer is None and dtype.is_complex:
        raise ValueError(f"An initializer for variable {name} of {dtype} is required")
    if initializer is None:
        initializer = GlorotUniform() if dtype.is_floating else Zeros()
    if inspect.isclass(initializer):
        initializer = initializer()
    sizes = None if shape is None else as_shape(shape)
    is_value = is_tensor_like(initializer) or not callable(initializer)
    if is_value:
        if shape is not None:
            raise ValueError(
                f"If initializer is a constant, do not specify shape. Variable {name} got both, with shape "
                f"{TensorShape(sizes)}."
            )
        return initializer
    if sizes is not None and all(isinstance(size, int) for size in sizes):
        return lambda: initializer(list(sizes), dtype=dtype)
    if not inspect.signature(initializer).parameters:
        return initializer
    raise ValueError(f"Shape of a new variable ({name}) must be fully defined, but instead was {TensorShape(sizes)}.")


def _regularise(graph: Graph, variable: Variable, regularizer: Any) -> None:
    with graph.name_scope(None), graph.name_scope(f"{variable.op.name}/Regularizer/"):
        loss = regularizer(variable)
    if loss is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
