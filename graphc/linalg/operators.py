"""Matrices known by their structure: what is solved or multiplied without a dense matrix, under TensorFlow's names."""

from __future__ import annotations

from typing import Any

from graphc import dtypes
from graphc.nodes import Tensor
from graphc.ops import elementwise as e
from graphc.ops.arrays import ones
from graphc.ops.base import convert_to_tensor
from graphc.ops.contraction import matmul
from graphc.ops.matrices import (
    _triangle,
    identity_like,
    matrix_determinant,
    matrix_inverse,
    matrix_solve,
    matrix_triangular_solve,
    slogdet,
)
from graphc.ops.reduction import reduce_prod, reduce_sum
from graphc.ops.reshaping import matrix_transpose, shape
from graphc.ops.sequences import eye
from graphc.shapes import TensorShape


class LinearOperator:
    """A batch of matrices, of which a subclass says how to multiply and to solve.

    The hints ``is_non_singular``, ``is_self_adjoint``, ``is_positive_definite`` and ``is_square`` are kept as given.
    """

    def __init__(
        self,
        matrix: Tensor,
        is_non_singular: bool | None,
        is_self_adjoint: bool | None,
        is_positive_definite: bool | None,
        is_square: bool | None,
        name: str,
    ):
        if matrix.dtype not in dtypes.FLOATS:
            raise TypeError(f"Argument of {name} must have dtype float32 or float64. Found: {matrix.dtype.name}")
        self.is_non_singular = is_non_singular
        self.is_self_adjoint = is_self_adjoint
        self.is_positive_definite = is_positive_definite
        self.is_square = is_square
        self.name = name
        self._given = matrix

    @property
    def dtype(self) -> Any:
        return self._given.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the dense matrices."""
        return self.to_dense().shape

    @property
    def batch_shape(self) -> TensorShape:
        """The shape without the last two sizes."""
        return self.shape[:-2]

    @property
    def domain_dimension(self) -> Any:
        """The number of columns."""
        return self.shape[-1]

    @property
    def range_dimension(self) -> Any:
        """The number of rows."""
        return self.shape[-2]

    def shape_tensor(self, name: str = "shape_tensor") -> Tensor:
        """The shape as the graph runs."""
        return shape(self.to_dense(), name=name)

    def to_dense(self, name: str = "to_dense") -> Tensor:
        """The matrices with all their elements."""
        return e.identity(self._given, name=name)

    def _right(self, x: Any, turned: bool) -> Tensor:
        value = convert_to_tensor(x, self.dtype)
        return matrix_transpose(value) if turned else value

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Tensor:
        """``A x``, or with the transpose of either."""
        return matmul(self.to_dense(), self._right(x, adjoint_arg), transpose_a=adjoint, name=name)

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Tensor:
        """``A x`` of vectors."""
        return self.matmul(convert_to_tensor(x, self.dtype)[..., None], adjoint, name=name)[..., 0]

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Tensor:
        """The x with ``A x = rhs``, or with the transpose of either."""
        return matrix_solve(self.to_dense(), self._right(rhs, adjoint_arg), adjoint, name=name)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Tensor:
        """The x with ``A x = rhs`` of vectors."""
        return self.solve(convert_to_tensor(rhs, self.dtype)[..., None], adjoint, name=name)[..., 0]

    def determinant(self, name: str = "det") -> Tensor:
        """The determinants."""
        return matrix_determinant(self.to_dense(), name=name)

    def log_abs_determinant(self, name: str = "log_abs_det") -> Tensor:
        """The logarithms of the determinants' absolute values."""
        return slogdet(self.to_dense(), name=name)[1]

    def diag_part(self, name: str = "diag_part") -> Tensor:
        """The diagonals."""
        dense = self.to_dense()
        return reduce_sum(dense * identity_like(dense), -1, name=name)

    def trace(self, name: str = "trace") -> Tensor:
        """The sums of the diagonals."""
        return reduce_sum(self.diag_part(), -1, name=name)

    def inverse(self, name: str = "inverse") -> LinearOperatorFullMatrix:
        """The operator of the inverses."""
        return LinearOperatorFullMatrix(matrix_inverse(self.to_dense()), is_non_singular=True, name=name)

    def adjoint(self, name: str = "adjoint") -> LinearOperatorFullMatrix:
        """The operator of the transposes."""
        return LinearOperatorFullMatrix(matrix_transpose(self.to_dense()), self.is_non_singular, name=name)

    H = property(adjoint)

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Tensor:
        """``A + x``."""
        return e.add(self.to_dense(), convert_to_tensor(x, self.dtype), name=name)

    def __matmul__(self, x: Any) -> Tensor:
        return self.matmul(x)


