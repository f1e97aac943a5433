"""Matrices: the names of ``tf.linalg``."""

from graphc.composites import norm
from graphc.ops.contraction import matmul, matvec, tensordot
from graphc.ops.einsum import einsum
from graphc.ops.reshaping import matrix_transpose
from graphc.ops.reshaping import matrix_transpose as transpose
from graphc.ops.sequences import eye

__all__ = [
    "einsum",
    "eye",
    "matmul",
    "matrix_transpose",
    "matvec",
    "norm",
    "tensordot",
    "transpose",
]
