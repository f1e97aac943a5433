"""A shape that a value must have: a program says it of a tensor, or assigns the tensor to a variable that has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, convert_to_tensor
from graphc.ops.measured import assumption, is_measured
from graphc.records import record
from graphc.shapes import Shape, TensorType, as_shape, is_compatible, merge, shape_text


@record
class EnsureShape(Op):
    """``y = x``, whose shape must fit ``shape``; ``variable`` names what it is assigned to."""

    shape: Shape
    variable: str = ""

    @property
    def type(self) -> str:
        return "Assign" if self.variable else "EnsureShape"

    def infer(self, x: TensorType) -> TensorType:
        if not is_compatible(x.shape, self.shape):
            raise ValueError(self._text(x))
        return TensorType(x.dtype, merge(x.shape, self.shape))

    def _text(self, x: TensorType) -> str:
        wanted = shape_text(self.shape)
        if self.variable:
            return f"Assign requires shapes of both tensors to match: variable '{self.variable}' has {wanted}, not {x}"
        return f"Shape of tensor {x} is not compatible with expected shape {wanted}"

    def evaluate(self, x: Any) -> Any:
        self.infer(TensorType(dtypes.as_dtype(x.dtype), x.shape))
        return x

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [grad]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The value itself: asked once more, nothing is left to do. A size that is counted must be the wanted one."""
        x = inputs[0].type
        if any(map(is_measured, x.sizes)) and self.shape is not None and len(self.shape) == x.rank:
            sizes = tuple(size if wanted is None else wanted for size, wanted in zip(x.sizes, self.shape, strict=True))
            beside = TensorType(x.dtype, sizes)
            found = None if x == beside else assumption([x, beside], lambda types: types[0] == types[1])
            if found is not None:
                raise found
        self.infer(x)
        return inputs[0]


@telling_line
def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """``x``, which is known from here on to have ``shape`` (None: any size); a run in which it has another is refused.

    The error is an ``InvalidArgumentError``; what shows while declaring is a ``ValueError``.
    """
    return apply(EnsureShape(as_shape(shape)), convert_to_tensor(x), name=name)