class LinearOperatorFullMatrix(LinearOperator):
    """Matrices of which nothing is known."""

    def __init__(
        self,
        matrix: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorFullMatrix",
    ):
        value = convert_to_tensor(matrix)
        super().__init__(value, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name)


class LinearOperatorLowerTriangular(LinearOperator):
    """The lower triangles of ``tril``, solved by substitution."""

    def __init__(
        self,
        tril: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorLowerTriangular",
    ):
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        super().__init__(convert_to_tensor(tril), is_non_singular, is_self_adjoint, is_positive_definite, True, name)

    def to_dense(self, name: str = "to_dense") -> Tensor:
        return e.identity(_triangle(self._given, True), name=name)

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Tensor:
        return matrix_triangular_solve(self._given, self._right(rhs, adjoint_arg), True, adjoint, name=name)

    def determinant(self, name: str = "det") -> Tensor:
        return reduce_prod(self.diag_part(), -1, name=name)

    def log_abs_determinant(self, name: str = "log_abs_det") -> Tensor:
        return reduce_sum(e.log(e.abs(self.diag_part())), -1, name=name)


class LinearOperatorDiag(LinearOperator):
    """Diagonal matrices, given by the diagonals ``diag``."""

    def __init__(
        self,
        diag: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorDiag",
    ):
        if is_self_adjoint is False:
            raise ValueError("A real diagonal operator is always self adjoint.")
        if is_square is False:
            raise ValueError("Only square diagonal operators supported at this time.")
        value = convert_to_tensor(diag)
        if value.type.rank == 0:
            raise ValueError(f"Argument diag must have at least 1 dimension. Found: {value}")
        super().__init__(value, is_non_singular, True, is_positive_definite, True, name)

    @property
    def diag(self) -> Tensor:
        """The diagonals as given."""
        return self._given

    def to_dense(self, name: str = "to_dense") -> Tensor:
        wide = self._given[..., None, :]
        size = self._given.shape[-1].value
        return e.multiply(wide, eye(shape(self._given)[-1] if size is None else size, dtype=self.dtype), name=name)

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Tensor:
        return e.multiply(self._given[..., None], self._right(x, adjoint_arg), name=name)

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Tensor:
        return e.realdiv(self._right(rhs, adjoint_arg), self._given[..., None], name=name)

    def determinant(self, name: str = "det") -> Tensor:
        return reduce_prod(self._given, -1, name=name)

    def log_abs_determinant(self, name: str = "log_abs_det") -> Tensor:
        return reduce_sum(e.log(e.abs(self._given)), -1, name=name)

    def diag_part(self, name: str = "diag_part") -> Tensor:
        return e.identity(self._given, name=name)


class LinearOperatorIdentity(LinearOperatorDiag):
    """Matrices with ones in the diagonal; a batch repeats them."""

    def __init__(
        self,
        num_rows: int,
        batch_shape: Any = None,
        dtype: Any = None,
        is_non_singular: bool | None = True,
        is_self_adjoint: bool | None = True,
        is_positive_definite: bool | None = True,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorIdentity",
    ):
        diag = ones([*(batch_shape or ()), num_rows], dtypes.as_dtype(dtype or dtypes.float32))
        super().__init__(diag, True, True, True, True, name)


class LinearOperatorScaledIdentity(LinearOperatorDiag):
    """Matrices with ``multiplier`` in the diagonal; a batch where that has axes."""

    def __init__(
        self,
        num_rows: int,
        multiplier: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorScaledIdentity",
    ):
        scale = convert_to_tensor(multiplier)
        diag = scale[..., None] * ones([num_rows], scale.dtype)
        super().__init__(diag, is_non_singular, True, is_positive_definite, True, name)
        self.multiplier = scale
