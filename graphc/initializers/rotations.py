"""First values with orthogonal rows or columns (Saxe, McClelland, Ganguli, ICLR 2014)."""

from __future__ import annotations

import math
from typing import Any

from graphc import dtypes
from graphc.initializers import Initializer, float_type
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops import random as draws
from graphc.ops.decompositions import qr
from graphc.ops.diagonals import diag_part
from graphc.ops.padding import pad
from graphc.ops.reshaping import reshape, transpose


class Orthogonal(Initializer):
    """``gain`` times a matrix with orthonormal rows or columns, whichever are fewer.

    More than two axes are taken as a matrix with the last one as columns; ``ValueError`` for fewer than two.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = dtypes.float32):
        self.gain, self.seed = gain, seed
        self.dtype = float_type(dtype)

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        if len(shape) < 2:
            raise ValueError(f"The tensor to initialize must be at least two-dimensional, not of shape {list(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        flat = [max(rows, columns), min(rows, columns)]
        matrix = _orthogonal(flat, dtype, self.seed)
        return reshape(transpose(matrix) if rows < columns else matrix, shape) * self.gain


class ConvolutionDeltaOrthogonal(Orthogonal):
    """A filter that is an orthogonal matrix in the middle and 0 elsewhere (Xiao et al., ICML 2018).

    ``ValueError`` unless there are 1 to 3 axes of places, and no more channels come in than go out.
    """

    def value(self, shape: tuple[int, ...], dtype: dtypes.DType) -> Tensor:
        if len(shape) < 3 or len(shape) > 5:
            raise ValueError("The tensor to initialize must be at least three-dimensional and at most five-dimensional")
        inputs, outputs = shape[-2:]
        if inputs > outputs:
            raise ValueError("In_filters cannot be greater than out_filters.")
        matrix = _orthogonal([outputs, outputs], dtype, self.seed)[:inputs] * self.gain
        middle = reshape(matrix, [1] * (len(shape) - 2) + [inputs, outputs])
        around = [[(size - 1) // 2, size - 1 - (size - 1) // 2] for size in shape[:-2]]
        return pad(middle, [*around, [0, 0], [0, 0]])


def _orthogonal(shape: list[int], dtype: dtypes.DType, seed: int | None) -> Tensor:
    """Orthonormal columns, evenly spread: the signs of the factorisation do not show."""
    factors = qr(draws.random_normal(shape, dtype=dtype, seed=seed), full_matrices=False)
    return factors.q * e.sign(diag_part(factors.r))
