"""Choosing what is computed: ``cond`` and ``case``.

A branch is a graph of its own (:mod:`graphc.body`). Only the branch that the predicate picks is computed, its effects
included, and only as far as the results need it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.body import Body, Function, Taken
from graphc.dtypes import DType
from graphc.interpret import evaluate
from graphc.mistakes import telling_line
from graphc.nest import flatten, is_nested, pack_as, skeleton
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, constant, convert_to_tensor
from graphc.ops.elementwise import identity
from graphc.records import record
from graphc.scopes import get_default_graph
from graphc.shapes import Shape, TensorType


@record
class Undefined(Op):
    """A value that nothing has written and nobody reads: what the other branch saves for its adjoint."""

    dtype: DType
    shape: Shape = None

    def infer(self) -> TensorType:
        return TensorType(self.dtype, self.shape)

    def evaluate(self) -> Any:
        return np.zeros([size if isinstance(size, int) else 0 for size in self.shape or ()], self.dtype.numpy)


@record(eq=False)
class If(Op):
    """``then(*captures)`` where the first input is true, else ``orelse(*captures)``."""

    by_identity = True
    then: Any  # a Body while it is declared, then a Function
    orelse: Any

    def infer(self, predicate: TensorType, *captures: TensorType) -> tuple[TensorType, ...]:
        pairs = zip(self.then.targets, self.orelse.targets, strict=True)
        return tuple(common_type(a, b) for a, b in pairs)

    def evaluate(self, predicate: Any, *captures: Any) -> tuple[Any, ...]:
        return call(self.then if np.asarray(predicate).item() else self.orelse, captures)

    def functions(self) -> dict[str, Any]:
        return {"then": self.then, "orelse": self.orelse}

    def attributes(self) -> dict[str, Any]:
        return {}


def call(function: Function | Body, arguments: Sequence[Any]) -> tuple[Any, ...]:
    """What the function gives for these arrays, by NumPy."""
    pairs = zip(function.parameters, arguments, strict=True)
    feeds = {parameter: value for parameter, value in pairs if parameter is not None}
    return tuple(evaluate(function.graph, feeds, function.targets))


def common_type(a: Tensor, b: Tensor) -> TensorType:
    """The type that covers both: sizes that differ are unknown. A value that is not defined has any shape."""
    if a.op.type == "Undefined":
        return b.type
    if b.op.type == "Undefined":
        return a.type
    return TensorType(a.dtype, common_shape(a.type.shape, b.type.shape))


def common_shape(a: Shape, b: Shape) -> Shape:
    """The sizes that both have; None where they differ."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(n if n == m else None for n, m in zip(a, b))


# -- what users call ---------------------------------------------------------------------------------------


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """What ``true_fn()`` gives where ``pred`` is true, else what ``false_fn()`` gives; only that one is computed."""
    graph = get_default_graph()
    with graph.name_scope(name or "cond") as scope:
        true_fn, false_fn = _one_of("true_fn", true_fn, "fn1", fn1), _one_of("false_fn", false_fn, "fn2", fn2)
        predicate = _predicate(pred)
        label = scope[:-1]
        taken = Taken()
        then = Body(graph, f"the true_fn of cond '{label}'", taken)
        orelse = Body(graph, f"the false_fn of cond '{label}'", taken)
        structure = _declare(then, true_fn, "true_fn", strict)
        other = _declare(orelse, false_fn, "false_fn", strict)
        _check_alike(then, orelse, structure, other)
        waits_for = [*then.waits_for, *orelse.waits_for]
        with graph.control_dependencies(waits_for):
            node = graph.declare(If(then, orelse), (predicate, *taken.all), scope)
    rest = iter(node.outputs)
    leaves = [
        leaf.after_branch([next(rest) for _ in leaf.flows]) if hasattr(leaf, "after_branch") else next(rest)
        for leaf in flatten(structure)
    ]
    return pack_as(structure, leaves)


def _one_of(name: str, given: Any, older_name: str, older: Any) -> Callable[[], Any]:
    """A function given under its name or its older name."""
    if given is not None and older is not None:
        raise TypeError(f"cond(): '{older_name}' is the older name of '{name}'; give one of them")
    chosen = older if given is None else given
    if chosen is None:
        raise TypeError(f"cond(): {name} argument required")
    if not callable(chosen):
        raise TypeError(f"{name} must be callable.")
    return chosen


