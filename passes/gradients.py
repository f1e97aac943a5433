"""Reverse mode: appends to the graph the nodes that compute the derivative of some tensors by others.

Before, with ``y = Mul(x, x)``::

    y: f32[3] = Mul(x, x)

After ``gradients(y, x)``::

    y: f32[3] = Mul(x, x)
    gradients/grad_ys_0: f32[3] = ...            the adjoint of y: ones
    gradients/y_grad/Mul: f32[3] = Mul(gradients/grad_ys_0, x)
    gradients/y_grad/Mul_1: f32[3] = Mul(gradients/grad_ys_0, x)
    gradients/AddN: f32[3] = Add(gradients/y_grad/Mul, gradients/y_grad/Mul_1)

Adjoints are ordinary nodes made by the same public operations, so gradients of gradients need nothing more.
(Griewank and Walther, Evaluating Derivatives, 2nd edition, chapter 3.)
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence, ValuesView
from typing import Any

from graphc.body import Body
from graphc.collector import collector_paused
from graphc.dtypes import int64
from graphc.mistakes import telling_line
from graphc.nodes import Op, Tensor
from graphc.ops.arrays import concat
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.branches import If
from graphc.ops.elementwise import cast
from graphc.ops.loops import While
from graphc.ops.reshaping import broadcast_like
from graphc.passes.adjoints import Adjoints, BodyRule, propagate
from graphc.passes.gradients_if import adjoints_of_if
from graphc.passes.gradients_while import adjoints_of_while

_WITH_BODIES: dict[type[Op], BodyRule] = {If: adjoints_of_if, While: adjoints_of_while}


class UnconnectedGradients(enum.Enum):
    """What :func:`gradients` gives for an x that no y depends on."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How adjoints of one tensor are summed; accepted for TensorFlow programs, one way serves all."""

    ADD_N = 0
    DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


@telling_line
def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: Any = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: UnconnectedGradients = UnconnectedGradients.NONE,
) -> list[Any]:
    """The derivative of ``sum(ys)`` by each of ``xs``, a list as long as ``xs``.

    ``grad_ys`` weighs the ys (ones where None); ``stop_gradients`` are taken as constants. An x on which no y depends
    gets None, or zeros with ``UnconnectedGradients.ZERO``; so do whole numbers and bools among the ys. An x of which
    only rows are looked up (``tf.gather``) gets :class:`IndexedSlices`, others tensors. Raises ``LookupError`` where an
    operation on the way has no gradient.
    """
    return _gradients(ys, xs, grad_ys, name, stop_gradients, unconnected_gradients, _rows_or_tensor)


def dense_gradients(
    ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", stop_gradients: Any = None,
    unconnected_gradients: UnconnectedGradients = UnconnectedGradients.NONE,
) -> list[Any]:  # fmt: skip
    """The same, each as a tensor."""
    return _gradients(ys, xs, grad_ys, name, stop_gradients, unconnected_gradients, Adjoints.total)


def _gradients(
    ys: Any, xs: Any, grad_ys: Any, name: str, stop_gradients: Any, unconnected_gradients: UnconnectedGradients,
    form: Callable[[Adjoints, Tensor], Any],
) -> list[Any]:  # fmt: skip
    targets = [convert_to_tensor(y) for y in as_list(ys)]
    if not targets or not as_list(xs):
        raise ValueError("gradients needs at least one y and one x")
    sources = [source_of(x) for x in as_list(xs)]
    unconnected = UnconnectedGradients(unconnected_gradients)
    graph = targets[0].graph.current
    if any(y.graph is graph for y in targets):
        targets = [graph.own(y) for y in targets]
    stops = {source_of(t) for t in as_list(stop_gradients)} if stop_gradients is not None else set()
    with graph.name_scope(name), graph.in_role("adjoint"), collector_paused():
        adjoints = _initial_adjoints(targets, grad_ys)
        if isinstance(targets[0].graph, Body):
            from graphc.passes.gradients_outwards import propagate_outwards  # few programs do so inside a body

            propagate_outwards(graph, targets, sources, stops, adjoints, _WITH_BODIES)
        else:
            propagate(graph, targets, sources, stops, adjoints, _WITH_BODIES)
        return [_result(form(adjoints, x), x, unconnected) for x in sources]


def as_list(values: Any) -> list[Any]:
    """``values`` as a list: a single tensor or variable makes a list of one."""
    if values is None:
        return []
    if isinstance(values, (list, tuple, ValuesView)):
        return list(values)
    return [values]


def source_of(x: Any) -> Tensor:
    """The tensor that ``x`` is for a derivative by it: a variable's place, so that every read of it counts."""
    place = getattr(x, "_handle", None)
    return convert_to_tensor(x) if place is None else place


def _initial_adjoints(targets: Sequence[Tensor], grad_ys: Any) -> Adjoints:
    given = as_list(grad_ys) if grad_ys is not None else [None] * len(targets)
    if len(given) != len(targets):
        raise ValueError(f"gradients got {len(targets)} ys and {len(given)} grad_ys; wanted one for each")
    adjoints = Adjoints()
    for number, (y, grad) in enumerate(zip(targets, given, strict=True)):
        if not y.dtype.has_slope:  # it has no slope, as in TensorFlow
            continue
        if grad is None and y.dtype.is_complex:
            raise TypeError(
                f"Gradients of complex tensors must set grad_ys (y.dtype = {y.dtype!r}), or be of a real value such as "
                f"tf.real(y) or tf.abs(y) ({y.op.describe()})"
            )
        if grad is None:
            grad = broadcast_like(constant(1, y.dtype, name=f"grad_ys_{number}"), y)
        adjoints.add(y, convert_to_tensor(grad, y.dtype))
    return adjoints


def _rows_or_tensor(adjoints: Adjoints, x: Tensor) -> Any:
    """Rows where all that is known of the adjoint are rows, else a tensor."""
    found = [rows.slices() for rows in reversed(adjoints.rows(x))]  # in the order of the lookups
    if len(found) < 2:
        return found[0] if found else adjoints.total(x)
    wide = int64 if any(part.indices.dtype is int64 for part in found) else found[0].indices.dtype
    places = [cast(part.indices, wide) for part in found]
    return found[0].with_parts(concat([part.values for part in found], 0), concat(places, 0))


def _result(found: Any, x: Tensor, unconnected: UnconnectedGradients) -> Any:
    if found is None and unconnected is UnconnectedGradients.ZERO:
        return broadcast_like(constant(0, x.dtype), x)
    return found
