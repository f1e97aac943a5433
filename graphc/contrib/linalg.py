"""Matrices known by their structure, under the names that ``tf.contrib.linalg`` had."""

from graphc.linalg.operators import (
    LinearOperator,
    LinearOperatorDiag,
    LinearOperatorFullMatrix,
    LinearOperatorIdentity,
    LinearOperatorLowerTriangular,
    LinearOperatorScaledIdentity,
)
from graphc.linalg.operators import LinearOperatorLowerTriangular as LinearOperatorTriL

__all__ = [
    "LinearOperator",
    "LinearOperatorDiag",
    "LinearOperatorFullMatrix",
    "LinearOperatorIdentity",
    "LinearOperatorLowerTriangular",
    "LinearOperatorScaledIdentity",
    "LinearOperatorTriL",
]
