"""Names of TensorFlow 1 that graphc leaves out on purpose: each says so, and what to use instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _left_out(name: str, advice: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"tf.{name} is not there: {advice}")

    refuse.__name__ = name.rpartition(".")[2]
    refuse.__doc__ = f"Not there: {advice}."
    return refuse


betainc = _left_out("betainc", "tf.py_func with scipy.special.betainc computes it outside of the native step")
nextafter = _left_out("math.nextafter", "numpy.nextafter gives it for constants")
logm = _left_out("linalg.logm", "of symmetric matrices, tf.linalg.eigh gives it: v log(w) v^T")
sqrtm = _left_out("linalg.sqrtm", "of symmetric matrices, tf.linalg.eigh gives it: v sqrt(w) v^T")
tridiagonal_solve = _left_out("linalg.tridiagonal_solve", "tf.linalg.solve takes the matrix with all its elements")
tridiagonal_matmul = _left_out("linalg.tridiagonal_matmul", "three products of shifted rows and their sum give it")

py_function = _left_out("py_function", "tf.py_func takes a function of NumPy arrays; there are no eager tensors")

adjust_jpeg_quality = _left_out("image.adjust_jpeg_quality", "tf.image.encode_jpeg and decode_jpeg with a quality")
random_jpeg_quality = _left_out("image.random_jpeg_quality", "tf.image.encode_jpeg and decode_jpeg with a quality")

_QUANTISED = "graphc has no quantised numbers; compute in float32 and round with tf.round where it matters"
_FRACTIONAL = "graphc has no pooling over windows of random sizes; use tf.nn.max_pool or tf.nn.avg_pool"
fractional_max_pool = _left_out("nn.fractional_max_pool", _FRACTIONAL)
fractional_avg_pool = _left_out("nn.fractional_avg_pool", _FRACTIONAL)
quantize = _left_out("quantize", _QUANTISED)
quantize_v2 = _left_out("quantize_v2", _QUANTISED)
dequantize = _left_out("dequantize", _QUANTISED)
quantized_concat = _left_out("quantized_concat", _QUANTISED)
quantized_conv2d = _left_out("nn.quantized_conv2d", _QUANTISED)
quantized_relu_x = _left_out("nn.quantized_relu_x", _QUANTISED)
quantized_max_pool = _left_out("nn.quantized_max_pool", _QUANTISED)
quantized_avg_pool = _left_out("nn.quantized_avg_pool", _QUANTISED)

_OPERATORS = (
    "LinearOperatorAdjoint", "LinearOperatorBlockDiag", "LinearOperatorBlockLowerTriangular",
    "LinearOperatorCirculant", "LinearOperatorCirculant2D", "LinearOperatorCirculant3D", "LinearOperatorComposition",
    "LinearOperatorHouseholder", "LinearOperatorInversion", "LinearOperatorKronecker", "LinearOperatorLowRankUpdate",
    "LinearOperatorPermutation", "LinearOperatorToeplitz", "LinearOperatorTridiag", "LinearOperatorZeros",
)  # fmt: skip
linear_operators = {
    name: _left_out(f"linalg.{name}", "LinearOperatorFullMatrix takes the matrix with all its elements")
    for name in _OPERATORS
}
globals().update(linear_operators)
