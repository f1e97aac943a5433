"""What an op refuses: a tensor that does not fit what stands beside it, and values that it cannot take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc import dtypes
from graphc.dims import Dim
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply
from graphc.records import record
from graphc.shapes import Size, TensorType


class Refused(NamedTuple):
    """The values of an input that an op cannot take when it runs: where ``wrong`` says so, given a size or several."""

    input: int
    wrong: Callable[[Any, Any], Any]
    size: Size | tuple[Size, ...] = None


def in_numbers(x: Tensor, axis: int, size: int | None) -> str:
    """``table f32[5,2]`` for a message, where ``size`` is what the axis had; sizes that no user named are left open."""
    known = [n if isinstance(n, int) else None for n in x.type.sizes]
    known[axis] = size if size is not None else known[axis]
    return f"{x.user_label} {TensorType(x.dtype, tuple(known))}"


def outside(values: Any, size: Any) -> Any:
    """Where a position is not in ``[0, size)``."""
    return (values < 0) | (values >= size)


def differs(values: Any, size: Any) -> Any:
    """Where a number is another one."""
    return values != size


def beyond(values: Any, size: Any) -> Any:
    """Where a position is too large."""
    return values >= size


def is_zero(values: Any, _: Any) -> Any:
    """Where a whole number is 0."""
    return values == 0


def is_negative(values: Any, _: Any) -> Any:
    """Where a whole number is below 0."""
    return values < 0


# Of elementwise ops, which whole numbers are no second input, and why.
WHOLE_NUMBERS_REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "FloorDiv": (is_zero, "a whole number is divided by zero"),
    "TruncateDiv": (is_zero, "a whole number is divided by zero"),
    "FloorMod": (is_zero, "a remainder of division by zero is asked for"),
    "TruncateMod": (is_zero, "a remainder of division by zero is asked for"),
    "Pow": (is_negative, "Integers to negative integer powers are not allowed"),
}

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


@record
class NotNegative(Op):
    """``y = x``, of which shapes follow: a negative value is an error once it is known."""

    text: str

    def infer(self, x: TensorType) -> TensorType:
        return x

    def evaluate(self, x: Any) -> Any:
        for number in np.asarray(x).reshape(-1):
            if not isinstance(number, Dim) and number < 0:
                raise ValueError(f"{self.text}, not {number}")
        return x

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The value itself, once it is known."""
        if values[0] is not None:
            self.evaluate(values[0])
        return inputs[0]

    def attributes(self) -> dict[str, Any]:
        return {}


def not_negative(x: Tensor, text: str) -> Tensor:
    """``x``, which decides a shape; what to say is ``text`` where it turns out to be negative."""
    return apply(NotNegative(text), x)
