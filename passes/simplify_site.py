"""Where a simplification rule stands: the node about to be made, and how to make others in its place.

No pass: what :mod:`simplify` hands to the rules in ``simplify_*.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.dims import DimLike
from graphc.dtypes import DType
from graphc.graph import Graph
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import Const
from graphc.ops.elementwise import Elementwise
from graphc.ops.reshaping import BroadcastTo, DimValue, ExpandDims, Reshape, Squeeze
from graphc.shapes import TensorType

Key = str | type[Op]
Rule = Callable[..., Tensor | None]


class Site:
    """A node about to be made: a ``kind`` of some inputs, whose output has ``type``.

    What a rule makes here is simplified at once, and takes the name and line of the node that it stands for.
    """

    __slots__ = ("_graph", "_like", "_rules", "kind", "type")

    def __init__(self, graph: Graph, like: Operation, rules: Mapping[Key, Sequence[Rule]], kind: Any, type: TensorType):
        self._graph = graph
        self._like = like
        self._rules = rules
        self.kind = kind
        self.type = type

    def settle(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """What the node is by the first rule that applies; the node itself where none does."""
        for rule in self._rules.get(key_of(self.kind), ()):
            simpler = rule(self, *inputs)
            if simpler is not None:
                return simpler
        return self._graph.add(self.kind, inputs, (self.type,), like=self._like).outputs[0]

    def make(self, kind: Op, *inputs: Tensor) -> Tensor:
        """The simplest form of ``kind`` of ``inputs``."""
        type = kind.infer(*(tensor.type for tensor in inputs))
        assert isinstance(type, TensorType)  # rules make nodes with one output
        return Site(self._graph, self._like, self._rules, kind, type).settle(inputs)

    def fn(self, name: str, *inputs: Tensor) -> Tensor:
        """The simplest form of the elementwise op ``name`` of ``inputs``."""
        return self.make(Elementwise(name), *inputs)

    def constant(self, value: Any, dtype: DType) -> Tensor:
        """A scalar of this dtype."""
        return self.make(Const(np.array(value, dtype.numpy)))

    def size(self, dim: DimLike, dtype: DType) -> Tensor:
        """A size as a scalar of this dtype."""
        return self.constant(dim, dtype) if isinstance(dim, int) else self.make(DimValue(dim, dtype))

    def filled(self, tensor: Tensor) -> Tensor:
        """``tensor`` repeated to the shape of the node."""
        return tensor if tensor.type.shape == self.type.shape else self.make(BroadcastTo(self.type.sizes), tensor)


def key_of(kind: Op) -> Key:
    """Under what the rules for this kind of node are listed."""
    return kind.fn if type(kind) is Elementwise else type(kind)


def number_of(tensor: Tensor) -> Any:
    """The NumPy scalar that every element of ``tensor`` is; None where elements differ or depend on inputs."""
    while isinstance(tensor.op.kind, (BroadcastTo, ExpandDims, Squeeze, Reshape)):
        tensor = tensor.op.inputs[0]
    kind = tensor.op.kind
    return kind.value.reshape(-1)[0] if isinstance(kind, Const) and kind.value.size == 1 else None


def is_fn(tensor: Tensor, *names: str) -> bool:
    """Whether the tensor is one of these elementwise functions of others."""
    kind = tensor.op.kind
    return isinstance(kind, Elementwise) and kind.fn in names


def is_number(tensor: Tensor, value: float) -> bool:
    """Whether every element of ``tensor`` is ``value``; of the zeros, only the positive one is 0."""
    number = number_of(tensor)
    return number is not None and number == value and (value != 0 or not np.signbit(number))


def is_power_of_two(number: Any) -> bool:
    """Whether multiplying a float by ``number`` only moves the exponent."""
    return bool(np.isfinite(number)) and abs(float(np.frexp(number)[0])) == 0.5
