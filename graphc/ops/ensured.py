"""What a shape must be: as a program says, as that of a variable that is assigned, or of a size that parts divide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc import dtypes
from graphc.dims import floordiv
from graphc.mistakes import telling_line
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, convert_to_tensor
from graphc.ops.measured import CheckSize, assumption, is_measured, require_count
from graphc.ops.reshaping import dim_value
from graphc.ops.state import KEEPS_SHAPE
from graphc.records import record
from graphc.shapes import Shape, TensorType, as_shape, is_compatible, merge, shape_text


class SameValue(Op):
    """``y = x``, of which something must hold that its type shows once sizes are known."""

    def evaluate(self, x: Any) -> Any:
        self.infer(TensorType(dtypes.as_dtype(x.dtype), x.shape))
        return x

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [grad]


@record
class EnsureShape(SameValue):
    """``y = x``, whose shape must fit ``shape``; ``variable`` names what it is assigned to, ``validated`` or not."""

    shape: Shape
    variable: str = ""
    validated: bool = True

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
            text = f"Assign requires shapes of both tensors to match: variable '{self.variable}' has {wanted}, not {x}"
            return text if self.validated else f"{text}; {KEEPS_SHAPE}"
        return f"Shape of tensor {x} is not compatible with expected shape {wanted}"

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


@record
class EvenParts(SameValue):
    """``y = x``, of which ``parts`` divide the size of ``axis``."""

    axis: int
    parts: int

    type = "Split"

    def infer(self, x: TensorType) -> TensorType:
        size = None if x.shape is None else x.shape[self.axis]
        if isinstance(size, int) and size % self.parts:
            raise ValueError(f"axis {self.axis} of {x} has size {size}, which {self.parts} parts do not divide")
        return x

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor:
        """The value itself; a size that runs tell is checked in each."""
        x = inputs[0].type
        self.infer(x)
        size = x.sizes[self.axis]
        whole = floordiv(size, self.parts) * self.parts
        if whole != size:
            why = f"axis {self.axis} of {inputs[0].user_label} has a size that {self.parts} parts do not divide"
            require_count(apply(CheckSize(whole, why=why), dim_value(size, dtypes.int64)))
        return inputs[0]


def even_parts(x: Tensor, axis: int, parts: int) -> Tensor:
    """``x``; a run in which ``parts`` do not divide the size of ``axis`` is refused."""
    return apply(EvenParts(axis, parts), x, name="split")
