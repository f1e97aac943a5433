"""Complex numbers and their parts: made of two real numbers, and taken apart again.

Arithmetic and functions of complex numbers are the rows of the formulary that real ones have too; see
:mod:`graphc.passes.complexes` for how native code computes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc import dtypes
from graphc.dtypes import COMPLEX, COMPLEX_OF
from graphc.nodes import Op, Operation, Tensor
from graphc.ops import elementwise as e
from graphc.ops.base import apply, check_dtype, check_same_dtype, convert_to_tensor, convert_together, graph_of
from graphc.ops.copies import conjugate
from graphc.ops.special import atan2
from graphc.records import record
from graphc.shapes import TensorType, broadcast


@record
class Complex(Op):
    """``y = re + i im`` of real numbers."""

    type = "Complex"

    def infer(self, re: TensorType, im: TensorType) -> TensorType:
        dtype = check_same_dtype((re, im))
        check_dtype(re, tuple(COMPLEX_OF), "the real part")
        return TensorType(COMPLEX_OF[dtype], broadcast(re.shape, im.shape))

    def evaluate(self, re: Any, im: Any) -> Any:
        result = np.empty(np.broadcast_shapes(re.shape, im.shape), _complex_of(re.dtype))
        result.real, result.imag = re, im
        return result

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        return [real(grad), imag(grad)]


@record
class Part(Op):
    """The real or the imaginary part, as ``fn`` says."""

    fn: str

    @property
    def type(self) -> str:
        return self.fn

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, COMPLEX, "the input")
        return TensorType(x.dtype.real_dtype, x.shape)

    def evaluate(self, x: Any) -> Any:
        return np.ascontiguousarray(x.real if self.fn == "Real" else x.imag).reshape(x.shape)

    def gradient(self, node: Operation, grad: Tensor) -> list[Tensor | None]:
        zero = convert_to_tensor(0, grad.dtype)
        return [complex(grad, zero) if self.fn == "Real" else complex(zero, grad)]

    def attributes(self) -> dict[str, Any]:
        return {}


def _complex_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return COMPLEX_OF[dtypes.as_dtype(dtype)].numpy


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """The complex numbers of these parts, float32 or float64, which broadcast: complex64 or complex128."""
    re, im = convert_together(real, imag)
    return apply(Complex(), re, im, name=name)


def real(input: Any, name: str | None = None) -> Tensor:
    """The real part of numbers: of real ones, they themselves."""
    value = convert_to_tensor(input)
    return apply(Part("Real"), value, name=name) if value.dtype.is_complex else e.identity(value, name=name)


def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part of numbers: 0 of real ones."""
    value = convert_to_tensor(input)
    if value.dtype.is_complex:
        return apply(Part("Imag"), value, name=name)
    return e.multiply(e.stop_gradient(e.sign(value)), convert_to_tensor(0, value.dtype), name=name or "Imag")


def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate: of real numbers, they themselves."""
    value = convert_to_tensor(x)
    return conjugate(value, name) if value.dtype.is_complex else e.identity(value, name=name)


def angle(input: Any, name: str | None = None) -> Tensor:
    """The angle of numbers in the complex plane, in [-pi, pi]: of real ones, pi of negative ones, else 0."""
    value = convert_to_tensor(input)
    if value.dtype.is_complex:
        with graph_of([value]).name_scope(name or "Angle") as scope:
            return atan2(imag(value), real(value), name=scope)
    zero = convert_to_tensor(0, value.dtype)
    return e.select(e.less(value, zero), convert_to_tensor(np.pi, value.dtype), zero, name=name or "Angle")


def direction(x: Tensor, size: Tensor, length: Tensor) -> Tensor:
    """``length x / size``, and 0 where the size is 0."""
    zero = convert_to_tensor(0, length.dtype)
    over = e.select(e.equal(size, zero), convert_to_tensor(1, length.dtype), size)
    return complex(length / over, zero) * x
