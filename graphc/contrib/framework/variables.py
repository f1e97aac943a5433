"""Variables of models: made in the collection ``MODEL_VARIABLES``, and found by scope, name or suffix."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from graphc import dtypes
from graphc.contrib.framework.arg_scope import add_arg_scope
from graphc.nodes import Operation
from graphc.ops import state
from graphc.ops.base import placeholder
from graphc.scopes import GraphKeys, get_collection
from graphc.scopes import device as on_device
from graphc.variable_scope import VariableScope, get_variable, get_variable_scope
from graphc.variables import Variable

Keys = Sequence[str] | None


@add_arg_scope
def variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Keys = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Variable] | None = None,
    use_resource: bool | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Variable:
    """The variable ``name`` of the current scope, as ``tf.get_variable`` finds or makes it."""
    keys = list(dict.fromkeys([GraphKeys.GLOBAL_VARIABLES] if collections is None else collections))
    getter: Callable[..., Variable] = get_variable
    if custom_getter is not None:
        getter = functools.partial(custom_getter, reuse=get_variable_scope().reuse)
    with on_device(device or ""):
        return getter(
            name, shape=shape, dtype=dtype, initializer=initializer,
            regularizer=regularizer, trainable=trainable, collections=keys,
        )  # fmt: skip


@add_arg_scope
def model_variable(
    name: str,
    shape: Any = None,
    dtype: Any = dtypes.float32,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = True,
    collections: Keys = None,
    caching_device: Any = None,
    device: Any = None,
    partitioner: Any = None,
    custom_getter: Callable[..., Variable] | None = None,
    use_resource: bool | None = None,
    synchronization: Any = None,
    aggregation: Any = None,
) -> Variable:
    """As :func:`variable`, for one of the model: it is in the collection ``MODEL_VARIABLES`` too."""
    keys = [*(collections or []), GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES]
    return variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
        collections=keys, device=device, custom_getter=custom_getter,
    )  # fmt: skip


def local_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: bool | None = None
) -> Variable:
    """A variable in the collection ``LOCAL_VARIABLES``, which optimizers leave alone."""
    return Variable(initial_value, False, [GraphKeys.LOCAL_VARIABLES], validate_shape, name=name)


def global_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: bool | None = None
) -> Variable:
    """A variable in the collection ``GLOBAL_VARIABLES``, which optimizers leave alone."""
    return Variable(initial_value, False, [GraphKeys.GLOBAL_VARIABLES], validate_shape, name=name)


# -- finding them ----------------------------------------------------------------------------------------


def get_variables(
    scope: Any = None, suffix: str | None = None, collection: str = GraphKeys.GLOBAL_VARIABLES
) -> list[Variable]:
    """The variables of a collection whose names begin with ``scope`` (a name or a variable scope) and end in a suffix.

    A suffix is a name after the last slash, or several.
    """
    prefix = scope.name if isinstance(scope, VariableScope) else scope
    if suffix is not None:
        suffix = suffix if ":" in suffix else f"{suffix}:"
        prefix = f"{prefix or ''}.*{suffix}"
    return get_collection(collection, prefix)


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Variable]:
    """The variables in ``MODEL_VARIABLES``; see :func:`get_variables`."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Variable]:
    """The variables in ``LOCAL_VARIABLES``; see :func:`get_variables`."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Variable]:
    """The variables in ``TRAINABLE_VARIABLES``; see :func:`get_variables`."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Variable]:
    """The variables whose names end in ``suffix``."""
    return get_variables(scope=scope, suffix=suffix)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Variable]:
    """The variables whose names after the last slash are ``given_name``."""
    return get_variables(scope=scope, suffix=f"/{given_name}:|^{given_name}:")


def get_unique_variable(var_op_name: str) -> Variable:
    """The one variable of this name; ``ValueError`` where there is none."""
    candidates = get_variables(scope=var_op_name)
    if not candidates:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    for candidate in candidates:
        if candidate.op.name == var_op_name:
            return candidate
    raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")


def get_variables_to_restore(include: Keys = None, exclude: Keys = None) -> list[Variable]:
    """The variables of the scopes in ``include`` (of all where None) that are in none of ``exclude``."""
    if include is not None and not isinstance(include, (list, tuple)):
        raise TypeError("include must be None or a list.")
    if exclude is not None and not isinstance(exclude, (list, tuple)):
        raise TypeError("exclude must be None or a list.")
    wanted = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
    left_out = {v for scope in exclude or () for v in get_variables(scope)}
    return [v for v in wanted if v not in left_out]


def filter_variables(
    var_list: Sequence[Variable],
    include_patterns: Keys = None,
    exclude_patterns: Keys = None,
    reg_search: bool = True,
) -> list[Variable]:
    """The variables whose operation's name has one of the patterns (all where None) and none of those to exclude.

    Patterns are searched for anywhere in the name; at its start only where ``reg_search`` is False.
    """
    found = re.search if reg_search else re.match
    included = [v for v in var_list if include_patterns is None or any(found(p, v.op.name) for p in include_patterns)]
    return [v for v in included if not any(found(p, v.op.name) for p in exclude_patterns or ())]


def add_model_variable(var: Variable) -> None:
    """Puts a variable into the collection ``MODEL_VARIABLES``."""
    if var not in get_collection(GraphKeys.MODEL_VARIABLES):
        var.graph.add_to_collection(GraphKeys.MODEL_VARIABLES, var)


# -- giving them values ----------------------------------------------------------------------------------


def assign_from_values(var_names_to_values: dict[str, Any]) -> tuple[Operation, dict[Any, Any]]:
    """An operation and what to feed it, which give the named variables these values.

    A value goes in by a feed, so that none is written into the graph. ``ValueError`` where the shapes differ.
    """
    assignments, feeds = [], {}
    for name, value in var_names_to_values.items():
        var = get_unique_variable(name)
        if not var.shape.is_compatible_with(value.shape):
            raise ValueError(f"Variable {name} has shape {var.shape}, but the value has shape {list(value.shape)}")
        entry = placeholder(var.dtype, shape=list(value.shape), name=f"{name}_assign_value")
        assignments.append(state.assign(var, entry))
        feeds[entry] = value
    return state.group(*assignments), feeds


def assign_from_values_fn(var_names_to_values: dict[str, Any]) -> Callable[[Any], None]:
    """A function of a session that gives the named variables these values."""
    assignment, feeds = assign_from_values(var_names_to_values)

    def give(session: Any) -> None:
        session.run(assignment, feeds)

    return give
