"""Computing again and again: ``while_loop``.

A loop is one node with two graphs, its condition and its body (:mod:`graphc.body`). What it uses from outside stays as
it is; loop variables keep their type, and the sizes that no iteration may change.

For its adjoint a loop may *save* values of its body. What has been saved in all iterations is a *history*; another loop
*replays* it, from the last value to the first. Histories pass through branches and loops as ordinary values do, and
only loops look into them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.body import Body, Taken
from graphc.dtypes import DType
from graphc.nest import flatten, pack_as, skeleton
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import constant, convert_to_tensor
from graphc.ops.branches import call, carried
from graphc.records import record
from graphc.scopes import get_default_graph
from graphc.shapes import TensorShape, TensorType, as_shape, is_compatible, shape_text


class HistoryType(DType):
    """The type of a history of values of type ``element``; at run time, a position on a stack."""

    __slots__ = ("element",)

    def __init__(self, element: TensorType):
        super().__init__(f"history of {element}", f"history<{element}>", 0, np.int64)
        self.element = element

    @property
    def is_floating(self) -> bool:
        return False

    @property
    def is_integer(self) -> bool:
        return False


def holds_complex(dtype: DType) -> bool:
    """Whether values of the type are complex numbers, or histories of them."""
    return dtype.element.dtype.is_complex if isinstance(dtype, HistoryType) else dtype.is_complex


@cache
def history_of(element: TensorType) -> TensorType:
    """The type of a history of such values."""
    return TensorType(HistoryType(element), ())


@record(eq=False)
class While(Op):
    """``while condition(v, c): v, s = body(v, c, r)`` with loop variables v, constants c, saved s and replayed r.

    Outputs are the loop variables at the end, and a history for each value that the body gives beyond them. The last
    ``replays`` inputs are histories, and the body takes one value of each, the last first.
    """

    by_identity = True
    condition: Any  # a Body while it is declared, then a Function
    body: Any
    variables: int
    replays: int = 0
    iterations: Any = None  # how often the body runs, a number or a size, where that is known

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        parameters, targets = self.body.parameters, self.body.targets
        finals = [
            target.type if parameter is None else parameter.type
            for parameter, target in zip(parameters[: self.variables], targets)
        ]
        return (*finals, *(history_of(target.type) for target in targets[self.variables :]))

    def evaluate(self, *inputs: Any) -> tuple[Any, ...]:
        end = len(inputs) - self.replays
        state, constants = self._starts(inputs), inputs[self.variables : end]
        replayed = [list(history.item()) for history in inputs[end:]]
        saved: list[list[Any]] = [[] for _ in self.body.targets[self.variables :]]
        while call(self.condition, (*state, *constants, *inputs[end:]))[0]:
            values = [history.pop() for history in replayed]
            results = call(self.body, (*state, *constants, *values))
            state = results[: self.variables]
            for history, value in zip(saved, results[self.variables :], strict=True):
                history.append(value)
        return (*state, *map(_history, saved))

    def _starts(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """What the loop variables begin as; an array of rows of no known shape, as zeros of the shape it will have."""
        end, starts = len(inputs) - self.replays, tuple(inputs[: self.variables])
        if all(np.size(start) for start in starts) or not call(self.condition, inputs)[0]:
            return starts
        following = call(self.body, (*inputs[:end], *(history.item()[-1] for history in inputs[end:])))
        return tuple(map(_with_rows_like, starts, following))

    def functions(self) -> dict[str, Any]:
        return {"condition": self.condition, "body": self.body}

    def attributes(self) -> dict[str, Any]:
        return {} if self.iterations is None else {"iterations": self.iterations}


def _with_rows_like(start: Any, after: Any) -> Any:
    """An array whose rows have no shape yet, with rows as they are after an iteration."""
    if np.size(start) or np.ndim(start) == 0 or np.shape(start)[1:] == np.shape(after)[1:]:
        return start
    return np.zeros((np.shape(start)[0], *np.shape(after)[1:]), after.dtype)


def _history(values: list[Any]) -> Any:
    history = np.empty((), object)
    history[()] = values
    return history


# -- what users call ---------------------------------------------------------------------------------------


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """The loop variables when ``cond(*loop_vars)`` is false; until then ``loop_vars = body(*loop_vars)``.

    Loop variables are tensors or TensorArrays in any nested structure, and keep their type. Those sizes may change from
    one iteration to the next that are not known before the loop, or are None in ``shape_invariants``. They come back in
    the structure that ``body`` gives; a single tensor, or what stands alone with ``maximum_iterations``, by itself
    without ``return_same_structure``.
    """
    graph = get_default_graph()
    with graph.name_scope(name or "while") as scope:
        _check_arguments(cond, body, loop_vars, parallel_iterations)
        structure = loop_vars if isinstance(loop_vars, (list, tuple)) else [loop_vars]
        loop = _Loop(structure, shape_invariants, scope[:-1])
        limit = None if maximum_iterations is None else _limit(maximum_iterations)
        loop.declare_condition(cond, limit)
        decides_after = any(map(_acts, loop.condition.nodes))
        if decides_after:
            result = _deciding_after(loop, cond, body, limit, scope)
        else:
            loop.declare_body(body, limit is not None)
            with graph.control_dependencies(loop.waits_for):
                kind = While(loop.condition, loop.body, len(loop.starts))
                node = graph.declare(kind, (*loop.starts, *loop.taken.all), scope)
            result = loop.packed(node.outputs[1:], loop.result)
    together = loop.leaves if limit is None else result
    return result[0] if len(together) == 1 and not return_same_structure else result


def _acts(node: Operation) -> bool:
    """Whether a node does something, or draws, as a condition cannot."""
    inside = (new for function in node.kind.functions().values() for new in function.graph.nodes)
    return node.kind.has_effect or getattr(node.kind, "keeps_counter", False) or any(map(_acts, inside))


def _deciding_after(
    loop: _Loop, cond: Callable[..., Any], body: Callable[..., Any], limit: Tensor | None, name: str
) -> Any:
    """The results of a loop whose condition acts: it is asked before the loop, and at the end of each iteration."""

    def turn(values: Any, _: Tensor) -> Any:
        loop.result = loop.listed(body(*values), limit is not None)
        leaves = [leaf if hasattr(leaf, "flows") else convert_to_tensor(leaf) for leaf in flatten(loop.result)]
        after = pack_as(loop.structure, leaves)
        return after, decided(after)

    def decided(values: Any) -> Tensor:
        return convert_to_tensor(cond(*values))

    types = iter(loop.types[1:])
    invariants = []
    for leaf in loop.leaves:
        own, *_ = [next(types).shape for _ in carried(leaf)]
        invariants.append(TensorShape(own))
    invariants.append(TensorShape(()))
    start = loop.packed(loop.starts[1:], loop.structure)
    variables = (start, decided(start))
    final, _ = while_loop(lambda _, goes_on: goes_on, turn, variables, invariants, name=name, maximum_iterations=limit)
    return pack_as(loop.result, flatten(final))


def _check_arguments(cond: Any, body: Any, loop_vars: Any, parallel_iterations: Any) -> None:
    if not callable(cond):
        raise TypeError("cond must be callable.")
    if not callable(body):
        raise TypeError("body must be callable.")
    if not isinstance(parallel_iterations, (int, np.integer)) or parallel_iterations < 1:
        raise TypeError("parallel_iterations must be a positive integer.")
    if not loop_vars:
        raise ValueError("No loop variables provided")


def _limit(value: Any) -> Tensor:
    limit = convert_to_tensor(value, name="maximum_iterations")
    if limit.type.shape not in ((), None):
        raise ValueError(f"maximum_iterations must be a scalar, saw shape: {shape_text(limit.type.shape)}")
    return e.cast(limit, dtypes.int32)


class _Loop:
    """A loop while it is declared; its first loop variable counts the iterations."""

    def __init__(self, structure: Any, invariants: Any, label: str):
        self.structure = self.result = structure
        self.leaves = flatten(structure)
        graph = get_default_graph()
        self.owners = [leaf for leaf in self.leaves for _ in carried(leaf)]
        values = [convert_to_tensor(x) for leaf in self.leaves for x in carried(leaf)]
        self.starts = [constant(0, dtypes.int32, name="loop_counter"), *(graph.own(value) for value in values)]
        self.types = [TensorType(dtypes.int32, ()), *_types(values, invariants, self.leaves)]
        self.taken = Taken()
        self.body = Body(graph, f"the body of while_loop '{label}'", self.taken)
        self.condition = Body(graph, f"the condition of while_loop '{label}'", self.taken)

    @property
    def waits_for(self) -> list[Operation]:
        return [*self.condition.waits_for, *self.body.waits_for]

    def packed(self, tensors: Sequence[Tensor], structure: Any) -> Any:
        """Tensors in a structure like that of the loop variables, TensorArrays among them."""
        rest = iter(tensors)
        leaves = [
            leaf.with_flows([next(rest) for _ in leaf.flows]) if hasattr(leaf, "with_flows") else next(rest)
            for leaf in self.leaves
        ]
        return pack_as(structure, leaves)

    def declare_condition(self, function: Callable[..., Any], limit: Tensor | None) -> None:
        with self.condition.declaring():
            counter, *values = self._arguments(self.condition)
            goes_on = convert_to_tensor(function(*self.packed(values, self.structure)))
            if goes_on.dtype is not dtypes.bool or goes_on.type.shape not in ((), None):
                raise TypeError(f"the condition of a loop must give a bool scalar, but it gave {goes_on.type}")
            if limit is not None:
                goes_on = e.logical_and(e.less(counter, limit), goes_on)
            self.condition.targets = (self.condition.own(goes_on),)

    def declare_body(self, function: Callable[..., Any], is_limited: bool) -> None:
        with self.body.declaring():
            counter, *values = self._arguments(self.body)
            result = self.result = self.listed(function(*self.packed(values, self.structure)), is_limited)
            tensors = [convert_to_tensor(x) for leaf in flatten(result) for x in carried(leaf)]
            if len(tensors) != len(self.owners):
                raise ValueError("a TensorArray of infer_shape=False must be written element by element in a loop")
            results = [e.add(counter, 1), *(self.body.own(tensor) for tensor in tensors)]
            for start, type, tensor in zip(self.starts, self.types, results, strict=True):
                _check_kept(start, type, tensor)
            self.body.targets = tuple(results)
            self._learn_rows(results)

    def _learn_rows(self, results: Sequence[Tensor]) -> None:
        """The shape of a TensorArray's elements, where the first one written tells it."""
        for n, leaf in enumerate(self.owners, 1):
            if hasattr(leaf, "with_flow") and self.types[n].shape != results[n].type.shape:
                for tensor in (self.starts[n], self.body.arguments[n]):
                    tensor.set_shape(results[n].type.shape)
                self.types[n] = self.starts[n].type
                leaf.learn_rows(self.starts[n])

    def _arguments(self, body: Body) -> list[Tensor]:
        return [body.argument(type, x.op.name) for x, type in zip(self.starts, self.types, strict=True)]

    def listed(self, result: Any, is_limited: bool) -> Any:
        """What the body gives, one thing as a list of it; types are compared inside of the outermost list or tuple."""
        if not isinstance(result, (list, tuple)):
            result = [result]
        wanted, came = skeleton(list(self.structure)), skeleton(list(result))
        may_be_alone = len(self.structure) == 1 and (is_limited or hasattr(result, "_fields"))
        if wanted != came and may_be_alone and wanted == skeleton([result]):
            return [result]
        if wanted != came:
            kind = TypeError if _nesting(list(self.structure)) == _nesting(list(result)) else ValueError
            raise kind(
                f"The two structures don't have the same nested structure: the loop variables are {wanted}, "
                f"the body gives {came}"
            )
        return result


