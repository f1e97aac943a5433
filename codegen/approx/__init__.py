"""Mathematics of our own: vector functions as LLVM instructions, without any library, at most 2 ulp off.

Every function has the form ``exp(builder, x, fma=...) -> value``; x is a ``float``, a ``double``, or a vector of them,
and the result has its type. ``fma`` says whether the target has fused multiply-add. One ulp is the distance of
neighbouring floats around the true value. The largest errors in ulp (float32, float64), for which tests sweep over
all magnitudes:

=========  ====  ====    ========  ====  ====    ===  ====  ====
exp        1.20  1.20    tanh      1.40  1.40    sin  1.65  1.65
expm1      1.25  1.25    sigmoid   1.75  1.80    cos  1.65  1.65
log        0.90  0.90    softplus  1.85  1.85    tan  0.65  2.00
log1p      1.50  1.25    erf       1.30  1.25    pow  0.51  1.00
=========  ====  ====    ========  ====  ====    ===  ====  ====

Infinities, NaN, signed zeros and the smallest numbers behave as in NumPy; nothing is flushed to zero.
"""

from __future__ import annotations

from graphc.codegen.approx.error_function import erf
from graphc.codegen.approx.exponential import exp, expm1
from graphc.codegen.approx.hyperbolic import sigmoid, tanh
from graphc.codegen.approx.logarithm import log, log1p, softplus
from graphc.codegen.approx.power import integer_pow, pow, unsigned_pow
from graphc.codegen.approx.trigonometric import cos, sin, sincos_bounded, tan

__all__ = [
    "cos",
    "erf",
    "exp",
    "expm1",
    "integer_pow",
    "log",
    "log1p",
    "pow",
    "sigmoid",
    "sin",
    "sincos_bounded",
    "softplus",
    "tan",
    "tanh",
    "unsigned_pow",
]
