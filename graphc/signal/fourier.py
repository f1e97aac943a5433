"""Fourier and cosine transforms over the last axes, of one, two or three."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc import dtypes
from graphc.mistakes import telling_line
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import concat, zeros_like
from graphc.ops.base import apply, check_dtype, convert_to_tensor, graph_of
from graphc.ops.blocks import flip
from graphc.ops.complexes import complex, real
from graphc.ops.fourier import Fft, Irfft, Rfft
from graphc.ops.padding import pad
from graphc.ops.reshaping import shape
from graphc.ops.sequences import range as ramp
from graphc.ops.shape_values import static_sizes


def fft(input: Any, name: str | None = None) -> Tensor:
    """``y[k] = sum over j of x[j] exp(-2 pi i j k / n)`` of complex numbers along the last axis."""
    return _transform(input, 1, False, name or "FFT")


def ifft(input: Any, name: str | None = None) -> Tensor:
    """The inverse of :func:`fft`, divided by the length."""
    return _transform(input, 1, True, name or "IFFT")


def fft2d(input: Any, name: str | None = None) -> Tensor:
    """The transform of complex numbers over the last two axes."""
    return _transform(input, 2, False, name or "FFT2D")


def ifft2d(input: Any, name: str | None = None) -> Tensor:
    """The inverse of :func:`fft2d`, divided by the number of elements."""
    return _transform(input, 2, True, name or "IFFT2D")


def fft3d(input: Any, name: str | None = None) -> Tensor:
    """The transform of complex numbers over the last three axes."""
    return _transform(input, 3, False, name or "FFT3D")


def ifft3d(input: Any, name: str | None = None) -> Tensor:
    """The inverse of :func:`fft3d`, divided by the number of elements."""
    return _transform(input, 3, True, name or "IFFT3D")


def rfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The first ``fft_length // 2 + 1`` of the transform of real numbers along the last axis.

    The input is cut, or followed by zeros, where ``fft_length`` is given and differs from its size.
    """
    return _real_transform(input_tensor, 1, fft_length, name or "rfft")


def rfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The transform of real numbers over the last two axes, half of it along the last."""
    return _real_transform(input_tensor, 2, fft_length, name or "rfft2d")


def rfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The transform of real numbers over the last three axes, half of it along the last."""
    return _real_transform(input_tensor, 3, fft_length, name or "rfft3d")


@telling_line
def irfft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The ``fft_length`` real numbers of whose transform the input is the first half: twice its size - 1 where None.

    The input is cut, or followed by zeros, to ``fft_length // 2 + 1``.
    """
    return _inverse_real_transform(input_tensor, 1, fft_length, name or "irfft")


@telling_line
def irfft2d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of :func:`rfft2d`; ``fft_length`` are two sizes."""
    return _inverse_real_transform(input_tensor, 2, fft_length, name or "irfft2d")


