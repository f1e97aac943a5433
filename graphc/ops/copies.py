"""The same elements again: converted to another dtype, under another name, or cut off from gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import DType
from graphc.nodes import Op, Operation, Tensor
from graphc.ops.base import apply
from graphc.records import record
from graphc.shapes import TensorType


@record
class Cast(Op):
    """``y[i] = x[i]`` converted to another dtype; fractions are cut towards zero."""

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
        with np.errstate(all="ignore"):
            return x.astype(self.dtype.numpy)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        source = node.inputs[0].dtype
        if not (source.is_floating and grad.dtype.is_floating):
            return [None]
        return [grad if grad.dtype is source else apply(Cast(source), grad)]


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
