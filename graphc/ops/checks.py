"""A value that is passed on if it fits what stands beside it, asked while declaring and again when sizes are exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc import dtypes
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply
from graphc.records import record
from graphc.shapes import TensorType

Rule = Callable[[TensorType, TensorType], None]  # ``ValueError`` or ``TypeError`` where the two do not fit


@record
class Fitting(Op):
    """``y = x`` where ``rule`` finds nothing wrong with the types of ``x`` and of what stands beside it."""

    called: str
    rule: Rule

    @property
    def type(self) -> str:
        return self.called

    def infer(self, x: TensorType, beside: TensorType) -> TensorType:
        self.rule(x, beside)
        return x

    def evaluate(self, x: Any, beside: Any) -> Any:
        self.rule(*(TensorType(dtypes.as_dtype(value.dtype), value.shape) for value in (x, beside)))
        return x

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [grad, None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The value itself: asked once more, nothing is left to do."""
        self.infer(*(x.type for x in inputs))
        return inputs[0]

    def attributes(self) -> dict[str, Any]:
        return {}


def fitting(x: Tensor, beside: Tensor, rule: Rule, called: str, what: str = "labels") -> Tensor:
    """``x``, which fits what stands beside it by ``rule``; a node of its own only where sizes are not known yet.

    ``called`` is the function that asks for it, ``what`` the name of ``x`` there.
    """
    try:
        rule(x.type, beside.type)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{called}: {error}") from None
    if x.type.is_exact and beside.type.is_exact:
        return x
    return apply(Fitting(called, rule), x, beside, name=what)