@telling_line
def irfft3d(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Tensor:
    """The inverse of :func:`rfft3d`; ``fft_length`` are three sizes."""
    return _inverse_real_transform(input_tensor, 3, fft_length, name or "irfft3d")


def _transform(value: Any, axes: int, inverse: bool, name: str) -> Tensor:
    x = convert_to_tensor(value)
    if axes == 1:
        return apply(Fft(-1, inverse, inverse), x, name=name)
    with graph_of([x]).name_scope(name):
        return _over(x, range(-1, -axes - 1, -1), inverse)


def _over(x: Tensor, axes: Sequence[int], inverse: bool) -> Tensor:
    for axis in axes:
        x = apply(Fft(axis, inverse, inverse), x)
    return x


def _real_transform(value: Any, axes: int, fft_length: Any, name: str) -> Tensor:
    x = convert_to_tensor(value, preferred_dtype=dtypes.float32)
    with graph_of([x]).name_scope(name):
        lengths = _lengths(fft_length, axes)
        if lengths is not None:
            x = _fitted(x, lengths)
        return _over(apply(Rfft(), x), range(-2, -axes - 1, -1), False)


def _inverse_real_transform(value: Any, axes: int, fft_length: Any, name: str) -> Tensor:
    x = convert_to_tensor(value)
    with graph_of([x]).name_scope(name):
        lengths = _lengths(fft_length, axes)
        if lengths is None:
            if x.type.rank is not None and x.type.rank < axes:
                raise ValueError(f"{name} needs an input of at least {axes} axes, not {x.type}")
            size = None if x.type.shape is None else x.type.shape[-1]
            if not isinstance(size, int):
                raise ValueError(f"{name} of {x.type} needs fft_length: the last size is not known while declaring")
            last = 2 * (size - 1)
        else:
            last = lengths[-1]
            x = _fitted(x, [*lengths[:-1], last // 2 + 1])
        return apply(Irfft(last), _over(x, range(-axes, -1), True))


def _lengths(fft_length: Any, axes: int) -> list[int] | None:
    if fft_length is None:
        return None
    sizes = static_sizes(fft_length)
    known = [size for size in sizes or () if isinstance(size, int)]
    if sizes is None or len(known) != len(sizes):
        raise ValueError(f"fft_length must be known while declaring, not {fft_length!r}")
    if len(known) != axes or min(known) < 1:
        raise ValueError(f"fft_length must be {axes} sizes of at least 1, not {known}")
    return known


def _fitted(x: Tensor, lengths: Sequence[int]) -> Tensor:
    """``x`` with its last axes cut, or followed by zeros, to these lengths."""
    known = x.type.shape
    if known is not None and len(known) < len(lengths):
        raise ValueError(f"needs at least {len(lengths)} axes, not {x.type}")
    if known is not None and list(known[-len(lengths) :]) == list(lengths):
        return x
    if x.type.rank is None:
        raise ValueError(f"a transform with fft_length needs a known rank, not {x.type}")
    cut = x[(..., *(slice(0, length) for length in lengths))]
    others = [0] * (x.type.rank - len(lengths))
    sizes: Any = cut.type.shape
    if None not in sizes[len(others) :]:
        missing: Any = [length - size for length, size in zip(lengths, sizes[len(others) :], strict=True)]
        return pad(cut, [(0, count) for count in [*others, *missing]])
    fitted = pad(cut, convert_to_tensor([[0, 0]] * len(others) + [
        [0, length - shape(cut)[axis]] for axis, length in enumerate(lengths, len(others))]))  # fmt: skip
    fitted.set_shape((*sizes[: len(others)], *lengths))
    return fitted


@telling_line
def dct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Tensor:
    """The discrete cosine transform of type I, II or III along the last axis, as SciPy defines it.

    With ``n``, the input is cut, or followed by zeros, to that size; ``norm="ortho"`` makes the matrix of types II and
    III orthogonal. Formulas: J. Makhoul, A fast cosine transform in one and two dimensions (1980).
    """
    x = convert_to_tensor(input, preferred_dtype=dtypes.float32)
    check_dtype(x.type, (dtypes.float32, dtypes.float64), "dct")
    _check_dct(x, type, n, axis, norm)
    with graph_of([x]).name_scope(name or "dct"):
        if n is not None:
            x = _fitted(x, [int(n)])
        return {1: _dct1, 2: _dct2, 3: _dct3}[type](x, norm)


@telling_line
def idct(
    input: Any, type: int = 2, n: Any = None, axis: int = -1, norm: str | None = None, name: str | None = None
) -> Tensor:
    """The inverse of :func:`dct` but for a factor: types II and III are each other's, ``norm="ortho"`` is exact."""
    if type not in (1, 2, 3):
        _refuse_type()
    return dct(input, {1: 1, 2: 3, 3: 2}[type], n, axis, norm, name or "idct")


def _refuse_type() -> None:
    raise ValueError("Types I, II and III (I)DCT are supported.")


def _check_dct(x: Tensor, type: int, n: Any, axis: int, norm: str | None) -> None:
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}; bring the axis to the end with tf.transpose")
    if n is not None and n < 1:
        raise ValueError("n should be a positive integer or None")
    if type not in (1, 2, 3):
        _refuse_type()
    if type == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")
    if x.type.rank == 0:
        raise ValueError(f"a cosine transform needs an input of at least 1 axis, not {x.type}")
    size = n if n is not None or x.type.shape is None else x.type.shape[-1]
    if type == 1 and isinstance(size, int) and size < 2:
        raise ValueError("DCT-I requires the dimension to be greater than one.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")


def _dct1(x: Tensor, norm: str | None) -> Tensor:
    """The transform of the numbers followed by the inner ones backwards."""
    inner = x[..., 1:-1]
    return real(apply(Rfft(), concat([x, flip(inner, [_last(x)])], _last(x))))


def _dct2(x: Tensor, norm: str | None) -> Tensor:
    """``2 re(exp(-i pi k / 2n) fft(x followed by n zeros))``."""
    size = _size(x)
    padded = concat([x, zeros_like(x)], _last(x))
    result = real(apply(Rfft(), padded)[..., :-1] * _phases(x, size, -1.0))
    return result * _ortho(x, size, 0.5, 1.0) if norm == "ortho" else result


def _dct3(x: Tensor, norm: str | None) -> Tensor:
    """The transpose of :func:`_dct2`: an inverse transform of ``x exp(i pi k / 2n)``."""
    size = _size(x)
    if norm == "ortho":
        x = x * _ortho(x, size, 2.0, 1.0)
    turned = complex(x, convert_to_tensor(0, x.dtype)) * _phases(x, size, 1.0)
    half = concat([turned, zeros_like(turned[..., :1])], _last(x))
    if isinstance(size, int):
        whole = apply(Irfft(2 * size, False), half)
    else:
        whole = apply(Irfft(None, False), half, concat([x, x], _last(x)))
    return 0.5 * whole[..., :size]


def _last(x: Tensor) -> int:
    if x.type.rank is None:
        raise ValueError(f"a cosine transform needs a known rank, not {x.type}")
    return x.type.rank - 1


def _size(x: Tensor) -> Any:
    """The last size: a number where it is known, else a scalar."""
    size = x.type.shape[_last(x)]  # type: ignore[index]
    return shape(x)[_last(x)] if size is None else size


def _phases(x: Tensor, size: Any, sign: float) -> Tensor:
    """``2 exp(sign i pi k / 2n)``."""
    if isinstance(size, int):
        turns = 2 * np.exp(sign * 0.5j * np.pi * np.arange(size) / size)
        return convert_to_tensor(turns.astype(dtypes.COMPLEX_OF[x.dtype].numpy))
    angles = e.cast(ramp(size), x.dtype) * (0.5 * np.pi) / e.cast(size, x.dtype)
    return complex(2.0 * e.cos(angles), 2.0 * sign * e.sin(angles))


def _ortho(x: Tensor, size: Any, first: float, others: float) -> Tensor:
    """What makes the matrix orthogonal: ``sqrt(first / 2n)``, and for all others ``sqrt(others / 2n)``."""
    place = e.cast(ramp(size), x.dtype)
    n = e.cast(size, x.dtype) if not isinstance(size, int) else convert_to_tensor(size, x.dtype)
    factor = e.select(e.equal(place, 0.0), convert_to_tensor(first, x.dtype), convert_to_tensor(others, x.dtype))
    return e.sqrt(factor * 0.5 / n)
