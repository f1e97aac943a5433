"""Discrete Fourier transforms along one axis: of complex numbers, and the halves that tell those of real ones.

``y[k] = sum over j of x[j] exp(-2 pi i j k / n)``; the inverse turns the sign and divides by n. The adjoint of
each is another of them. See :mod:`graphc.passes.fourier` for how native code computes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import COMPLEX, COMPLEX_OF
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, check_dtype, convert_to_tensor
from graphc.ops.complexes import complex
from graphc.ops.reshaping import Count, count
from graphc.ops.sequences import range as ramp
from graphc.records import record
from graphc.shapes import Shape, Size, TensorType, normalise_axis


@record
class Fft(Op):
    """The transform of complex numbers along ``axis``, counted from the end; ``scaled`` divides it by the length."""

    axis: int = -1
    inverse: bool = False
    scaled: bool = False

    @property
    def type(self) -> str:
        return "IFFT" if self.inverse else "FFT"

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, COMPLEX, "the input")
        _check_axis(x, self.axis)
        return x

    def evaluate(self, x: Any) -> Any:
        wide = x.astype(np.complex128)
        if self.inverse:
            result = np.fft.ifft(wide, axis=self.axis, norm="backward" if self.scaled else "forward")
        else:
            result = np.fft.fft(wide, axis=self.axis, norm="forward" if self.scaled else "backward")
        return result.astype(x.dtype)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """The conjugate transpose of the matrix: the other sign, with the same factor."""
        return [apply(Fft(self.axis, not self.inverse, self.scaled), grad)]


@record
class Rfft(Op):
    """The first ``n // 2 + 1`` of the transform of n real numbers along the last axis: the others are conjugates."""

    type = "RFFT"

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, tuple(COMPLEX_OF), "the input")
        _check_axis(x, -1)
        if x.shape is None:
            return TensorType(COMPLEX_OF[x.dtype], None)
        size = x.shape[-1]
        return TensorType(COMPLEX_OF[x.dtype], (*x.shape[:-1], None if size is None else size // 2 + 1))

    def evaluate(self, x: Any) -> Any:
        result = np.fft.rfft(x.astype(np.float64), axis=-1)
        return result.astype(COMPLEX_OF[dtypes.as_dtype(x.dtype)].numpy)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """``x[j] = sum over the half of re(g[k] exp(2 pi i j k / n))``: the inverse, which counts inner ones twice."""
        x = node.inputs[0]
        once = e.reciprocal(_weights(x, grad))
        size = None if x.type.shape is None else x.type.shape[-1]
        return [apply(Irfft(size, False), *([grad * once] if size is not None else [grad * once, x]))]


@record
class Irfft(Op):
    """The ``length`` real numbers whose :class:`Rfft` the input is; ``scaled`` divides by the length.

    A further input has that length as its last size, where it is not known while declaring.
    """

    length: Size
    scaled: bool = True

    type = "IRFFT"

    def infer(self, x: TensorType, like: TensorType | None = None) -> TensorType:
        check_dtype(x, COMPLEX, "the input")
        _check_axis(x, -1)
        _check_half(x.shape, self.length)
        return TensorType(x.dtype.real_dtype, None if x.shape is None else (*x.shape[:-1], self._length(like)))

    def _length(self, like: TensorType | None) -> Size:
        return self.length if like is None or like.shape is None else like.shape[-1]

    def evaluate(self, x: Any, like: Any = None) -> Any:
        size: Any = self.length if like is None else like.shape[-1]
        result = np.fft.irfft(x.astype(np.complex128), n=size, axis=-1, norm="backward" if self.scaled else "forward")
        return result.astype(dtypes.as_dtype(x.dtype).real_dtype.numpy)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        """The half of the transform, its inner ones twice."""
        back = apply(Rfft(), grad)
        weights = _weights(grad, back)
        if self.scaled:
            weights = weights / _as(back, apply(Count((grad.type.rank - 1,), grad.dtype), grad))  # type: ignore[operator]
        return [back * weights, *([None] * (len(node.inputs) - 1))]

    def specialise(self, inputs: Sequence[Tensor], values: Sequence[Any]) -> Tensor | None:
        """With the length written in."""
        if len(inputs) == 1:
            return None
        return apply(Irfft(inputs[1].type.sizes[-1], self.scaled), inputs[0])


def _as(like: Tensor, x: Tensor) -> Tensor:
    return e.cast(x, like.dtype)


def _weights(whole: Tensor, half: Tensor) -> Tensor:
    """How often each of the half stands in the transform of the whole: twice, but for the first and an even one's last.

    As complex numbers that broadcast to the half.
    """
    size = _last(whole)
    place = ramp(_last(half))
    is_alone = e.logical_or(e.equal(place, 0), e.equal(place + place, size))
    real = half.dtype.real_dtype
    weight = e.select(is_alone, convert_to_tensor(1, real), convert_to_tensor(2, real))
    return complex(weight, convert_to_tensor(0, real))


def _last(x: Tensor) -> Any:
    """The last size: a number where it is known, else a scalar."""
    size = None if x.type.shape is None else x.type.shape[-1]
    return count(x, (x.type.rank - 1,), dtypes.int32) if size is None else size  # type: ignore[operator]


def _check_axis(x: TensorType, axis: int) -> None:
    if x.rank is not None and x.rank < -axis:
        raise ValueError(f"needs at least {-axis} axes, not {x}")
    if x.shape is not None and x.shape[normalise_axis(axis, len(x.shape))] == 0:
        raise ValueError(f"there is nothing to transform: {x} has no numbers along axis {axis}")


def _check_half(shape: Shape, length: Size) -> None:
    if shape is None or not isinstance(length, int) or not isinstance(shape[-1], int):
        return
    if length < 1 or shape[-1] != length // 2 + 1:
        raise ValueError(f"{length} real numbers have a transform of {length // 2 + 1}, and the input has {shape[-1]}")
