"""The same elements again: converted to another dtype, under another name, conjugate, or cut off from gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import COMPLEX, INTEGERS, DType, float32, float64
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply, check_dtype
from graphc.records import record
from graphc.shapes import TensorType


@record
class Cast(Op):
    """``y[i] = x[i]`` converted to another dtype; fractions are cut towards zero, and imaginary parts left out."""

    dtype: DType

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype.is_string != self.dtype.is_string:
            raise TypeError(
                f"cannot convert {x} to {self.dtype.name}; tf.string_to_number and tf.as_string go between strings and "
                "numbers"
            )
        return TensorType(self.dtype, x.shape)

    def evaluate(self, x: Any) -> Any:
        if x.dtype == object:
            return x
        if x.dtype.kind == "c" and not self.dtype.is_complex:
            x = x.real
        with np.errstate(all="ignore"):
            return x.astype(self.dtype.numpy)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        source = node.inputs[0].dtype
        if not (source.has_slope and grad.dtype.has_slope):
            return [None]
        return [grad if grad.dtype is source else apply(Cast(source), grad)]


@record
class Bitcast(Op):
    """``y[i]`` has the bits of ``x[i]`` as a number of another dtype of as many bytes."""

    dtype: DType

    def infer(self, x: TensorType) -> TensorType:
        for dtype in (x.dtype, self.dtype):
            if dtype not in BITS:
                raise TypeError(
                    f"cannot take the bits of {x} as {self.dtype.name}; wanted float32, float64 or whole numbers"
                )
        if x.dtype.size != self.dtype.size:
            raise ValueError(f"{x} and {self.dtype.name} differ in size")
        return TensorType(self.dtype, x.shape)

    def evaluate(self, x: Any) -> Any:
        return x.view(self.dtype.numpy)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]


BITS = (float32, float64, *INTEGERS)  # what bits can be taken of


@record
class Identity(Op):
    """``y = x``; a name for a value, or a value that waits for control inputs."""

    def infer(self, x: TensorType) -> TensorType:
        return x

    def evaluate(self, x: Any) -> Any:
        return x

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [grad]


@record
class StopGradient(Identity):
    """``y = x``, through which no gradient flows."""

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [None]


@record
class Whole(Identity):
    """``y = x``; the adjoint of ``x`` is a whole tensor, also where only rows of ``y`` are looked up."""

    type = "Identity"


@record
class Conj(Op):
    """``y = re - i im`` of complex numbers ``re + i im``."""

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, COMPLEX, "the input")
        return x

    def evaluate(self, x: Any) -> Any:
        return np.conj(x)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [apply(Conj(), grad)]


@record
class ComplexAbs(Op):
    """``y = |x|`` of complex numbers, without overflow on the way."""

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, COMPLEX, "the input")
        return TensorType(x.dtype.real_dtype, x.shape)

    def evaluate(self, x: Any) -> Any:
        return np.abs(x)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``g x / |x|``, and 0 at 0."""
        from graphc.ops.complexes import direction  # complexes stands on copies

        return [direction(node.inputs[0], node.outputs[0], grad)]


def whole(x: Tensor) -> Tensor:
    """``x``, of which rows are looked up by an op that TensorFlow gives the gradient of a whole tensor.

    Optimizers then change all rows, as momentum does, and not only those that were looked up.
    """
    return apply(Whole(), x)


def conjugate(x: Tensor, name: str | None = None) -> Tensor:
    """The conjugates of complex numbers; others as they are."""
    return apply(Conj(), x, name=name) if x.dtype.is_complex else x
