"""A function that makes its variables at the first call and shares them at every other one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from graphc.scopes import GraphKeys, get_default_graph
from graphc.variable_scope import VariableScope, variable_scope
from graphc.variables import Variable


class Template:
    """What :func:`make_template` gives."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool = False,
        unique_name: str | None = None,
        custom_getter: Any = None,
    ):
        if not name:
            raise ValueError("name cannot be None.")
        self._name = name
        self._func = func
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._scope: VariableScope | None = None
        self._called = False
        if create_scope_now:
            with self._new_scope(auxiliary_name_scope=False) as self._scope:
                pass

    def _new_scope(self, **settings: Any) -> Any:
        return variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter, **settings)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives; ``ValueError`` where a later call makes trainable variables."""
        scope = self._new_scope() if self._scope is None else variable_scope(self._scope, reuse=self._called or None)
        with scope as opened:
            self._scope = self._scope or opened
            before = len(get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES))
            result = self._func(*args, **kwargs)
            made = get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES)[before:]
        if self._called and made:
            raise ValueError(
                "Trainable variable created when calling a template after the first time, perhaps you used "
                f"tf.Variable when you meant tf.get_variable: {made}"
            )
        self._called = True
        return result

    @property
    def name(self) -> str:
        """The name given."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        """The function given."""
        return self._func

    @property
    def variable_scope(self) -> VariableScope | None:
        """The scope of the variables; None before the first call."""
        return self._scope

    @property
    def variable_scope_name(self) -> str | None:
        """The prefix of the names of the variables; None before the first call."""
        return None if self._scope is None else self._scope.name

    var_scope = variable_scope

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers change."""
        return self._in(GraphKeys.TRAINABLE_VARIABLES)

    @property
    def global_variables(self) -> list[Variable]:
        """The variables in the collection ``GLOBAL_VARIABLES``."""
        return self._in(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Variable]:
        """The variables in the collection ``LOCAL_VARIABLES``."""
        return self._in(GraphKeys.LOCAL_VARIABLES)

    @property
    def variables(self) -> list[Variable]:
        """The global and local variables."""
        return self.global_variables + self.local_variables

    weights = variables
    trainable_weights = trainable_variables

    def _in(self, collection: str) -> list[Variable]:
        return [] if self._scope is None else self._scope.get_collection(collection)


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Any = None,
    **kwargs: Any,
) -> Template:
    """``func_`` with ``kwargs``, whose ``tf.get_variable`` makes variables at the first call and finds them after.

    The variables stand in a scope ``name_``, made unique; in ``unique_name_`` where that is given.
    """
    function = functools.partial(func_, **kwargs) if kwargs else func_
    return Template(name_, function, create_scope_now_, unique_name_, custom_getter_)