def _predicate(given: Any) -> Tensor:
    """What decides, a bool scalar."""
    if isinstance(given, bool):
        raise TypeError("pred must not be a Python bool")
    predicate = convert_to_tensor(given)
    if predicate.dtype is not dtypes.bool:
        raise TypeError(f"cond: pred must be a bool, but {predicate.op.describe()} has type {predicate.type}")
    if predicate.type.shape not in ((), None):
        raise ValueError(f"cond: pred must be a scalar, but {predicate.op.describe()} has type {predicate.type}")
    return predicate


def _declare(body: Body, function: Callable[[], Any], what: str, strict: bool) -> Any:
    """Declares a branch; its structure."""
    with body.declaring():
        result = function()
        if result is None:
            raise ValueError(f"{what} must have a return value.")
        if isinstance(result, (list, tuple)) and len(result) == 1 and not strict and not hasattr(result, "_fields"):
            result = result[0]
        body.targets = tuple(_result(body, x, what) for leaf in flatten(result) for x in carried(leaf))
    return result


def _result(body: Body, leaf: Any, what: str) -> Tensor:
    """A result of a branch as a tensor of its body; an operation stands as a value that is there when it has run."""
    if isinstance(leaf, Operation):
        with body.control_dependencies([leaf]):
            return identity(constant(True))
    if leaf is None:
        raise ValueError(f"{what}: a result is None")
    return body.own(convert_to_tensor(leaf))


def carried(leaf: Any) -> Sequence[Any]:
    """The tensors that stand for a leaf: of a TensorArray, those that it is made of."""
    return leaf.flows if hasattr(leaf, "flows") else (leaf,)


def _check_alike(then: Body, orelse: Body, one: Any, other: Any) -> None:
    if skeleton(one) != skeleton(other) or len(then.targets) != len(orelse.targets):
        raise TypeError(
            f"Incompatible return values of true_fn and false_fn: structures {skeleton(one)} and {skeleton(other)}"
            if is_nested(one) or is_nested(other) else "Incompatible return values of true_fn and false_fn"
        )  # fmt: skip
    for a, b in zip(then.targets, orelse.targets, strict=True):
        if a.dtype is not b.dtype:
            raise ValueError(f"Outputs of true_fn and false_fn must have the same type: {a.dtype.name}, {b.dtype.name}")


@telling_line
def case(
    pred_fn_pairs: Any, default: Callable[[], Any] | None = None, exclusive: bool = False, strict: bool = False,
    name: str = "case",
) -> Any:  # fmt: skip
    """What the function beside the first true predicate gives, else what ``default`` gives.

    ``pred_fn_pairs`` is a list of pairs of a predicate and a function, or a dictionary. Without a default the last
    function is taken where no predicate is true.
    """
    pairs = _pairs(pred_fn_pairs)
    if default is not None and not callable(default):
        raise TypeError("default must be callable.")
    with get_default_graph().name_scope(name):
        last = default if default is not None else pairs[-1][1]
        rest = pairs if default is not None else pairs[:-1]
        for predicate, function in reversed(rest):
            last = _choice(predicate, function, last, strict)
        return last()


def _choice(predicate: Any, function: Any, other: Callable[[], Any], strict: bool) -> Callable[[], Any]:
    return lambda: cond(predicate, function, other, strict=strict)


def _pairs(given: Any) -> list[tuple[Any, Callable[[], Any]]]:
    if not isinstance(given, (list, tuple, Mapping)):
        raise TypeError("pred_fn_pairs must be a list, tuple, or dict")
    pairs = list(given.items()) if isinstance(given, Mapping) else list(given)
    if not pairs:
        raise ValueError("pred_fn_pairs must not be empty")
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("Each entry in pred_fn_pairs must be a 2-tuple")
        if not isinstance(pair[0], Tensor) or pair[0].dtype is not dtypes.bool:
            raise TypeError(f"pred must be Tensor of type bool: {pair[0]}")
        if not callable(pair[1]):
            raise TypeError(f"fn for pred {pair[0].name} must be callable.")
    return pairs


def undefined_like(tensor: Tensor) -> Tensor:
    """A value of the type of ``tensor`` that nothing writes."""
    return apply(Undefined(tensor.dtype, tensor.type.shape))
