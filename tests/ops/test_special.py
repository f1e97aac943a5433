"""Every name of TensorFlow 1.15's ``tf.math`` and ``tf.linalg`` is there, or says what to use instead."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

# The public names of TensorFlow 1.15, by its documentation.
MATH = """abs accumulate_n acos acosh add add_n angle argmax argmin asin asinh atan atan2 atanh bessel_i0 bessel_i0e
bessel_i1 bessel_i1e betainc bincount ceil confusion_matrix conj cos cosh count_nonzero cumprod cumsum
cumulative_logsumexp digamma divide divide_no_nan equal erf erfc exp expm1 floor floordiv floormod greater greater_equal
igamma igammac imag in_top_k invert_permutation is_finite is_inf is_nan is_non_decreasing is_strictly_increasing
l2_normalize lbeta less less_equal lgamma log log1p log_sigmoid log_softmax logical_and logical_not logical_or
logical_xor maximum minimum mod multiply multiply_no_nan negative nextafter not_equal polygamma polyval pow real
reciprocal reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod
reduce_std reduce_sum reduce_variance rint round rsqrt scalar_mul segment_max segment_mean segment_min segment_prod
segment_sum sigmoid sign sin sinh softmax softplus softsign sqrt square squared_difference subtract tan tanh top_k
truediv unsorted_segment_max unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n
unsorted_segment_sum xdivy xlogy zero_fraction zeta"""
LINALG = """
LinearOperator LinearOperatorAdjoint LinearOperatorBlockDiag LinearOperatorCirculant LinearOperatorCirculant2D
LinearOperatorCirculant3D LinearOperatorComposition LinearOperatorDiag LinearOperatorFullMatrix
LinearOperatorHouseholder
LinearOperatorIdentity LinearOperatorInversion LinearOperatorKronecker LinearOperatorLowRankUpdate
LinearOperatorLowerTriangular LinearOperatorScaledIdentity LinearOperatorToeplitz LinearOperatorZeros adjoint band_part
cholesky cholesky_solve cross det diag diag_part eigh eigvalsh einsum expm eye global_norm inv l2_normalize logdet logm
lstsq lu matmul matrix_transpose matvec norm qr set_diag slogdet solve sqrtm svd tensor_diag tensor_diag_part tensordot
trace transpose triangular_solve tridiagonal_matmul tridiagonal_solve"""


def test_every_name_of_math_and_linalg_is_there() -> None:
    assert [name for name in MATH.split() if not callable(getattr(tf.math, name, None))] == []
    assert [name for name in LINALG.split() if not callable(getattr(tf.linalg, name, None))] == []


def test_parts_of_real_numbers_and_order() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([1.0, -2.0, 3.0])
        found = session.run(
            [tf.real(x), tf.imag(x), tf.conj(x), tf.angle(x), tf.math.is_non_decreasing(x[::2]),
             tf.math.is_strictly_increasing([1, 1, 2]), tf.math.is_non_decreasing([1, 1, 2]),
             tf.math.polyval([2.0, 0.0, 1.0], x), tf.math.reciprocal_no_nan([0.0, 4.0])]
        )  # fmt: skip
    wanted = [[1, -2, 3], [0, 0, 0], [1, -2, 3], [0, np.float32(np.pi), 0], True, False, True, [3, 9, 19], [0, 0.25]]
    for came, true in zip(found, wanted, strict=True):
        assert np.array_equal(came, np.array(true, came.dtype))


def test_mistakes_are_named_while_declaring() -> None:
    with tf.Graph().as_default():
        with pytest.raises(TypeError, match="float32, float64"):
            tf.lgamma(tf.constant([1, 2]))
        with pytest.raises(TypeError, match="int32"):
            tf.bitwise.bitwise_and(tf.constant([1.0]), tf.constant([2.0]))
        a = tf.constant([2.0])
        first = tf.gradients(tf.igamma(a, [1.0]), a)[0]
        with pytest.raises(LookupError, match="IgammaGradA"):
            tf.gradients(first, a)
