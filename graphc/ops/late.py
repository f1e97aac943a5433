"""Ops that are declared in full once ranks, and values that decide what they are, are known.

A program may reduce a tensor of unknown rank along its last axis, or along an axis that is fed. Such a node keeps the
function that declares it::

    y: f32[...] = Sum(x, axis)            x of unknown rank, axis fed

and the function is called when sizes are written in, with the axis as a number::

    y: f32[4] = Sum(x, axes=[1])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from graphc.dims import Dim
from graphc.graph import Graph
from graphc.interpret import evaluate
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import constant, convert_to_tensor, declare, is_tensor_like
from graphc.ops.shape_values import DependsOnData, NeedsNumbers, static_sizes
from graphc.records import record
from graphc.shapes import TensorType

Function = TypeVar("Function", bound=Callable[..., Any])


@record(eq=False)
class Late(Op):
    """What ``build`` declares of the first ``tensors`` inputs, and of the values of the others as arrays."""

    called: str
    build: Callable[..., Any]
    types: tuple[TensorType, ...]
    tensors: int

    @property
    def type(self) -> str:
        return self.called

    @property
    def size_inputs(self) -> slice:  # type: ignore[override]
        """The inputs whose values decide."""
        return slice(self.tensors, None)

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        return self.types

    def evaluate(self, *inputs: Any) -> Any:
        with Graph().as_default() as graph:
            declared = self.declared([constant(value) for value in inputs[: self.tensors]], inputs[self.tensors :])
        return tuple(evaluate(graph, {}, declared))

    def declared(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> list[Tensor]:
        """The outputs, declared of tensors of known rank and of the values that decide."""
        numbers = [self._numbers(value) for value in values]
        result = self.build(*inputs, *numbers)
        outputs = [convert_to_tensor(y) for y in (result if isinstance(result, (list, tuple)) else [result])]
        if len(outputs) != len(self.types):
            raise ValueError(f"{self.called} is declared to give {len(self.types)} tensors, and gives {len(outputs)}")
        return outputs

    def _numbers(self, value: Any) -> Any:
        if value is None:
            raise DependsOnData("its axes, sizes or steps depend on data; wanted numbers that follow from the feeds")
        array = np.asarray(value)
        if array.dtype == object:
            if any(isinstance(item, Dim) for item in array.reshape(-1)):
                raise NeedsNumbers(f"{self.called} is another program for each value of {array.tolist()}")
            array = array.astype(np.int64)
        return array

    def gradient(self, node: Operation, *grads: Tensor | None) -> list[Tensor | None]:
        """The gradient of what is declared later, declared later too."""
        sources = [n for n, x in enumerate(node.inputs[: self.tensors]) if x.dtype.has_slope]
        given = [n for n, grad in enumerate(grads) if grad is not None]
        weights = [grad for grad in grads if grad is not None]
        result: list[Tensor | None] = [None] * len(node.inputs)
        if not sources:
            return result

        def build(*parts: Any) -> Any:
            from graphc.passes.gradients import UnconnectedGradients, dense_gradients  # the engine stands on all ops

            end = self.tensors + len(weights)
            inputs = parts[: self.tensors]
            outputs = self.declared(inputs, parts[end:])
            ys, xs = [outputs[n] for n in given], [inputs[n] for n in sources]
            zero = UnconnectedGradients.ZERO
            return dense_gradients(ys, xs, list(parts[self.tensors : end]), unconnected_gradients=zero)

        types = tuple(node.inputs[n].type for n in sources)
        kind = Late(f"{self.called}Grad", build, types, self.tensors + len(weights))
        found = declare(kind, *node.inputs[: self.tensors], *weights, *node.inputs[self.tensors :]).outputs
        for n, grad in zip(sources, found, strict=True):
            result[n] = grad
        return result

    def attributes(self) -> dict[str, Any]:
        return {}


def late(
    called: str, build: Callable[..., Any], tensors: Sequence[Tensor], deciding: Sequence[Any], *types: TensorType,
    name: str | None = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The outputs, of these types, of what ``build`` declares once the ranks and the values that decide are known."""
    values = [convert_to_tensor(value) for value in deciding]
    return declare(Late(called, build, tuple(types), len(tensors)), *tensors, *values, name=name or called).outputs


def late_one(
    called: str, build: Callable[..., Any], x: Tensor, deciding: Sequence[Any], dtype: Any = None,
    rank: int | None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The same for one tensor that gives one of its dtype, or of another, and of a rank that may be known."""
    shape = None if rank is None else (None,) * rank
    return late(called, build, [x], deciding, TensorType(dtype or x.dtype, shape), name=name)[0]


def needs_ranks(called: str, *tensors: str) -> Callable[[Function], Function]:
    """A function of these arguments, which are tensors, is declared once their ranks are known; it gives one tensor.

    The result has the dtype of the first of them. No other argument may be a tensor.
    """

    def decorate(function: Function) -> Function:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]

        @wraps(function)
        def declared(*args: Any, **kwargs: Any) -> Any:
            given = {**dict(zip(names, args)), **kwargs}
            values = {key: given[key] for key in tensors if key in given}
            if not any(is_tensor_like(v) and convert_to_tensor(v).type.rank is None for v in values.values()):
                return function(*args, **kwargs)
            inputs = {key: convert_to_tensor(value) for key, value in values.items()}
            rest = {key: value for key, value in given.items() if key not in (*inputs, "name")}

            def build(*parts: Tensor) -> Any:
                return function(**dict(zip(inputs, parts, strict=True)), **rest)

            first = next(iter(inputs.values()))
            return late(
                called, build, list(inputs.values()), [], TensorType(first.dtype, None), name=given.get("name")
            )[0]

        return cast(Function, declared)

    return decorate


def is_late(axes: Any, *tensors: Tensor) -> bool:
    """Whether it is not known while declaring which axes are meant: their numbers, or the ranks they count from."""
    sizes = static_sizes(axes)
    if sizes is None or any(not isinstance(axis, int) for axis in sizes):
        return True
    return all(x.type.rank is None for x in tensors) and any(axis < 0 for axis in sizes)  # type: ignore[operator]


def number(axis: Any) -> int:
    """The one axis in an array of what decides; ``ValueError`` where there are others."""
    if np.size(axis) != 1:
        raise ValueError(f"wanted one axis, not {np.asarray(axis).tolist()}")
    return int(np.asarray(axis).reshape(()))
