"""Matrices: the names of ``tf.linalg``; factorisations load when they are named."""

from graphc.lazily import when_named
from graphc.ops.contraction import matmul, matvec, tensordot
from graphc.ops.einsum import einsum
from graphc.ops.reshaping import matrix_transpose
from graphc.ops.reshaping import matrix_transpose as transpose
from graphc.ops.sequences import eye

_LATER = {
    "LinearOperator": "graphc.linalg.operators:LinearOperator",
    "LinearOperatorDiag": "graphc.linalg.operators:LinearOperatorDiag",
    "LinearOperatorFullMatrix": "graphc.linalg.operators:LinearOperatorFullMatrix",
    "LinearOperatorIdentity": "graphc.linalg.operators:LinearOperatorIdentity",
    "LinearOperatorLowerTriangular": "graphc.linalg.operators:LinearOperatorLowerTriangular",
    "LinearOperatorScaledIdentity": "graphc.linalg.operators:LinearOperatorScaledIdentity",
    "LinearOperatorTriL": "graphc.linalg.operators:LinearOperatorLowerTriangular",
    "adjoint": "graphc.linalg.functions:adjoint",
    "band_part": "graphc.ops.diagonals:matrix_band_part",
    "cholesky": "graphc.ops.matrices:cholesky",
    "cholesky_solve": "graphc.ops.matrices:cholesky_solve",
    "cross": "graphc.ops.diagonals:cross",
    "det": "graphc.ops.matrices:matrix_determinant",
    "diag": "graphc.ops.diagonals:matrix_diag",
    "diag_part": "graphc.ops.diagonals:matrix_diag_part",
    "eigh": "graphc.ops.decompositions:self_adjoint_eig",
    "eigvalsh": "graphc.ops.decompositions:self_adjoint_eigvals",
    "expm": "graphc.linalg.functions:expm",
    "global_norm": "graphc.clipping:global_norm",
    "inv": "graphc.ops.matrices:matrix_inverse",
    "l2_normalize": "graphc.nn.normalisation:l2_normalize",
    "logdet": "graphc.ops.matrices:logdet",
    "lstsq": "graphc.linalg.functions:matrix_solve_ls",
    "lu": "graphc.linalg.functions:lu",
    "lu_matrix_inverse": "graphc.linalg.functions:lu_matrix_inverse",
    "lu_solve": "graphc.linalg.functions:lu_solve",
    "matrix_rank": "graphc.linalg.functions:matrix_rank",
    "norm": "graphc.linalg.functions:norm",
    "pinv": "graphc.linalg.functions:pinv",
    "qr": "graphc.ops.decompositions:qr",
    "set_diag": "graphc.ops.diagonals:matrix_set_diag",
    "slogdet": "graphc.ops.matrices:slogdet",
    "solve": "graphc.ops.matrices:matrix_solve",
    "svd": "graphc.ops.decompositions:svd",
    "tensor_diag": "graphc.ops.diagonals:diag",
    "tensor_diag_part": "graphc.ops.diagonals:diag_part",
    "trace": "graphc.ops.diagonals:trace",
    "triangular_solve": "graphc.ops.matrices:matrix_triangular_solve",
}

__getattr__ = when_named(__name__, "graphc.linalg", _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "einsum",
    "eye",
    "matmul",
    "matrix_transpose",
    "matvec",
    "tensordot",
    "transpose",
]
