"""The operators of Python on tensors: ``a + b`` is ``tf.add(a, b)``. ``==`` stays identity, as in TensorFlow 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import convert_to_tensor


def _binary(
    function: Callable[..., Tensor], name: str
) -> tuple[Callable[[Any, Any], Tensor], Callable[[Any, Any], Tensor]]:
    def forward(self: Any, other: Any) -> Tensor:
        left = convert_to_tensor(self)
        return function(left, _beside(other, left), name=name)

    def reflected(self: Any, other: Any) -> Tensor:
        right = convert_to_tensor(self)
        return function(_beside(other, right), right, name=name)

    return forward, reflected


def _beside(other: Any, anchor: Tensor) -> Tensor:
    """``other`` as a tensor of the dtype of ``anchor``, ``TypeError`` where it has another."""
    if isinstance(other, Tensor) or hasattr(other, "_as_tensor"):
        return convert_to_tensor(other)
    return convert_to_tensor(other, anchor.dtype)


def _matmul(left: Any, right: Any, name: str) -> Tensor:
    from graphc.ops.contraction import matmul  # loads after the tensor class exists

    return matmul(left, right, name=name)


def _getitem(self: Any, key: Any) -> Tensor:
    from graphc.ops.slicing import getitem  # loads after the tensor class exists

    part = getitem(convert_to_tensor(self), key)
    if hasattr(self, "_note_part"):
        self._note_part(part, key)
    return part


def _iterate(self: Any) -> Any:
    raise TypeError(f"Tensor {convert_to_tensor(self).name!r} is not iterable; use tf.unstack to take it apart")


_BINARY: dict[str, tuple[Callable[..., Tensor], str]] = {
    "add": (e.add, "add"),
    "sub": (e.subtract, "sub"),
    "mul": (e.multiply, "mul"),
    "truediv": (e.truediv, "truediv"),
    "floordiv": (e.floordiv, "floordiv"),
    "mod": (e.floormod, "mod"),
    "pow": (e.pow, "pow"),
    "matmul": (_matmul, "matmul"),
    "and": (e.logical_and, "and"),
    "or": (e.logical_or, "or"),
    "xor": (e.logical_xor, "xor"),
}
_COMPARISON = {"lt": e.less, "le": e.less_equal, "gt": e.greater, "ge": e.greater_equal}
_UNARY = {"neg": (e.negative, "Neg"), "abs": (e.abs, "Abs"), "invert": (e.logical_not, "LogicalNot")}


def install(cls: type) -> None:
    """Gives ``cls`` (tensors, and what stands for them) the operators."""
    for method, (function, name) in _BINARY.items():
        forward, reflected = _binary(function, name)
        setattr(cls, f"__{method}__", forward)
        setattr(cls, f"__r{method}__", reflected)
    for method, function in _COMPARISON.items():
        setattr(cls, f"__{method}__", _binary(function, function.__name__.title())[0])
    for method, (function, name) in _UNARY.items():
        setattr(cls, f"__{method}__", _unary(function, name))
    setattr(cls, "__getitem__", _getitem)  # noqa: B010 - plain assignment is a type error
    setattr(cls, "__iter__", _iterate)  # noqa: B010


def _unary(function: Callable[..., Tensor], name: str) -> Callable[[Any], Tensor]:
    return lambda self: function(convert_to_tensor(self), name=name)


install(Tensor)