def _nesting(value: Any) -> Any:
    """What is nested in what, without the types."""
    items = [value[key] for key in sorted(value)] if isinstance(value, dict) else value
    return [_nesting(item) for item in items] if isinstance(items, (list, tuple)) else None


def _types(values: Sequence[Tensor], invariants: Any, leaves: Sequence[Any]) -> list[TensorType]:
    """The types of the loop variables in all iterations: sizes that may change are unknown."""
    if invariants is None:
        return [value.type for value in values]
    shapes = _shapes_of(invariants)
    if isinstance(invariants, (list, tuple)) and len(invariants) == len(leaves) and not any(invariants):
        shapes = list(invariants)  # each unknown
    if len(shapes) != len(leaves):
        raise ValueError(f"shape_invariants has {len(shapes)} shapes for {len(leaves)} loop variables")
    beside = [[x.type.shape for x in carried(leaf)[1:]] for leaf in leaves]
    shapes = [one for shape, others in zip(shapes, beside, strict=True) for one in (shape, *others)]
    types = []
    for value, shape in zip(values, shapes, strict=True):
        known = as_shape(shape)
        if known is not None and not is_compatible(known, value.type.shape):
            raise ValueError(
                f"The shape invariant specified for {value.name} is not compatible with the initial shape of the loop "
                f"variable. It enters the loop with shape {shape_text(value.type.shape)}, but the specified shape "
                f"invariant is {shape_text(known)}."
            )
        types.append(TensorType(value.dtype, known))
    return types


def _shapes_of(invariants: Any) -> list[Any]:
    """The shapes in a nested structure of them."""
    if isinstance(invariants, (list, tuple)) and not all(x is None or isinstance(x, int) for x in invariants):
        return [shape for item in invariants for shape in _shapes_of(item)]
    if isinstance(invariants, dict):
        return [shape for key in sorted(invariants) for shape in _shapes_of(invariants[key])]
    is_shape = invariants is None or isinstance(invariants, (TensorShape, list, tuple))
    return [invariants if is_shape else invariants.shape]


def _check_kept(start: Tensor, type: TensorType, result: Tensor) -> None:
    if result.dtype is not type.dtype:
        raise TypeError(
            f"Loop variable '{start.name}' has type {type} and the body gives {result.type} for it: a loop variable "
            "keeps its type; convert it with tf.cast"
        )
    if not is_compatible(type.shape, result.type.shape):
        raise ValueError(
            f"Input tensor '{start.name}' enters the loop with shape {shape_text(type.shape)}, but has shape "
            f"{shape_text(result.type.shape)} after one iteration. To allow the shape to vary across iterations, use "
            "the `shape_invariants` argument of tf.while_loop to specify a less-specific shape."
        )
