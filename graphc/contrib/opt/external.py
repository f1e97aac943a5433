"""Losses made small by an optimizer outside of the graph, which asks for the loss and its gradient at points.

optimizer = tf.contrib.opt.ScipyOptimizerInterface(loss, method="L-BFGS-B", options={"maxiter": 100})
optimizer.minimize(session, feed_dict={x: points})
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from graphc.frame import logging
from graphc.nodes import Tensor
from graphc.ops import state
from graphc.ops.arrays import concat, zeros_like
from graphc.ops.base import convert_to_tensor, placeholder
from graphc.ops.reshaping import reshape
from graphc.passes.gradients import gradients
from graphc.scopes import get_default_session
from graphc.variables import Variable, trainable_variables

Vector = np.ndarray[Any, Any]
Function = Callable[[Vector], Any]


class ExternalOptimizerInterface:
    """What brings a loss and its gradient to an optimizer that works on one vector; subclasses call that.

    ``equalities`` are tensors to become 0, ``inequalities`` tensors to stay at or above 0; ``var_to_bounds`` gives a
    pair (lower, upper) for a variable. Other keywords go to the optimizer.
    """

    def __init__(
        self,
        loss: Any,
        var_list: Sequence[Variable] | None = None,
        equalities: Sequence[Any] | None = None,
        inequalities: Sequence[Any] | None = None,
        var_to_bounds: Mapping[Variable, tuple[Any, Any]] | None = None,
        **optimizer_kwargs: Any,
    ):
        self._loss = convert_to_tensor(loss)
        self._vars = list(trainable_variables() if var_list is None else var_list)
        if not self._vars:
            raise ValueError("No variables to optimize.")
        self._equalities = [convert_to_tensor(value) for value in equalities or []]
        self._inequalities = [convert_to_tensor(value) for value in inequalities or []]
        self.optimizer_kwargs = optimizer_kwargs
        self._sizes = [math.prod(_shape(variable)) for variable in self._vars]
        self._bounds = None if var_to_bounds is None else self._packed_bounds(var_to_bounds)
        graph = self._loss.graph
        with graph.as_default(), graph.name_scope("external_optimizer"):
            self._slope = self._packed_gradient(self._loss)
            self._equality_slopes = [self._packed_gradient(value) for value in self._equalities]
            self._inequality_slopes = [self._packed_gradient(value) for value in self._inequalities]
            self._places = [placeholder(variable.dtype, variable.shape) for variable in self._vars]
            assigned = [state.assign(variable, place) for variable, place in zip(self._vars, self._places)]
            self._assign = state.group(*assigned)

    def _packed_gradient(self, of: Tensor) -> Tensor:
        """The gradient by all variables as one vector, zeros for those that do not matter."""
        slopes = gradients(of, self._vars)
        parts = [zeros_like(variable) if slope is None else convert_to_tensor(slope)
                 for slope, variable in zip(slopes, self._vars)]  # fmt: skip
        return concat([reshape(part, [-1]) for part in parts], 0)

    def _packed_bounds(self, given: Mapping[Variable, tuple[Any, Any]]) -> list[tuple[float, float]]:
        bounds: list[tuple[float, float]] = []
        for variable in self._vars:
            lower, upper = given.get(variable, (-np.inf, np.inf))
            low, high = (np.broadcast_to(limit, _shape(variable)).reshape(-1) for limit in (lower, upper))
            bounds.extend(zip(low.tolist(), high.tolist()))
        return bounds

    def minimize(
        self,
        session: Any = None,
        feed_dict: Mapping[Any, Any] | None = None,
        fetches: Sequence[Any] | None = None,
        step_callback: Callable[[Vector], Any] | None = None,
        loss_callback: Callable[..., Any] | None = None,
        **run_kwargs: Any,
    ) -> None:
        """Makes the loss small and assigns the variables where it is least.

        ``loss_callback`` is called with the values of ``fetches`` at each point that is tried, ``step_callback`` with
        the vector of all variables after each step.
        """
        session = session or get_default_session()
        if session is None:
            raise ValueError("minimize needs a session, or a default session")
        feeds, more = dict(feed_dict or {}), list(fetches or [])

        def function(tensors: list[Tensor], callback: Callable[..., Any] | None = None) -> Function:
            return lambda x: self._values(session, tensors, x, feeds, more, callback, run_kwargs)

        def single(tensor: Tensor) -> Function:
            evaluate = function([tensor])
            return lambda x: evaluate(x)[0]

        first = np.concatenate([np.ravel(value) for value in session.run(self._vars, feeds)]).astype(np.float64)
        found = self._minimize(
            initial_val=first,
            loss_grad_func=function([self._loss, self._slope], loss_callback),
            equality_funcs=[single(value) for value in self._equalities],
            equality_grad_funcs=[single(value) for value in self._equality_slopes],
            inequality_funcs=[single(value) for value in self._inequalities],
            inequality_grad_funcs=[single(value) for value in self._inequality_slopes],
            packed_bounds=self._bounds,
            step_callback=step_callback,
            optimizer_kwargs=dict(self.optimizer_kwargs),
        )
        session.run(self._assign, dict(zip(self._places, self._unpacked(found))), **run_kwargs)

    def _values(
        self, session: Any, tensors: list[Tensor], x: Vector, feeds: dict[Any, Any], more: list[Any],
        callback: Callable[..., Any] | None, run_kwargs: dict[str, Any],
    ) -> list[Any]:  # fmt: skip
        """The values at the point x, which is fed in the place of the variables."""
        at = dict(zip(self._vars, self._unpacked(x)))
        wanted = [*tensors, *(more if callback is not None else [])]
        found = session.run(wanted, {**at, **feeds}, **run_kwargs)
        if callback is not None:
            callback(*found[len(tensors) :])
        return [np.asarray(value, np.float64) for value in found[: len(tensors)]]

    def _unpacked(self, x: Vector) -> list[Vector]:
        ends = np.cumsum(self._sizes)[:-1]
        return [part.reshape(_shape(variable)).astype(variable.dtype.numpy)
                for part, variable in zip(np.split(np.asarray(x), ends), self._vars)]  # fmt: skip

    def _minimize(
        self,
        initial_val: Vector,
        loss_grad_func: Function,
        equality_funcs: list[Function],
        equality_grad_funcs: list[Function],
        inequality_funcs: list[Function],
        inequality_grad_funcs: list[Function],
        packed_bounds: list[tuple[float, float]] | None,
        step_callback: Callable[[Vector], Any] | None,
        optimizer_kwargs: dict[str, Any],
    ) -> Vector:
        """The vector at which the loss is least."""
        raise NotImplementedError("To use ExternalOptimizerInterface, subclass from it and implement _minimize")


def _shape(variable: Variable) -> tuple[int, ...]:
    """The shape; ``ValueError`` where a size is not known."""
    sizes = variable.shape.as_list()
    if None in sizes:
        raise ValueError(f"the shape of {variable.name} must be known, not {variable.shape}")
    return tuple(size for size in sizes if size is not None)


class ScipyOptimizerInterface(ExternalOptimizerInterface):
    """``scipy.optimize.minimize`` with the loss, its gradient, constraints and bounds; L-BFGS-B without a method.

    Keywords such as ``method``, ``options`` and ``tol`` go to it. Needs SciPy: ``pip install 'graphc[scipy]'``.
    """

    _DEFAULT_METHOD = "L-BFGS-B"

    def _minimize(
        self,
        initial_val: Vector,
        loss_grad_func: Function,
        equality_funcs: list[Function],
        equality_grad_funcs: list[Function],
        inequality_funcs: list[Function],
        inequality_grad_funcs: list[Function],
        packed_bounds: list[tuple[float, float]] | None,
        step_callback: Callable[[Vector], Any] | None,
        optimizer_kwargs: dict[str, Any],
    ) -> Vector:
        optimize = _scipy_optimize()
        method = optimizer_kwargs.pop("method", self._DEFAULT_METHOD)
        constraints = [
            {"type": kind, "fun": value, "jac": slope}
            for kind, values, slopes in (
                ("eq", equality_funcs, equality_grad_funcs), ("ineq", inequality_funcs, inequality_grad_funcs),
            )
            for value, slope in zip(values, slopes)
        ]  # fmt: skip
        settings: dict[str, Any] = {"jac": True, "method": method}
        own = {"callback": step_callback, "constraints": constraints or None, "bounds": packed_bounds}
        settings |= {name: value for name, value in own.items() if value is not None}
        for name in optimizer_kwargs:
            if name in settings or name in own:
                raise ValueError(f"Optimizer keyword arg '{name}' is set automatically and cannot be injected manually")
        result = optimize.minimize(loss_grad_func, initial_val, **settings, **optimizer_kwargs)
        logging.info(
            "Optimization terminated with:\n  Message: %s\n  Objective function value: %s\n  Number of iterations: %s\n"
            "  Number of functions evaluations: %s", result.message, result.fun, result.get("nit"), result.get("nfev"),
        )  # fmt: skip
        return np.asarray(result.x)


def _scipy_optimize() -> Any:
    try:
        return import_module("scipy.optimize")  # an extra
    except ImportError:
        raise ImportError("ScipyOptimizerInterface needs SciPy: pip install 'graphc[scipy]'") from None
